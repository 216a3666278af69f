"""SIGTERM under load: whoever was let in gets an answer, what was acknowledged is there, the exit code is 0."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from tests.faults.conftest import DURABLE
from tests.faults.load import fill, search
from tests.faults.wire import Wire
from tests.faults.writers import Ledger, Writer, stored
from tests.support.live import LiveServer

pytestmark = pytest.mark.alone


@pytest.mark.parametrize("workers", [1, 2])
async def test_sigterm_lets_everybody_finish(
    tmp_path: Path, app: Path, workers: int, capsys: pytest.CaptureFixture[str]
) -> None:
    server = LiveServer(app, data=tmp_path / "data", env=DURABLE, args=["--workers", str(workers)])
    try:
        await _stop_under_load(server, capsys, workers)
    finally:
        server.kill()


async def _stop_under_load(server: LiveServer, capsys: pytest.CaptureFixture[str], workers: int) -> None:
    await asyncio.to_thread(server.start)
    await fill(server.port, 20_000)
    ledger, stop = Ledger(), asyncio.Event()
    running = [asyncio.create_task(Writer(ledger, server.port, each).run(stop)) for each in range(16)]
    searches = [asyncio.create_task(search(server.port)) for _ in range(4)]
    await asyncio.sleep(0.4)
    stop.set()  # nobody sends anything new, so that every request that is under way was accepted before
    await asyncio.sleep(0)
    os.kill(server.pid, signal.SIGTERM)
    answers = await asyncio.wait_for(asyncio.gather(*searches), 30)
    await asyncio.wait_for(asyncio.gather(*running), 10)
    assert [answer.status for answer in answers] == [200] * 4
    assert not ledger.open, "a write that was accepted was not answered"
    assert not ledger.refused
    assert await asyncio.to_thread(server.wait) == 0
    with capsys.disabled():
        print(f"\nSIGTERM, {workers} worker(s): {ledger.acknowledged} writes and {len(answers)} searches answered")
    server.kill()
    await asyncio.to_thread(server.start)
    ledger.settle(await stored(server.port))
    await asyncio.to_thread(server.stop)


async def test_after_sigterm_nobody_is_let_in(server: LiveServer) -> None:
    await asyncio.to_thread(server.start)
    await fill(server.port, 10_000)
    searching = asyncio.create_task(search(server.port))
    await asyncio.sleep(0.2)
    os.kill(server.pid, signal.SIGTERM)
    await asyncio.sleep(0.2)
    with pytest.raises(OSError, match="Connect"):
        await Wire(server.port).ask("GET", "/healthz")
    assert (await searching).status == 200
    assert await asyncio.to_thread(server.wait) == 0

