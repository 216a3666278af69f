"""The unchanged `supabase` from PyPI with every kind of key: plain ones, and keys for services with and without limits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from postgrest.exceptions import APIError
from supabase import Client, ClientOptions, create_client
from supabase_auth.errors import AuthApiError

from tests.support.live import LiveServer

pytestmark = pytest.mark.filterwarnings("ignore:The '(timeout|verify)' parameter is deprecated:DeprecationWarning")


@pytest.fixture
def made(shop: LiveServer) -> Iterator[Any]:
    """Makes keys for services, and takes them away in the end."""
    headers = {"authorization": f"Bearer {shop.service_key}"}
    ids: list[str] = []

    def make(**said: Any) -> str:
        answer = httpx.post(f"{shop.url}/auth/v1/admin/api-keys", json=said, headers=headers, trust_env=False)
        assert answer.status_code == 201, answer.text
        ids.append(answer.json()["id"])
        return str(answer.json()["key"])

    yield make
    for each in ids:
        httpx.delete(f"{shop.url}/auth/v1/admin/api-keys/{each}", headers=headers, trust_env=False)


@pytest.fixture
def connect(shop: LiveServer) -> Iterator[Callable[[str], Client]]:
    """Clients with a key, closed in the end."""
    with ExitStack() as opened:

        def connect_with(key: str) -> Client:
            transport = opened.enter_context(httpx.Client(trust_env=False, follow_redirects=True, http2=True))
            return create_client(shop.url, key, ClientOptions(httpx_client=transport))

        yield connect_with


def test_plain_keys(shop: LiveServer, connect: Callable[[str], Client]) -> None:
    anybody, service = connect(shop.keys["PUBLISHABLE_KEY"]), connect(shop.keys["SECRET_KEY"])
    seen = anybody.table("albums").select("id, published").execute().data
    assert {row["published"] for row in seen} == {True}
    assert len(service.table("albums").select("id").execute().data) > len(seen)
    assert isinstance(service.auth.admin.list_users(), list)
    with pytest.raises(AuthApiError):
        anybody.auth.admin.list_users()


def test_a_key_for_a_service(connect: Callable[[str], Client], made: Any) -> None:
    client = connect(made(name="export", tables={"albums": ["select"]}, expires_in="1h"))
    assert client.table("albums").select("id").limit(1).execute().data
    for call in (
        client.table("customers").select("id"),
        client.table("albums").update({"title": "x"}).eq("id", 1),
        client.table("albums").delete().eq("id", 1),
        client.table("albums").select("id, artists(name)"),
    ):
        with pytest.raises(APIError):
            call.execute()
    with pytest.raises(AuthApiError):
        client.auth.admin.list_users()


def test_a_key_of_the_service_role(connect: Callable[[str], Client], made: Any) -> None:
    assert isinstance(connect(made(name="office")).auth.admin.list_users(), list)
