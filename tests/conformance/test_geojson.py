"""`Accept: application/geo+json` in app mode: rows as features on PostgreSQL, as far as the caller may see them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy import ForeignKey, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from mainspring import Mainspring, Rows
from mainspring.settings import DatabaseSettings, RestSettings, Settings
from mainspring.testing.client import TestClient
from tests.support.geography import prepare
from tests.support.servers import PostgresServer

API = "/rest/v1"
GEOJSON = {"accept": "application/geo+json"}
ROWS = {**GEOJSON, "prefer": "return=representation"}
EXPLAINED = Settings(rest=RestSettings(plan_enabled=True))
OPEN = Settings(database=DatabaseSettings(open_read=True))
NEARBY = """CREATE FUNCTION nearby() RETURNS SETOF places STABLE LANGUAGE sql AS 'SELECT * FROM places';
CREATE FUNCTION one_place() RETURNS places STABLE LANGUAGE sql AS 'SELECT * FROM places LIMIT 1';
CREATE FUNCTION number() RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1'"""


class Base(DeclarativeBase):
    """The base of the models."""


class Country(Base):
    __tablename__ = "countries"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Place(Base):
    __tablename__ = "places"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    secret: Mapped[str | None]
    hidden: Mapped[bool] = mapped_column(default=False)
    country_id: Mapped[int | None] = mapped_column(ForeignKey("countries.id"))
    position: Mapped[Any] = mapped_column(Text, nullable=True, info={"native": "geometry", "opaque": True})
    country: Mapped[Country | None] = relationship()


def application(*opened: str) -> Mainspring:
    app = Mainspring(models=Base)

    @app.policy(Place, "all", to="anon")
    def seen(row: Any, me: Any) -> Any:
        return row.hidden == False  # noqa: E712 - a policy compares, `is` cannot

    app.policy(Country, "select", to="anon")(lambda row, me: True)
    app.grant(Place, "select", to="anon", exclude=["secret", "hidden"])
    app.policy(Place, "select", to="editor")(lambda row, me: True)
    app.grant(Place, "select", to="editor", exclude=["position"])

    @app.seed
    def rows() -> dict[Any, list[dict[str, Any]]]:
        return {Country: [{"id": 1, "name": "Switzerland"}], Place: [place(*facts) for facts in PLACES]}

    @app.rpc(to="anon", read_only=True)
    async def every_place() -> list[Place]:
        return [Place(id=2), Place(id=1), Place(id=3)]

    @app.rpc(to="anon", read_only=True)
    async def first_place() -> Place:
        return Place(id=1)

    @app.rpc(to="anon")
    async def clear(db: Rows) -> list[Place]:
        await db.delete(Place, where=lambda row: row.id > 0)
        return []

    for name in opened:
        app.database_function(f"public.{name}", to=["anon"])
    return app


PLACES = ((1, "Bern", "7.5 46.9"), (2, "Basel", "7.6 47.5"), (3, "Bunker", "8 47"), (4, "Nowhere", None))


def place(number: int, name: str, position: str | None) -> dict[str, Any]:
    at = f"SRID=4326;POINT({position})" if position else None
    return {"id": number, "name": name, "secret": "s", "hidden": number == 3, "country_id": 1, "position": at}


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    url = postgres.database("geojson")
    prepare(url)
    return url


@pytest.fixture
async def client(url: str) -> AsyncIterator[TestClient]:
    async with TestClient(application(), url, settings=EXPLAINED) as opened:
        yield opened


async def features(client: httpx.AsyncClient, path: str, **headers: str) -> list[Any]:
    answer = await client.get(f"{API}/{path}", headers={**GEOJSON, **headers})
    assert answer.status_code in (200, 206), answer.text
    return told(answer)


def told(answer: httpx.Response) -> list[Any]:
    """The features of an answer, which is GeoJSON."""
    assert answer.headers["content-type"] == "application/geo+json; charset=utf-8"
    document = answer.json()
    assert (document.keys(), document["type"]) == ({"type", "features"}, "FeatureCollection")
    assert all((each.keys(), each["type"]) == ({"type", "geometry", "properties"}, "Feature") for each in document["features"])
    found: list[Any] = document["features"]
    return found


def names(found: list[Any]) -> list[str]:
    return [each["properties"]["name"] for each in found]


def point(*coordinates: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": list(coordinates)}


def refused(answer: httpx.Response) -> str:
    """Why an answer cannot be had as GeoJSON."""
    assert (answer.status_code, answer.json()["code"]) == (406, "PGRST107"), answer.text
    assert answer.json()["message"] == "None of these media types are available: application/geo+json"
    assert "application/json" in answer.json()["hint"]
    details: str = answer.json()["details"]
    return details


# ---------------------------------------------------------------- reads


async def test_rows_are_features_of_what_the_caller_may_read(client: TestClient) -> None:
    anybody = client.as_anon()
    bern, basel, nowhere = await features(anybody, "places?order=id")
    assert (bern["geometry"], basel["geometry"]) == (point(7.5, 46.9), point(7.6, 47.5))
    assert bern["properties"] == {"id": 1, "name": "Bern", "country_id": 1}
    assert (nowhere["geometry"], nowhere["properties"]["name"]) == (None, "Nowhere")
    denied = await anybody.get(f"{API}/places?select=secret,position", headers=GEOJSON)
    assert (denied.status_code, denied.json()["code"]) == (401, "42501")


async def test_filters_orders_pages_and_counts_hold(client: TestClient) -> None:
    anybody = client.as_anon()
    assert names(await features(anybody, "places?id=lte.2&order=name")) == ["Basel", "Bern"]
    assert await features(anybody, "places?id=eq.9") == []
    answer = await anybody.get(f"{API}/places?order=id&limit=1&offset=1", headers={**GEOJSON, "prefer": "count=exact"})
    assert (names(told(answer)), answer.headers["content-range"], answer.status_code) == (["Basel"], "1-1/3", 206)
    first = await anybody.get(f"{API}/places?order=name&limit=2&cursor=", headers=GEOJSON)
    assert names(told(first)) == ["Basel", "Bern"]
    assert names(await features(anybody, f"places?order=name&limit=2&cursor={first.headers['next-cursor']}")) == ["Nowhere"]
    head = await anybody.head(f"{API}/places?order=id", headers=GEOJSON)
    assert (head.status_code, head.headers["content-type"]) == (200, "application/geo+json; charset=utf-8")


async def test_what_is_selected_is_a_property_and_the_first_geometry_is_the_features(client: TestClient) -> None:
    anybody = client.as_anon()
    (alone,) = await features(anybody, "places?select=position&id=eq.1")
    assert alone == {"type": "Feature", "geometry": point(7.5, 46.9), "properties": {}}
    (twice,) = await features(anybody, "places?select=r:name,p:id::text,a:position,b:position&id=eq.1")
    assert (twice["geometry"], list(twice["properties"])) == (point(7.5, 46.9), ["r", "p", "b"])
    assert twice["properties"]["b"]["coordinates"] == [7.5, 46.9]
    (embedding,) = await features(anybody, "places?select=position,countries(name)&id=eq.1")
    assert embedding["properties"] == {"countries": {"name": "Switzerland"}}
    (grouped,) = await features(anybody, "places?select=country_id,position,count()&id=eq.1")
    assert (grouped["geometry"], grouped["properties"]) == (point(7.5, 46.9), {"country_id": 1, "count": 1})


async def test_rows_without_a_geometry_are_refused(client: TestClient) -> None:
    anybody, editor = client.as_anon(), client.as_user("a0000000-0000-4000-8000-000000000001", role="editor")
    for asker, path, table in (
        (anybody, "countries", "countries"),
        (anybody, "places?select=id,name", "places"),
        (anybody, "places?select=id,position::text", "places"),
        (anybody, "countries?select=name,places(position)", "countries"),
        (editor, "places", "places"),
    ):
        answer = await asker.get(f"{API}/{path}", headers=GEOJSON)
        told = f'GeoJSON needs rows with a geometry: no column of type geometry or geography is selected of "{table}"'
        assert refused(answer) == told


@pytest.mark.parametrize(
    ("accept", "taken", "body"),
    [
        ("application/geo+json, application/json", "application/json", '[{"name":"Switzerland"}]'),
        ("application/json;q=0.2, application/geo+json;q=0.9", "application/json", '[{"name":"Switzerland"}]'),
        ("text/csv;q=0.8, application/geo+json, */*;q=0.1", "text/csv", "name\nSwitzerland"),
        ("application/geo+json, application/vnd.pgrst.object", "application/vnd.pgrst.object+json", '{"name":"Switzerland"}'),
    ],
)
async def test_rows_without_a_geometry_have_the_next_form_that_is_taken(
    client: TestClient, accept: str, taken: str, body: str
) -> None:
    anybody, asked = client.as_anon(), {"accept": accept, "prefer": "return=representation, count=exact"}
    path = f"{API}/countries?select=name&id=eq.1"
    read = await anybody.get(path, headers=asked)
    assert (read.headers["content-type"], read.text) == (f"{taken}; charset=utf-8", body)
    head = await anybody.head(path, headers=asked)
    assert (head.headers["content-type"], head.headers["content-range"]) == (f"{taken}; charset=utf-8", "0-0/1")
    written = await client.as_service().patch(path, json={"name": "Switzerland"}, headers=asked)
    assert (written.headers["content-type"], written.text) == (f"{taken}; charset=utf-8", body)
    assert told(await anybody.get(f"{API}/places?select=name,position&id=eq.1", headers=asked)) == [feature("Bern", 7.5, 46.9)]


async def test_who_may_not_see_the_geometry_has_the_next_form(client: TestClient) -> None:
    asked = {"accept": "application/geo+json, application/json"}
    anybody, editor = client.as_anon(), client.as_user("a0000000-0000-4000-8000-000000000001", role="editor")
    for _ in range(2):
        assert told(await anybody.get(f"{API}/places?id=eq.1", headers=asked))[0]["geometry"] == point(7.5, 46.9)
        answer = await editor.get(f"{API}/places?id=eq.1", headers=asked)
        assert answer.json() == [{"id": 1, "name": "Bern", "secret": "s", "hidden": False, "country_id": 1}]


async def test_one_object_is_all_that_a_write_in_the_next_form_changes(client: TestClient) -> None:
    asked = {"accept": "application/geo+json, application/vnd.pgrst.object+json", "prefer": "return=representation"}
    service = client.as_service()
    refused = await service.patch(f"{API}/places?select=name", json={"name": "x"}, headers=asked)
    assert (refused.status_code, refused.json()["code"]) == (406, "PGRST116")
    assert names(await features(client.as_anon(), "places?id=eq.1")) == ["Bern"]
    changed = await service.patch(f"{API}/places?select=name,position&id=lt.3", json={"hidden": False}, headers=asked)
    assert len(told(changed)) == 2


async def test_the_plan_of_such_a_read_can_be_had(client: TestClient) -> None:
    accept = {"accept": 'application/vnd.pgrst.plan+json; for="application/geo+json"; options=verbose'}
    answer = await client.as_anon().get(f"{API}/places", headers=accept)
    assert answer.status_code == 200
    assert "st_asgeojson" in json.dumps(answer.json()).lower()


# ---------------------------------------------------------------- writes


async def test_written_rows_are_features_too(client: TestClient) -> None:
    anybody = client.as_anon()
    new = {"id": 5, "name": "Bex", "position": "SRID=4326;POINT(7 46.2)"}
    path = f"{API}/places?select=name,position"
    written = await anybody.post(path, json=new, headers=ROWS)
    assert (written.status_code, told(written)) == (201, [feature("Bex", 7, 46.2)])
    changed = await anybody.patch(f"{path}&id=eq.5", json={"position": "SRID=4326;POINT(7 46.3)"}, headers=ROWS)
    assert told(changed) == [feature("Bex", 7, 46.3)]
    refused(await anybody.patch(f"{API}/places?select=name&id=eq.5", json={"name": "x"}, headers=ROWS))
    assert told(await anybody.delete(f"{path}&id=eq.5", headers=ROWS)) == [feature("Bex", 7, 46.3)]
    assert (await anybody.post(path, json=new, headers=GEOJSON)).status_code == 201


def feature(name: str, *coordinates: float) -> dict[str, Any]:
    return {"type": "Feature", "geometry": point(*coordinates), "properties": {"name": name}}


# ---------------------------------------------------------------- functions


async def test_functions_that_answer_rows_of_a_table_answer_features(url: str) -> None:
    async with TestClient(application(), url):
        pass  # makes the tables
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(NEARBY.encode())
    async with TestClient(application("nearby", "one_place", "number"), url) as client:
        anybody = client.as_anon()
        assert names(await features(anybody, "rpc/every_place")) == ["Basel", "Bern"]
        assert names(await features(anybody, "rpc/nearby?order=id.desc")) == ["Nowhere", "Basel", "Bern"]
        assert "secret" not in (await features(anybody, "rpc/nearby?id=eq.1"))[0]["properties"]
        refused(await anybody.get(f"{API}/rpc/nearby?select=id", headers=GEOJSON))
        refused(await anybody.post(f"{API}/rpc/clear?select=id", headers=GEOJSON, json={}))
        assert len(await features(anybody, "places")) == 3, "a function whose answer cannot be told is not run"
        either = {"accept": "application/geo+json, application/json"}
        assert names(told(await anybody.get(f"{API}/rpc/nearby?id=eq.1", headers=either))) == ["Bern"]
        for name, value in (("nearby?select=id&id=eq.1", [{"id": 1}]), ("every_place?select=id&id=eq.1", [{"id": 1}])):
            answer = await anybody.get(f"{API}/rpc/{name}", headers=either)
            assert (answer.json(), answer.headers["content-type"]) == (value, "application/json; charset=utf-8")
        assert (await anybody.get(f"{API}/rpc/number", headers=either)).json() == 1
        assert (await anybody.get(f"{API}/rpc/first_place?select=id", headers=either)).json() == {"id": 1}
        for name in ("first_place", "one_place", "number"):
            answer = await anybody.get(f"{API}/rpc/{name}", headers=GEOJSON)
            assert refused(answer) == "GeoJSON needs rows with a geometry: this function answers no rows of a table"


# ---------------------------------------------------------------- databases


@pytest.mark.parametrize("schema", ["public", "gis"])
@pytest.mark.parametrize("kind", ["geometry", "geography", "spot"])
async def test_a_database_that_was_there_before_is_asked_as_it_is(postgres: PostgresServer, schema: str, kind: str) -> None:
    url = postgres.database("geojson")
    prepare(url, schema)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE DOMAIN {schema}.spot AS {schema}.geometry CHECK (VALUE IS NOT NULL)".encode())
        connection.execute(f"CREATE TABLE spots (id int PRIMARY KEY, at {schema}.{kind})".encode())
        connection.execute(b"INSERT INTO spots VALUES (1, 'SRID=4326;POINT(7.5 46.9)')")
    async with TestClient(Mainspring(), url, settings=OPEN) as client:
        (spot,) = await features(client.as_anon(), "spots")
    assert spot == {"type": "Feature", "geometry": point(7.5, 46.9), "properties": {"id": 1}}


async def test_a_type_of_that_name_without_postgis_is_refused(postgres: PostgresServer) -> None:
    url = postgres.database("geojson")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(b"CREATE TYPE geometry AS (x int); CREATE TABLE spots (id int PRIMARY KEY, at geometry)")
    async with TestClient(Mainspring(), url, settings=OPEN) as client:
        answer = await client.as_anon().get(f"{API}/spots", headers=GEOJSON)
    assert refused(answer) == "The database has no function ST_AsGeoJSON for this type"


@pytest.mark.parametrize(("url", "engine"), [("memory://", "memory"), ("", "sqlite")])
async def test_other_engines_refuse_it_and_make_what_is_taken_instead(url: str, engine: str) -> None:
    async with TestClient(application(), url) as client:
        anybody = client.as_anon()
        asked = await anybody.get(f"{API}/places", headers=GEOJSON)
        written = await anybody.patch(f"{API}/places?id=eq.1", json={"name": "x"}, headers=ROWS)
        for answer in (asked, written, await anybody.get(f"{API}/rpc/every_place", headers=GEOJSON)):
            assert refused(answer) == f"GeoJSON is not supported by the {engine} engine"
        answer = await anybody.get(f"{API}/places?select=name&id=eq.1", headers={"accept": "application/geo+json, */*;q=0.5"})
        assert (answer.json(), answer.headers["content-type"]) == ([{"name": "Bern"}], "application/json; charset=utf-8")
