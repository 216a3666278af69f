"""The disk fills up under a server on SQLite: writes are refused, reads go on, nothing breaks, and it heals."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from pysqlite3 import dbapi2 as sqlite

from tests.faults.conftest import DURABLE
from tests.faults.wire import Wire
from tests.support.live import LiveServer

SPACE = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Disk:
    """A folder with little space. `more` gives it back, for the server with a process id."""

    folder: Path
    fill: Callable[[int], None]
    more: Callable[[int], None]


@contextlib.contextmanager
def small_volume(folder: Path) -> Iterator[Disk]:
    """A file system of its own; skips the test where none can be mounted."""
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SPACE}", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("this account may not mount a small file system; the limit on file sizes is tested instead")
    ballast = folder / "ballast"
    ballast.write_bytes(b"x" * (SPACE // 2))
    try:
        yield Disk(folder, lambda pid: None, lambda pid: ballast.unlink())
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@contextlib.contextmanager
def limited_files(folder: Path) -> Iterator[Disk]:
    """A limit on the size of files, which the server's process meets as a failing write."""
    folder.mkdir()
    unlimited = resource.RLIM_INFINITY

    def limit(pid: int, size: int) -> None:
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, unlimited))

    yield Disk(folder, lambda pid: limit(pid, SPACE // 2), lambda pid: limit(pid, unlimited))


@pytest.mark.parametrize("small", [small_volume, limited_files])
async def test_a_full_disk(
    small: Callable[[Path], contextlib.AbstractContextManager[Disk]], tmp_path: Path, app: Path
) -> None:
    with small(tmp_path / "disk") as disk:
        file = disk.folder / "data.sqlite"
        server = LiveServer(app, data=tmp_path / "data", database=f"sqlite:///{file}", env=DURABLE)
        with server:
            await _full_and_back(server, disk)
        with sqlite.connect(str(file)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        connection.close()


async def _full_and_back(server: LiveServer, disk: Disk) -> None:
    disk.fill(server.pid)
    wire, kept = Wire(server.port), 0
    row = {"id": 0, "text": "x" * 100_000}
    while (answer := await wire.ask("POST", "/rest/v1/things", {**row, "id": kept})).status == 201:
        kept += 1
        assert kept * 100_000 < 2 * SPACE, "the disk does not fill"
    assert kept > 3
    for _ in range(3):
        assert answer.status in (500, 503, 507), answer.body
        assert answer.json()["code"] == "PGRST000"
        answer = await wire.ask("POST", "/rest/v1/things", [{**row, "id": 9000 + n} for n in range(30)])
    assert await _ids(wire) == list(range(kept)), "reads must go on"
    disk.more(server.pid)
    answer = await wire.ask("POST", "/rest/v1/things", {**row, "id": 9999})
    for _ in range(20):
        if answer.status == 201:
            break
        await asyncio.sleep(0.1)
        answer = await wire.ask("POST", "/rest/v1/things", {**row, "id": 9999})
    assert answer.status == 201, answer.body
    assert await _ids(wire) == [*range(kept), 9999]
    wire.close()


async def _ids(wire: Wire) -> list[int]:
    answer = await wire.ask("GET", "/rest/v1/things?select=id&order=id")
    assert answer.status == 200, answer.body
    return [row["id"] for row in answer.json()]
