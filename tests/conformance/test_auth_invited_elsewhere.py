"""Invitations that are accepted with an account elsewhere (`invite_token`), on every engine; and who tries with another's."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from tests.support.elsewhere import PKCE, SITE, Browser, exchange, user_of, with_providers
from tests.support.people import PASSWORD, Open, People, Session, refused
from tests.support.provider import FakeProvider


@pytest.fixture
def opened(opened: Open, provider: FakeProvider) -> Open:
    return with_providers(opened, provider)


@pytest.fixture
async def people(opened: Open) -> AsyncIterator[People]:
    async with opened(signup=False) as found:
        yield found


async def invited(people: People, email: str, **said: Any) -> str:
    """The token of an invitation's link."""
    answer = await people.service.post("/auth/v1/invite", json={"email": email, **said})
    assert answer.status_code == 200, answer.text
    return str((await people.mail(email, "invite"))["token"])


async def refused_at_once(people: People, token: str, **more: str) -> httpx.Response:
    return await people.anon.get("/auth/v1/authorize", params={"provider": "fake", "invite_token": token, **more})


@pytest.mark.parametrize("verified", [True, False], ids=["verified", "unverified"])
async def test_somebody_invited(verified: bool, people: People, provider: FakeProvider) -> None:
    """The invitation proves the address, whether or not the provider does; nobody else could sign up."""
    email = people.address()
    token = await invited(people, email, data={"team": "red", "name": "?"})
    provider.signs_in(f"invited-{verified}", email.upper(), verified=verified, name="Ann")
    session = await Browser(people, provider).session(invite_token=token)
    user = session.body["user"]
    assert (user["email"], user["user_metadata"]["team"], user["user_metadata"]["name"]) == (email, "red", "Ann")
    assert {"email_confirmed_at", "invited_at"} < set(user)
    assert (user["app_metadata"]["provider"], user["app_metadata"]["providers"]) == ("fake", ["fake"])
    assert [each["provider"] for each in user["identities"]] == ["fake"]
    again = await Browser(people, provider).session()
    assert again.uid == session.uid, "who comes back needs no invitation"


async def test_the_provider_is_not_told(people: People, provider: FakeProvider) -> None:
    email = people.address()
    url = await Browser(people, provider).leave(invite_token=await invited(people, email))
    assert "invite_token" not in parse_qs(urlsplit(url).query)


async def test_a_program_gets_a_code(people: People, provider: FakeProvider) -> None:
    email = people.address()
    token = await invited(people, email)
    provider.signs_in("invited-pkce", email)
    found = await Browser(people, provider).sign_in(invite_token=token, **PKCE)
    body = (await exchange(people, found["code"])).json()
    assert (body["user"]["email"], bool(body["provider_token"])) == (email, True)


async def test_it_is_accepted_once(people: People, provider: FakeProvider) -> None:
    email = people.address()
    token = await invited(people, email)
    provider.signs_in("invited-once", email)
    browsers = [Browser(people, provider) for _ in range(4)]
    urls = [provider.consent(await each.leave(invite_token=token)) for each in browsers]
    found = await asyncio.gather(*(each.back(url) for each, url in zip(browsers, urls, strict=True)))
    assert sorted("access_token" in each for each in found) == [False] * 3 + [True]
    assert {each.get("error_code") for each in found} == {None, "invite_not_found"}
    assert refused(await refused_at_once(people, token), 404, "user_not_found") == "User identified by token not found"
    refused(await people.post("/verify", {"type": "invite", "token_hash": token}), 403, "otp_expired")


async def test_another_address(people: People, provider: FakeProvider) -> None:
    email = people.address()
    token = await invited(people, email)
    for said in (people.address(), None):
        provider.signs_in("invited-other", said)
        found = await Browser(people, provider).sign_in("second", invite_token=token)
        told = "Invited email does not match emails from external provider"
        assert (found["error_code"], found["error_description"]) == ("validation_failed", told)
    provider.signs_in("invited-right", email)
    assert "access_token" in await Browser(people, provider).sign_in(invite_token=token), "it still serves"


async def test_an_invitation_that_was_repeated(people: People, provider: FakeProvider) -> None:
    """Only the last one serves; one that is replaced on the way is not found on the way back."""
    email = people.address()
    first = await invited(people, email)
    provider.signs_in("invited-twice", email)
    browser = Browser(people, provider)
    url = provider.consent(await browser.leave(invite_token=first))
    await people.service.post("/auth/v1/invite", json={"email": email})
    refused(await refused_at_once(people, first), 404, "user_not_found")
    found = await browser.back(url)
    assert (found["error_code"], found["error_description"]) == ("invite_not_found", "Invite not found")


@pytest.mark.parametrize("token", ["x", "0" * 56, "\x00", "é" * 5000])
async def test_tokens_of_nothing(token: str, people: People) -> None:
    refused(await refused_at_once(people, token), 404, "user_not_found")


async def test_what_invites_nobody(opened: Open) -> None:
    """A code for recovery is not for this; nor is an invitation that is too old."""
    async with opened() as people:
        email = people.address()
        await people.member(email)
        await people.post("/recover", {"email": email})
        refused(await refused_at_once(people, (await people.mail(email, "recovery"))["token"]), 404, "user_not_found")
    async with opened(code_seconds=1) as people:
        token = await invited(people, people.address())
        await asyncio.sleep(1.1)
        refused(await refused_at_once(people, token), 404, "user_not_found")


async def test_who_signed_up_before_in_the_same_name(opened: Open, provider: FakeProvider) -> None:
    """Whoever set a password before the address was proven cannot come in with it."""
    async with opened() as people:
        email = people.address()
        await people.sign_up(email, "attacker horse 1")
        token = await invited(people, email)
        provider.signs_in("invited-victim", email)
        session = await Browser(people, provider).session(invite_token=token)
        assert [each["provider"] for each in (await user_of(people, session.uid))["identities"]] == ["fake"]
        for password in ("attacker horse 1", PASSWORD):
            said = {"email": email, "password": password}
            refused(await people.post("/token?grant_type=password", said), 400, "invalid_credentials")


async def test_an_account_elsewhere_that_is_somebody_elses(opened: Open, provider: FakeProvider) -> None:
    async with opened() as people:
        provider.signs_in("taken", people.address())
        await Browser(people, provider).session()
        email = people.address()
        token = await invited(people, email)
        provider.signs_in("taken", email)
        found = await Browser(people, provider).sign_in(invite_token=token)
        assert found["error_code"] == "identity_already_exists"


async def test_the_banned_stay_out(people: People, provider: FakeProvider) -> None:
    email = people.address()
    token = await invited(people, email)
    (user,) = (await people.service.get("/auth/v1/admin/users")).json()["users"]
    await people.service.put(f"/auth/v1/admin/users/{user['id']}", json={"ban_duration": "24h"})
    provider.signs_in("invited-banned", email)
    assert (await Browser(people, provider).sign_in(invite_token=token))["error_code"] == "user_banned"


async def test_who_has_proven_a_phone_keeps_it(people: People, provider: FakeProvider) -> None:
    email, phone = people.address(), people.number()
    said = {"email": email, "phone": phone, "phone_confirm": True, "password": PASSWORD}
    made = (await people.service.post("/auth/v1/admin/users", json=said)).json()
    token = await invited(people, email)
    provider.signs_in("invited-phone", email)
    session = await Browser(people, provider).session(invite_token=token)
    user = session.body["user"]
    assert (session.uid, user["phone"], bool(user["email_confirmed_at"])) == (made["id"], phone, True)
    assert {each["provider"] for each in user["identities"]} == {"email", "phone", "fake"}
    assert (await people.post("/token?grant_type=password", {"email": email, "password": PASSWORD})).status_code == 200
    refused(await refused_at_once(people, token), 404, "user_not_found")


async def test_it_is_noted(people: People, provider: FakeProvider) -> None:
    email = people.address()
    token = await invited(people, email)
    provider.signs_in("invited-noted", email)
    session: Session = await Browser(people, provider).session(invite_token=token, redirect_to=f"{SITE}/in")
    found = (await people.service.get("/auth/v1/admin/audit", params={"query": "action:invite_accepted"})).json()
    assert [(each["payload"]["actor_id"], each["payload"]["traits"]) for each in found] == [(session.uid, {"provider": "fake"})]
