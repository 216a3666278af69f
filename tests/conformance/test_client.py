"""The client that application authors test with, on the record shop."""

from __future__ import annotations

import pytest

from mainspring import Mainspring
from mainspring.testing.client import TestClient

ALICE = "a11ce000-0000-4000-8000-000000000001"
STAFF = "5aff0000-0000-4000-8000-000000000001"


async def test_everybody_sees_the_catalogue(shop: TestClient) -> None:
    answer = await shop.as_anon().get("/rest/v1/albums?select=title,artists(name)&order=id&limit=1")
    assert answer.status_code == 200
    assert answer.json() == [{"title": "Light for Small Hours", "artists": {"name": "The Paper Lanterns"}}]


async def test_a_user_sees_their_own_orders_only(shop: TestClient) -> None:
    path = "/rest/v1/orders?select=customer_id"
    assert (await shop.as_anon().get(path)).status_code == 401
    mine = (await shop.as_user(ALICE).get(path)).json()
    assert {row["customer_id"] for row in mine} == {ALICE}
    assert len((await shop.as_service().get(path)).json()) > len(mine)


async def test_claims_decide(shop: TestClient) -> None:
    path, new = "/rest/v1/artists", {"name": "New", "country": "IS"}
    assert (await shop.as_user(ALICE).post(path, json=new)).status_code == 403
    staff = shop.as_user(STAFF, app_metadata={"roles": ["staff"]})
    assert (await staff.post(path, json=new)).status_code == 201
    assert (await shop.as_anon().get(f"{path}?name=eq.New&select=country")).json() == [{"country": "IS"}]


async def test_a_client_that_is_not_open_says_so(store: Mainspring) -> None:
    with pytest.raises(RuntimeError, match="async with"):
        TestClient(store).as_anon()
