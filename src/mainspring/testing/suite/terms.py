"""The terms of a query beyond what it asks for: writes that are undone, time zones."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mainspring.errors import NotSingular, NotSupported, RowCheckViolated, UniqueViolated
from mainspring.query.ast import (
    Aggregate,
    Column,
    Compare,
    Conflict,
    Delete,
    End,
    Field,
    Insert,
    Read,
    Resolution,
    Selection,
    Slot,
    Terms,
    Update,
)
from mainspring.testing.suite.door import ALICE_, ALL, Door, Row, Suite, compare, rows_of, selected
from mainspring.testing.suite.reads import BY_ID, fill
from mainspring.testing.suite.world import BRUNO, named

INSTANT = Column("instant")
UNDONE = Terms(end=End.ROLLBACK)


def _labels(*rows: Row, **more: Any) -> tuple[Insert, list[object]]:
    query = Insert(named("labels"), tuple(rows[0]), Slot(0), terms=UNDONE, **more)
    return query, [list(rows)]


class UndoneSuite(Suite):
    """Writes that are done, verified and answered as any other, and then undone."""

    async def test_an_insert_answers_its_rows_and_leaves_none(self, door: Door) -> None:
        await door.insert("labels", {"id": 1, "word": "a"})
        result = await door.run(*_labels({"id": 2, "word": "b"}, {"id": 3, "word": "c"}, returning=ALL))
        assert rows_of(result) == [{"id": 2, "word": "b"}, {"id": 3, "word": "c"}]
        assert (result.count, result.inserted) == (2, 2)
        assert (await door.run(*_labels({"id": 2, "word": "b"}))).count == 1
        merge = Conflict(Resolution.MERGE)
        assert (await door.run(*_labels({"id": 1, "word": "x"}, {"id": 4, "word": "d"}, conflict=merge))).inserted == 1
        assert await door.rows("labels") == [{"id": 1, "word": "a"}]

    async def test_an_update_and_a_delete(self, door: Door) -> None:
        await fill(door)
        many = compare("id", "gte", 1)
        update = Update(named("books"), ("title",), Slot(0), many, returning=selected("title", order=BY_ID), terms=UNDONE)
        assert [row["title"] for row in rows_of(await door.run(update, [{"title": "x"}]))] == ["x", "x", "x"]
        assert (await door.run(Update(named("books"), ("title",), Slot(0), many, terms=UNDONE), [{"title": "x"}])).count == 3
        assert (await door.run(Delete(named("books"), many, returning=ALL, terms=UNDONE))).count == 3
        assert (await door.run(Delete(named("covers"), terms=UNDONE))).count == len(await door.rows("covers"))
        assert [row["title"] for row in await door.rows("books", "title", order=BY_ID)] == ["One", "Two", "Three"]
        assert await door.rows("book_labels") != []  # nothing cascaded

    async def test_what_would_be_refused_is_refused(self, door: Door) -> None:
        await door.insert("labels", {"id": 1, "word": "a"})
        with pytest.raises(UniqueViolated):
            await door.run(*_labels({"id": 1, "word": "b"}))
        with pytest.raises(NotSingular):
            await door.run(*_labels({"id": 2, "word": "b"}, {"id": 3, "word": "c"}, returning=ALL, singular=True))
        theirs = Insert(named("notes"), ("owner", "body"), Slot(0), terms=UNDONE)
        with pytest.raises(RowCheckViolated):
            await door.run(theirs, [[{"owner": BRUNO, "body": "x"}]], ALICE_)
        assert await door.ids("labels") == [1]

    async def test_it_takes_no_other_write_with_it(self, door: Door) -> None:
        undone = (door.run(*_labels({"id": number, "word": f"w{number}"})) for number in range(0, 60, 2))
        kept = (door.insert("labels", {"id": number, "word": f"w{number}"}) for number in range(1, 60, 2))
        await asyncio.gather(*(write for pair in zip(undone, kept, strict=True) for write in pair))
        assert sorted(await door.ids("labels")) == list(range(1, 60, 2))


ANGELES, KOLKATA, TONGA = "America/Los_Angeles", "Asia/Kolkata", "Pacific/Tongatapu"
CLOCKS = [
    ("2026-01-01T08:00:00Z", ANGELES, "2026-01-01T00:00:00-08:00", "2026-01-01 00:00:00-08", "2026-01-01"),
    ("2026-07-01T06:59:59.25Z", ANGELES, "2026-06-30T23:59:59.25-07:00", "2026-06-30 23:59:59.25-07", "2026-06-30"),
    ("2026-11-01T09:30:00Z", ANGELES, "2026-11-01T01:30:00-08:00", "2026-11-01 01:30:00-08", "2026-11-01"),
    ("1850-01-01T00:00:00Z", ANGELES, "1849-12-31T16:07:02-07:52:58", "1849-12-31 16:07:02-07:52:58", "1849-12-31"),
    ("2026-01-01T00:00:00Z", KOLKATA, "2026-01-01T05:30:00+05:30", "2026-01-01 05:30:00+05:30", "2026-01-01"),
    ("0001-01-01T00:00:00Z", ANGELES, "0001-12-31T16:07:02-07:52:58 BC", "0001-12-31 16:07:02-07:52:58 BC", "0001-12-31 BC"),
    ("9999-12-31T23:59:59Z", TONGA, "10000-01-01T12:59:59+13:00", "10000-01-01 12:59:59+13", "10000-01-01"),
    ("2026-01-01T08:00:00Z", "UTC", "2026-01-01T08:00:00+00:00", "2026-01-01 08:00:00+00", "2026-01-01"),
]


class ZonesSuite(Suite):
    """Moments shown in the time zone that a request names, and read there where they name none."""

    async def test_moments_are_shown_as_on_a_clock_there(self, door: Door) -> None:
        await door.insert("samples", *({"id": number, "instant": case[0]} for number, case in enumerate(CLOCKS)))
        outputs = (Field(INSTANT), Field(INSTANT, "text", "text"), Field(INSTANT, "day", "date"))
        for number, (_, zone, *wanted) in enumerate(CLOCKS):
            selection = Selection(outputs, compare("id", "eq", number))
            (row,) = rows_of(await door.run(Read(named("samples"), selection, terms=Terms(timezone=zone))))
            assert list(row.values()) == wanted, zone
        assert await door.rows("samples", "instant", where=compare("id", "eq", 0)) == [{"instant": "2026-01-01T08:00:00+00:00"}]

    async def test_nothing_else_moves(self, door: Door) -> None:
        row = {"id": 1, "moment": "2026-01-01T08:00:00", "day": "2026-01-01", "clock": "08:00:00", "instant": None}
        await door.insert("samples", row)
        query = Read(named("samples"), selected(*row), terms=Terms(timezone=ANGELES))
        assert rows_of(await door.run(query)) == [row]

    async def test_in_lists_embeds_and_what_a_write_answers(self, door: Door) -> None:
        terms = Terms(timezone=ANGELES)
        two = [{"id": 1, "instant": "2026-01-01T00:00:00"}, {"id": 2, "instant": "2026-07-01T00:00:00+00:00"}]
        insert = Insert(named("samples"), ("id", "instant"), Slot(0), returning=selected("instant"), terms=terms)
        assert [row["instant"] for row in rows_of(await door.run(insert, [two]))] == [
            "2026-01-01T00:00:00-08:00", "2026-06-30T17:00:00-07:00"
        ]  # fmt: skip
        picked = Compare("in", INSTANT, Slot(0))
        read = Read(named("samples"), selected("id", where=picked), terms=terms)
        found = await door.run(read, [["2026-01-01T00:00:00", "2026-07-01T00:00:00Z"]])
        assert [row["id"] for row in rows_of(found)] == [1, 2]
        later, answered = Compare("gt", INSTANT, Slot(0)), selected("id", "instant")
        update = Update(named("samples"), ("instant",), Slot(1), later, returning=answered, terms=terms)
        changed = await door.run(update, ["2026-06-30T16:59:59", {"instant": "2026-03-08T02:30:00"}])
        assert rows_of(changed) == [{"id": 2, "instant": "2026-03-08T03:30:00-07:00"}]
        delete = Delete(named("samples"), compare("id", "eq", 1), returning=selected("instant"), terms=terms)
        assert rows_of(await door.run(delete)) == [{"instant": "2026-01-01T00:00:00-08:00"}]

    async def test_of_a_clock_put_back_the_later_hour_counts(self, door: Door) -> None:
        insert = Insert(named("samples"), ("id", "instant"), Slot(0), terms=Terms(timezone=ANGELES))
        await door.run(insert, [[{"id": 1, "instant": "2026-11-01T01:30:00"}]])
        assert await door.rows("samples", "instant") == [{"instant": "2026-11-01T09:30:00+00:00"}]

    async def test_a_zone_that_is_none(self, door: Door) -> None:
        with pytest.raises(NotSupported):
            await door.run(Read(named("samples"), ALL, terms=Terms(timezone="Mars/Olympus")))

    async def test_groups_are_of_days_there(self, door: Door) -> None:
        moments = ["2026-01-01T07:59:59Z", "2026-01-01T08:00:00Z", "2026-01-02T07:00:00Z"]
        await door.insert("samples", *({"id": number, "instant": moment} for number, moment in enumerate(moments)))
        outputs = (Field(INSTANT, "day", "date"), Aggregate("count"), Aggregate("max", INSTANT, "last"))
        query = Read(named("samples"), Selection(outputs), terms=Terms(timezone=ANGELES))
        found = sorted(rows_of(await door.run(query)), key=lambda row: str(row["day"]))
        assert found == [
            {"day": "2025-12-31", "count": 1, "last": "2025-12-31T23:59:59-08:00"},
            {"day": "2026-01-01", "count": 2, "last": "2026-01-01T23:00:00-08:00"},
        ]
