"""Two worker processes on one SQLite file, and what they share besides it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

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


@pytest.mark.alone
async def test_two_workers_hear_of_roles_and_bans(tmp_path: Path) -> None:
    """A changed role, and a ban by `mainspring users`, hold for data at every worker within `auth.revocation_seconds`."""
    env = {"MAINSPRING_AUTH__AUTOCONFIRM": "true", "MAINSPRING_AUTH__PASSWORD_MEMORY_KIB": "8"}
    env |= {"MAINSPRING_AUTH__REVOCATION_SECONDS": "0.5"}
    arguments = ["--workers", "2"]
    with LiveServer(PEOPLE, data=tmp_path / "data", env=env, args=arguments) as server:

        async def ask(method: str, path: str, token: str, **more: Any) -> httpx.Response:
            headers = {"apikey": server.anon_key, "authorization": f"Bearer {token}"}
            async with httpx.AsyncClient(base_url=server.url, trust_env=False, headers=headers) as client:
                return await client.request(method, path, **more)

        async def read(token: str) -> set[tuple[int, int]]:
            """What 16 requests, each on a connection of its own, are answered: status, and how many rows."""
            answers = await asyncio.gather(*(ask("GET", "/rest/v1/notes", token) for _ in range(16)))
            return {(answer.status_code, len(answer.json()) if answer.status_code == 200 else 0) for answer in answers}

        people = []
        for name in ("ann", "bob"):
            body = {"email": f"{name}@example.com", "password": "correct horse 1"}
            people.append((await ask("POST", "/auth/v1/signup", server.anon_key, json=body)).json())
            await ask("POST", "/rest/v1/notes", people[-1]["access_token"], json={"body": name})
        ann, _ = people
        assert await read(ann["access_token"]) == {(200, 1)}
        place = f"/auth/v1/admin/users/{ann['user']['id']}"
        await ask("PUT", place, server.service_key, json={"app_metadata": {"roles": ["staff"]}})
        await asyncio.sleep(0.8)
        assert await read(ann["access_token"]) == {(401, 0)}, "nobody believes what the old token says"
        said = {"refresh_token": ann["refresh_token"]}
        ann = (await ask("POST", "/auth/v1/token?grant_type=refresh_token", server.anon_key, json=said)).json()
        assert await read(ann["access_token"]) == {(200, 2)}, "me.has_role('staff')"

        command = [sys.executable, "-m", "mainspring.cli", "users", "ban", str(PEOPLE), "ann@example.com"]
        done = await asyncio.to_thread(
            subprocess.run, [*command, "--data", str(tmp_path / "data")], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        await asyncio.sleep(0.8)
        assert await read(ann["access_token"]) == {(401, 0)}
