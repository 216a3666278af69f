"""The client that application authors test with, on the record shop."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mainspring import Mainspring
from mainspring.cli.target import find_app, parse
from mainspring.testing.client import TestClient

STORE = Path(__file__).parents[2] / "examples" / "store" / "app.py"
ALICE = "a11ce000-0000-4000-8000-000000000001"
STAFF = "5aff0000-0000-4000-8000-000000000001"


@pytest.fixture(scope="module")
def store() -> Mainspring:
    """The record shop's app."""
    path = list(sys.path)
    try:
        app = find_app(parse(str(STORE)))
    finally:
        sys.path[:] = path
    assert isinstance(app, Mainspring)
    return app


@pytest.fixture(params=["memory://", ""], ids=["memory", "sqlite"])
async def client(request: pytest.FixtureRequest, store: Mainspring) -> AsyncIterator[TestClient]:
    """The shop with its seed rows, anew for each test."""
    async with TestClient(store, request.param) as opened:
        yield opened


async def test_everybody_sees_the_catalogue(client: TestClient) -> None:
    answer = await client.as_anon().get("/rest/v1/albums?select=title,artists(name)&order=id&limit=1")
    assert answer.status_code == 200
    assert answer.json() == [{"title": "Light for Small Hours", "artists": {"name": "The Paper Lanterns"}}]


async def test_a_user_sees_their_own_orders_only(client: TestClient) -> None:
    path = "/rest/v1/orders?select=customer_id"
    assert (await client.as_anon().get(path)).status_code == 401
    mine = (await client.as_user(ALICE).get(path)).json()
    assert {row["customer_id"] for row in mine} == {ALICE}
    assert len((await client.as_service().get(path)).json()) > len(mine)


async def test_claims_decide(client: TestClient) -> None:
    path, new = "/rest/v1/artists", {"name": "New", "country": "IS"}
    assert (await client.as_user(ALICE).post(path, json=new)).status_code == 403
    staff = client.as_user(STAFF, app_metadata={"roles": ["staff"]})
    assert (await staff.post(path, json=new)).status_code == 201
    assert (await client.as_anon().get(f"{path}?name=eq.New&select=country")).json() == [{"country": "IS"}]


async def test_a_client_that_is_not_open_says_so(store: Mainspring) -> None:
    with pytest.raises(RuntimeError, match="async with"):
        TestClient(store).as_anon()
