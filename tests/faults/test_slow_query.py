"""A slow query holds up nobody but its caller, and not even the caller for ever."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import DURABLE
from tests.faults.load import fill, slow
from tests.faults.wire import Answer, Wire
from tests.support.live import LiveServer
from tests.support.servers import PostgresServer

pytestmark = pytest.mark.alone
ROWS = 20_000
# One text, a search of which takes a single call of the database's pattern matcher for seconds.
KNOT, KNOTTY = "a" * 2_000_000, f"/rest/v1/things?select=id&text=ilike.*{'a' * 900}b*"


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> str | None:
    """A database URL; None is SQLite in the data folder."""
    if request.param == "sqlite":
        return None
    postgres: PostgresServer = request.getfixturevalue("postgres")
    return postgres.database("slow")


@pytest.fixture
def served(tmp_path: Path, app: Path, database: str | None) -> Iterator[LiveServer]:
    """A running server with a generous statement timeout."""
    env = {**DURABLE, "MAINSPRING_DATABASE__STATEMENT_TIMEOUT_SECONDS": "60"}
    with LiveServer(app, data=tmp_path / "data", database=database, env=env) as server:
        yield server


@pytest.fixture
def impatient(tmp_path: Path, app: Path, database: str | None) -> Iterator[LiveServer]:
    """A running server that gives a statement half a second."""
    env = {**DURABLE, "MAINSPRING_DATABASE__STATEMENT_TIMEOUT_SECONDS": "0.5"}
    with LiveServer(app, data=tmp_path / "data", database=database, env=env) as server:
        yield server


async def timed(port: int, target: str) -> tuple[Answer, float]:
    """An answer, and how long it took."""
    wire, begun = Wire(port), time.monotonic()
    answer = await wire.ask("GET", target)
    wire.close()
    return answer, time.monotonic() - begun


async def slow_enough(port: int) -> str:
    """A search that takes more than a second on this machine, with as many rows as that needs."""
    for rows in range(0, 12 * ROWS, ROWS):
        await fill(port, ROWS, after=rows)
        for patterns in (40, 80, 160, 240):
            answer, seconds = await timed(port, slow(patterns))
            assert answer.status == 200, answer.body
            if seconds > 1:
                return slow(patterns)
    pytest.fail("no search here takes a second")


async def reads_beside(port: int, target: str) -> tuple[float, list[float]]:
    """How long a search takes, and how long reads by id take while it runs."""
    searching = asyncio.create_task(timed(port, target))
    await asyncio.sleep(0.1)
    wire, taken = Wire(port), []
    while not searching.done():
        begun = time.monotonic()
        assert (await wire.ask("GET", "/rest/v1/things?id=eq.1&select=id")).json() == [{"id": 1}]
        taken.append(time.monotonic() - begun)
        await asyncio.sleep(0.005)
    wire.close()
    answer, seconds = await searching
    assert answer.json() == []
    return seconds, taken


async def test_reads_by_id_go_on_beside_a_slow_query(served: LiveServer, capsys: pytest.CaptureFixture[str]) -> None:
    seconds, taken = await reads_beside(served.port, await slow_enough(served.port))
    taken.sort()
    with capsys.disabled():
        p99 = taken[int(len(taken) * 0.99) - 1] * 1000
        worst = taken[-1] * 1000
        print(f"\nslow query {seconds:.2f} s, beside it {len(taken)} reads by id: p99 {p99:.1f} ms, worst {worst:.1f} ms")
    assert len(taken) > 20
    assert taken[-1] < seconds / 4


async def test_one_long_match_holds_up_nobody(served: LiveServer) -> None:
    await fill(served.port, 1, KNOT)
    seconds, taken = await reads_beside(served.port, KNOTTY)
    assert max(taken) < seconds / 4, f"a search of {seconds:.2f} s held up a read by id for {max(taken):.2f} s"


async def test_a_statement_that_takes_too_long_is_ended(impatient: LiveServer) -> None:
    await fill(impatient.port, ROWS)
    answer, seconds = await timed(impatient.port, slow(240))
    assert (answer.status, answer.json()["code"]) == (500, "57014")
    assert answer.json()["message"] == "canceling statement due to statement timeout"
    assert "0.5 s" in answer.json()["hint"]
    assert seconds < 2.5
    assert (await timed(impatient.port, "/rest/v1/things?id=eq.1&select=id"))[0].status == 200
