"""Clients that read a byte a second, or send half of a request, are nobody else's trouble."""

from __future__ import annotations

import asyncio
import time

import pytest

from tests.faults.load import fill
from tests.faults.wire import Wire
from tests.support.live import LiveServer

EACH = 50
HALVES = [
    b"POST /rest/v1/items HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\n[{\"key\":\"half\"",
    b"POST /rest/v1/items HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n10\r\n[{\"key\":",
    b"GET /rest/v1/items HTTP/1.1\r\nhos",
    b"",
]


async def _reads_slowly(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1)
    writer.write(b"GET /rest/v1/things HTTP/1.1\r\nhost: x\r\n\r\n")
    try:
        while await reader.read(1):  # noqa: ASYNC110 - being slow is the point
            await asyncio.sleep(1)
    finally:
        writer.transport.abort()


async def _sends_half(port: int, half: bytes) -> None:
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(half)
    try:
        await asyncio.sleep(3600)
    finally:
        writer.transport.abort()


@pytest.mark.alone
async def test_slow_clients_block_nobody(server: LiveServer) -> None:
    await asyncio.to_thread(server.start)
    await fill(server.port, 5000)
    slow = [asyncio.create_task(_reads_slowly(server.port)) for _ in range(EACH)]
    slow += [asyncio.create_task(_sends_half(server.port, HALVES[number % len(HALVES)])) for number in range(EACH)]
    await asyncio.sleep(1)
    wire, worst = Wire(server.port), 0.0
    for number in range(100):
        begun = time.monotonic()
        written = await wire.ask("POST", "/rest/v1/items", {"key": str(number), "batch": "b"})
        found = await wire.ask("GET", f"/rest/v1/items?key=eq.{number}&select=key")
        worst = max(worst, time.monotonic() - begun)
        assert (written.status, found.json()) == (201, [{"key": str(number)}])
    assert worst < 1
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    await asyncio.sleep(0.2)
    assert len((await wire.ask("GET", "/rest/v1/items?select=key")).json()) == 100, "half a request was carried out"
    wire.close()
    await asyncio.to_thread(server.stop)
