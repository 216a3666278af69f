"""Reads on the loop share a snapshot for one turn, and nothing but a long read is ever interrupted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from mainspring.engines.sqlite.connection import Source
from mainspring.engines.sqlite.reader import Overrun, Readers
from mainspring.errors import LimitExceeded

pytestmark = pytest.mark.alone
COUNT = "SELECT count(*) FROM numbers"
LONG = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 3000000) SELECT sum(i) FROM n"


@pytest.fixture
def source(tmp_path: Path) -> Source:
    source = Source(tmp_path / "data.sqlite")
    connection = source.open()
    connection.execute("CREATE TABLE numbers (n INTEGER) STRICT")
    connection.close()
    return source


@pytest.fixture
def readers(source: Source) -> Iterator[Readers]:
    readers = Readers(source, threads=1, budget=0.002, timeout=5)
    yield readers
    readers.close()


async def test_one_turn_sees_one_snapshot_and_the_next_turn_the_newest(source: Source, readers: Readers) -> None:
    """What is committed during a turn is seen from the next one on."""
    writer = source.open()
    assert readers.here(COUNT, ()) == (0,)
    writer.execute("INSERT INTO numbers VALUES (1)")
    assert readers.here(COUNT, ()) == (0,)
    await asyncio.sleep(0)
    assert readers.here(COUNT, ()) == (1,)
    writer.close()


async def test_short_reads_are_never_interrupted_however_many_there_are(source: Source) -> None:
    """SQLite counts a statement's steps over all its runs: without care, now and then a short one would be interrupted."""
    readers = Readers(source, threads=1, budget=0.000_5, timeout=5)
    for _ in range(12_000):
        assert readers.here(COUNT, ()) == (0,)
        await asyncio.sleep(0)
    readers.close()


async def test_a_long_read_is_interrupted_and_the_next_one_is_not(readers: Readers) -> None:
    """An interrupted read leaves the connection whole."""
    with pytest.raises(Overrun):
        readers.here(LONG, ())
    assert readers.here(COUNT, ()) == (0,)
    await asyncio.sleep(0)
    assert readers.here(COUNT, ()) == (0,)
    assert (await readers.elsewhere(LONG, ()))[0] > 0


async def test_a_read_that_compares_much_is_interrupted(readers: Readers) -> None:
    """A function is one instruction to SQLite, whatever it does: what functions look at counts, too."""
    few, many = (f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {rows})" for rows in (10, 2000))
    matched = "SELECT count(*) FROM n WHERE ms_match('7', CAST(i AS TEXT))"
    assert readers.here(f"{few} {matched}", ()) == (1,)
    with pytest.raises(Overrun):
        readers.here(f"{many} {matched}", ())
    assert readers.here(f"{few} {matched}", ()) == (1,)
    assert (await readers.elsewhere(f"{many} {matched}", ())) == (542,)


async def test_a_comparison_that_would_take_long_is_refused(readers: Readers) -> None:
    """No interrupt reaches into a function."""
    whole = "[" + ",".join(f'{{"a":{number}}}' for number in range(5000)) + "]"
    part = "[" + ",".join(f'{{"a":{number}}}' for number in range(4999, 0, -1)) + "]"
    with pytest.raises(LimitExceeded, match="containment"):
        await readers.elsewhere("SELECT ms_test('cs', ?1, ?2, '{\"kind\":\"jsonb\"}')", (whole, part))
