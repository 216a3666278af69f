"""People sign up, in and out with the unchanged `supabase` from PyPI, sync and async, on each engine; mails from the inbox."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import quote
from urllib.request import ProxyHandler, build_opener
from uuid import uuid4

import httpx
import pytest
from supabase import AClientOptions, ClientOptions, acreate_client, create_client
from supabase_auth.errors import AuthApiError, AuthWeakPasswordError

from tests.clients.supabase_py import result, rows
from tests.support.live import LiveServer
from tests.support.people import PASSWORD, read_mail

pytestmark = pytest.mark.filterwarnings("ignore:The '(timeout|verify)' parameter is deprecated:DeprecationWarning")
_loopback = build_opener(ProxyHandler({}))


def _mails(url: str, email: str) -> list[dict[str, Any]]:
    with _loopback.open(f"{url}/_inbox/messages?to={quote(email)}", timeout=5) as answer:
        return list(json.load(answer))


async def mail(url: str, email: str, kind: str) -> dict[str, str]:
    """The newest mail of a kind to an address; it may be on its way still."""
    for _ in range(100):
        found = [each for each in await asyncio.to_thread(_mails, url, email) if each["kind"] == kind]
        if found:
            return read_mail(found[0]["text"])
        await asyncio.sleep(0.02)
    raise AssertionError(f"no mail of the kind {kind} to {email}")


async def text(url: str, phone: str) -> str:
    """The code in the newest text to a number."""
    found = (await asyncio.to_thread(_mails, url, phone))[0]["text"]
    return re.findall(r"\d{6}", found)[0]


async def refused(call: Awaitable[Any] | Any) -> AuthApiError:
    """The error of a call that must be refused."""
    with pytest.raises(AuthApiError) as caught:
        await result(call() if callable(call) else call)
    return caught.value


Connect = Callable[[str], Awaitable[Any]]


@pytest.fixture(params=["sync", "async"])
async def connected(shop: LiveServer, request: pytest.FixtureRequest) -> AsyncIterator[Connect]:
    """Connects clients of one kind by their key, and closes them at the end."""
    async with httpx.AsyncClient() as several:
        with httpx.Client() as one:

            async def open_(key: str) -> Any:
                # An HTTP client of ours: the library forgets to close its own whenever somebody signs in.
                if request.param == "sync":
                    return create_client(shop.url, key, ClientOptions(httpx_client=one, auto_refresh_token=False))
                return await acreate_client(shop.url, key, AClientOptions(httpx_client=several, auto_refresh_token=False))

            yield open_


async def test_a_person_from_sign_up_to_sign_out(shop: LiveServer, connected: Connect) -> None:
    client, email = await connected(shop.anon_key), f"py-{uuid4()}@example.com"
    signed = await result(client.auth.sign_up({"email": email, "password": PASSWORD, "options": {"data": {"a": 1}}}))
    assert signed.session is None
    early = await refused(lambda: client.auth.sign_in_with_password({"email": email, "password": PASSWORD}))
    assert early.code == "email_not_confirmed"
    code = (await mail(shop.url, email, "confirmation"))["code"]
    verified = await result(client.auth.verify_otp({"type": "signup", "email": email, "token": code}))
    assert verified.session is not None
    uid = verified.user.id
    assert (await result(client.auth.get_user())).user.user_metadata == {"a": 1, "email_verified": True}
    assert await rows(client.table("orders").select("id")) == []

    before = verified.session.refresh_token
    refreshed = await result(client.auth.refresh_session())
    assert refreshed.session.refresh_token != before
    await result(client.auth.update_user({"data": {"a": None, "b": 2}}))
    assert (await result(client.auth.get_user())).user.user_metadata == {"b": 2, "email_verified": True}
    with pytest.raises(AuthWeakPasswordError):
        await result(client.auth.update_user({"password": "123"}))

    await result(client.auth.reset_password_for_email(email))
    other = await connected(shop.anon_key)
    code = (await mail(shop.url, email, "recovery"))["code"]
    await result(other.auth.verify_otp({"type": "recovery", "email": email, "token": code}))
    await result(other.auth.update_user({"password": "another horse 2"}))
    assert (await refused(lambda: client.auth.refresh_session())).code == "session_not_found"
    wrong = await refused(lambda: client.auth.sign_in_with_password({"email": email, "password": PASSWORD}))
    assert (wrong.code, wrong.status) == ("invalid_credentials", 400)
    await result(client.auth.sign_in_with_password({"email": email, "password": "another horse 2"}))
    await result(client.auth.sign_out())
    assert await result(client.auth.get_session()) is None

    service = await connected(shop.service_key)
    listed = await result(service.auth.admin.list_users(page=1, per_page=100))
    assert email in [user.email for user in listed]
    assert (await result(service.auth.admin.get_user_by_id(uid))).user.email == email
    await result(service.auth.admin.update_user_by_id(uid, {"app_metadata": {"roles": ["staff"]}}))
    staff = await connected(shop.anon_key)
    await result(staff.auth.sign_in_with_password({"email": email, "password": "another horse 2"}))
    assert len(await rows(staff.table("orders").select("id"))) > 20
    await result(service.auth.admin.delete_user(uid))
    assert (await refused(lambda: service.auth.admin.get_user_by_id(uid))).code == "user_not_found"


async def test_a_person_by_phone(shop: LiveServer, connected: Connect) -> None:
    client, phone = await connected(shop.anon_key), f"46{time.time_ns() // 1000 % 10**11:011}"
    signed = await result(client.auth.sign_up({"phone": phone, "password": PASSWORD}))
    assert (signed.session, signed.user.phone) == (None, phone)
    early = await refused(lambda: client.auth.sign_in_with_password({"phone": phone, "password": PASSWORD}))
    assert early.code == "phone_not_confirmed"
    code = await text(shop.url, phone)
    verified = await result(client.auth.verify_otp({"type": "sms", "phone": phone, "token": code}))
    assert (verified.user.phone, verified.user.identities[0].provider) == (phone, "phone")
    await result(client.auth.sign_in_with_password({"phone": phone, "password": PASSWORD}))
    soon = await refused(lambda: client.auth.sign_in_with_otp({"phone": phone}))
    assert (soon.code, soon.status) == ("over_sms_send_rate_limit", 429)

    new = f"47{time.time_ns() // 1000 % 10**11:011}"
    assert (await result(client.auth.update_user({"phone": new}))).user.new_phone == new
    changed = await result(client.auth.verify_otp({"type": "phone_change", "phone": new, "token": await text(shop.url, new)}))
    assert changed.user.phone == new
    other = f"48{time.time_ns() // 1000 % 10**11:011}"
    sent = await result(client.auth.sign_in_with_otp({"phone": other}))
    assert sent.message_id
    code = await text(shop.url, other)
    assert (await result(client.auth.verify_otp({"type": "sms", "phone": other, "token": code}))).user.phone == other


async def test_invitations_and_links(shop: LiveServer, connected: Connect) -> None:
    service, client = await connected(shop.service_key), await connected(shop.anon_key)
    email = f"py-{uuid4()}@example.com"
    invited = await result(service.auth.admin.invite_user_by_email(email, {"data": {"team": "red"}}))
    assert (invited.user.email, invited.user.user_metadata) == (email, {"team": "red"})
    code = (await mail(shop.url, email, "invite"))["code"]
    await result(client.auth.verify_otp({"type": "invite", "email": email, "token": code}))
    await result(client.auth.update_user({"password": PASSWORD}))
    await result(client.auth.sign_in_with_password({"email": email, "password": PASSWORD}))

    async def made(kind: str, address: str, **more: Any) -> Any:
        return await result(service.auth.admin.generate_link({"type": kind, "email": address, **more}))

    for kind in ("signup", "invite", "magiclink", "recovery"):
        address = f"py-{uuid4()}@example.com" if kind in ("signup", "invite") else email
        link = await made(kind, address, password=PASSWORD)
        assert link.properties.verification_type == kind
        verified = await result(client.auth.verify_otp({"type": kind, "token_hash": link.properties.hashed_token}))
        assert verified.user.id == link.user.id
    new = f"py-{uuid4()}@example.com"
    current = await made("email_change_current", email, new_email=new)
    other = await made("email_change_new", email, new_email=new)
    async with httpx.AsyncClient(trust_env=False) as browser:
        assert "message=" in (await browser.get(current.properties.action_link)).headers["location"]
        assert "access_token=" in (await browser.get(other.properties.action_link)).headers["location"]
    assert (await result(client.auth.sign_in_with_password({"email": new, "password": PASSWORD}))).user.email == new
