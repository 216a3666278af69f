"""Several schemas in app mode, over HTTP on every engine: profiles, embeds between them, functions, what stays inside."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any, ClassVar

import httpx
import pytest
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from mainspring import Mainspring, Rows
from mainspring.settings import RestSettings, Settings
from mainspring.testing.client import TestClient
from tests.support.servers import PostgresServer

API = "/rest/v1"
SHOP, GEO = {"accept-profile": "shop"}, {"accept-profile": "geo"}
INTO_GEO = {"content-profile": "geo", "prefer": "return=representation"}


class Base(DeclarativeBase):
    """The base of the models."""


class Item(Base):
    __tablename__ = "items"
    __table_args__: ClassVar[Any] = {"schema": "shop"}
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    place_id: Mapped[int | None] = mapped_column(ForeignKey("geo.places.id"))
    audit_id: Mapped[int | None] = mapped_column(ForeignKey("inner.audits.id"))


class Place(Base):
    __tablename__ = "places"
    __table_args__: ClassVar[Any] = {"schema": "geo"}
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)


class Pin(Base):
    __tablename__ = "items"  # the same name in another schema
    __table_args__: ClassVar[Any] = {"schema": "geo"}
    id: Mapped[int] = mapped_column(primary_key=True)
    place_id: Mapped[int] = mapped_column(ForeignKey("geo.places.id", ondelete="CASCADE"))


class Audit(Base):
    __tablename__ = "audits"
    __table_args__: ClassVar[Any] = {"schema": "inner"}
    id: Mapped[int] = mapped_column(primary_key=True)
    note: Mapped[str]


def application() -> Mainspring:
    app = Mainspring(models=Base)
    for model in (Item, Place, Pin, Audit):

        @app.policy(model, "all", to="anon")
        def every(row: Any, me: Any) -> bool:
            return True

    @app.seed
    def rows() -> dict[Any, list[dict[str, Any]]]:
        return {
            Place: [{"id": 1, "name": "Oslo"}, {"id": 2, "name": "Rome"}],
            Pin: [{"id": 7, "place_id": 1}],
            Audit: [{"id": 1, "note": "secret"}],
            Item: [{"id": 1, "name": "tea", "place_id": 1, "audit_id": 1}],
        }

    @app.rpc(to="anon", read_only=True)
    async def which() -> str:
        return "public"

    @app.rpc(to="anon", read_only=True, schema="geo", name="which")
    async def which_there() -> str:
        return "geo"

    @app.rpc(to="anon", read_only=True, schema="shop")
    async def audits(db: Rows) -> int:
        return len(await db.select(Audit))

    return app


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def client(request: pytest.FixtureRequest) -> AsyncIterator[httpx.AsyncClient]:
    url = {"memory": "memory://", "sqlite": ""}.get(request.param)
    if url is None:
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.database("schemas")
    settings = Settings(rest=RestSettings(schemas=("shop", "geo")))
    async with TestClient(application(), url, settings=settings) as opened:
        yield opened.as_anon()


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_the_first_schema_is_the_default_and_profiles_choose(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{API}/items?select=id")
    assert (answer.json(), answer.headers["content-profile"]) == ([{"id": 1}], "shop")
    answer = await client.get(f"{API}/items?select=id", headers=GEO)
    assert (answer.json(), answer.headers["content-profile"]) == ([{"id": 7}], "geo")
    assert code(await client.get(f"{API}/places")) == (404, "PGRST205")
    answer = await client.get(f"{API}/items", headers={"accept-profile": "inner"})
    assert code(answer) == (406, "PGRST106")
    assert answer.json()["message"] == "Invalid schema: inner"
    assert "shop, geo" in answer.json()["hint"]


async def test_writes_go_where_content_profile_says(client: httpx.AsyncClient) -> None:
    new = {"id": 3, "name": "Bern"}
    assert code(await client.post(f"{API}/places", json=new)) == (404, "PGRST205")
    assert (await client.post(f"{API}/places", json=new, headers=INTO_GEO)).json() == [new]
    answer = await client.patch(f"{API}/places?id=eq.3", json={"name": "Basel"}, headers=INTO_GEO)
    assert answer.json() == [{"id": 3, "name": "Basel"}]
    merge = {"content-profile": "geo", "prefer": "resolution=merge-duplicates"}
    assert (await client.post(f"{API}/places", json={"id": 3, "name": "Bern"}, headers=merge)).status_code == 200
    answer = await client.post(f"{API}/places", json={"id": 4, "name": "Bern"}, headers=INTO_GEO)
    assert code(answer) == (409, "23505")
    assert (await client.delete(f"{API}/places?id=eq.3", headers=INTO_GEO)).json() == [new]
    assert (await client.get(f"{API}/places?select=id&order=id", headers=GEO)).json() == [{"id": 1}, {"id": 2}]


async def test_embeds_stay_inside_the_schema_first_and_cross_over_where_it_has_none(client: httpx.AsyncClient) -> None:
    answer = await client.get(f"{API}/items?select=name,places(name)")
    assert answer.json() == [{"name": "tea", "places": {"name": "Oslo"}}]
    answer = await client.get(f"{API}/places?select=name,items(id)&order=id", headers=GEO)
    assert answer.json() == [{"name": "Oslo", "items": [{"id": 7}]}, {"name": "Rome", "items": []}]
    answer = await client.get(f"{API}/places?select=name,items!items_place_id_fkey(id)&id=eq.1", headers=GEO)
    assert answer.json() == [{"name": "Oslo", "items": [{"id": 7}]}]
    assert code(await client.get(f"{API}/items?select=audits(note)")) == (400, "PGRST200")
    assert code(await client.get(f"{API}/items?select=audit_id(note)")) == (400, "PGRST200")


async def test_functions_belong_to_a_schema_and_reach_all(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"{API}/rpc/which", headers=GEO)).json() == "geo"
    assert (await client.post(f"{API}/rpc/which", headers={"content-profile": "geo"})).json() == "geo"
    assert code(await client.get(f"{API}/rpc/which")) == (404, "PGRST202")
    assert (await client.get(f"{API}/rpc/audits")).json() == 1


async def test_the_description_is_of_one_schema(client: httpx.AsyncClient) -> None:
    shop = (await client.get(f"{API}/", headers=SHOP)).json()["paths"]
    geo = (await client.get(f"{API}/", headers=GEO)).json()["paths"]
    assert set(shop) == {"/", "/items", "/rpc/audits"}
    assert set(geo) == {"/", "/items", "/places", "/rpc/which"}


async def test_each_schema_is_described_with_the_header_that_names_it(client: httpx.AsyncClient) -> None:
    for schema, needed, paths in (("shop", False, {"/items", "/rpc/audits"}), ("geo", True, {"/items", "/places", "/rpc/which"})):
        document = (await client.get("/docs/openapi.json", headers={"accept-profile": schema})).json()
        assert (document["x-schema"], document["x-schemas"]) == (schema, ["shop", "geo"])
        assert document["paths"].keys() == paths
        assert document["components"]["parameters"]["Accept-Profile"] | {"description": ""} == {
            "name": "Accept-Profile",
            "in": "header",
            "description": "",
            "schema": {"type": "string", "enum": [schema]},
            "required": needed,
            "example": schema,
        }
        for operations in document["paths"].values():
            for method, operation in operations.items():
                named = "Accept-Profile" if method == "get" else "Content-Profile"
                assert {"$ref": f"#/components/parameters/{named}"} in operation["parameters"]
    assert (await client.get("/docs/openapi.json", headers={"accept-profile": "inner"})).status_code == 406
