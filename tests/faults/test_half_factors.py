"""kill -9 while people enroll and prove second factors: nobody is half protected or shut out, no code serves twice."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

import httpx
import jwt
import pytest

from tests.faults.test_half_users import APP, CHEAP, client_of, everybody, until_gone
from tests.support.authenticator import App, answered, challenge, enroll
from tests.support.live import LiveServer
from tests.support.people import PASSWORD, Session
from tests.support.servers import PostgresServer

ROUNDS, PEOPLE, SECONDS = 3, 6, 0.6
CODES = "/auth/v1/factors/recovery-codes"


class Person:
    """What somebody was told: of which factor, which code was accepted, with which session, which recovery codes."""

    def __init__(self, email: str) -> None:
        self.email = email
        self.factor, self.app = "", App("")
        self.used, self.refresh_token = "", ""
        self.codes: list[str] = []


async def live(client: httpx.AsyncClient, name: str, known: list[Person]) -> None:
    """Sign up one person after another; each enrolls an app, proves it and gets recovery codes, until the server is gone."""
    number = 0
    while True:
        number += 1
        person = Person(f"{name}-{number}@example.com")
        answer = await client.post("/auth/v1/signup", json={"email": person.email, "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        session = Session(client, answer.json())
        person.factor, person.app = await enroll(session, "phone")
        known.append(person)
        code = person.app.code()
        said = {"challenge_id": await challenge(session, person.factor), "code": code}
        answer = await session.ask("POST", f"/auth/v1/factors/{person.factor}/verify", json=said)
        assert answer.status_code == 200, answer.text
        person.used, person.refresh_token = code, answer.json()["refresh_token"]
        answer = await Session(client, answer.json()).ask("POST", CODES)
        assert answer.status_code == 200, answer.text
        person.codes = answer.json()["codes"]


def level(session: Session) -> str:
    return str(jwt.decode(session.body["access_token"], options={"verify_signature": False})["aal"])


async def sign_in(client: httpx.AsyncClient, person: Person) -> Session:
    answer = await client.post("/auth/v1/token?grant_type=password", json={"email": person.email, "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    return Session(client, answer.json())


async def check(client: httpx.AsyncClient, person: Person, verified: bool) -> None:
    """What was told holds, and whoever was told nothing can still come in."""
    if person.refresh_token:
        assert verified, "whoever was told so is protected"
        answer = await client.post("/auth/v1/token?grant_type=refresh_token", json={"refresh_token": person.refresh_token})
        assert answer.status_code == 200, answer.text
        assert level(Session(client, answer.json())) == "aal2"
    low = await sign_in(client, person)
    if person.used:
        assert (await answered(low, person.factor, person.used)).status_code == 422, "no code serves twice"
    if person.codes:
        assert (await low.ask("GET", CODES)).json() == {"left": 10}
        tries = [low.ask("POST", f"{CODES}/verify", json={"code": person.codes[0]}) for _ in range(3)]
        answers = await asyncio.gather(*tries)
        assert sorted(each.status_code for each in answers) == [200, 422, 422]
        low = Session(client, next(each.json() for each in answers if each.status_code == 200))
    answer = await answered(low, person.factor, person.app.code(1))
    assert answer.status_code == 200, answer.text
    assert level(Session(client, answer.json())) == "aal2"


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_kill_while_people_prove_factors(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    database: str | None = None
    if engine == "postgres":
        postgres: PostgresServer = request.getfixturevalue("postgres")
        database = postgres.database("factors")
    env = {**CHEAP, "MAINSPRING_AUTH__RATE_FACTORS": "0"}
    server = LiveServer(APP, data=tmp_path / "data", database=database, env=env)
    known: list[Person] = []
    try:
        for turn in range(ROUNDS):
            server.start()
            async with client_of(server, server.anon_key) as client:
                running = [
                    asyncio.create_task(until_gone(partial(live, client, f"{turn}-{each}", known))) for each in range(PEOPLE)
                ]
                await asyncio.sleep(SECONDS + turn / 10)
                server.kill()
                await asyncio.gather(*running)
        server.start()
        found = {user["email"]: user.get("factors", []) for user in await everybody(server)}
        assert all(len(factors) <= 1 for factors in found.values())
        assert any(person.codes for person in known)
        async with client_of(server, server.anon_key) as client:
            half, whole = ([each for each in known if bool(each.codes) is told] for told in (False, True))
            for person in [*half, *whole[-20:]]:
                (factor,) = found[person.email]
                await check(client, person, factor["status"] == "verified")
    finally:
        server.kill()
