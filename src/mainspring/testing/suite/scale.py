"""Many at once and much at once; the schema brought up to date; the end."""

from __future__ import annotations

import asyncio

import pytest

from mainspring.catalog.model import Column, Table
from mainspring.datatypes import BIGINT, TEXT
from mainspring.errors import EngineUnavailable, ForeignKeyViolated, MainspringError, UniqueViolated
from mainspring.query.ast import Conflict, Resolution
from mainspring.testing.suite import world
from mainspring.testing.suite.door import Door, Suite, compare, rows_of
from mainspring.testing.suite.reads import BY_ID

MANY = 10_000


class ScaleSuite(Suite):
    """Concurrent writers and large bodies."""

    async def test_concurrent_inserts(self, door: Door) -> None:
        results = await asyncio.gather(*(door.insert("labels", {"word": f"w{n}"}) for n in range(100)))
        assert sorted(result.keys[0]["id"] for result in results) == list(range(1, 101))
        assert len(await door.ids("labels")) == 100

    async def test_of_writers_of_one_key_one_wins(self, door: Door) -> None:
        tries = (door.insert("labels", {"id": 1, "word": f"w{n}"}) for n in range(30))
        outcomes = await asyncio.gather(*tries, return_exceptions=True)
        refused = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        assert len(refused) == 29
        assert all(isinstance(error, UniqueViolated) for error in refused)
        assert await door.ids("labels") == [1]

    async def test_a_refused_write_takes_no_other_with_it(self, door: Door) -> None:
        async def write(number: int) -> bool:
            rows = [{"id": number * 10 + item, "word": f"{number} {item}"} for item in range(5)]
            if number % 3 == 0:
                rows[4]["id"] = rows[0]["id"]
            try:
                await door.insert("labels", *rows)
            except MainspringError:
                return False
            return True

        kept = await asyncio.gather(*map(write, range(60)))
        assert kept == [number % 3 != 0 for number in range(60)]
        assert len(await door.ids("labels")) == 5 * sum(kept)

    async def test_concurrent_rows_that_refer_to_each_other(self, door: Door) -> None:
        async def write(number: int) -> bool:
            first, second, nobody = number * 2 + 1, number * 2 + 2, 9_999
            boss = nobody if number % 4 == 0 else second
            try:
                await door.insert(
                    "people", {"id": first, "name": "a", "boss_id": boss}, {"id": second, "name": "b", "boss_id": first}
                )
            except ForeignKeyViolated:
                return False
            return True

        kept = await asyncio.gather(*map(write, range(40)))
        assert kept == [number % 4 != 0 for number in range(40)]
        assert len(await door.ids("people")) == 2 * sum(kept)

    async def test_concurrent_merges_of_one_row(self, door: Door) -> None:
        merge = Conflict(Resolution.MERGE)
        await asyncio.gather(*(door.insert("labels", {"id": 1, "word": f"w{n}"}, conflict=merge) for n in range(30)))
        ((word,),) = [row.values() for row in await door.rows("labels", "word")]
        assert word.startswith("w")

    async def test_reads_and_writes_side_by_side(self, door: Door) -> None:
        await door.insert("people", *({"id": n, "name": "x"} for n in range(1, 51)))
        writes = [door.update("people", {"name": f"round {n}"}) for n in range(10)]
        reads = [door.rows("people", "name") for _ in range(10)]
        for rows in (await asyncio.gather(*writes, *reads))[10:]:
            assert isinstance(rows, list)
            assert len({row["name"] for row in rows}) == 1, "a read saw half a write"

    async def test_large_bodies(self, door: Door) -> None:
        rows = [{"id": n, "a_text": f"{n} " + "é" * 50, "price": f"{n}.25", "doc": {"n": n}} for n in range(MANY)]
        result = await door.insert("samples", *rows)
        assert result.count == MANY
        answered = rows_of(await door.read("samples", "id", "a_text", "doc", order=BY_ID, count=True))
        assert [(row["id"], row["a_text"], row["doc"]["n"]) for row in answered] == [
            (row["id"], row["a_text"], row["id"]) for row in rows
        ]

    async def test_long_lists(self, door: Door) -> None:
        await door.insert("samples", *({"id": n} for n in range(100)))
        assert len(await door.ids("samples", compare("id", "in", list(range(0, MANY, 2))))) == 50

    async def test_large_values(self, door: Door) -> None:
        text, raw = "x" * 3_000_000, "\\x" + "ab" * 1_000_000
        await door.insert("samples", {"id": 1, "a_text": text, "raw": raw})
        assert await door.rows("samples", "a_text", "raw") == [{"a_text": text, "raw": raw}]


class LifeSuite(Suite):
    """Start, migration, stop."""

    async def test_migrating_again_changes_nothing(self, door: Door) -> None:
        await door.insert("labels", {"word": "kept"})
        assert await door.engine.migrate(world.catalog()) == ()
        assert await door.rows("labels", "word") == [{"word": "kept"}]

    async def test_migrating_adds_tables_and_columns(self, door: Door) -> None:
        await door.insert("labels", {"word": "kept"})
        columns = {**world.LABELS.columns, "colour": Column("colour", TEXT)}
        labels = Table(world.LABELS.name, columns, ("id",), world.LABELS.uniques)
        added = Table(world.named("added"), {"id": Column("id", BIGINT, nullable=False)}, ("id",))
        catalog = world.catalog(labels, added)
        assert await door.engine.migrate(catalog) == (added.name,)
        after = Door(door.engine, catalog, world.registry())
        assert await after.rows("labels", "word", "colour") == [{"word": "kept", "colour": None}]
        await after.insert("labels", {"word": "new", "colour": "red"})
        await after.insert("added", {"id": 1})
        assert await after.ids("labels", compare("colour", "eq", "red")) == [2]
        assert await after.ids("added") == [1]

    async def test_ping(self, door: Door) -> None:
        await door.engine.ping()

    async def test_after_stop_nothing_is_served(self, door: Door) -> None:
        await door.engine.stop()
        with pytest.raises(EngineUnavailable):
            await door.read("labels")
        with pytest.raises(EngineUnavailable):
            await door.insert("labels", {"word": "x"})
        await door.engine.stop()
