"""Aggregates, HAVING, DISTINCT, to-many spreads and cursors as a client writes them, on the record shop."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from mainspring import Mainspring
from mainspring.settings import RestSettings, Settings
from mainspring.testing.client import TestClient
from tests.support.servers import PostgresServer


async def got(shop: TestClient, path: str) -> Any:
    """What the service reads at `path` below the data API."""
    answer = await shop.as_service().get(f"/rest/v1/{path}")
    assert answer.status_code in (200, 206), answer.text
    return answer.json()


async def test_aggregates_group_by_what_else_is_selected(shop: TestClient) -> None:
    path = "order_lines?select=...albums(title),quantity.sum(),count()&order=quantity.sum().desc&limit=2"
    assert await got(shop, path) == [
        {"sum": 10, "count": 4, "title": "Bruma"},
        {"sum": 9, "count": 3, "title": "Counting Machine"},
    ]


async def test_having_is_a_tree_of_aggregates(shop: TestClient) -> None:
    path = "tracks?select=album_id,count(),seconds.max()&having=(count().gte.2,or(seconds.max().gt.330,count().gt.100))"
    rows = await got(shop, path)
    everything = await got(shop, "tracks?select=album_id,count(),seconds.max()&limit=1000")
    assert rows == [row for row in everything if row["count"] >= 2 and row["max"] > 330]
    assert 0 < len(rows) < len(everything)


async def test_having_inside_an_embed(shop: TestClient) -> None:
    path = "artists?select=name,albums(published,count())&albums.having=(count().gt.1)"
    groups = [group for row in await got(shop, path) for group in row["albums"]]
    assert groups
    assert all(group["count"] > 1 for group in groups)


async def test_distinct(shop: TestClient) -> None:
    countries = [row["country"] for row in await got(shop, "artists?select=country")]
    found = [row["country"] for row in await got(shop, "artists?select=country&distinct=true")]
    assert found == sorted(set(countries))
    assert len(found) < len(countries)


async def test_columns_of_those_names_can_still_be_filtered(shop: TestClient) -> None:
    for name in ("having", "distinct", "cursor"):
        for path in (f"albums?{name}=eq.1", f"artists?select=albums(title)&albums.{name}=eq.1"):
            answer = await shop.as_service().get(f"/rest/v1/{path}")
            assert answer.json()["message"] == f"column albums.{name} does not exist"


async def test_a_to_many_spread_is_an_array_per_output(shop: TestClient) -> None:
    nested = await got(shop, "artists?select=name,albums(title,price)&albums.order=price.desc")
    spread = await got(shop, "artists?select=name,...albums(title,price)&albums.order=price.desc")
    assert spread == [
        {
            "name": row["name"],
            "title": [album["title"] for album in row["albums"]],
            "price": [album["price"] for album in row["albums"]],
        }
        for row in nested
    ]


async def test_policies_decide_what_is_aggregated(shop: TestClient) -> None:
    path = "/rest/v1/albums?select=count(),wholesale_price.sum()"
    assert (await shop.as_anon().get(path)).status_code == 401  # a hidden column
    mine = (await shop.as_anon().get("/rest/v1/albums?select=count()")).json()
    assert mine[0]["count"] < (await got(shop, "albums?select=count()"))[0]["count"]


async def test_a_csv_of_groups(shop: TestClient) -> None:
    path, csv = "/rest/v1/tracks?select=n:count(),seconds.sum()&id=lt.0", {"accept": "text/csv"}
    answer = await shop.as_service().get(path, headers=csv)
    assert answer.text == "n,sum\n0,"


async def test_cursors_lead_from_page_to_page(shop: TestClient) -> None:
    service, path = shop.as_service(), "/rest/v1/albums?select=id&order=price.desc,title&limit=5"
    whole = [row["id"] for row in await got(shop, "albums?select=id&order=price.desc,title")]
    found: list[int] = []
    answer = await service.get(f"{path}&cursor=")
    while True:
        found += [row["id"] for row in answer.json()]
        if "next-cursor" not in answer.headers:
            break
        assert answer.links["next"]["url"].endswith(answer.headers["next-cursor"])
        answer = await service.get(f"/rest/v1/albums{answer.links['next']['url']}")
    assert found == whole


@pytest.mark.parametrize(
    "query",
    [
        "albums?select=price,count()",
        "albums?select=price,count()&order=count().desc",
        "tracks?select=seconds,position.max()&order=position.max().desc.nullslast&having=(count().gte.1)",
        "order_lines?select=...albums(title),quantity.sum()&order=quantity.sum().desc",
        "albums?select=artist_id&distinct=true&order=artist_id.desc",
        "albums?select=count()",
        "artists?select=name,albums(published,count())&albums.having=(count().gt.1)&order=name.desc",
        "albums?select=id,details&order=details->label.desc.nullslast",
        "albums?select=id,details&order=details.nullsfirst",
    ],
)
async def test_cursors_lead_through_groups_and_through_json(shop: TestClient, query: str) -> None:
    service, table = shop.as_service(), query.partition("?")[0]
    found: list[Any] = []
    answer = await service.get(f"/rest/v1/{query}&limit=4&cursor=")
    while True:
        assert answer.status_code == 200, answer.text
        found += answer.json()
        if "next-cursor" not in answer.headers:
            break
        answer = await service.get(f"/rest/v1/{table}{answer.links['next']['url']}")
    assert found == await got(shop, query)


@pytest.mark.parametrize("place", ["", "bm8"])
@pytest.mark.parametrize("select", ["albums(published,count())", "albums(title)", "...albums(title)", "a:albums(title)"])
async def test_rows_inside_an_embed_have_no_cursors(shop: TestClient, select: str, place: str) -> None:
    answer = await shop.as_service().get(f"/rest/v1/artists?select=name,{select}&albums.cursor={place}")
    assert (answer.status_code, answer.json()["code"]) == (400, "PGRST127")
    assert answer.json()["details"] == "a cursor inside an embed is not supported"
    assert answer.json()["hint"] == 'Use its limit and offset, or a cursor in a request for "albums" alone.'


async def test_a_cursor_inside_what_is_no_embed(shop: TestClient) -> None:
    answer = await shop.as_service().get("/rest/v1/artists?select=name&albums.cursor=")
    assert (answer.status_code, answer.json()["code"]) == (400, "PGRST108")


async def test_a_cursor_of_other_groups_is_none(shop: TestClient) -> None:
    path = "/rest/v1/albums?order=count()&limit=1&cursor={}&select={},count()"
    first = (await shop.as_service().get(path.format("", "artist_id"))).headers["next-cursor"]
    answer = await shop.as_service().get(path.format(first, "id"))
    assert (answer.status_code, answer.json()["code"]) == (400, "22P02")


async def test_a_page_by_cursor_knows_the_whole_count(shop: TestClient) -> None:
    service = shop.as_service()
    first = await service.get("/rest/v1/albums?select=id&limit=5&cursor=", headers={"prefer": "count=exact"})
    second = await service.get(f"/rest/v1/albums{first.links['next']['url']}", headers={"prefer": "count=exact"})
    assert [answer.headers["content-range"] for answer in (first, second)] == ["*/24", "*/24"]


@pytest.mark.parametrize(
    "query",
    [
        "cursor=bm8",
        "cursor=____",
        "cursor=%00",
        "cursor=&offset=3",
        "order=title&cursor={other}",
        "having=(price.gt.3)",
        "having=(count().gt.x)",
        "having=(count()",
        "select=count()&order=id",
        "select=count(),details",
        "select=title&distinct=true&order=id",
        "order=count()",
    ],
)
async def test_mistakes_are_told(shop: TestClient, query: str) -> None:
    other = (await shop.as_service().get("/rest/v1/albums?select=id&limit=1&cursor=")).headers["next-cursor"]
    answer = await shop.as_service().get(f"/rest/v1/albums?{query.format(other=other)}")
    assert answer.status_code == 400
    assert answer.json()["message"]


async def test_a_function_that_a_type_has_not(shop: TestClient) -> None:
    answer = await shop.as_service().get("/rest/v1/albums?select=title.sum()")
    assert (answer.status_code, answer.json()["code"]) == (404, "42883")


async def test_no_more_rows_are_aggregated_than_the_setting_says(store: Mainspring) -> None:
    async with TestClient(store, "", settings=Settings(rest=RestSettings(max_aggregated_rows=20))) as shop:
        answer = await shop.as_service().get("/rest/v1/albums?select=count()")
        assert (answer.status_code, answer.json()["code"]) == (400, "54000")
        assert (await shop.as_service().get("/rest/v1/albums?select=count()&id=lte.20")).json() == [{"count": 20}]


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def bounded(request: pytest.FixtureRequest, store: Mainspring) -> AsyncIterator[httpx.AsyncClient]:
    """The shop where a request may aggregate 20 rows, asked by the service."""
    url = {"memory": "memory://", "sqlite": ""}.get(request.param)
    if url is None:
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.database("grouped")
    async with TestClient(store, url, settings=Settings(rest=RestSettings(max_aggregated_rows=20))) as shop:
        yield shop.as_service()


@pytest.mark.parametrize(
    ("inside", "page"),
    [
        ("tracks(count())", "albums?select=id,{}&order=id"),
        ("tracks(seconds.sum(),position)", "albums?select=id,{}&order=id"),
        ("tracks(title)&tracks.distinct=true", "albums?select=id,{}&order=id"),
        ("tracks(n:count())&tracks.having=(count().gt.1000)", "albums?select=id,{}&order=id"),
        ("albums(tracks(count()))", "artists?select=id,{}&order=id"),
        ("...albums(tracks(count()))", "artists?select=id,{}&order=id"),
        ("genres(count())", "albums?select=id,{}&order=id"),
    ],
)
async def test_aggregates_in_embeds_look_at_no_more_rows_together(bounded: httpx.AsyncClient, inside: str, page: str) -> None:
    path = f"/rest/v1/{page.format(inside)}"
    few = await bounded.get(f"{path}&limit=1")
    assert few.status_code == 200, few.text
    assert len(few.json()) == 1
    many = await bounded.get(path)
    assert (many.status_code, many.json()["code"]) == (400, "54000"), many.text
    assert "20 rows" in many.json()["message"]
    assert (await bounded.get(f"{path}&limit=1")).json() == few.json()  # each request counts for itself


async def test_rows_embedded_without_aggregates_have_no_such_bound(bounded: httpx.AsyncClient) -> None:
    answer = await bounded.get("/rest/v1/albums?select=id,tracks(id)")
    assert sum(len(row["tracks"]) for row in answer.json()) > 20


async def test_the_answer_to_a_write_has_the_same_bound(bounded: httpx.AsyncClient) -> None:
    represented = {"prefer": "return=representation"}
    for _ in range(3):
        path = "/rest/v1/albums?id=eq.1&select=id,tracks(count())"
        answer = await bounded.patch(path, json={"title": "Changed"}, headers=represented)
        assert answer.status_code == 200, answer.text
    answer = await bounded.patch("/rest/v1/albums?id=gt.0&select=id,tracks(count())", json={"title": "All"}, headers=represented)
    assert (answer.status_code, answer.json()["code"]) == (400, "54000")
    assert (await bounded.get("/rest/v1/albums?title=eq.All")).json() == []
