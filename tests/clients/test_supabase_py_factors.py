"""An authenticator app through the unchanged `supabase` from PyPI, sync and async, on each engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from supabase import AClientOptions, ClientOptions, acreate_client, create_client
from supabase_auth.errors import AuthApiError

from tests.clients.supabase_py import result
from tests.support.authenticator import App
from tests.support.live import LiveServer
from tests.support.people import PASSWORD

pytestmark = pytest.mark.filterwarnings("ignore:The '(timeout|verify)' parameter is deprecated:DeprecationWarning")
Connect = Callable[[str], Awaitable[Any]]


@pytest.fixture(params=["sync", "async"])
async def connected(shop: LiveServer, request: pytest.FixtureRequest) -> AsyncIterator[Connect]:
    """Connects clients of one kind by their key, and closes them at the end."""
    async with httpx.AsyncClient() as several:
        with httpx.Client() as one:

            async def open_(key: str) -> Any:
                if request.param == "sync":
                    return create_client(shop.url, key, ClientOptions(httpx_client=one, auto_refresh_token=False))
                return await acreate_client(shop.url, key, AClientOptions(httpx_client=several, auto_refresh_token=False))

            yield open_


async def refused(call: Callable[[], Any]) -> tuple[str | None, int]:
    with pytest.raises(AuthApiError) as caught:
        await result(call())
    return caught.value.code, caught.value.status


async def test_an_authenticator_app(shop: LiveServer, connected: Connect) -> None:
    service, email = await connected(shop.service_key), f"py-{uuid4()}@example.com"
    said = {"email": email, "password": PASSWORD}
    made = await result(service.auth.admin.create_user({**said, "email_confirm": True}))
    client = await connected(shop.anon_key)
    await result(client.auth.sign_in_with_password(said))
    enrolled = await result(client.auth.mfa.enroll({"factor_type": "totp", "friendly_name": "phone", "issuer": "Shop"}))
    assert enrolled.totp.qr_code.startswith("data:image/svg+xml;utf-8,<svg")
    phone, factor = App(enrolled.totp.secret), enrolled.id
    asked = await result(client.auth.mfa.challenge({"factor_id": factor}))
    answer = {"factor_id": factor, "challenge_id": asked.id}
    wrong = await refused(lambda: client.auth.mfa.verify({**answer, "code": "12"}))
    assert wrong == ("mfa_verification_failed", 422)
    await result(client.auth.mfa.verify({**answer, "code": phone.code()}))
    level = await result(client.auth.mfa.get_authenticator_assurance_level())
    assert (level.current_level, level.next_level) == ("aal2", "aal2")
    assert [each.method for each in level.current_authentication_methods] == ["totp", "password"]
    listed = await result(client.auth.mfa.list_factors())
    assert [(each.id, each.status) for each in listed.totp] == [(factor, "verified")]

    low = await connected(shop.anon_key)
    await result(low.auth.sign_in_with_password(said))
    level = await result(low.auth.mfa.get_authenticator_assurance_level())
    assert (level.current_level, level.next_level) == ("aal1", "aal2")
    assert await refused(lambda: low.auth.update_user({"password": "another horse 2"})) == ("insufficient_aal", 401)
    await result(low.auth.mfa.challenge_and_verify({"factor_id": factor, "code": phone.code(1)}))
    await result(low.auth.update_user({"password": "another horse 2"}))
    assert (await result(low.auth.mfa.unenroll({"factor_id": factor}))).id == factor
    await result(low.auth.refresh_session())
    level = await result(low.auth.mfa.get_authenticator_assurance_level())
    assert (level.current_level, level.next_level) == ("aal1", "aal1")
    assert await result(service.auth.admin.mfa.list_factors({"user_id": made.user.id})) is not None
