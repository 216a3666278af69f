"""Phones as second factors at `/auth/v1/factors`, on every engine: a code by text for each challenge."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import jwt
import pytest

from tests.support.people import Open, People, Session, refused

FACTORS = "/auth/v1/factors"
ON = {"autoconfirm": True, "mfa_phone": "on", "rate_factors": 0}


@pytest.fixture
async def people(opened: Open) -> AsyncIterator[People]:
    async with opened(**ON) as found:
        yield found


async def enroll(session: Session, phone: str, name: str = "") -> Any:
    said = {"factor_type": "phone", "phone": phone, "friendly_name": name}
    return await session.ask("POST", FACTORS, json=said)


async def challenge(session: Session, factor: str, **said: Any) -> str:
    answer = await session.ask("POST", f"{FACTORS}/{factor}/challenge", json=said)
    assert answer.status_code == 200, answer.text
    assert answer.json().keys() == {"id", "type", "expires_at"}
    return str(answer.json()["id"])


async def answered(session: Session, factor: str, asked: str, code: str) -> Any:
    return await session.ask("POST", f"{FACTORS}/{factor}/verify", json={"challenge_id": asked, "code": code})


def methods(session: Session) -> list[str]:
    claims = jwt.decode(session.body["access_token"], options={"verify_signature": False})
    assert claims["aal"] == "aal2"
    return [entry["method"] for entry in claims["amr"]]


async def test_a_phone_from_enrolling_to_giving_it_up(people: People) -> None:
    email, phone = people.address(), people.number()
    session = await people.member(email)
    told = (await enroll(session, f"+{phone}", "mine")).json()
    assert told == {"id": told["id"], "type": "phone", "friendly_name": "mine", "phone": f"+{phone}"}
    factor = told["id"]
    asked = await challenge(session, factor)
    code = await people.text(phone)
    wrong = "0" * len(code) if code != "0" * len(code) else "1" * len(code)
    told = refused(await answered(session, factor, asked, wrong), 422, "mfa_verification_failed")
    assert told == "Invalid MFA Phone code entered"
    answers = await asyncio.gather(*(answered(session, factor, asked, code) for _ in range(5)))
    assert sorted(each.status_code for each in answers) == [200] + [422] * 4
    high = Session(people.anon, next(each.json() for each in answers if each.status_code == 200))
    assert methods(high) == ["mfa/phone", "password"]
    (found,) = high.body["user"]["factors"]
    assert (found["factor_type"], found["status"], found["phone"]) == ("phone", "verified", phone)

    low = await people.sign_in(email)
    change = {"phone": people.number()}
    refused(await low.ask("PUT", "/auth/v1/user", json=change), 401, "insufficient_aal")
    first = await challenge(low, factor, channel="whatsapp")
    code = await people.text(phone, "whatsapp")
    second = await challenge(low, factor)
    refused(await answered(low, factor, second, code), 422, "mfa_verification_failed")  # a code is that of one challenge
    assert (await answered(low, factor, first, code)).status_code == 200
    assert (await high.ask("DELETE", f"{FACTORS}/{factor}")).json() == {"id": factor}


async def test_what_enrolling_is_refused_with(people: People) -> None:
    session, phone = await people.member(), people.number()
    for odd, told in (
        ("", "Phone number required to enroll Phone factor"),
        ("12a", "Invalid phone number format (E.164 required)"),
    ):
        assert refused(await enroll(session, odd), 400, "validation_failed") == told
    first = (await enroll(session, phone, "mine")).json()["id"]
    again = (await enroll(session, f"+{phone}", "mine")).json()["id"]
    user = (await session.ask("GET", "/auth/v1/user")).json()
    assert [each["id"] for each in user["factors"]] == [again] != [first]
    asked = await challenge(session, again)
    high = Session(people.anon, (await answered(session, again, asked, await people.text(phone))).json())
    refused(await enroll(high, phone, "again"), 422, "mfa_verified_factor_exists")
    odd = await high.ask("POST", f"{FACTORS}/{again}/challenge", json={"channel": "pigeon"})
    refused(odd, 400, "validation_failed")


async def test_how_often_a_phone_rings(opened: Open) -> None:
    async with opened(**ON, sms={"interval_seconds": 60}) as people:
        session, phone = await people.member(), people.number()
        factor = (await enroll(session, phone)).json()["id"]
        await challenge(session, factor)
        answer = await session.ask("POST", f"{FACTORS}/{factor}/challenge", json={})
        refused(answer, 429, "over_sms_send_rate_limit")
        assert 0 < int(answer.headers["retry-after"]) <= 60


async def test_guesses_are_bounded(opened: Open) -> None:
    async with opened(**{**ON, "rate_guesses": 5}) as people:
        session, phone = await people.member(), people.number()
        factor = (await enroll(session, phone)).json()["id"]
        asked = await challenge(session, factor)
        code = await people.text(phone)
        guesses = [f"{number:06}" for number in range(10) if f"{number:06}" != code][:6]
        statuses = [(await answered(session, factor, asked, guess)).status_code for guess in guesses]
        assert statuses == [422] * 5 + [429]


async def test_switched_off(opened: Open) -> None:
    async with opened(autoconfirm=True) as people:
        answer = await enroll(await people.member(), people.number())
        assert refused(answer, 422, "mfa_phone_enroll_not_enabled") == "MFA enroll is disabled for Phone"


async def test_the_service_key_lets_it_be_another_phone(people: People) -> None:
    session, phone, other = await people.member(), people.number(), people.number()
    factor = (await enroll(session, phone)).json()["id"]
    path = f"/auth/v1/admin/users/{session.uid}/factors/{factor}"
    changed = await people.service.put(path, json={"phone": f"+{other}", "friendly_name": "new"})
    assert (changed.json()["phone"], changed.json()["friendly_name"]) == (other, "new")
    refused(await people.service.put(path, json={"phone": "x"}), 400, "validation_failed")
    asked = await challenge(session, factor)
    assert (await answered(session, factor, asked, await people.text(other))).status_code == 200
