"""Two worker processes on one SQLite file, and what they share besides it."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

import httpx

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


PEOPLE = Path(__file__).parents[1] / "support" / "people.py"


async def test_two_workers_count_together(tmp_path: Path) -> None:
    """31 requests where 30 are allowed, each on a connection of its own; and again after a restart."""
    env = {"MAINSPRING_AUTH__RATE_SEND": "30"}
    server = LiveServer(PEOPLE, data=tmp_path / "data", env=env, args=["--workers", "2"])
    for allowed in (30, 0):  # a restart does not begin anew
        with server:

            async def ask(number: int) -> int:
                async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
                    answer = await client.post("/auth/v1/recover", json={"email": f"{number}@example.com"})
                    return answer.status_code

            found = Counter(await asyncio.gather(*map(ask, range(31))))
            assert found == Counter({200: allowed, 429: 31 - allowed} if allowed else {429: 31})


async def test_two_workers_show_one_inbox(tmp_path: Path) -> None:
    env = {"MAINSPRING_AUTH__RATE_SEND": "0", "MAINSPRING_AUTH__PASSWORD_MEMORY_KIB": "8"}
    with LiveServer(PEOPLE, data=tmp_path / "data", env=env, args=["--workers", "2"]) as server:
        for number in range(12):
            async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
                body = {"email": f"{number}@example.com", "password": "correct horse 1"}
                assert (await client.post("/auth/v1/signup", json=body)).status_code == 200
            async with httpx.AsyncClient(base_url=server.url, trust_env=False) as client:
                mails = (await client.get("/_inbox/messages")).json()
                assert [mail["to"] for mail in mails] == [f"{each}@example.com" for each in reversed(range(number + 1))]
