"""Operators that look inside, as a client writes them: values, writes and CSV of ranges, policies, what is told of mistakes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest
from sqlalchemy import ARRAY, JSON, Text
from sqlalchemy.dialects.postgresql import DATERANGE, INT4RANGE, Range
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from mainspring import Mainspring
from mainspring.testing.client import TestClient
from tests.support.servers import PostgresServer


class Base(DeclarativeBase):
    """The base of the models."""


class Room(Base):
    __tablename__ = "rooms"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str | None] = mapped_column(Text)
    tags: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    facts: Mapped[Any | None] = mapped_column(JSON)
    floors: Mapped[Any | None] = mapped_column(INT4RANGE, default=Range(0, 1))
    free: Mapped[Any | None] = mapped_column(DATERANGE)


ROOMS: list[Mapping[str, Any]] = [
    dict(zip(("id", "name", "tags", "facts", "floors", "free"), values, strict=True))
    for values in (
        (1, "Attic", ["small", "warm"], {"beds": 2, "view": {"sea": True}}, Range(0, 1), "[2026-01-01,)"),
        (2, "attic two", ["warm"], {"beds": 2.0, "extras": ["tub", {"tv": 1}]}, "[3,5]", None),
        (3, None, None, None, "empty", "(2026-02-01,2026-02-03)"),
    )
]


def application() -> Mainspring:
    """Everybody may read the rooms of a policy that looks inside, the service all of them."""
    app = Mainspring(models=Base)

    @app.policy(Room, "select", to="anon")
    def warm_with_a_bed(row: Any, me: Any) -> Any:
        return row.tags.contains(["warm"]) & row.facts.contains({"beds": 2}) & row.name.imatches("^attic")

    @app.policy(Room, "select", to="authenticated")
    def of_my_floors(row: Any, me: Any) -> Any:
        by_the_sea = row.facts["view"].contains({"sea": True}) & me.has_role("sailor")
        return row.floors.overlaps("[3,)") | row.tags.overlaps(me.claim("tags")) | by_the_sea

    @app.seed
    def rows() -> Mapping[Any, Sequence[Mapping[str, Any]]]:
        return {Room: ROOMS}

    return app


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def rooms(request: pytest.FixtureRequest) -> AsyncIterator[TestClient]:
    """The rooms on an engine."""
    url = {"memory": "memory://", "sqlite": ""}.get(request.param)
    if url is None:
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.database("rooms")
    async with TestClient(application(), url) as client:
        yield client


async def ids(rooms: TestClient, query: str) -> list[int]:
    answer = await rooms.as_service().get(f"/rest/v1/rooms?select=id&{query}")
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()]


FOUND: list[tuple[str, list[int]]] = [
    ("name=match.^A", [1]),
    ("name=imatch.^a", [1, 2]),
    ("name=not.match.^A", [2]),
    ("name=imatch(all).{^a,o$}", [2]),
    ("facts->>beds=match.^2$", [1]),  # the other one is 2.0
    ("and=(name.imatch.^a,name.match.\"c,? t\")", [2]),
    ("tags=cs.{warm}", [1, 2]),
    ("tags=cd.{warm,cold}", [2]),
    ("tags=ov.{small,cold}", [1]),
    ("tags=not.ov.{small,cold}", [2]),
    ("or=(tags.cs.{small},tags.is.null)", [1, 3]),
    ("tags=gte.{warm}", [2]),
    ('facts=cs.{"beds":2}', [1, 2]),
    ('facts=cs.{"view":{}}', [1]),
    ('facts->extras=cs.[{"tv":1}]', [2]),
    ('facts->extras=cs."tub"', [2]),
    ('facts->view=cd.{"sea":true,"lake":false}', [1]),
    ("facts->beds=eq.2", [1, 2]),
    ("facts->beds=gt.1.5", [1, 2]),
    ("facts->beds=in.(1,2)", [1, 2]),
    ('facts->view=eq.{"sea": true}', [1]),
    ("facts->view=is.null", [2, 3]),
    ("floors=cs.[4,5]", [2]),
    ("floors=eq.[3,6)", [2]),
    ("floors=lt.[3,6)", [1, 3]),
    ('floors=in.("[0,0]",empty)', [1, 3]),
    ("floors=adj.[6,9]", [2]),
    ("floors=sl.[1,9]", [1]),
    ("free=ov.[2026-02-02,2026-02-02]", [1, 3]),
    ("free=cd.[2026-01-01,2027-01-01)", [3]),
    ("order=facts->beds.desc.nullslast,id", [1, 2, 3]),
    ("order=tags.desc.nullslast", [2, 1, 3]),
    ("order=floors", [3, 1, 2]),
]


@pytest.mark.parametrize(("query", "expected"), FOUND)
async def test_what_is_found(rooms: TestClient, query: str, expected: list[int]) -> None:
    assert await ids(rooms, query) == expected


REFUSED: list[tuple[str, str, str]] = [
    ("name=match.(a)\\1", "22P02", "back references are not supported"),
    ("name=imatch.a(?=b)", "22P02", "lookaround, named groups and flags are not supported: a group is (...) or (?:...)"),
    ("name=match.[a", "22P02", "a set [ is not closed"),
    ("facts=cs.{beds}", "22P02", "filter on column facts"),
    ("facts->beds=eq.two", "22P02", "filter on column facts"),
    ("tags=cs.warm", "22P02", "filter on column tags; write {a,b} or [\"a\",\"b\"]"),
    ("floors=cs.5", "22P02", "filter on column floors; malformed range literal: write [from,to) or empty"),
    ("floors=cs.[5,1]", "22003", "the lower bound must be less than or equal to the upper bound"),
    ("free=ov.[noon,)", "22007", "filter on column free; a bound is no date"),
]


@pytest.mark.parametrize(("query", "code", "told"), REFUSED)
async def test_what_is_refused(rooms: TestClient, query: str, code: str, told: str) -> None:
    answer = await rooms.as_service().get(f"/rest/v1/rooms?{query}")
    assert (answer.status_code, answer.json()["code"]) == (400, code), answer.text
    assert told in (answer.json()["details"] or "")


async def test_an_operator_that_a_type_does_not_have(rooms: TestClient) -> None:
    for query in ("name=cs.{a}", "tags=match.a", "facts=ov.{a}", "facts->beds=sl.[1,2)", "tags=in.({a})", "id=match.1"):
        answer = await rooms.as_service().get(f"/rest/v1/rooms?{query}")
        assert (answer.status_code, answer.json()["code"]) == (404, "42883"), query


async def test_ranges_are_written_and_read_as_text(rooms: TestClient) -> None:
    service = rooms.as_service()
    kept = {"prefer": "return=representation"}
    sent = [{"id": 4, "floors": "(1,3]"}, {"id": 5, "floors": None}, {"id": 6, "free": "empty"}]
    answer = await service.post("/rest/v1/rooms?columns=id,floors,free&select=id,floors,free", json=sent, headers=kept)
    assert answer.json() == [
        {"id": 4, "floors": "[2,4)", "free": None},
        {"id": 5, "floors": None, "free": None},
        {"id": 6, "floors": None, "free": "empty"},
    ]
    answer = await service.post("/rest/v1/rooms?select=floors", json={"id": 7}, headers=kept)
    assert answer.json() == [{"floors": "[0,1)"}]
    path = "/rest/v1/rooms?id=eq.4&select=floors,text:floors::text"
    answer = await service.patch(path, json={"floors": "[7,)"}, headers=kept)
    assert answer.json() == [{"floors": "[7,)", "text": "[7,)"}]
    answer = await service.get("/rest/v1/rooms?select=id,floors&id=in.(2,4)", headers={"accept": "text/csv"})
    assert answer.text == 'id,floors\n2,"[3,6)"\n4,"[7,)"'
    answer = await service.post("/rest/v1/rooms", content=b'id,floors\n8,"[1,2)"', headers={"content-type": "text/csv"})
    assert answer.status_code == 201
    answer = await service.post("/rest/v1/rooms", json={"id": 9, "floors": "[1"})
    assert (answer.status_code, answer.json()["code"]) == (400, "22P02")
    assert "row 1, column floors" in answer.json()["details"]


async def test_policies_look_inside(rooms: TestClient) -> None:
    async def seen(client: Any) -> list[int]:
        return [row["id"] for row in (await client.get("/rest/v1/rooms?select=id&order=id")).json()]

    assert await seen(rooms.as_anon()) == [1, 2]
    user = "a11ce000-0000-4000-8000-000000000001"
    assert await seen(rooms.as_user(user)) == [2]
    assert await seen(rooms.as_user(user, tags=["cold", "small"])) == [1, 2]
    assert await seen(rooms.as_user(user, tags=["cold"])) == [2]
    assert await seen(rooms.as_user(user, tags="no list")) == [2]
    assert await seen(rooms.as_user(user, app_metadata={"roles": ["sailor"]})) == [1, 2]
