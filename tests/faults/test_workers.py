"""Two worker processes on one SQLite file."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.faults.conftest import DURABLE
from tests.faults.writers import Ledger, Writer, stored
from tests.support.live import LiveServer


async def test_two_workers_lose_nothing(tmp_path: Path, app: Path) -> None:
    ledger, stop = Ledger(), asyncio.Event()
    with LiveServer(app, data=tmp_path / "data", env=DURABLE, args=["--workers", "2"]) as server:
        running = [asyncio.create_task(Writer(ledger, server.port, each).run(stop)) for each in range(24)]
        await asyncio.sleep(2)
        stop.set()
        await asyncio.gather(*running)
        assert not ledger.refused, ledger.refused[:3]
        assert not ledger.open
        assert ledger.acknowledged > 100
        ledger.settle(await stored(server.port))
