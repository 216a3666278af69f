"""Reads: every operator in three-valued logic, order, pages, counts, embeds."""

from __future__ import annotations

from typing import Any

import pytest

from mainspring.errors import SyntaxInvalid
from mainspring.query.ast import (
    FALSE,
    And,
    Auth,
    Column,
    Compare,
    Const,
    Embed,
    Expr,
    Field,
    Is,
    Not,
    Or,
    Order,
    Quantifier,
    Related,
    Slot,
    Star,
    Truth,
)
from mainspring.testing.suite.door import Door, Suite, compare, rows_of, selected

# Three values in rising order, for every type that has one.
RISING: list[tuple[str, tuple[Any, Any, Any]]] = [
    ("a_text", ("Z", "a", "é")),
    ("a_text", ("", " ", "a")),
    ("a_text", ("a", "\uffff", "😀")),
    ("a_text", ("1", "10", "9")),
    ("small", (-1, 0, 2)),
    ("whole", (-10, 9, 10)),
    ("big", (-(2**63), 0, 2**63 - 1)),
    ("price", ("-1.10", "9.99", "10.00")),
    ("exact", ("0.1", "0.11", "2")),
    ("real", (-1.5, 0.1, 1e10)),
    ("day", ("0001-01-01", "2024-02-29", "9999-12-31")),
    ("clock", ("12:00:00", "12:00:00.5", "12:00:01")),
    ("moment", ("2026-01-01T00:00:00", "2026-01-01T00:00:00.000001", "2026-01-01T00:00:01")),
    ("instant", ("2026-01-01T00:00:00Z", "2026-01-01T01:00:00.5+01:00", "2026-01-01T00:00:01Z")),
    ("span", ("-1 day", "01:00", "2 days")),
    ("code", ("00000000-0000-0000-0000-00000000000a", "0a000000-0000-0000-0000-000000000000", "f" * 32)),
    ("raw", ("\\x", "\\x00ff", "\\x01")),
    ("kind", ("low", "medium", "high")),
]
BY_OPERATOR = {"eq": [2], "neq": [1, 3], "gt": [3], "gte": [2, 3], "lt": [1], "lte": [1, 2]}
WORDS = ["Straße", "strasse", "ÉCOLE", "école", "100%", "100", "a_b", "axb", "back\\slash", "two\nlines", "", "a*b?[c]"]
PATTERNS: list[tuple[str, str, list[str]]] = [
    ("like", "Str%", ["Straße"]),
    ("like", "str%", ["strasse"]),
    ("ilike", "STR%", ["Straße", "strasse"]),
    ("ilike", "École", ["ÉCOLE"]),
    ("ilike", "éCOLE", ["école"]),
    ("like", "100\\%", ["100%"]),
    ("like", "100%", ["100%", "100"]),
    ("like", "a\\_b", ["a_b"]),
    ("like", "a_b", ["a_b", "axb"]),
    ("like", "%\\\\%", ["back\\slash"]),
    ("like", "two%lines", ["two\nlines"]),
    ("like", "", [""]),
    ("like", "Stra_e", ["Straße"]),
    ("like", "a*b?[c]", ["a*b?[c]"]),
    ("ilike", "A*B?[C]", ["a*b?[c]"]),
    ("ilike", "%\\\\SLASH", ["back\\slash"]),
]
BY_ID = (Order(Column("id")),)


class ConditionsSuite(Suite):
    """Which rows a condition picks."""

    @pytest.mark.parametrize(("column", "values"), RISING)
    async def test_comparisons(self, door: Door, column: str, values: tuple[Any, Any, Any]) -> None:
        await door.insert("samples", *({"id": number, column: value} for number, value in enumerate((*values, None), 1)))
        for operator, expected in BY_OPERATOR.items():
            condition = compare(column, operator, values[1])
            others = [number for number in (1, 2, 3) if number not in expected]
            assert await door.ids("samples", condition) == expected, operator
            assert await door.ids("samples", Not(condition)) == others, f"not {operator}"
        among = compare(column, "in", [values[0], values[2]])
        assert await door.ids("samples", among) == [1, 3]
        assert await door.ids("samples", Not(among)) == [2]
        assert await door.ids("samples", compare(column, "in", [])) == []

    @pytest.mark.parametrize(("column", "values"), RISING)
    async def test_order(self, door: Door, column: str, values: tuple[Any, Any, Any]) -> None:
        shuffled = [(3, values[2]), (9, None), (1, values[0]), (2, values[1])]
        await door.insert("samples", *({"id": number, column: value} for number, value in shuffled))
        key = Column(column)
        assert await door.ids("samples", order=[Order(key)]) == [1, 2, 3, 9]
        assert await door.ids("samples", order=[Order(key, descending=True)]) == [9, 3, 2, 1]
        assert await door.ids("samples", order=[Order(key, nulls_first=True)]) == [9, 1, 2, 3]
        assert await door.ids("samples", order=[Order(key, descending=True, nulls_first=False)]) == [3, 2, 1, 9]

    async def test_booleans(self, door: Door) -> None:
        flags = (True, False, None)
        await door.insert("samples", *({"id": number, "flag": flag} for number, flag in enumerate(flags, 1)))
        flag = Column("flag")
        picked: list[tuple[Expr, list[int]]] = [
            (Truth(flag), [1]),
            (Not(Truth(flag)), [2]),
            (compare("flag", "eq", False), [2]),
            (compare("flag", "in", [True, False]), [1, 2]),
            (Is(flag, "true"), [1]),
            (Not(Is(flag, "true")), [2, 3]),
            (Is(flag, "false"), [2]),
            (Is(flag, "unknown"), [3]),
            (Is(flag, "null"), [3]),
            (Is(flag, "not_null"), [1, 2]),
        ]
        for condition, expected in picked:
            assert await door.ids("samples", condition) == expected, condition

    async def test_unknown_is_neither_true_nor_false(self, door: Door) -> None:
        await door.insert("samples", {"id": 1, "whole": 1, "small": 1}, {"id": 2, "whole": None, "small": 1})
        unknown, yes, no = compare("whole", "eq", 1), compare("small", "eq", 1), compare("small", "eq", 2)
        picked: list[tuple[Expr, list[int]]] = [
            (And((unknown, yes)), [1]),
            (Not(And((unknown, yes))), []),
            (Not(And((unknown, no))), [1, 2]),
            (Or((unknown, yes)), [1, 2]),
            (Or((unknown, no)), [1]),
            (Not(Or((unknown, no))), []),
            (Not(Not(unknown)), [1]),
            (compare("whole", "eq", None), []),
            (compare("whole", "neq", None), []),
            (compare("whole", "in", [1, None]), [1]),
            (Not(compare("whole", "in", [2, None])), []),
            (And(()), [1, 2]),
            (FALSE, []),
            (Not(FALSE), [1, 2]),
        ]
        for condition, expected in picked:
            assert await door.ids("samples", condition) == expected, condition

    @pytest.mark.parametrize(("operator", "pattern", "expected"), PATTERNS)
    async def test_patterns(self, door: Door, operator: str, pattern: str, expected: list[str]) -> None:
        await door.insert("samples", *({"id": number, "a_text": word} for number, word in enumerate([*WORDS, None])))
        condition = compare("a_text", operator, pattern)
        found = [row["a_text"] for row in await door.rows("samples", "a_text", where=condition, order=BY_ID)]
        rest = [row["a_text"] for row in await door.rows("samples", "a_text", where=Not(condition), order=BY_ID)]
        assert found == expected
        assert rest == [word for word in WORDS if word not in expected]

    async def test_columns_compare_with_columns_and_facts_about_the_caller(self, door: Door) -> None:
        await door.insert("samples", {"id": 1, "small": 1, "whole": 1}, {"id": 2, "small": 1, "whole": 2})
        assert await door.ids("samples", Compare("lt", Column("id"), Column("id"))) == []
        assert await door.ids("samples", Compare("eq", Column("small"), Column("whole"))) == [1]
        assert await door.ids("samples", Compare("eq", Column("a_text"), Auth(("role",)))) == []
        assert await door.ids("samples", Compare("eq", Auth(("role",)), Const("service_role"))) == [1, 2]

    async def test_values_of_the_request(self, door: Door) -> None:
        await door.insert("samples", {"id": 1, "price": "1.50"}, {"id": 2, "price": "2.00"})
        condition = Compare("in", Column("price"), Slot(0))
        assert await door.ids("samples", condition, values=[["1.5", "7"]]) == [1]
        assert await door.ids("samples", condition, values=[["2"]]) == [2]
        assert await door.ids("samples", Compare("eq", Column("price"), Slot(0)), values=["1.500"]) == [1]

    async def test_any_and_all_of_several_values(self, door: Door) -> None:
        await fill(door)
        word, some, every = Column("title"), Quantifier.ANY, Quantifier.ALL
        for op, values, quantifier, ids in (
            ("eq", ["One", "Three"], some, [1, 3]),
            ("eq", [], some, []),
            ("eq", [], every, [1, 2, 3]),
            ("gt", ["One", "T"], every, [2, 3]),
            ("like", ["T%", "%e"], every, [3]),
            ("ilike", ["o%", "tw%"], some, [1, 2]),
            ("eq", ["One", None], some, [1]),
        ):
            condition = Compare(op, word, Const(values), quantifier)
            assert await door.ids("books", condition) == ids
        keys = Compare("eq", Column("id"), Const([1, 3]), some)
        assert await door.ids("books", keys, order=[Order(Column("id"), descending=True)]) == [3, 1]
        assert await door.ids("books", Not(Compare("eq", word, Const(["One", None]), some))) == []
        assert await door.ids("books", Compare("eq", Column("id"), Const([1, 3]), some)) == [1, 3]  # a key, and several rows
        assert await door.ids("people", Compare("isdistinct", Column("boss_id"), Const(1))) != await door.ids(
            "people", compare("boss_id", "neq", 1)
        )


class PagesSuite(Suite):
    """Pages and counts."""

    @pytest.mark.parametrize(
        ("limit", "offset", "expected"),
        [(3, None, [1, 2, 3]), (3, 2, [3, 4, 5]), (None, 8, [9, 10]), (5, 8, [9, 10]), (0, 0, []), (5, 10, []), (5, 11, [])],
    )
    async def test_pages(self, door: Door, limit: int | None, offset: int | None, expected: list[int]) -> None:
        await door.insert("samples", *({"id": number} for number in range(10, 0, -1)))
        result = await door.read("samples", "id", order=BY_ID, page=(limit, offset), count=True)
        assert [row["id"] for row in rows_of(result)] == expected
        assert result.total == 10

    async def test_a_count_counts_what_the_condition_picks(self, door: Door) -> None:
        await door.insert("samples", *({"id": number, "flag": number % 3 == 0} for number in range(1, 11)))
        result = await door.read("samples", "id", where=Truth(Column("flag")), page=(2, 0), count=True)
        assert (result.count, result.total) == (2, 3)
        assert (await door.read("samples", "id")).total is None
        assert (await door.read("samples", "id", where=FALSE, count=True)).total == 0

    async def test_pages_neither_repeat_nor_lose_rows_of_equal_keys(self, door: Door) -> None:
        await door.insert("samples", *({"id": number, "small": 1} for number in (4, 2, 9, 7, 1)))
        order = [Order(Column("small"), descending=True)]
        pages = [await door.ids("samples", order=order, page=(2, offset)) for offset in (0, 2, 4)]
        assert sorted(number for page in pages for number in page) == [1, 2, 4, 7, 9]

    async def test_order_by_several_columns(self, door: Door) -> None:
        pairs = [(1, 2), (2, 1), (1, 1), (2, None)]
        await door.insert("samples", *({"id": number, "small": a, "whole": b} for number, (a, b) in enumerate(pairs, 1)))
        order = [Order(Column("small"), descending=True), Order(Column("whole"))]
        assert await door.ids("samples", order=order) == [2, 4, 3, 1]

    async def test_order_by_a_place_in_json(self, door: Door) -> None:
        await door.insert("samples", *({"id": n, "doc": {"k": k}} for n, k in ((1, "b"), (2, None), (3, "a"))))
        assert await door.ids("samples", order=[Order(Column("doc", ("k",), as_text=True))]) == [3, 1, 2]

    async def test_an_empty_table_answers_an_empty_array(self, door: Door) -> None:
        result = await door.read("samples", count=True)
        assert (result.body, result.count, result.total) == (b"[]", 0, 0)


LIBRARY: dict[str, list[dict[str, Any]]] = {
    "people": [
        {"id": 1, "name": "Ada", "boss_id": None},
        {"id": 2, "name": "Bob", "boss_id": 1},
        {"id": 3, "name": "Cy", "boss_id": 1},
    ],
    "books": [
        {"id": 1, "author_id": 2, "editor_id": 1, "title": "One", "year": 2001},
        {"id": 2, "author_id": 2, "editor_id": None, "title": "Two", "year": 2002},
        {"id": 3, "author_id": None, "editor_id": 3, "title": "Three", "year": 2003},
    ],
    "labels": [{"id": 1, "word": "new"}, {"id": 2, "word": "old"}, {"id": 3, "word": "unused"}],
    "book_labels": [{"book_id": 1, "label_id": 1}, {"book_id": 1, "label_id": 2}, {"book_id": 2, "label_id": 2}],
    "covers": [{"book_id": 1, "colour": "red"}],
}


async def fill(door: Door) -> None:
    """The library's rows."""
    for table, rows in LIBRARY.items():
        await door.insert(table, *rows)


class EmbedsSuite(Suite):
    """Related rows inside rows."""

    async def test_to_one(self, door: Door) -> None:
        await fill(door)
        author = Embed("people", selected("name"), alias="author", hint="author_id")
        assert await door.rows("books", "id", author) == [
            {"id": 1, "author": {"name": "Bob"}},
            {"id": 2, "author": {"name": "Bob"}},
            {"id": 3, "author": None},
        ]

    async def test_two_ways_to_one_table(self, door: Door) -> None:
        await fill(door)
        author = Embed("people", selected("name"), alias="author", hint="author_id")
        editor = Embed("people", selected("name"), alias="editor", hint="books_editor_fkey")
        (row,) = await door.rows("books", author, editor, where=compare("id", "eq", 1))
        assert row == {"author": {"name": "Bob"}, "editor": {"name": "Ada"}}

    async def test_to_many(self, door: Door) -> None:
        await fill(door)
        books = Embed("books", selected("title"), hint="author_id")
        assert await door.rows("people", "id", books) == [
            {"id": 1, "books": []},
            {"id": 2, "books": [{"title": "One"}, {"title": "Two"}]},
            {"id": 3, "books": []},
        ]

    async def test_many_to_many(self, door: Door) -> None:
        await fill(door)
        labels = Embed("labels", selected("word"))
        assert await door.rows("books", "id", labels) == [
            {"id": 1, "labels": [{"word": "new"}, {"word": "old"}]},
            {"id": 2, "labels": [{"word": "old"}]},
            {"id": 3, "labels": []},
        ]

    async def test_one_to_one_from_both_sides(self, door: Door) -> None:
        await fill(door)
        rows = await door.rows("books", "id", Embed("covers", selected("colour")), where=compare("id", "lte", 2))
        assert rows == [{"id": 1, "covers": {"colour": "red"}}, {"id": 2, "covers": None}]
        assert await door.rows("covers", Embed("books", selected("title"))) == [{"books": {"title": "One"}}]

    async def test_itself(self, door: Door) -> None:
        await fill(door)
        boss = Embed("boss_id", selected("name"), alias="boss")
        (row,) = await door.rows("people", "name", boss, where=compare("id", "eq", 2))
        assert row == {"name": "Bob", "boss": {"name": "Ada"}}

    async def test_nested(self, door: Door) -> None:
        await fill(door)
        inner = Embed("labels", selected("word", order=[Order(Column("word"), descending=True)]))
        books = Embed("books", selected("title", inner, Embed("covers", selected(Star()))), hint="author_id")
        (row,) = await door.rows("people", books, where=compare("id", "eq", 2))
        assert row["books"] == [
            {"title": "One", "labels": [{"word": "old"}, {"word": "new"}], "covers": {"book_id": 1, "colour": "red"}},
            {"title": "Two", "labels": [{"word": "old"}], "covers": None},
        ]

    async def test_spread(self, door: Door) -> None:
        await fill(door)
        items = (Field(Column("name"), "author"), Embed("books", selected("id"), hint="author_id"))
        author = Embed("people", selected(*items, where=compare("name", "neq", "Ada")), hint="author_id", spread=True)
        cover = Embed("covers", selected(Field(Column("colour"), "cover")), spread=True)
        assert await door.rows("books", "id", author, cover) == [
            {"id": 1, "author": "Bob", "books": [{"id": 1}, {"id": 2}], "cover": "red"},
            {"id": 2, "author": "Bob", "books": [{"id": 1}, {"id": 2}], "cover": None},
            {"id": 3, "author": None, "books": None, "cover": None},
        ]
        written = await door.update("books", {"title": "x"}, compare("id", "eq", 1), returning=selected("title", cover))
        assert rows_of(written) == [{"title": "x", "cover": "red"}]
        with pytest.raises(SyntaxInvalid):
            await door.rows("books", "id", Embed("covers", selected(Field(Column("colour"), "id")), spread=True))

    async def test_whether_an_embed_has_rows(self, door: Door) -> None:
        await fill(door)
        labels = Embed("labels", selected(where=compare("word", "eq", "new")))
        for related, ids in ((Related("labels", exists=True), [1]), (Not(Related("labels", exists=True)), [2, 3])):
            assert [row["id"] for row in await door.rows("books", "id", labels, where=related, order=BY_ID)] == ids
        either = Or((Related("labels", exists=True), compare("id", "eq", 3)))
        assert [row["id"] for row in await door.rows("books", "id", labels, where=either, order=BY_ID)] == [1, 3]

    async def test_condition_order_and_page_of_an_embed(self, door: Door) -> None:
        await fill(door)
        falling = [Order(Column("year"), descending=True)]
        books = Embed("books", selected("title", order=falling, limit=0), hint="author_id")
        rows = await door.rows("people", "id", books, values=[1], order=BY_ID)
        assert rows == [{"id": 1, "books": []}, {"id": 2, "books": [{"title": "Two"}]}, {"id": 3, "books": []}]
        books = Embed("books", selected("title", where=compare("year", "lt", 2002)), hint="author_id")
        rows = await door.rows("people", "id", books, where=compare("id", "eq", 2))
        assert rows == [{"id": 2, "books": [{"title": "One"}]}]

    async def test_inner_keeps_only_parents_that_have_some(self, door: Door) -> None:
        await fill(door)
        books = Embed("books", selected("title", where=compare("year", "gt", 2001)), hint="author_id", inner=True)
        result = await door.read("people", "id", books, count=True)
        assert rows_of(result) == [{"id": 2, "books": [{"title": "Two"}]}]
        assert result.total == 1
        labels = Embed("labels", selected("id", where=compare("word", "eq", "new")), inner=True)
        assert await door.rows("books", "id", labels) == [{"id": 1, "labels": [{"id": 1}]}]

    async def test_order_by_a_related_column(self, door: Door) -> None:
        await fill(door)
        author = Embed("people", selected("name"), alias="author", hint="author_id")
        editor = Embed("people", selected("name"), alias="editor", hint="editor_id")
        order = [Order(Column("name"), descending=True, nulls_first=False, related="editor")]
        assert await door.rows("books", "id", author, editor, order=order) == [
            {"id": 3, "author": None, "editor": {"name": "Cy"}},
            {"id": 1, "author": {"name": "Bob"}, "editor": {"name": "Ada"}},
            {"id": 2, "author": {"name": "Bob"}, "editor": None},
        ]

    async def test_aliases_and_casts_inside(self, door: Door) -> None:
        await fill(door)
        covers = Embed("covers", selected(Field(Column("book_id"), "of", "text")), alias="cover")
        assert await door.rows("books", covers, where=compare("id", "eq", 1)) == [{"cover": {"of": "1"}}]
