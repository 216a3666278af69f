"""People who are known by a phone number, on every engine: sign-up, codes by text, changes; and what attackers try there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from mainspring.services.identity.flows import profile, verify
from mainspring.testing.client import TestClient
from tests.support.people import PASSWORD, Open, People, Session, app, refused, settings


@pytest.fixture
async def people(opened: Open) -> AsyncIterator[People]:
    """The application where people may sign up by phone."""
    async with opened(phone=True) as found:
        yield found


async def signed_up(people: People, phone: str, password: str = PASSWORD, **more: Any) -> dict[str, Any]:
    answer = await people.post("/signup", {"phone": phone, "password": password, **more})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def verified(people: People, phone: str, kind: str = "sms") -> Session:
    answer = await people.post("/verify", {"type": kind, "phone": phone, "token": await people.text(phone)})
    assert answer.status_code == 200, answer.text
    return Session(people.anon, answer.json())


async def member(people: People) -> Session:
    phone = people.number()
    await signed_up(people, phone)
    return await verified(people, phone)


async def test_sign_up_with_a_password(people: People) -> None:
    phone = people.number()
    user = await signed_up(people, f"+{phone[:4]} {phone[4:]}", data={"name": "Ann"})
    assert (user["phone"], user["email"], user["role"]) == (phone, "", "authenticated")
    assert user["app_metadata"] == {"provider": "phone", "providers": ["phone"]}
    assert "confirmation_sent_at" in user
    (identity,) = user["identities"]
    assert (identity["provider"], identity["id"]) == ("phone", user["id"])
    assert identity["identity_data"] == {
        "sub": user["id"], "phone": phone, "name": "Ann", "email_verified": False, "phone_verified": False,
    }  # fmt: skip
    signing_in = {"phone": phone, "password": PASSWORD}
    early = await people.post("/token?grant_type=password", signing_in)
    assert refused(early, 400, "phone_not_confirmed") == "Phone not confirmed"
    session = await verified(people, phone)
    body = session.body["user"]
    assert (body["id"], body["phone_confirmed_at"]) == (user["id"], body["confirmed_at"])
    assert body["identities"][0]["identity_data"]["phone_verified"] is True
    again = await people.post("/token?grant_type=password", {**signing_in, "phone": "+" + phone})
    assert again.json()["user"]["id"] == user["id"]
    assert (await session.ask("GET", "/auth/v1/user")).json()["phone"] == phone


async def test_a_code_signs_in_who_is_new_and_who_is_known(people: People) -> None:
    phone = people.number()
    first = await people.post("/otp", {"phone": phone, "data": {"a": 1}})
    assert (first.status_code, list(first.json())) == (200, ["message_id"])
    uid = (await verified(people, phone)).uid
    code = await people.text(phone)
    second = await people.post("/otp", {"phone": "+" + phone})
    assert list(second.json()) == ["message_id"], "known and new are answered alike"
    assert await people.text(phone, but=code) != code
    session = await verified(people, phone)
    assert (session.uid, session.body["user"]["user_metadata"]) == (uid, {"a": 1})
    refused(await people.post("/otp", {"phone": people.number(), "create_user": False}), 422, "otp_disabled")


async def test_a_code_serves_once_and_for_its_purpose(people: People) -> None:
    phone = people.number()
    await people.post("/otp", {"phone": phone})
    said = {"phone": phone, "token": await people.text(phone)}
    refused(await people.post("/verify", {**said, "type": "phone_change"}), 403, "otp_expired")
    refused(await people.post("/verify", {**said, "type": "email"}), 403, "otp_expired")
    answers = await asyncio.gather(*(people.post("/verify", {**said, "type": "sms"}) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] + [403] * 5


async def test_channels(people: People) -> None:
    phone = people.number()
    assert (await people.post("/otp", {"phone": phone, "channel": "whatsapp"})).status_code == 200
    code = await people.text(phone, "whatsapp")
    assert (await people.post("/verify", {"type": "sms", "phone": phone, "token": code})).status_code == 200
    wrong = {"phone": phone, "channel": "pigeon"}
    refused(await people.post("/otp", wrong), 400, "validation_failed")
    refused(await people.post("/signup", {**wrong, "password": PASSWORD}), 400, "validation_failed")
    refused(await people.post("/otp", {"email": "a@example.com", "channel": "sms"}), 400, "validation_failed")


@pytest.mark.parametrize("phone", ["0701234567", "46701234567890123", "abc", "46-70", "1", "+", "4670\n1", "٤٦٧٠"])
async def test_what_is_no_number(phone: str) -> None:
    async with TestClient(app, settings=settings(phone=True)) as client:
        people = People(client)
        for path, body in (("/signup", {"password": PASSWORD}), ("/otp", {}), ("/resend", {"type": "sms"})):
            told = refused(await people.post(path, {"phone": phone, **body}), 400, "validation_failed")
            assert told == "Invalid phone number format (E.164 required)"
        wrong = {"phone": phone, "password": PASSWORD}
        refused(await people.post("/token?grant_type=password", wrong), 400, "invalid_credentials")


async def test_one_address_at_a_time(people: People) -> None:
    both = {"email": "a@example.com", "phone": people.number(), "password": PASSWORD}
    for path in ("/signup", "/otp", "/token?grant_type=password"):
        refused(await people.post(path, both), 400, "validation_failed")
    refused(await people.post("/verify", {**both, "type": "sms", "token": "123456"}), 400, "validation_failed")
    refused(await people.post("/resend", {**both, "type": "sms"}), 400, "validation_failed")
    refused(await people.post("/resend", {"email": "a@example.com", "type": "sms"}), 400, "validation_failed")
    pkce = {"code_challenge": "c" * 43, "code_challenge_method": "plain"}
    answer = await people.post("/signup", {"phone": people.number(), "password": PASSWORD, **pkce})
    assert refused(answer, 400, "validation_failed") == "PKCE not supported for phone signups"


async def test_resend(people: People) -> None:
    phone = people.number()
    await signed_up(people, phone)
    code = await people.text(phone)
    assert (await people.post("/resend", {"type": "sms", "phone": phone})).json() == {}
    await people.text(phone, but=code)
    session = await verified(people, phone)
    assert (await people.post("/resend", {"type": "sms", "phone": phone})).json() == {}, "nothing to send, nothing told"
    new = people.number()
    await session.ask("PUT", "/auth/v1/user", json={"phone": new})
    code = await people.text(new)
    assert (await people.post("/resend", {"type": "phone_change", "phone": phone})).json() == {}
    await people.text(new, but=code)
    assert (await verified(people, new, "phone_change")).body["user"]["phone"] == new


async def test_a_number_is_changed_once_its_owner_agrees(people: People) -> None:
    session = await people.member()
    new = people.number()
    answer = await session.ask("PUT", "/auth/v1/user", json={"phone": "+" + new, "data": {"a": 1}})
    assert (answer.json()["phone"], answer.json()["new_phone"]) == ("", new)
    assert answer.json()["user_metadata"]["a"] == 1
    wrong = {"type": "sms", "phone": new, "token": await people.text(new)}
    refused(await people.post("/verify", wrong), 403, "otp_expired")
    changed = (await verified(people, new, "phone_change")).body["user"]
    assert (changed["id"], changed["phone"], "new_phone" in changed) == (session.uid, new, False)
    assert changed["app_metadata"]["providers"] == ["email", "phone"]
    assert [each["provider"] for each in changed["identities"]] == ["email", "phone"]
    taken = await (await member(people)).ask("PUT", "/auth/v1/user", json={"phone": new})
    told = refused(taken, 422, "phone_exists")
    assert told == "A user with this phone number has already been registered"
    answer = await people.post("/token?grant_type=password", {"phone": new, "password": PASSWORD})
    assert answer.json()["user"]["id"] == session.uid


async def test_two_who_want_the_same_number(people: People) -> None:
    """Its owner agrees with one of them, by that one's code; then the other's leads nowhere."""
    one, other, new = await people.member(), await people.member(), people.number()
    codes = []
    for session in (one, other):
        assert (await session.ask("PUT", "/auth/v1/user", json={"phone": new})).status_code == 200
        codes.append(await people.text(new, but=codes[0] if codes else ""))
    said = [{"type": "phone_change", "phone": new, "token": code} for code in codes]
    assert (await people.post("/verify", said[1])).json()["user"]["id"] == other.uid
    refused(await people.post("/verify", said[0]), 403, "otp_expired")
    assert (await one.ask("GET", "/auth/v1/user")).json()["phone"] == ""


async def test_who_is_anonymous_becomes_somebody_by_phone(people: People) -> None:
    session = Session(people.anon, (await people.post("/signup", {})).json())
    phone = people.number()
    await session.ask("PUT", "/auth/v1/user", json={"phone": phone, "password": PASSWORD})
    known = (await verified(people, phone, "phone_change")).body["user"]
    assert (known["id"], known["is_anonymous"], known["phone"]) == (session.uid, False, phone)


async def test_a_mailbox_and_a_number_at_once(people: People) -> None:
    session = await people.member()
    phone, email = people.number(), people.address()
    answer = await session.ask("PUT", "/auth/v1/user", json={"phone": phone, "email": email})
    assert (answer.json()["new_phone"], answer.json()["new_email"]) == (phone, email)
    assert (await verified(people, phone, "phone_change")).body["user"]["phone"] == phone
    await people.mail(email, "email_change")


async def test_numbers_that_need_not_be_confirmed(opened: Open) -> None:
    async with opened(phone=True, phone_autoconfirm=True) as people:
        phone = people.number()
        signed = await signed_up(people, phone)
        assert signed["user"]["phone_confirmed_at"] == signed["user"]["confirmed_at"]
        again = {"phone": phone, "password": PASSWORD}
        refused(await people.post("/signup", again), 422, "user_already_exists")
        new = people.number()
        changed = await Session(people.anon, signed).ask("PUT", "/auth/v1/user", json={"phone": new})
        assert (changed.json()["phone"], changed.json()["identities"][0]["identity_data"]["phone"]) == (new, new)
        assert await people.mails(new) == []
        taken = await Session(people.anon, await signed_up(people, phone)).ask("PUT", "/auth/v1/user", json={"phone": new})
        refused(taken, 422, "phone_exists")


async def test_whether_a_number_is_known_is_not_told(people: People) -> None:
    phone = people.number()
    await signed_up(people, phone)
    await verified(people, phone)
    seeming = await signed_up(people, phone, "another one 2", data={"b": 2})
    assert (seeming["phone"], seeming["identities"], seeming["role"]) == (phone, [], "")
    assert seeming["user_metadata"] == {"b": 2}
    for number in (phone, people.number()):
        answer = await people.post("/token?grant_type=password", {"phone": number, "password": "wrong one 1"})
        refused(answer, 400, "invalid_credentials")
        refused(await people.post("/verify", {"type": "sms", "phone": number, "token": "000000"}), 403, "otp_expired")


async def test_who_signs_up_again_gets_a_code_to_sign_in(people: People) -> None:
    """Where nothing were sent, others could keep the owner of a number from getting a text."""
    session = await member(people)
    phone = session.body["user"]["phone"]
    code = await people.text(phone)
    await signed_up(people, phone, "the attacker's 1")
    assert await people.text(phone, but=code) != code
    assert (await verified(people, phone)).uid == session.uid
    wrong = {"phone": phone, "password": "the attacker's 1"}
    refused(await people.post("/token?grant_type=password", wrong), 400, "invalid_credentials")


async def test_asking_twice_tells_nothing() -> None:
    bounds = {"interval_seconds": 60}
    async with TestClient(app, settings=settings(phone=True, mail=bounds, sms=bounds)) as client:
        people = People(client)
        known = {"phone": people.number(), "email": people.address()}
        for kind, address in known.items():
            await people.service.post("/auth/v1/admin/users", json={kind: address, f"{kind}_confirm": True})
        for kind, new in (("phone", people.number()), ("email", people.address())):
            for address in (known[kind], new):
                body = {kind: address, "password": PASSWORD}
                statuses = [(await people.post("/signup", body)).status_code for _ in range(3)]
                assert statuses == [200, 429, 429], (kind, address)


@pytest.mark.alone
async def test_how_long_it_takes_tells_nothing() -> None:
    """Answers to known and new people come at the same even times; here they are far apart, so that one can see it."""
    async with TestClient(app, settings=settings(phone=True, even_seconds=0.5)) as client:
        people = People(client)
        known = {"phone": people.number(), "email": people.address()}
        for kind, address in known.items():
            await people.service.post("/auth/v1/admin/users", json={kind: address, f"{kind}_confirm": True})
        for path in ("/signup", "/otp"):
            for kind, new in (("phone", people.number()), ("email", people.address())):
                for address in (known[kind], new):
                    begun = time.monotonic()
                    assert (await people.post(path, {kind: address, "password": PASSWORD})).status_code == 200
                    assert 0.49 < time.monotonic() - begun < 0.95, (path, kind, address)


@pytest.mark.parametrize("how", ["code", "sign-up"])
async def test_nobody_prepares_an_account_for_the_owner_of_a_number(people: People, how: str) -> None:
    phone = people.number()
    await signed_up(people, phone, "the attacker's 1")
    code = await people.text(phone)
    if how == "code":
        await people.post("/otp", {"phone": phone})
    else:
        await signed_up(people, phone, "the owner's 1")
    await people.text(phone, but=code)
    await verified(people, phone)
    answer = await people.post("/token?grant_type=password", {"phone": phone, "password": "the attacker's 1"})
    refused(answer, 400, "invalid_credentials")


async def test_the_service_key_creates_and_changes_who_has_a_number(people: People) -> None:
    phone, email = people.number(), people.address()
    made = await people.service.post(
        "/auth/v1/admin/users",
        json={"phone": "+" + phone, "email": email, "phone_confirm": True, "email_confirm": True, "password": PASSWORD},
    )
    user = made.json()
    assert (user["phone"], user["email"], "phone_confirmed_at" in user) == (phone, email, True)
    assert user["app_metadata"] == {"provider": "email", "providers": ["email", "phone"]}
    assert sorted(each["provider"] for each in user["identities"]) == ["email", "phone"]
    for said in ({"phone": phone, "password": PASSWORD}, {"email": email, "password": PASSWORD}):
        assert (await people.post("/token?grant_type=password", said)).status_code == 200
    again = await people.service.post("/auth/v1/admin/users", json={"phone": phone, "email": people.address()})
    refused(again, 422, "phone_exists")
    new = people.number()
    changed = await people.service.put(f"/auth/v1/admin/users/{user['id']}", json={"phone": new})
    assert changed.json()["phone"] == new
    other = (await people.service.post("/auth/v1/admin/users", json={"phone": people.number()})).json()
    assert "phone_confirmed_at" not in other
    taken = await people.service.put(f"/auth/v1/admin/users/{other['id']}", json={"phone": new})
    refused(taken, 422, "phone_exists")
    found = (await people.service.get("/auth/v1/admin/users", params={"filter": new})).json()["users"]
    assert [each["id"] for each in found] == [user["id"]]


async def test_a_password_is_changed_with_a_code_by_text(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(phone=True, password_reauthentication=True) as people:
        session = await member(people)
        phone = session.body["user"]["phone"]
        code = await people.text(phone)
        monkeypatch.setattr(profile, "FRESH", timedelta(0))  # as if the sign-in were long ago
        wanted = {"password": "another horse 2"}
        refused(await session.ask("PUT", "/auth/v1/user", json=wanted), 400, "reauthentication_needed")
        assert list((await session.ask("GET", "/auth/v1/reauthenticate")).json()) == ["message_id"]
        nonce = await people.text(phone, but=code)
        wrong = await session.ask("PUT", "/auth/v1/user", json={**wanted, "nonce": f"{(int(nonce) + 1) % 10**6:06}"})
        refused(wrong, 422, "reauthentication_not_valid")
        refused(await people.post("/verify", {"type": "sms", "phone": phone, "token": nonce}), 403, "otp_expired")
        assert (await session.ask("PUT", "/auth/v1/user", json={**wanted, "nonce": nonce})).status_code == 200
        again = await session.ask("PUT", "/auth/v1/user", json={"password": "a third horse 3", "nonce": nonce})
        refused(again, 422, "reauthentication_not_valid")


async def test_switched_off(opened: Open) -> None:
    async with opened() as people:
        phone = people.number()
        told = (await people.anon.get("/auth/v1/settings")).json()
        assert (told["external"]["phone"], told["phone_autoconfirm"], told["sms_provider"]) == (False, False, "")
        said = {"phone": phone, "password": PASSWORD}
        for path in ("/signup", "/otp", "/token?grant_type=password"):
            refused(await people.post(path, said), 400, "phone_provider_disabled")
        refused(await people.post("/resend", {"type": "sms", "phone": phone}), 400, "phone_provider_disabled")
        session = await people.member()
        refused(await session.ask("PUT", "/auth/v1/user", json={"phone": phone}), 400, "phone_provider_disabled")
    async with opened(phone=True, phone_autoconfirm=True) as people:
        told = (await people.anon.get("/auth/v1/settings")).json()
        assert (told["external"]["phone"], told["phone_autoconfirm"]) == (True, True)


# ---------------------------------------------------------------- bounds


async def test_a_phone_is_not_made_to_ring_all_the_time() -> None:
    async with TestClient(app, settings=settings(phone=True, sms={"interval_seconds": 60})) as client:
        people = People(client)
        phone = people.number()
        await signed_up(people, phone)
        for path, more in (("/otp", {}), ("/resend", {"type": "sms"}), ("/signup", {"password": PASSWORD})):
            answer = await people.post(path, {"phone": "+" + phone, **more})
            assert "you can only request this after" in refused(answer, 429, "over_sms_send_rate_limit")
            assert 1 <= int(answer.headers["retry-after"]) <= 60
        assert len(await people.mails(phone)) == 1


async def test_guesses_at_a_code_run_into_a_bound() -> None:
    async with TestClient(app, settings=settings(phone=True, rate_guesses=10)) as client:
        people = People(client)
        phone = people.number()
        await people.post("/otp", {"phone": phone})
        code = int(await people.text(phone))
        statuses: list[int] = []
        for guess in range(10_000):
            shapes = (phone, "+" + phone, f"{phone[:5]} {phone[5:]}")  # one account, however it is written
            body = {"type": "sms", "phone": shapes[guess % 3], "token": f"{(code + 1 + guess) % 10**6:06}"}
            statuses.append((await people.post("/verify", body)).status_code)
        assert statuses[:11] == [403] * 10 + [429]
        assert statuses.count(403) <= 12, "one more in half a minute"
        assert set(statuses) == {403, 429}


async def test_a_code_is_too_old_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    async with TestClient(app, settings=settings(phone=True)) as client:
        people = People(client)
        phone = people.number()
        await people.post("/otp", {"phone": phone})
        body = {"type": "sms", "phone": phone, "token": await people.text(phone)}
        now = verify.now
        with monkeypatch.context() as later:
            later.setattr(verify, "now", lambda: now() + timedelta(seconds=61))
            refused(await people.post("/verify", body), 403, "otp_expired")
        assert (await people.post("/verify", body)).status_code == 200


async def test_codes_known_beforehand() -> None:
    sms = {"test_codes": ("46700000001=123456",)}
    async with TestClient(app, settings=settings(phone=True, sms=sms)) as client:
        people = People(client)
        body = {"phone": "46700000001", "type": "sms", "token": "123456"}
        refused(await people.post("/verify", body), 403, "otp_expired")
        assert (await people.post("/otp", {"phone": "+46700000001"})).json() == {"message_id": "test-otp"}
        assert await people.mails("46700000001") == []
        assert (await people.post("/verify", body)).status_code == 200
        refused(await people.post("/verify", body), 403, "otp_expired")
        other = people.number()
        await people.post("/otp", {"phone": other})
        refused(await people.post("/verify", {**body, "phone": other}), 403, "otp_expired")
