"""The unchanged `supabase` from PyPI: every test with its sync and with its async client, on each engine."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from postgrest import CountMethod, ReturnMethod

from tests.clients.conftest import ALICE, BRUNO
from tests.clients.supabase_py import answer, connect, ids, refusal, result, rows
from tests.support.live import LiveServer

# supabase-py passes arguments to its own postgrest client that the latter has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:The '(timeout|verify)' parameter is deprecated:DeprecationWarning")


class Shop:
    """The shop through one kind of client: `shop.alice.table("orders")` is what Alice asks of it."""

    def __init__(self, people: dict[str, Any]) -> None:
        self.anon, self.service = people["anon"], people["service"]
        self.alice, self.bruno, self.staff = people["alice"], people["bruno"], people["staff"]


@asynccontextmanager
async def connected(kind: str, server: LiveServer, tokens: dict[str, str]) -> AsyncIterator[Shop]:
    """Connect everybody with the sync or the async client, and close their connections at the end."""
    people = {"anon": await connect(kind, server.url, server.anon_key, None)}
    people["service"] = await connect(kind, server.url, server.service_key, None)
    for person, token in tokens.items():
        people[person] = await connect(kind, server.url, server.anon_key, token)
    try:
        yield Shop(people)
    finally:
        for client in people.values():
            await result(client.postgrest.aclose())


def with_both_clients(flow: Callable[[Shop], Awaitable[None]]) -> Callable[..., None]:
    """Turn a flow into a pytest test that runs with the sync and with the async client."""

    @pytest.mark.parametrize("kind", ["sync", "async"])
    def test(kind: str, shop: LiveServer, tokens: dict[str, str]) -> None:
        async def run() -> None:
            async with connected(kind, shop, tokens) as connected_shop:
                await flow(connected_shop)

        asyncio.run(run())

    functools.update_wrapper(test, flow)
    del test.__wrapped__  # type: ignore[attr-defined]  # pytest would look for the flow's arguments, not the test's
    return test


@with_both_clients
async def test_select_and_filters(shop: Shop) -> None:
    def albums(select: str = "id") -> Any:
        return shop.anon.table("albums").select(select)

    query = albums("nr:id, title, price, released_on, label:details->>label").eq("id", 1)
    assert await rows(query) == [
        {
            "nr": 1,
            "title": "Light for Small Hours",
            "price": 14.9,
            "released_on": "2001-03-09",
            "label": "Tin Roof",
        }
    ]
    assert await ids(albums().neq("artist_id", 1).lte("id", 4)) == [3, 4]
    assert await ids(albums().gt("price", 22)) == [17, 18]
    assert await ids(albums().gte("price", 22)) == [14, 17, 18]
    assert await ids(albums().lt("released_on", "1978-07-07")) == [17, 18]
    assert await ids(albums().like("title", "B%")) == [5, 8, 18]
    assert await ids(albums().ilike("title", "b%")) == [5, 8, 18]
    assert await ids(albums().in_("title", ["Thunder, Mostly", "Span"])) == [6, 23]
    assert await ids(albums().not_.in_("id", [1, 2, 3]).lte("id", 5)) == [4, 5]
    assert await ids(albums().or_('price.gt.25,title.eq."Thunder, Mostly"')) == [6, 18]
    assert await ids(shop.anon.table("artists").select("id").is_("formed", "null")) == [2, 10]
    assert len(await ids(shop.anon.table("artists").select("id").not_.is_("formed", "null"))) == 10


@with_both_clients
async def test_order_limit_range_and_count(shop: Shop) -> None:
    formed = shop.anon.table("artists").select("formed")
    assert [row["formed"] for row in await rows(formed.order("formed", nullsfirst=True).limit(3))] == [
        None,
        None,
        1969,
    ]
    page = await answer(shop.anon.table("albums").select("id", count=CountMethod.exact).order("id").range(0, 4))
    assert (page.count, [row["id"] for row in page.data]) == (23, [1, 2, 3, 4, 5])
    head = await answer(shop.anon.table("albums").select("*", count=CountMethod.exact, head=True).gt("price", 20))
    assert head.count == 4
    beyond = shop.anon.table("albums").select("id", count=CountMethod.exact).range(100, 110)
    assert (await refusal(beyond)).code == "PGRST103"


@with_both_clients
async def test_embeds(shop: Shop) -> None:
    query = shop.anon.table("albums").select("artist:artists(name), genres(name), tracks(seconds)").eq("id", 9)
    query = query.order("name", foreign_table="genres").order("seconds", desc=True, foreign_table="tracks")
    [album] = await rows(query.limit(2, foreign_table="tracks"))
    assert album["artist"] == {"name": "Halvard & the Tides"}
    assert album["genres"] == [{"name": "Chamber"}, {"name": "Folk"}]
    assert album["tracks"] == [{"seconds": 348}, {"seconds": 311}]
    nested = shop.anon.table("artists").select("albums(id, tracks(position))").eq("id", 9).eq("albums.tracks.position", 1)
    [artist] = await rows(nested.order("id", foreign_table="albums"))
    assert artist["albums"] == [
        {"id": 17, "tracks": [{"position": 1}]},
        {"id": 18, "tracks": [{"position": 1}]},
    ]
    american = shop.anon.table("albums").select("id, artists!inner(country)").eq("artists.country", "US")
    assert await ids(american) == [15, 16, 23]
    hinted = shop.service.table("orders").select("billed:addresses!billing_address_id(id), by:customers(name)").eq("id", 2)
    assert await rows(hinted) == [{"billed": {"id": 3}, "by": {"name": "Bruno Castellan"}}]
    ambiguous = await refusal(shop.service.table("orders").select("addresses(city)"))
    assert ambiguous.code == "PGRST201"


@with_both_clients
async def test_single_and_maybe_single(shop: Shop) -> None:
    albums = shop.anon.table("albums")
    assert await rows(albums.select("title").eq("id", 1).single()) == {"title": "Light for Small Hours"}
    assert await rows(albums.select("title").eq("id", 1).maybe_single()) == {"title": "Light for Small Hours"}
    assert await answer(albums.select("title").eq("id", 999).maybe_single()) is None
    missing = await refusal(albums.select("title").eq("id", 999).single())
    assert (missing.code, missing.details) == ("PGRST116", "The result contains 0 rows")


@with_both_clients
async def test_insert_update_delete(shop: Shop) -> None:
    genres = shop.staff.table("genres")
    assert await rows(genres.insert({"id": 50, "name": "Dub"})) == [{"id": 50, "name": "Dub"}]
    assert await rows(genres.insert({"id": 51, "name": "Drone"}, returning=ReturnMethod.minimal)) == []
    bulk = await answer(genres.insert([{"name": "Fado"}, {"name": "Raga"}], count=CountMethod.exact))
    assert ([row["name"] for row in bulk.data], bulk.count) == (["Fado", "Raga"], 2)
    assert await rows(genres.update({"name": "Doom"}).eq("id", 51)) == [{"id": 51, "name": "Doom"}]
    assert await rows(genres.update({"name": "Nothing"}).eq("id", 999)) == []
    gone = await rows(genres.delete().gt("id", 8))
    assert sorted(row["name"] for row in gone) == ["Doom", "Dub", "Fado", "Raga"]
    assert await rows(genres.select("id").gt("id", 8)) == []


@with_both_clients
async def test_upsert(shop: Shop) -> None:
    genres = shop.staff.table("genres")
    both = [{"id": 50, "name": "Dub"}, {"id": 51, "name": "Drone"}]
    assert await rows(genres.upsert(both)) == both
    assert await rows(genres.upsert({"id": 50, "name": "Dub poetry"})) == [{"id": 50, "name": "Dub poetry"}]
    assert await rows(genres.upsert({"name": "Jazz"}, on_conflict="name", ignore_duplicates=True)) == []
    assert await rows(genres.upsert({"name": "Jazz"}, on_conflict="name")) == [{"id": 4, "name": "Jazz"}]
    await rows(genres.delete().gt("id", 8))


@with_both_clients
async def test_policies(shop: Shop) -> None:
    assert await ids(shop.alice.table("orders").select("id")) == [1, 9, 17]
    assert await rows(shop.alice.table("orders").select("*").eq("id", 2)) == []
    assert (await refusal(shop.anon.table("orders").select("*"))).code == "42501"
    assert len(await ids(shop.staff.table("orders").select("id"))) == 24
    stolen = await refusal(shop.alice.table("orders").insert({"customer_id": BRUNO}))
    assert stolen.code == "42501"
    assert "row-level security policy" in str(stolen.message)
    assert await rows(shop.alice.table("orders").update({"note": "mine now"}).eq("id", 2)) == []
    assert await rows(shop.bruno.table("orders").select("note").eq("id", 2)) == [{"note": None}]
    [review] = await rows(shop.alice.table("reviews").insert({"album_id": 15, "signed": "Alice", "rating": 4}))
    assert review["user_id"] == ALICE
    assert await rows(shop.bruno.table("reviews").delete().eq("id", review["id"])) == []
    assert len(await rows(shop.alice.table("reviews").delete().eq("id", review["id"]))) == 1


@with_both_clients
async def test_errors(shop: Shop) -> None:
    no_table = await refusal(shop.anon.table("album").select("*"))
    assert no_table.code == "PGRST205"
    assert "albums" in str(no_table.hint)
    no_column = await refusal(shop.anon.table("albums").select("titel"))
    assert no_column.code == "42703"
    assert "titel" in str(no_column.message)
    no_relation = await refusal(shop.anon.table("albums").select("trackz(title)"))
    assert no_relation.code == "PGRST200"
    assert "tracks" in str(no_relation.hint)
    genres = shop.staff.table("genres")
    assert (await refusal(genres.insert({"name": "Jazz"}))).code == "23505"
    assert (await refusal(genres.insert({"nam": "Dub"}))).code == "PGRST204"
    assert (await refusal(shop.staff.table("artists").delete().eq("id", 1))).code == "23503"
    assert (await refusal(shop.staff.table("albums").insert({"artist_id": 1, "price": 1}))).code == "23502"
