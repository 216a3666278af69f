"""kill -9 while people sign up by phone and are invited: nobody is half there, no code serves twice, nothing told is lost."""

from __future__ import annotations

import asyncio
import re
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.test_half_users import CHEAP, SECONDS, client_of, everybody, until_gone
from tests.support.live import LiveServer
from tests.support.people import PASSWORD
from tests.support.servers import PostgresServer

APP = Path(__file__).parents[1] / "support" / "people.py"
ENV = {
    **CHEAP,
    "MAINSPRING_AUTH__AUTOCONFIRM": "false",
    "MAINSPRING_AUTH__PHONE": "true",
    "MAINSPRING_AUTH__RATE_VERIFY": "0",
    "MAINSPRING_SMS__INTERVAL_SECONDS": "0",
    "MAINSPRING_MAIL__INTERVAL_SECONDS": "0",
}
ROUNDS, EACH = 3, 3


class Ledger:
    """What was acknowledged: who is in (by phone or mailbox), who is invited, and codes that were used."""

    def __init__(self) -> None:
        self.members: set[str] = set()
        self.invited: set[str] = set()
        self.used: list[dict[str, str]] = []


async def code(client: httpx.AsyncClient, to: str) -> str:
    mails = (await client.get("/_inbox/messages", params={"to": to})).json()
    return re.findall(r"\d{6}\b", mails[0]["text"].rpartition("ode")[2])[0]


async def enter(client: httpx.AsyncClient, ledger: Ledger, name: str, **said: str) -> None:
    answer = await client.post("/auth/v1/verify", json=said)
    assert answer.status_code == 200, answer.text
    ledger.members.add(name)
    ledger.used.append(said)


async def by_phone(client: httpx.AsyncClient, prefix: str, ledger: Ledger) -> None:
    """Sign up one number after another, by password or by code, and confirm it."""
    number = 0
    while True:
        number += 1
        phone = f"46{prefix}{number:05}"
        path, more = ("/auth/v1/signup", {"password": PASSWORD}) if number % 2 else ("/auth/v1/otp", {})
        answer = await client.post(path, json={"phone": phone, **more})
        assert answer.status_code == 200, answer.text
        await enter(client, ledger, phone, type="sms", phone=phone, token=await code(client, phone))


async def by_invitation(client: httpx.AsyncClient, service: httpx.AsyncClient, prefix: str, ledger: Ledger) -> None:
    """Invite one mailbox after another, by mail or by a link, and let every other one come in."""
    number = 0
    while True:
        number += 1
        email = f"{prefix}-{number}@example.com"
        if number % 2:
            answer = await service.post("/auth/v1/invite", json={"email": email, "data": {"n": number}})
        else:
            answer = await service.post("/auth/v1/admin/generate_link", json={"type": "invite", "email": email})
        assert answer.status_code == 200, answer.text
        ledger.invited.add(email)
        if number % 3:
            token = await code(client, email) if number % 2 else answer.json()["email_otp"]
            await enter(client, ledger, email, type="invite", email=email, token=token)


def is_whole(user: dict[str, Any]) -> bool:
    return [each["provider"] for each in user["identities"]] == ["phone" if user["phone"] else "email"]


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_kill_while_people_sign_up_by_phone_and_are_invited(
    engine: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    database: str | None = None
    if engine == "postgres":
        postgres: PostgresServer = request.getfixturevalue("postgres")
        database = postgres.database("messages")
    server = LiveServer(APP, data=tmp_path / "data", database=database, env=ENV)
    ledger = Ledger()
    try:
        for turn in range(ROUNDS):
            server.start()
            async with client_of(server, server.anon_key) as client, client_of(server, server.service_key) as service:
                works = [partial(by_phone, client, f"7{turn}{each}", ledger) for each in range(EACH)]
                works += [partial(by_invitation, client, service, f"{turn}-{each}", ledger) for each in range(EACH)]
                running = [asyncio.create_task(until_gone(work)) for work in works]
                await asyncio.sleep(SECONDS + turn / 10)
                server.kill()
                await asyncio.gather(*running)
        server.start()
        found = await everybody(server)
        confirmed = {user["phone"] or user["email"] for user in found if "confirmed_at" in user}
        assert len(ledger.members) > 20
        assert ledger.members <= confirmed, "whoever was let in is in"
        assert ledger.invited <= {user["email"] for user in found if "invited_at" in user}
        assert [user for user in found if not is_whole(user)] == [], "nobody is half there"
        async with client_of(server, server.anon_key) as client:
            for said in ledger.used:
                answer = await client.post("/auth/v1/verify", json=said)
                assert answer.status_code in (403, 429), "a code serves once"
            waiting = [user for user in found if "confirmed_at" not in user and user["phone"]]
            for user in waiting:  # told or not: who was not let in can still come in
                await client.post("/auth/v1/otp", json={"phone": user["phone"]})
                await enter(client, ledger, "", type="sms", phone=user["phone"], token=await code(client, user["phone"]))
    finally:
        server.kill()
