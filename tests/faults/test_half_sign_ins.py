"""kill -9 while people sign in through a provider: nobody is half there, and no state or code serves twice."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from tests.faults.test_half_users import client_of, everybody, until_gone
from tests.support.elsewhere import PKCE, VERIFIER
from tests.support.live import LiveServer
from tests.support.provider import CLIENT, SECRET, FakeProvider
from tests.support.servers import PostgresServer

APP = Path(__file__).parents[1] / "support" / "people.py"
ROUNDS, PEOPLE, SECONDS = 3, 6, 0.8


class Ledger:
    """What was told: addresses that came back from the provider, codes that were handed out, sessions that began."""

    def __init__(self) -> None:
        self.callbacks: list[tuple[str, dict[str, str]]] = []
        self.codes: set[str] = set()
        self.spent: set[str] = set()
        self.emails: set[str] = set()


async def step(client: httpx.AsyncClient, url: str, headers: dict[str, str]) -> httpx.Response:
    parts = urlsplit(url)
    return await client.get(f"{parts.path}?{parts.query}", headers=headers)


async def live(client: httpx.AsyncClient, provider: FakeProvider, name: str, ledger: Ledger) -> None:
    """Sign in as one new person after another until the server is gone."""
    number = 0
    while True:
        number += 1
        email = f"{name}-{number}@example.com"
        query = urlencode({"provider": "fake", "login_hint": email, **PKCE})
        answer = await client.get(f"/auth/v1/authorize?{query}")
        cookie = {"cookie": answer.headers["set-cookie"].partition(";")[0]}
        back = provider.consent(answer.headers["location"])
        ledger.callbacks.append((back, cookie))
        answer = await step(client, back, cookie)
        code = parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]
        ledger.codes.add(code)
        ledger.emails.add(email)
        body = {"auth_code": code, "code_verifier": VERIFIER}
        answer = await client.post("/auth/v1/token?grant_type=pkce", json=body)
        assert answer.status_code == 200, answer.text
        ledger.spent.add(code)


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_kill_while_people_sign_in(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    database: str | None = None
    if engine == "postgres":
        postgres: PostgresServer = request.getfixturevalue("postgres")
        database = postgres.database("half")
    ledger = Ledger()
    with FakeProvider() as provider:
        env: dict[str, Any] = {
            "MAINSPRING_AUTH__PROVIDERS__FAKE__ISSUER": provider.url,
            "MAINSPRING_AUTH__PROVIDERS__FAKE__CLIENT_ID": CLIENT,
            "MAINSPRING_AUTH__PROVIDERS__FAKE__CLIENT_SECRET": SECRET,
            "MAINSPRING_AUTH__RATE_TOKEN": "0",
        }
        server = LiveServer(APP, data=tmp_path / "data", database=database, env=env)
        try:
            for turn in range(ROUNDS):
                server.start()
                async with client_of(server, server.anon_key) as client:
                    running = [
                        asyncio.create_task(until_gone(partial(live, client, provider, f"{turn}-{each}", ledger)))
                        for each in range(PEOPLE)
                    ]
                    await asyncio.sleep(SECONDS + turn / 10)
                    server.kill()
                    await asyncio.gather(*running)
            server.start()
            found = await everybody(server)
            assert ledger.emails <= {user["email"] for user in found}, "whoever was told is there"
            halves = [user["email"] for user in found if len(user["identities"]) != 1 or not user.get("email_confirmed_at")]
            assert halves == [], "nobody is half there"
            assert len({user["email"] for user in found}) == len(found)
            async with client_of(server, server.anon_key) as client:
                for back, cookie in ledger.callbacks[-30:]:
                    answer = await step(client, back, cookie)
                    assert "bad_oauth_state" in answer.headers["location"] or "code=" in answer.headers["location"]
                for code in ledger.spent:
                    answer = await client.post(
                        "/auth/v1/token?grant_type=pkce", json={"auth_code": code, "code_verifier": VERIFIER}
                    )
                    assert answer.status_code == 404, "a code serves once"
                for code in ledger.codes - ledger.spent:
                    answers = [
                        await client.post("/auth/v1/token?grant_type=pkce", json={"auth_code": code, "code_verifier": VERIFIER})
                        for _ in range(2)
                    ]
                    assert answers[1].status_code == 404
        finally:
            server.kill()
    assert len(ledger.spent) > ROUNDS
