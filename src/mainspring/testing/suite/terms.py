"""The terms of a query beyond what it asks for: writes that are undone."""

from __future__ import annotations

import asyncio

import pytest

from mainspring.errors import NotSingular, RowCheckViolated, UniqueViolated
from mainspring.query.ast import Conflict, Delete, End, Insert, Resolution, Slot, Terms, Update
from mainspring.testing.suite.door import ALICE_, ALL, Door, Row, Suite, compare, rows_of, selected
from mainspring.testing.suite.reads import BY_ID, fill
from mainspring.testing.suite.world import BRUNO, named

UNDONE = Terms(end=End.ROLLBACK)


def _labels(*rows: Row, **more: object) -> tuple[Insert, list[object]]:
    query = Insert(named("labels"), tuple(rows[0]), Slot(0), terms=UNDONE, **more)  # type: ignore[arg-type]
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
