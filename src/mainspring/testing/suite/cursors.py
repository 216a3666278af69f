"""Pages by cursor: nothing twice and nothing lost, whatever comes and goes between two pages."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from mainspring.errors import NotSupported, PermissionDenied, ValueInvalid
from mainspring.query.ast import Aggregate, Column, Compare, Count, Cursor, Embed, Item, Order, Read, Selection, Slot
from mainspring.testing.suite.door import ANYBODY, Door, Suite, compare, fields, raw_rows, rows_of, selected
from mainspring.testing.suite.world import named

VALUES: dict[str, tuple[Any, ...]] = {
    "a_text": ("b", "a", "b", "é"),
    "whole": (3, -1, 3, 0),
    "exact": ("0.1", "12345.678", "0.1", "-5"),
    "real": (0.1, 1e10, 0.1, -2.5),
    "flag": (True, False, True, False),
    "day": ("2026-01-02", "0001-01-01", "2026-01-02", "9999-12-31"),
    "instant": ("2026-01-01T00:00:00.5Z", "2025-01-01T00:00:00Z", "2026-01-01T00:00:00.5Z", "2027-01-01T00:00:00Z"),
    "span": ("1 day", "-01:00:00", "1 day", "00:00:00.5"),
    "kind": ("high", "low", "high", "medium"),
    "code": ("f" * 32, "0" * 32, "f" * 32, "a" * 32),
    "raw": ("\\x01", "\\x", "\\x01", "\\x00ff"),
    "words": (["b"], ["a", "z"], ["b"], []),
}
_decode = msgspec.json.Decoder(list[Any], float_hook=Decimal).decode


async def page(
    door: Door, table: str, order: Sequence[Order], size: int, after: list[Any] | None, *more: Item
) -> tuple[list[int], list[Any] | None]:
    """The ids of one page, and what its cursor says (None: there are no rows)."""
    start = Cursor(Slot(1) if after is not None else None)
    query = Read(named(table), Selection((*fields("id"), *more), order=tuple(order), limit=Slot(0)), cursor=start)
    result = await door.run(query, [size, after])
    ids = [row["id"] for row in rows_of(result)]
    return ids, None if result.cursor is None else _decode(result.cursor)


async def walk(door: Door, table: str, order: Sequence[Order], size: int, *more: Item) -> list[int]:
    """The ids of all pages."""
    found: list[int] = []
    ids, after = await page(door, table, order, size, None, *more)
    while ids:
        found += ids
        ids, after = await page(door, table, order, size, after, *more)
    return found


async def pages_of_groups(door: Door, selection: Selection, *values: Any) -> None:
    """Pages of groups by cursor are all groups, with their number on each page."""
    table = named("samples")
    whole = raw_rows(await door.run(Read(table, selection), values))
    limit, place = Slot(len(values)), Slot(len(values) + 1)
    for size in (1, 2):
        found: list[Any] = []
        after: Cursor = Cursor()
        held: list[Any] = []
        while rows := raw_rows(
            result := await door.run(
                Read(table, replace(selection, limit=limit), Count.EXACT, cursor=after), [*values, size, held]
            )
        ):
            assert result.total == len(whole)
            assert result.cursor is not None
            found += rows
            after, held = Cursor(place), _decode(result.cursor)
        assert found == whole


class CursorsSuite(Suite):
    """Every order has its cursors."""

    @pytest.mark.parametrize("column", list(VALUES))
    @pytest.mark.parametrize("descending", [False, True])
    @pytest.mark.parametrize("nulls_first", [False, True])
    async def test_pages_are_the_whole(self, door: Door, column: str, descending: bool, nulls_first: bool) -> None:
        rows = [*VALUES[column], None, None]
        await door.insert("samples", *({"id": number, column: value} for number, value in enumerate(rows)))
        order = (Order(Column(column), descending, nulls_first),)
        whole = await door.ids("samples", order=order)
        for size in (1, 2, 5):
            assert await walk(door, "samples", order, size) == whole

    async def test_several_terms(self, door: Door) -> None:
        rows = [(first, second) for first in (1, None, 2) for second in ("x", None, "y")] * 2
        await door.insert("samples", *({"id": at, "whole": one, "a_text": two} for at, (one, two) in enumerate(rows)))
        order = (Order(Column("whole"), descending=True), Order(Column("a_text"), nulls_first=True), Order(Column("id"), True))
        assert await walk(door, "samples", order, 4) == await door.ids("samples", order=order)

    async def test_rows_come_and_go(self, door: Door) -> None:
        await door.insert("samples", *({"id": number * 10, "whole": number} for number in range(1, 7)))
        order = (Order(Column("whole")),)
        first, after = await page(door, "samples", order, 2, None)
        await door.delete("samples", compare("id", "in", [10, 20, 40]))
        await door.insert("samples", {"id": 5, "whole": 0}, {"id": 35, "whole": 3})
        second, _ = await page(door, "samples", order, 3, after)
        assert (first, second) == ([10, 20], [30, 35, 50])

    async def test_by_a_related_column(self, door: Door) -> None:
        await door.insert("people", {"id": 1, "name": "B"}, {"id": 2, "name": "A"})
        authors = (1, None, 2, 1, 2)
        await door.insert("books", *({"id": at, "author_id": author, "title": "t"} for at, author in enumerate(authors, 1)))
        author = Embed("people", selected("name"), "author", "books_author_fkey")
        order = (Order(Column("name"), related="author"),)
        assert await walk(door, "books", order, 2, author) == [3, 5, 1, 4, 2]

    async def test_the_number_of_all_rows_stays(self, door: Door) -> None:
        await door.insert("samples", *({"id": number} for number in range(5)))
        query = Read(named("samples"), Selection(fields("id"), limit=Slot(0)), Count.EXACT, cursor=Cursor(Slot(1)))
        result = await door.run(query, [2, [1]])
        assert (result.total, [row["id"] for row in rows_of(result)]) == (5, [2, 3])

    async def test_a_cursor_of_another_order(self, door: Door) -> None:
        order = (Order(Column("day")),)
        for after in ([], ["2026-01-01"], ["no day", 1]):
            with pytest.raises(ValueInvalid):
                await page(door, "samples", order, 1, after)

    @pytest.mark.parametrize("path", [(), ("a",), ("a", 0)])
    @pytest.mark.parametrize("descending", [False, True])
    @pytest.mark.parametrize("nulls_first", [False, True])
    async def test_json_with_nulls_that_are_there_and_nulls_that_are_not(
        self, door: Door, path: tuple[str | int, ...], descending: bool, nulls_first: bool
    ) -> None:
        places = [None, 1, Decimal("1.5"), "b", "a", True, [], [2], [None], {"b": 1}, None, 1, [2]]
        await door.insert("samples", *({"id": at, "doc": {"a": place}} for at, place in enumerate(places)), {"id": 50, "doc": {}})
        await door.insert("samples", *({"id": 60 + at, "doc": doc} for at, doc in enumerate([None, None, [1], "text"])))
        order = (Order(Column("doc", path), descending, nulls_first),)
        whole = await door.ids("samples", order=order)
        assert len(whole) == len(places) + 5
        for size in (1, 3):
            assert await walk(door, "samples", order, size) == whole

    async def test_json_in_a_cursor_is_a_list(self, door: Door) -> None:
        for after in (["x", 1], [[1, 2], 1], [{}, 1]):
            with pytest.raises(ValueInvalid, match="cursor"):
                await page(door, "samples", (Order(Column("doc")),), 1, after)

    @pytest.mark.parametrize("column", list(VALUES))
    @pytest.mark.parametrize("descending", [False, True])
    @pytest.mark.parametrize("nulls_first", [False, True])
    async def test_groups_by_every_type(self, door: Door, column: str, descending: bool, nulls_first: bool) -> None:
        rows = [*VALUES[column], None, None]
        await door.insert("samples", *({"id": number, column: value} for number, value in enumerate(rows)))
        order = (Order(Column(column), descending, nulls_first),)
        await pages_of_groups(door, Selection((*fields(column), Aggregate("count")), order=order))

    @pytest.mark.parametrize("aggregate", [Aggregate("count"), *(Aggregate(f, Column("whole")) for f in ("sum", "avg", "min"))])
    @pytest.mark.parametrize("descending", [False, True])
    @pytest.mark.parametrize("nulls_first", [False, True])
    async def test_groups_by_an_aggregate(self, door: Door, aggregate: Aggregate, descending: bool, nulls_first: bool) -> None:
        rows = [("a", 1), ("a", 2), ("b", 3), ("c", None), ("d", 1), ("d", 1), (None, None), (None, 3), ("e", None), ("f", -1)]
        await door.insert("samples", *({"id": at, "a_text": text, "whole": whole} for at, (text, whole) in enumerate(rows)))
        order = (Order(aggregate, descending, nulls_first),)
        await pages_of_groups(door, Selection(fields("a_text"), order=order, distinct=True))
        having = Compare("gt", Aggregate("count"), Slot(0))
        await pages_of_groups(door, Selection((*fields("a_text"), Aggregate("count")), order=order, having=having), 1)

    async def test_one_group_of_everything(self, door: Door) -> None:
        await door.insert("samples", *({"id": at} for at in range(3)))
        await pages_of_groups(door, Selection((Aggregate("count"),)))

    async def test_groups_come_and_go(self, door: Door) -> None:
        await door.insert("samples", *({"id": at, "whole": at // 2} for at in range(8)))
        query = Read(named("samples"), Selection((*fields("whole"), Aggregate("count")), limit=Slot(0)), cursor=Cursor())
        first = await door.run(query, [2])
        await door.delete("samples", compare("whole", "in", [1, 2]))
        await door.insert("samples", {"id": 20, "whole": -1}, {"id": 21, "whole": 0}, {"id": 22, "whole": 3})
        assert first.cursor is not None
        second = await door.run(dataclasses.replace(query, cursor=Cursor(Slot(1))), [2, _decode(first.cursor)])
        assert [row["whole"] for row in rows_of(first)] == [0, 1]
        assert [(row["whole"], row["count"]) for row in rows_of(second)] == [(3, 3)]

    async def test_groups_made_by_an_embed_have_none(self, door: Door) -> None:
        author = Embed("people", selected("name"), "author", "books_author_fkey")
        with pytest.raises(NotSupported, match="cursor"):
            await door.run(Read(named("books"), Selection((author,), distinct=True), cursor=Cursor()))

    async def test_a_cursor_tells_no_hidden_column(self, door: Door) -> None:
        query = Read(named("notes"), Selection(fields("id"), order=(Order(Column("secret")),)), cursor=Cursor())
        with pytest.raises(PermissionDenied):
            await door.run(query, me=ANYBODY)
