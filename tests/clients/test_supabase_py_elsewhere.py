"""People sign in through a provider and add accounts elsewhere with the unchanged `supabase` from PyPI, on each engine."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import httpx
import pytest
from supabase import AClientOptions, acreate_client
from supabase_auth.errors import AuthApiError

from tests.support.live import LiveServer
from tests.support.provider import FakeProvider, hinted

pytestmark = pytest.mark.filterwarnings("ignore:The '(timeout|verify)' parameter is deprecated:DeprecationWarning")


async def browse(http: httpx.AsyncClient, url: str, site: str) -> dict[str, str]:
    """What the page is told at which a browser arrives that begins at an address; `http` keeps its cookies."""
    for _ in range(5):
        answer = await http.get(url)
        url = answer.headers["location"]
        if url.startswith(site) and not url.startswith(f"{site}/auth/v1/"):
            return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    raise AssertionError("too many redirects")


async def test_through_a_provider(shop: LiveServer, provider: FakeProvider) -> None:
    async with httpx.AsyncClient(trust_env=False) as http, httpx.AsyncClient(trust_env=False) as browser:
        options = AClientOptions(httpx_client=http, auto_refresh_token=False, flow_type="pkce")
        client: Any = await acreate_client(shop.url, shop.anon_key, options)
        emails = [f"py-{uuid4()}@example.com" for _ in range(3)]

        def asked(email: str) -> Any:
            return {"provider": "google", "options": {"redirect_to": f"{shop.url}/in", "query_params": {"login_hint": email}}}

        leaving = await client.auth.sign_in_with_oauth(asked(emails[0]))
        code = (await browse(browser, leaving.url, shop.url))["code"]
        found = await client.auth.exchange_code_for_session({"auth_code": code})
        assert found.user.email == emails[0]
        assert found.session.provider_refresh_token == f"refresh-{found.session.provider_token}"

        linking = await client.auth.link_identity(asked(emails[1]))
        code = (await browse(browser, linking.url, shop.url))["code"]
        linked = await client.auth.exchange_code_for_session({"auth_code": code})
        assert linked.user.id == found.user.id
        identities = (await client.auth.get_user_identities()).identities
        assert [each.provider for each in identities] == ["google", "google"]
        await client.auth.unlink_identity(identities[1])
        with pytest.raises(AuthApiError) as caught:
            await client.auth.unlink_identity(identities[0])
        assert caught.value.code == "single_identity_not_deletable"

        token = provider.id_token(person=hinted(emails[2]))
        shown = await client.auth.sign_in_with_id_token({"provider": "google", "token": token})
        assert shown.user.email == emails[2]
