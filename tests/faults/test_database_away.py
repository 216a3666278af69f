"""PostgreSQL goes and comes back under a running server."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.wire import Answer, Wire
from tests.support.live import LiveServer
from tests.support.orphans import end_with_parent
from tests.support.servers import PostgresServer

ITEM = {"key": "kept", "batch": "b", "n": 1}


class Restartable(PostgresServer):
    """A PostgreSQL server that can be stopped and started again on the same data."""

    def down(self) -> None:
        """Stop it, as its administrator would."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)
        self._process.wait(timeout=20)

    def up(self) -> None:
        """Start it again."""
        assert self._process is not None
        self._process = subprocess.Popen(
            self._process.args,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            preexec_fn=end_with_parent(signal.SIGINT),
            start_new_session=True,
            **self.account.options(),
        )
        self._wait()


@pytest.fixture
def own_postgres() -> Iterator[Restartable]:
    """A server of this test's own."""
    server = Restartable()
    server.start()
    yield server
    server.stop()


async def test_the_database_goes_and_comes_back(own_postgres: Restartable, tmp_path: Path, app: Path) -> None:
    with LiveServer(app, data=tmp_path / "data", database=own_postgres.database("away")) as server:
        wire = Wire(server.port)
        assert (await wire.ask("POST", "/rest/v1/items", ITEM)).status == 201
        others = [Wire(server.port) for _ in range(8)]
        await asyncio.gather(*(other.ask("GET", "/rest/v1/items") for other in others))  # fills the pool
        await asyncio.to_thread(own_postgres.down)
        for method, body in (("GET", None), ("POST", {**ITEM, "key": "lost"}), ("GET", None)):
            begun = time.monotonic()
            unavailable(await wire.ask(method, "/rest/v1/items", body))
            assert time.monotonic() - begun < 5, "who asks must not wait long to hear that it is away"
        await asyncio.to_thread(own_postgres.up)
        found = await asyncio.wait_for(_once_back(wire), 15)
        assert found.json() == [ITEM]
        assert (await wire.ask("POST", "/rest/v1/items", {**ITEM, "key": "new"})).status == 201
        for each in (wire, *others):
            each.close()


def unavailable(answer: Answer) -> None:
    """Assert that an answer says that the database is away, and no more than that."""
    assert answer.status == 503, answer.body
    assert int(answer.headers["retry-after"]) >= 1
    assert answer.json()["code"] == "PGRST000"
    assert b"127.0.0.1" not in answer.body, "an answer tells where the database is"


async def _once_back(wire: Wire) -> Answer:
    while (answer := await wire.ask("GET", "/rest/v1/items?select=key,batch,n")).status != 200:
        unavailable(answer)
        await asyncio.sleep(0.1)
    return answer
