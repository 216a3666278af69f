"""What docs/security.md claims and no other test shows: lifetimes, codes that were replaced, whose an account elsewhere is."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import jwt
import pytest

from mainspring.services.identity.flows import profile, verify
from tests.support.elsewhere import Browser, with_providers
from tests.support.people import Open, Session, refused
from tests.support.provider import FakeProvider


async def test_nobody_is_there_before_somebody_signs_up(opened: Open) -> None:
    async with opened() as people:
        answer = await people.service.get("/auth/v1/admin/users")
        assert (answer.json()["users"], answer.headers["x-total-count"]) == ([], "0")
        for email in ("admin@example.com", "root@localhost", "service_role@localhost"):
            said = {"email": email, "password": "admin"}
            refused(await people.post("/token?grant_type=password", said), 400, "invalid_credentials")


@pytest.mark.alone
async def test_a_session_that_rests_too_long_ends(opened: Open) -> None:
    async with opened(autoconfirm=True, session_idle_seconds=1) as people:
        session = await people.member()
        session = Session(people.anon, (await people.refresh(session.refresh_token)).json())
        await asyncio.sleep(1.1)
        text = refused(await people.refresh(session.refresh_token), 400, "session_expired")
        assert text == "Invalid Refresh Token: Session Expired (Inactivity)"


async def test_a_session_may_last_for_years_where_nothing_bounds_it(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has to choose another password, or to sign in again, because time has passed."""
    async with opened(autoconfirm=True) as people:
        session = await people.member()
        now = profile.now
        for name in ("sessions", "flows.sign_in"):
            monkeypatch.setattr(f"mainspring.services.identity.{name}.now", lambda: now() + timedelta(days=3650))
        assert (await people.refresh(session.refresh_token)).status_code == 200
        await people.sign_in(session.body["user"]["email"])


async def test_a_code_by_mail_is_too_old_after_a_while(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(code_seconds=600) as people:
        email = people.address()
        await people.sign_up(email)
        mail, now = await people.mail(email, "confirmation"), verify.now
        by_code = {"type": "signup", "email": email, "token": mail["code"]}
        by_link = {"type": "signup", "token_hash": mail["token"]}
        with monkeypatch.context() as later:
            later.setattr(verify, "now", lambda: now() + timedelta(seconds=601))
            for said in (by_code, by_link):
                refused(await people.post("/verify", said), 403, "otp_expired")
        assert (await people.post("/verify", by_code)).status_code == 200
        refused(await people.post("/verify", by_link), 403, "otp_expired")


async def test_a_newer_code_takes_the_place_of_the_one_before(opened: Open) -> None:
    async with opened() as people:
        email = (await people.member()).body["user"]["email"]
        codes: list[str] = []
        for count in (1, 2):
            await people.post("/otp", {"email": email})
            for _ in range(200):
                if len([mail for mail in await people.mails(email) if mail["kind"] == "magic_link"]) == count:
                    break
                await asyncio.sleep(0.01)
            codes.append((await people.mail(email, "magic_link"))["code"])
        first, second = ({"type": "magiclink", "email": email, "token": code} for code in codes)
        if codes[0] != codes[1]:
            refused(await people.post("/verify", first), 403, "otp_expired")
        refused(await people.post("/verify", {**second, "type": "signup"}), 403, "otp_expired")
        assert (await people.post("/verify", second)).status_code == 200


async def test_the_service_key_ends_what_somebody_is_signed_in_with(opened: Open) -> None:
    async with opened(autoconfirm=True) as people:
        for change in ({"password": "another horse 2"}, {"ban_duration": "1h"}, None):
            here = await people.member()
            there = await people.sign_in(here.body["user"]["email"])
            place = f"/auth/v1/admin/users/{here.uid}"
            done = await (people.service.delete(place) if change is None else people.service.put(place, json=change))
            assert done.status_code == 200, done.text
            for session in (here, there):
                assert (await session.ask("GET", "/rest/v1/notes")).status_code == 401, change
                assert (await people.refresh(session.refresh_token)).status_code == 400, change


async def test_a_newer_password_ends_the_others_whoever_recovers(opened: Open) -> None:
    async with opened() as people:
        stolen = await people.member()
        email = stolen.body["user"]["email"]
        await people.post("/recover", {"email": email})
        owner = await people.verified("recovery", email, "recovery")
        assert (await owner.ask("PUT", "/auth/v1/user", json={"password": "another horse 2"})).status_code == 200
        assert (await stolen.ask("GET", "/rest/v1/notes")).status_code == 401
        refused(await people.refresh(stolen.refresh_token), 400, "session_not_found")
        assert (await people.refresh(owner.refresh_token)).status_code == 200


async def test_a_password_is_changed_only_by_who_proves_themselves_again(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(password_reauthentication=True) as people:
        session = await people.member()
        monkeypatch.setattr(profile, "FRESH", timedelta(0))
        wanted = {"password": "another horse 2"}
        refused(await session.ask("PUT", "/auth/v1/user", json=wanted), 400, "reauthentication_needed")
        assert (await session.ask("GET", "/auth/v1/reauthenticate")).status_code == 200
        code = (await people.mail(session.body["user"]["email"], "reauthentication"))["code"]
        wrong = f"{(int(code) + 1) % 10**6:06}"
        refused(await session.ask("PUT", "/auth/v1/user", json={**wanted, "nonce": wrong}), 422, "reauthentication_not_valid")
        assert (await session.ask("PUT", "/auth/v1/user", json={**wanted, "nonce": code})).status_code == 200


async def test_whoever_forgot_the_password_is_not_asked_for_it(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(password_current=True) as people:
        email = (await people.member()).body["user"]["email"]
        await people.post("/recover", {"email": email})
        session = await people.verified("recovery", email, "recovery")
        with monkeypatch.context() as later:
            later.setattr(profile, "FRESH", timedelta(0))
            answer = await session.ask("PUT", "/auth/v1/user", json={"password": "another horse 2"})
            refused(answer, 400, "current_password_required")
        assert (await session.ask("PUT", "/auth/v1/user", json={"password": "another horse 2"})).status_code == 200
        session = await people.sign_in(email, "another horse 2")
        answer = await session.ask("PUT", "/auth/v1/user", json={"password": "a third horse 3"})
        refused(answer, 400, "current_password_required")


async def test_one_id_at_two_providers_is_two_people(opened: Open, provider: FakeProvider) -> None:
    async with with_providers(opened, provider)() as people:
        provider.signs_in("the same", people.address())
        first = await Browser(people, provider).session("fake")
        provider.signs_in("the same", people.address())
        second = await Browser(people, provider).session("second")
        assert first.uid != second.uid
        assert [each["id"] for each in second.body["user"]["identities"]] == ["the same"]


async def test_what_a_provider_says_of_its_own_strength_counts_for_nothing(opened: Open, provider: FakeProvider) -> None:
    """Whatever it says of how somebody signed in there, it is one factor here."""
    async with with_providers(opened, provider)() as people:
        provider.signs_in("strong-1", people.address(), acr="urn:mace:incommon:iap:gold", amr=["mfa", "hwk"])
        session = await Browser(people, provider).session()
        claims = jwt.decode(session.body["access_token"], options={"verify_signature": False})
        assert (claims["aal"], [entry["method"] for entry in claims["amr"]]) == ("aal1", ["oauth"])


async def test_every_way_in_begins_a_session_of_its_own(opened: Open) -> None:
    async with opened(phone=True) as people:
        session = await people.member()
        email = session.body["user"]["email"]
        found = [session, await people.sign_in(email)]
        await people.post("/otp", {"email": email})
        found.append(await people.verified("magiclink", email, "magic_link"))
        await people.post("/recover", {"email": email})
        found.append(await people.verified("recovery", email, "recovery"))
        tokens = [jwt.decode(each.body["access_token"], options={"verify_signature": False}) for each in found]
        assert len({each["session_id"] for each in tokens}) == len({each.refresh_token for each in found}) == 4
        assert {each["aal"] for each in tokens} == {"aal1"}
