"""kill -9 under writes: what was acknowledged is there, what was not is there as a whole or not at all."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from random import Random

import pytest
from pysqlite3 import dbapi2 as sqlite

from tests.faults.writers import Ledger, Writer, stored
from tests.support.live import LiveServer

KILLS, WRITERS, SEED = 30, 32, 20_260_101


def intact(data: Path, copy: Path) -> None:
    """Check a copy of the database as the killed process left it, so that the server has the recovery to do."""
    copy.mkdir()
    for file in data.glob("data.sqlite*"):
        shutil.copy(file, copy)
    with sqlite.connect(str(copy / "data.sqlite")) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    connection.close()
    shutil.rmtree(copy)


@pytest.mark.alone  # the less else runs, the more writes are under way when it is killed
@pytest.mark.timeout(300)
async def test_kill_nine_loses_nothing_that_was_acknowledged(
    server: LiveServer, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    random, ledger, unanswered = Random(SEED), Ledger(), 0
    for number in range(KILLS):
        await asyncio.to_thread(server.start)
        ledger.settle(await stored(server.port))
        writers = [Writer(ledger, server.port, SEED + number * WRITERS + each) for each in range(WRITERS)]
        running = [asyncio.create_task(writer.run()) for writer in writers]
        await asyncio.sleep(random.uniform(0.02, 0.5))
        server.kill()
        await asyncio.wait_for(asyncio.gather(*running), 10)
        unanswered += len(ledger.open)
        intact(tmp_path / "data", tmp_path / "copy")
    await asyncio.to_thread(server.start)
    ledger.settle(await stored(server.port))
    await asyncio.to_thread(server.stop)
    intact(tmp_path / "data", tmp_path / "copy")
    with capsys.disabled():
        print(
            f"\nkill -9: {KILLS} kills, {WRITERS} writers, {ledger.acknowledged} writes acknowledged and all there,"
            f" {unanswered} unanswered and whole, {len(ledger.rows)} rows"
        )
    assert not ledger.refused
    assert ledger.acknowledged > KILLS * 10, "hardly anything was written: the test shows nothing"
