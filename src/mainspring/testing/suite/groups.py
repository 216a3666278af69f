"""Groups of rows: aggregates, HAVING, DISTINCT; and what spreads lift out of related rows."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from mainspring.errors import NotGrouped, NotSupported, OperatorInvalid, ValueOutOfRange
from mainspring.query.ast import (
    Aggregate,
    And,
    Column,
    Compare,
    Const,
    Count,
    Cursor,
    Embed,
    Field,
    Not,
    Order,
    Read,
    Selection,
    Slot,
)
from mainspring.testing.suite.door import ALICE_, ANYBODY, BRUNO_, Door, Suite, compare, fields, raw_rows, rows_of, selected
from mainspring.testing.suite.world import ALICE, named

COUNT = Aggregate("count")


def over(function: str, column: str, alias: str | None = None, **casts: Any) -> Aggregate:
    """`column.function()`."""
    return Aggregate(function, Column(column), alias, **casts)


class GroupsSuite(Suite):
    """What aggregates yield, of which rows, in which order."""

    async def shelf(self, door: Door) -> None:
        """Three authors, six books of two of them and one of nobody."""
        await door.insert("people", *({"id": number, "name": name} for number, name in ((1, "Ada"), (2, "Bo"), (3, "Cy"))))
        books = (
            (1, 1, "a", "10.00", 2020),
            (2, 1, "b", "2.50", 2021),
            (3, 1, "c", None, 2021),
            (4, 2, "d", "0.10", 2020),
            (5, 2, "e", "0.20", None),
            (6, None, "f", "7.00", None),
        )
        names = ("id", "author_id", "title", "price", "year")
        await door.insert("books", *(dict(zip(names, book, strict=True)) for book in books))

    async def test_of_all_rows(self, door: Door) -> None:
        await self.shelf(door)
        items = (COUNT, over("count", "price", "priced"), over("sum", "price"), over("min", "title"), over("max", "year"))
        assert await door.rows("books", *items) == [{"count": 6, "priced": 5, "sum": Decimal("19.80"), "min": "a", "max": 2021}]

    async def test_of_no_rows_there_is_one_group(self, door: Door) -> None:
        found = await door.rows("books", COUNT, over("sum", "price"), over("avg", "year"), over("max", "title"))
        assert found == [{"count": 0, "sum": None, "avg": None, "max": None}]

    async def test_of_no_rows_there_are_no_groups_by_a_column(self, door: Door) -> None:
        assert await door.rows("books", "author_id", COUNT) == []

    async def test_by_a_column_nulls_are_a_group(self, door: Door) -> None:
        await self.shelf(door)
        assert await door.rows("books", "author_id", COUNT, over("sum", "year")) == [
            {"author_id": 1, "count": 3, "sum": 6062},
            {"author_id": 2, "count": 2, "sum": 2020},
            {"author_id": None, "count": 1, "sum": None},
        ]

    async def test_only_rows_that_fit_are_counted(self, door: Door) -> None:
        await self.shelf(door)
        assert await door.rows("books", "author_id", COUNT, where=compare("year", "eq", 2021)) == [{"author_id": 1, "count": 2}]

    async def test_numbers_are_exact(self, door: Door) -> None:
        await self.shelf(door)
        where = compare("author_id", "eq", 2)
        found = await door.read("books", over("sum", "price"), over("avg", "price"), where=where)
        assert raw_rows(found) == [{"sum": "0.30", "avg": "0.15"}]

    async def test_averages_have_15_digits(self, door: Door) -> None:
        await door.insert("samples", *({"id": number, "whole": whole} for number, whole in ((1, 1), (2, 0), (3, 0))))
        assert raw_rows(await door.read("samples", over("avg", "whole"))) == [{"avg": "0.333333333333333"}]

    @pytest.mark.parametrize(
        ("column", "values", "least", "greatest"),
        [
            ("a_text", ("b", "a", "é"), "a", "é"),
            ("a_text", ("Z", "a", ""), "", "a"),
            ("exact", ("10", "9.5", "0.25"), Decimal("0.25"), 10),
            ("real", (1.5, -2.25, 0.0), Decimal("-2.25"), Decimal("1.5")),
            ("day", ("2026-01-02", "1999-12-31", "2026-01-01"), "1999-12-31", "2026-01-02"),
            ("kind", ("high", "low", "medium"), "low", "high"),
            ("span", ("2 days", "-1 day", "01:00"), "-1 days", "2 days"),
        ],
    )
    async def test_least_and_greatest(self, door: Door, column: str, values: tuple[Any, ...], least: Any, greatest: Any) -> None:
        await door.insert("samples", *({"id": number, column: value} for number, value in enumerate(values)))
        (found,) = await door.rows("samples", over("min", column), over("max", column))
        assert (found["min"], found["max"]) == (least, greatest)

    @pytest.mark.parametrize(("function", "column"), [("sum", "a_text"), ("avg", "flag"), ("min", "doc"), ("max", "words")])
    async def test_some_types_have_no_such_function(self, door: Door, function: str, column: str) -> None:
        with pytest.raises(OperatorInvalid, match=function):
            await door.read("samples", over(function, column))

    async def test_casts_before_and_after(self, door: Door) -> None:
        await door.insert("samples", *({"id": number, "whole": whole} for number, whole in ((1, 9), (2, 10))))
        items = (over("max", "whole", "text", input="text"), over("sum", "whole", "sum", cast="text"))
        assert await door.rows("samples", *items) == [{"text": "9", "sum": "19"}]

    async def test_groups_by_a_cast_and_by_a_path(self, door: Door) -> None:
        docs = ({"kind": "a"}, {"kind": "a"}, {"kind": 1}, None)
        moments = ("2026-01-01T10:00:00", "2026-01-01T20:00:00", "2026-01-02T00:00:00", None)
        rows = zip(docs, moments, strict=True)
        await door.insert("samples", *({"id": at, "doc": doc, "moment": moment} for at, (doc, moment) in enumerate(rows)))
        assert await door.rows("samples", Field(Column("moment"), "day", "date"), COUNT) == [
            {"day": "2026-01-01", "count": 2},
            {"day": "2026-01-02", "count": 1},
            {"day": None, "count": 1},
        ]
        kind = Field(Column("doc", ("kind",), as_text=True))
        assert await door.rows("samples", kind, COUNT) == [
            {"kind": "1", "count": 1},
            {"kind": "a", "count": 2},
            {"kind": None, "count": 1},
        ]

    async def test_json_makes_no_groups(self, door: Door) -> None:
        with pytest.raises(NotSupported, match="grouping"):
            await door.read("samples", "doc", COUNT)

    async def test_ordered_by_an_aggregate(self, door: Door) -> None:
        await self.shelf(door)
        order = (Order(over("sum", "price"), descending=True, nulls_first=False), Order(COUNT))
        found = await door.rows("books", "author_id", COUNT, order=order, page=(2, None))
        assert found == [{"author_id": 1, "count": 3}, {"author_id": None, "count": 1}]

    async def test_ordered_by_what_makes_them(self, door: Door) -> None:
        await self.shelf(door)
        found = await door.rows("books", COUNT, "author_id", order=(Order(Column("author_id"), descending=True),))
        assert [row["author_id"] for row in found] == [None, 2, 1]

    async def test_not_ordered_by_anything_else(self, door: Door) -> None:
        with pytest.raises(NotGrouped, match="title"):
            await door.read("books", "author_id", COUNT, order=(Order(Column("title")),))

    async def test_having(self, door: Door) -> None:
        await self.shelf(door)
        many = Compare("gte", COUNT, Const(2))
        dear = Compare("gt", over("sum", "price"), Const(1))
        for having, authors in ((many, [1, 2]), (And((many, dear)), [1]), (Not(many), [None])):
            selection = Selection(fields("author_id"), having=having)
            assert [row["author_id"] for row in rows_of(await door.run(Read(named("books"), selection)))] == authors

    async def test_pages_and_the_number_of_groups(self, door: Door) -> None:
        await self.shelf(door)
        found = await door.read("books", "author_id", COUNT, page=(1, 1), count=True)
        assert (rows_of(found), found.total) == ([{"author_id": 2, "count": 2}], 3)
        selection = Selection(fields("author_id"), having=Compare("gt", COUNT, Const(1)), limit=Slot(0))
        found = await door.run(Read(named("books"), selection, Count.EXACT), [1])
        assert (rows_of(found), found.total) == ([{"author_id": 1}], 2)

    async def test_distinct(self, door: Door) -> None:
        await self.shelf(door)
        order = (Order(Column("year"), descending=True, nulls_first=False),)
        selection = Selection(fields("year"), distinct=True, order=order)
        found = rows_of(await door.run(Read(named("books"), selection)))
        assert [row["year"] for row in found] == [2021, 2020, None]

    @pytest.mark.parametrize("word", ["distinct", "having"])
    async def test_by_nothing_there_is_one_group(self, door: Door, word: str) -> None:
        await self.shelf(door)
        having = Compare("gte", COUNT, Const(0)) if word == "having" else None
        author = Embed("people", Selection(()), hint="books_author_fkey", spread=True)
        for least, cursor in ((0, None), (9, None), (0, Cursor())):
            picked = Compare("gt", Column("id"), Const(least))
            selection = Selection((author,), picked, having=having, distinct=having is None)
            result = await door.run(Read(named("books"), selection, Count.EXACT, cursor=cursor))
            assert (rows_of(result), result.count, result.total) == ([{}], 1, 1)

    async def test_inside_an_embed(self, door: Door) -> None:
        await self.shelf(door)
        books = Embed("books", selected(COUNT, over("sum", "price")), hint="books_author_fkey")
        assert await door.rows("people", "name", books) == [
            {"name": "Ada", "books": [{"count": 3, "sum": 12.5}]},
            {"name": "Bo", "books": [{"count": 2, "sum": Decimal("0.30")}]},
            {"name": "Cy", "books": [{"count": 0, "sum": None}]},
        ]

    async def test_by_a_column_inside_an_embed(self, door: Door) -> None:
        await self.shelf(door)
        books = Embed("books", selected("year", COUNT), hint="books_author_fkey")
        found = await door.rows("people", books, where=compare("id", "eq", 1))
        assert found == [{"books": [{"year": 2020, "count": 1}, {"year": 2021, "count": 2}]}]

    async def test_by_an_embed(self, door: Door) -> None:
        await self.shelf(door)
        author = Embed("people", selected("name"), "author", "books_author_fkey")
        found = await door.rows("books", COUNT, author, order=(Order(COUNT, descending=True),))
        assert found == [
            {"count": 3, "author": {"name": "Ada"}},
            {"count": 2, "author": {"name": "Bo"}},
            {"count": 1, "author": None},
        ]

    async def test_by_what_a_spread_lifts(self, door: Door) -> None:
        await self.shelf(door)
        author = Embed("people", selected("name"), hint="books_author_fkey", spread=True)
        assert await door.rows("books", COUNT, author) == [
            {"count": 3, "name": "Ada"},
            {"count": 2, "name": "Bo"},
            {"count": 1, "name": None},
        ]

    async def test_an_aggregate_in_a_spread_is_the_row_s_own(self, door: Door) -> None:
        await self.shelf(door)
        author = Embed("people", selected(over("max", "name"), COUNT), hint="books_author_fkey", spread=True)
        assert await door.rows("books", "year", author) == [
            {"year": 2020, "max": "Bo", "count": 2},
            {"year": 2021, "max": "Ada", "count": 2},
            {"year": None, "max": "Bo", "count": 1},
        ]

    async def test_totals_beyond_64_bits(self, door: Door) -> None:
        await door.insert("samples", *({"id": number, "big": 2**63 - 1} for number in (1, 2)))
        if door.engine.capabilities.numeric_digits is None:
            assert raw_rows(await door.read("samples", over("sum", "big"))) == [{"sum": str(2**64 - 2)}]
        else:
            with pytest.raises(ValueOutOfRange):
                await door.read("samples", over("sum", "big"))

    async def test_totals_of_doubles_that_are_none(self, door: Door) -> None:
        await door.insert("samples", *({"id": number, "real": 1.7e308} for number in (1, 2)))
        with pytest.raises(ValueOutOfRange):
            await door.read("samples", over("sum", "real"))

    async def test_hidden_rows_are_not_aggregated(self, door: Door) -> None:
        await door.insert("notes", {"id": 1, "owner": ALICE, "body": "zzz"})
        await door.insert("notes", {"id": 2, "owner": ALICE, "body": "b", "published": True})
        items = (COUNT, over("max", "body"))
        assert await door.rows("notes", *items, me=ANYBODY) == [{"count": 1, "max": "b"}]
        assert await door.rows("notes", *items, me=BRUNO_) == [{"count": 1, "max": "b"}]
        assert await door.rows("notes", *items, me=ALICE_) == [{"count": 2, "max": "zzz"}]

    async def test_not_in_the_answer_to_a_write(self, door: Door) -> None:
        with pytest.raises(NotSupported, match="write"):
            await door.insert("labels", {"id": 1}, returning=selected(COUNT))
        assert await door.ids("labels") == []


class SpreadsSuite(Suite):
    """A to-many spread lifts each output as an array."""

    async def test_arrays_in_the_order_asked_for(self, door: Door) -> None:
        await door.insert("people", {"id": 1, "name": "Ada"}, {"id": 2, "name": "Bo"})
        books = ((1, "a", None), (2, "b", 2021), (3, "c", 2020))
        await door.insert("books", *({"id": id_, "author_id": 1, "title": title, "year": year} for id_, title, year in books))
        shelf = selected("title", "year", order=(Order(Column("title"), descending=True),))
        found = await door.rows("people", "name", Embed("books", shelf, hint="books_author_fkey", spread=True))
        assert found == [
            {"name": "Ada", "title": ["c", "b", "a"], "year": [2020, 2021, None]},
            {"name": "Bo", "title": [], "year": []},
        ]

    async def test_through_a_junction_and_nested(self, door: Door) -> None:
        await door.insert("people", {"id": 1, "name": "Ada"})
        await door.insert("books", {"id": 1, "author_id": 1, "title": "a"}, {"id": 2, "author_id": 1, "title": "b"})
        await door.insert("labels", {"id": 1, "word": "x"}, {"id": 2, "word": "y"})
        await door.insert("book_labels", *({"book_id": 1, "label_id": label} for label in (1, 2)))
        labels = Embed("labels", selected("word"), spread=True)
        assert await door.rows("books", "id", labels) == [{"id": 1, "word": ["x", "y"]}, {"id": 2, "word": []}]
        shelf = Embed("books", selected("title", labels), hint="books_author_fkey", spread=True)
        assert await door.rows("people", shelf) == [{"title": ["a", "b"], "word": [["x", "y"], []]}]
        author = Embed("people", selected(Field(Column("id"), "author"), shelf), hint="books_author_fkey", spread=True)
        assert await door.rows("books", "id", author, where=compare("id", "eq", 2)) == [
            {"id": 2, "author": 1, "title": ["a", "b"], "word": [["x", "y"], []]}
        ]

    async def test_aggregates_stay_outside(self, door: Door) -> None:
        with pytest.raises(NotSupported, match="spread"):
            await door.read("people", Embed("books", selected(COUNT), hint="books_author_fkey", spread=True))
