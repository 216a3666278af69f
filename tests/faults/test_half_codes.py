"""kill -9 while programs exchange codes for tokens: no code serves twice, none is spent for nothing that was told."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from tests.faults.test_half_users import APP, CHEAP, client_of, until_gone
from tests.support.live import LiveServer
from tests.support.people import PASSWORD
from tests.support.servers import PostgresServer

SETTINGS = {**CHEAP, "MAINSPRING_AUTH__OAUTH_SERVER": "true"}
BACK = "https://program.example/back"
ROUNDS, PEOPLE, SECONDS = 3, 6, 0.6


class Ledger:
    """Codes that were told, and the answers to their exchange that were told."""

    def __init__(self) -> None:
        self.codes: dict[str, str] = {}
        self.tokens: dict[str, str] = {}


def query(url: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


def form(program: dict[str, Any], **said: str) -> dict[str, str]:
    return {"client_id": program["client_id"], **said}


async def live(client: httpx.AsyncClient, program: dict[str, Any], person: dict[str, str], ledger: Ledger) -> None:
    """Allow the program one code after another, each exchanged at once, until the server is gone."""
    while True:
        verifier = secrets.token_urlsafe(48)
        asked = {
            "client_id": program["client_id"],
            "redirect_uri": BACK,
            "code_challenge": base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode(),
            "code_challenge_method": "S256",
        }
        sent = await client.get(f"/auth/v1/oauth/authorize?{urlencode(asked)}")
        path = f"/auth/v1/oauth/authorizations/{query(sent.headers['location'])['authorization_id']}"
        told = (await client.get(path, headers=person)).json()
        if "redirect_url" not in told:
            told = (await client.post(f"{path}/consent", json={"action": "approve"}, headers=person)).json()
        code = query(told["redirect_url"])["code"]
        ledger.codes[code] = verifier
        data = form(program, grant_type="authorization_code", code=code, code_verifier=verifier)
        answer = await client.post("/auth/v1/oauth/token", data=data)
        assert answer.status_code == 200, answer.text
        ledger.tokens[code] = answer.json()["refresh_token"]


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_kill_while_codes_are_exchanged(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    database: str | None = None
    if engine == "postgres":
        postgres: PostgresServer = request.getfixturevalue("postgres")
        database = postgres.database("codes")
    server = LiveServer(APP, data=tmp_path / "data", database=database, env=SETTINGS)
    ledger = Ledger()
    try:
        server.start()
        async with client_of(server, server.service_key) as service:
            body = {"redirect_uris": [BACK], "token_endpoint_auth_method": "none"}
            program = (await service.post("/auth/v1/admin/oauth/clients", json=body)).json()
            people = []
            for number in range(PEOPLE):
                said = {"email": f"p{number}@example.com", "password": PASSWORD}
                signed = (await service.post("/auth/v1/signup", json=said)).json()
                people.append({"authorization": f"Bearer {signed['access_token']}"})
        for turn in range(ROUNDS):
            server.start() if turn else None
            async with client_of(server, server.anon_key) as client:
                running = [asyncio.create_task(until_gone(partial(live, client, program, person, ledger))) for person in people]
                await asyncio.sleep(SECONDS + turn / 10)
                server.kill()
                await asyncio.gather(*running)
        server.start()
        assert len(ledger.tokens) > 20
        async with client_of(server, server.anon_key) as client:

            async def exchange(code: str) -> int:
                said = form(program, grant_type="authorization_code", code=code, code_verifier=ledger.codes[code])
                return (await client.post("/auth/v1/oauth/token", data=said)).status_code

            for code, token in list(ledger.tokens.items())[-30:]:
                said = form(program, grant_type="refresh_token", refresh_token=token)
                assert (await client.post("/auth/v1/oauth/token", data=said)).status_code == 200, "what was told is so"
                assert await exchange(code) == 400, "and it was told once"
            for code in ledger.codes.keys() - ledger.tokens.keys():
                assert sorted([await exchange(code), await exchange(code)]) in ([200, 400], [400, 400])
    finally:
        server.kill()
