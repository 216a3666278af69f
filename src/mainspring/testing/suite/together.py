"""Several writes at once: all of them, or nothing of any."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mainspring.engines.base import Result
from mainspring.errors import NotSingular, RowCheckViolated, UniqueViolated, ValueInvalid
from mainspring.query.ast import Conflict, Delete, Insert, Resolution, Slot, Update
from mainspring.testing.suite.door import ALICE_, ALL, BRUNO_, Door, Suite, compare, rows_of
from mainspring.testing.suite.world import named


def inserting(table: str, *rows: dict[str, Any], **more: Any) -> tuple[Insert, list[Any]]:
    """An insert and its values."""
    return Insert(named(table), tuple(rows[0]), Slot(0), missing_default=True, **more), [list(rows)]


def updating(table: str, key: int, **changes: Any) -> tuple[Update, list[Any]]:
    """A change to exactly one row, and its values."""
    return Update(named(table), tuple(changes), Slot(0), compare("id", "eq", key), singular=True, returning=ALL), [changes]


def deleting(table: str, key: int) -> tuple[Delete, list[Any]]:
    """The removal of exactly one row, and its values."""
    return Delete(named(table), compare("id", "eq", key), singular=True), []


class TogetherSuite(Suite):
    """Writes that stand or fall together."""

    async def test_each_write_has_its_answer_and_sees_those_before(self, door: Door) -> None:
        results = await door.together(
            inserting("people", {"id": 1, "name": "Ann"}, returning=ALL),
            inserting("books", {"id": 1, "author_id": 1, "title": "Tides"}),
            updating("books", 1, title="Tides and Weather"),
            inserting("labels", {"id": 7, "word": "sea"}),
            deleting("labels", 7),
        )
        assert [result.count for result in results] == [1, 1, 1, 1, 1]
        assert rows_of(results[0]) == [{"id": 1, "name": "Ann", "boss_id": None}]
        assert rows_of(results[2])[0]["title"] == "Tides and Weather"
        assert await door.rows("books", "id", "title") == [{"id": 1, "title": "Tides and Weather"}]
        assert await door.rows("labels") == []

    async def test_one_that_is_refused_undoes_all(self, door: Door) -> None:
        await door.insert("labels", {"id": 1, "word": "sea"})
        first = inserting("people", {"id": 1, "name": "Ann"})
        with pytest.raises(UniqueViolated):
            await door.together(first, inserting("labels", {"word": "sea"}))
        with pytest.raises(NotSingular):
            await door.together(first, deleting("labels", 2))
        with pytest.raises(ValueInvalid):
            await door.together(first, inserting("labels", {"id": "one"}))
        with pytest.raises(NotSingular):
            await door.together(first, deleting("labels", 1), updating("people", 9, name="Nobody"))
        assert await door.rows("people") == []
        assert await door.ids("labels") == [1]

    async def test_policies_hold_for_each(self, door: Door) -> None:
        mine = inserting("notes", {"id": 1, "body": "mine"})
        with pytest.raises(RowCheckViolated):
            await door.together(mine, inserting("notes", {"body": "forbidden"}), me=ALICE_)
        assert await door.rows("notes") == []
        await door.together(mine, updating("notes", 1, body="still mine"), me=ALICE_)
        with pytest.raises(NotSingular):
            await door.together(inserting("notes", {"body": "his"}), updating("notes", 1, body="his"), me=BRUNO_)
        assert await door.rows("notes", "body") == [{"body": "still mine"}]

    async def test_an_upsert_among_them(self, door: Door) -> None:
        merge = Conflict(Resolution.MERGE, ("word",))
        for number in (1, 2):
            await door.together(
                inserting("labels", {"id": number, "word": "sea"}, conflict=merge),
                inserting("people", {"id": number, "name": "Ann"}),
            )
        assert await door.rows("labels") == [{"id": 2, "word": "sea"}]
        assert await door.ids("people") == [1, 2]

    async def test_what_one_takes_no_other_can_take(self, door: Door) -> None:
        await door.insert("labels", {"id": 1, "word": "once"})

        async def spend(number: int) -> list[Result]:
            return await door.together(deleting("labels", 1), inserting("people", {"id": number, "name": "Ann"}))

        outcomes = await asyncio.gather(*map(spend, range(1, 21)), return_exceptions=True)
        assert sum(isinstance(outcome, NotSingular) for outcome in outcomes) == 19
        assert len(await door.ids("people")) == 1
