"""kill -9 while people sign up, refresh and follow links: nobody is half there, nothing is spent twice, nothing told is lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.live import LiveServer
from tests.support.people import PASSWORD
from tests.support.servers import PostgresServer

APP = Path(__file__).parents[1] / "support" / "people.py"
CHEAP = {
    "MAINSPRING_AUTH__PASSWORD_MEMORY_KIB": "8",
    "MAINSPRING_AUTH__PASSWORD_ITERATIONS": "1",
    "MAINSPRING_AUTH__AUTOCONFIRM": "true",
    "MAINSPRING_AUTH__RATE_SEND": "0",
    "MAINSPRING_AUTH__RATE_TOKEN": "0",
    "MAINSPRING_AUTH__RATE_GUESSES": "0",
}
ROUNDS, PEOPLE, SECONDS = 3, 8, 0.6


class Ledger:
    """What was acknowledged: who signed up, and each one's latest refresh token."""

    def __init__(self) -> None:
        self.tokens: dict[str, str] = {}


async def live(client: httpx.AsyncClient, name: str, ledger: Ledger) -> None:
    """Sign up one person after another and refresh each twice, until the server is gone."""
    number = 0
    while True:
        number += 1
        email = f"{name}-{number}@example.com"
        answer = await client.post("/auth/v1/signup", json={"email": email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        ledger.tokens[email] = answer.json()["refresh_token"]
        for _ in range(2):
            answer = await client.post("/auth/v1/token?grant_type=refresh_token", json={"refresh_token": ledger.tokens[email]})
            assert answer.status_code == 200, answer.text
            ledger.tokens[email] = answer.json()["refresh_token"]


async def until_gone(work: Callable[[], Coroutine[Any, Any, None]]) -> None:
    try:
        await work()
    except httpx.TransportError:
        return


def client_of(server: LiveServer, key: str) -> httpx.AsyncClient:
    headers = {"apikey": server.anon_key, "authorization": f"Bearer {key}"}
    return httpx.AsyncClient(base_url=server.url, headers=headers, trust_env=False, timeout=30)


async def everybody(server: LiveServer) -> list[dict[str, Any]]:
    async with client_of(server, server.service_key) as service:
        found: list[dict[str, Any]] = []
        for page in range(1, 100):
            answer = await service.get(f"/auth/v1/admin/users?page={page}&per_page=1000")
            found += answer.json()["users"]
            if 'rel="next"' not in answer.headers["link"]:
                break
        return found


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_kill_while_people_sign_up(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    database: str | None = None
    if engine == "postgres":
        postgres: PostgresServer = request.getfixturevalue("postgres")
        database = postgres.database("half")
    server = LiveServer(APP, data=tmp_path / "data", database=database, env=CHEAP)
    ledger = Ledger()
    try:
        for turn in range(ROUNDS):
            server.start()
            async with client_of(server, server.anon_key) as client:
                running = [
                    asyncio.create_task(until_gone(partial(live, client, f"{turn}-{each}", ledger))) for each in range(PEOPLE)
                ]
                await asyncio.sleep(SECONDS + turn / 10)
                server.kill()
                await asyncio.gather(*running)
        server.start()
        found = await everybody(server)
        assert set(ledger.tokens) <= {user["email"] for user in found}, "whoever was told is there"
        assert [user["email"] for user in found if len(user["identities"]) != 1] == [], "nobody is half there"
        async with client_of(server, server.anon_key) as client:
            for email, token in list(ledger.tokens.items())[-40:]:
                answer = await client.post("/auth/v1/token?grant_type=refresh_token", json={"refresh_token": token})
                assert answer.status_code == 200, (email, answer.text)
            for user in found[:20]:  # told or not: who is there can sign in
                body = {"email": user["email"], "password": PASSWORD}
                assert (await client.post("/auth/v1/token?grant_type=password", json=body)).status_code == 200
    finally:
        server.kill()
