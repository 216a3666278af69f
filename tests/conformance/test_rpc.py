"""`@app.rpc` over HTTP, on every engine: arguments, results, who may call, what a function may reach."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import httpx
import pytest
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from mainspring import Mainspring, Principal, Refusal, Rows
from mainspring.errors import ConfigError
from mainspring.observe import FunctionFailed, Observation
from mainspring.settings import RestSettings, Settings
from mainspring.testing.client import TestClient
from tests.support.servers import PostgresServer

ADA, BOB = "a0000000-0000-4000-8000-000000000001", "b0000000-0000-4000-8000-000000000002"


class Base(DeclarativeBase):
    """The base of the models."""


class List(Base):
    __tablename__ = "lists"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[UUID]


class Task(Base):
    __tablename__ = "tasks"
    id: Mapped[int] = mapped_column(primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("lists.id"))
    title: Mapped[str]
    done: Mapped[bool] = mapped_column(default=False)


@dataclass
class Offer:
    name: str
    price: Decimal
    more: dict[str, Any] | None


def application() -> Mainspring:
    app = Mainspring(models=Base)

    @app.policy(List, "all", to="authenticated")
    def mine(row: Any, me: Any) -> Any:
        return row.owner == me.uid

    @app.policy(Task, "all", to="authenticated")
    def numbered(row: Any, me: Any) -> Any:
        return row.id < 100

    @app.seed
    def rows() -> dict[Any, list[dict[str, Any]]]:
        tasks = [(1, 1, "water", False), (2, 1, "bread", True), (3, 2, "salt", False), (100, 1, "hidden", False)]
        return {
            List: [{"id": 1, "owner": ADA}, {"id": 2, "owner": BOB}],
            Task: [dict(zip(("id", "list_id", "title", "done"), row, strict=True)) for row in tasks],
        }

    @app.rpc(to=["anon", "authenticated"], read_only=True)
    def add(a: int, b: int = 10) -> int:
        """Adds two numbers."""
        return a + b

    @app.rpc(to="anon", read_only=True)
    async def echo(on: date, price: Decimal, who: UUID, tags: list[str], flag: bool | None = None) -> dict[str, Any]:
        return {"on": on, "price": price, "who": who, "tags": tags, "flag": flag}

    @app.rpc()
    async def whoami(me: Principal) -> str | None:
        return me.uid

    @app.rpc(read_only=True)
    async def open_tasks(db: Rows, title: str = "") -> list[Task]:
        found: Any = await db.select(Task, "id", where=lambda task: ~task.done & task.title.startswith(title), order=["-id"])
        return found  # rows by their keys

    @app.rpc(read_only=True)
    def everything() -> list[Task]:
        keys: Any = [1, 2, 3, 100]
        return keys

    @app.rpc()
    async def finish(db: Rows, task: int) -> int:
        return len(await db.update(Task, {"done": True}, where=lambda row: row.id == task))

    @app.rpc()
    async def as_the_application(db: Rows) -> int:
        return len(await db.as_service().select(Task))

    @app.rpc(read_only=True)
    def ranked() -> list[Task]:
        keys: Any = [3, 100, 1, 2]
        return keys

    @app.rpc(read_only=True)
    def offers() -> list[Offer]:
        return [Offer("b", Decimal("2.50"), {"x": 1}), Offer("a", Decimal("10"), None), Offer("c", Decimal("1"), {"x": [2]})]

    @app.rpc(read_only=True)
    def best() -> Offer:
        return Offer("a", Decimal("10"), None)

    @app.rpc()
    async def nothing() -> None:
        """Answers nothing."""

    @app.rpc()
    def refuses() -> None:
        raise Refusal("no more today", "SHOP1", cure="come back", status=409)

    @app.rpc()
    def breaks() -> None:
        raise RuntimeError("the secret is 42")

    @app.rpc()
    async def sleeps() -> None:
        await asyncio.sleep(30)

    @app.rpc()
    def blocks() -> None:
        time.sleep(0.4)

    return app


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def served(request: pytest.FixtureRequest) -> AsyncIterator[tuple[TestClient, list[Observation]]]:
    url = {"memory": "memory://", "sqlite": ""}.get(request.param)
    if url is None:
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.database("rpc")
    seen: list[Observation] = []
    settings = Settings(rest=RestSettings(function_seconds=0.2))
    async with TestClient(application(), url, settings=settings, observe=seen.append) as client:
        yield client, seen


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_arguments_come_by_name_in_their_types(served: tuple[TestClient, list[Observation]]) -> None:
    anon = served[0].as_anon()
    assert (await anon.get("/rest/v1/rpc/add?a=1")).json() == 11
    assert (await anon.post("/rest/v1/rpc/add", json={"a": 1, "b": 2})).json() == 3
    given = {"on": "2026-01-02", "price": "1.50", "who": ADA, "tags": ["x", "y"]}
    wanted = {**given, "price": 1.5, "flag": None}
    assert (await anon.post("/rest/v1/rpc/echo", json=given)).json() == wanted
    query = f"on=2026-01-02&price=1.50&who={ADA}&tags=x&tags=y&flag=true"
    assert (await anon.get(f"/rest/v1/rpc/echo?{query}")).json() == {**wanted, "flag": True}
    for tags, wanted_tags in (("x", ["x"]), ('{x,"y,z"}', ["x", "y,z"]), ("{}", [])):
        asked = {"on": "2026-01-02", "price": "1.50", "who": ADA, "tags": tags}
        assert (await anon.get("/rest/v1/rpc/echo", params=asked)).json()["tags"] == wanted_tags
    assert code(await anon.post("/rest/v1/rpc/add", json={"a": 2**63})) == (400, "22003")
    for body in ({"a": "1"}, {"a": 1.5}, {"a": None}, {"a": [1]}):
        answer = await anon.post("/rest/v1/rpc/add", json=body)
        assert code(answer) == (400, "22P02")
        assert answer.json()["details"].startswith("argument a")
    for body in ({}, {"a": 1, "c": 2}):
        assert code(await anon.post("/rest/v1/rpc/add", json=body)) == (404, "PGRST202")
    unknown = await anon.post("/rest/v1/rpc/ad", json={"a": 1})
    assert code(unknown) == (404, "PGRST202")
    assert code(await anon.post("/rest/v1/rpc/add", json=[1])) == (400, "PGRST102")
    assert code(await anon.post("/rest/v1/rpc/add", content=b"{", headers={"content-type": "application/json"})) == (
        400,
        "PGRST102",
    )


async def test_only_those_named_may_call_and_only_readers_by_get(served: tuple[TestClient, list[Observation]]) -> None:
    anon, ada = served[0].as_anon(), served[0].as_user(ADA)
    assert code(await anon.post("/rest/v1/rpc/whoami")) == (401, "42501")
    assert (await ada.post("/rest/v1/rpc/whoami")).json() == ADA
    assert code(await ada.post("/rest/v1/rpc/echo", json={})) == (404, "PGRST202")
    assert code(await ada.get("/rest/v1/rpc/whoami")) == (405, "25006")
    assert (await anon.request("OPTIONS", "/rest/v1/rpc/add?a=1")).headers["allow"] == "OPTIONS,GET,HEAD,POST"
    assert (await ada.post("/rest/v1/rpc/nothing")).status_code == 204


async def test_rows_of_a_model_are_a_tables(served: tuple[TestClient, list[Observation]]) -> None:
    ada = served[0].as_user(ADA)
    assert [row["id"] for row in (await ada.get("/rest/v1/rpc/open_tasks")).json()] == [3, 1]
    assert [row["id"] for row in (await ada.get("/rest/v1/rpc/open_tasks?title=s")).json()] == [3]
    chosen = await ada.get("/rest/v1/rpc/everything?select=title,lists(id)&order=title.desc&done=is.false&limit=1")
    assert chosen.json() == [{"title": "water", "lists": {"id": 1}}]
    counted = await ada.get("/rest/v1/rpc/everything?limit=1", headers={"prefer": "count=exact"})
    assert counted.headers["content-range"] == "0-0/3"  # the policy hides the fourth


async def test_rows_of_a_model_come_in_the_functions_order(served: tuple[TestClient, list[Observation]]) -> None:
    ada = served[0].as_user(ADA)
    assert [row["id"] for row in (await ada.get("/rest/v1/rpc/ranked?select=id")).json()] == [3, 1, 2]
    assert [row["id"] for row in (await ada.get("/rest/v1/rpc/ranked?select=id&limit=1&offset=1")).json()] == [1]
    assert [row["id"] for row in (await ada.get("/rest/v1/rpc/ranked?select=id&order=id")).json()] == [1, 2, 3]
    assert (await ada.get("/rest/v1/rpc/ranked?select=done,count()&order=count()")).json() == [
        {"done": True, "count": 1},
        {"done": False, "count": 2},
    ]


async def test_rows_that_a_function_makes_are_a_tables_too(served: tuple[TestClient, list[Observation]]) -> None:
    ada = served[0].as_user(ADA)
    assert [row["name"] for row in (await ada.get("/rest/v1/rpc/offers")).json()] == ["b", "a", "c"]
    assert (await ada.get("/rest/v1/rpc/offers?select=name")).json() == [{"name": "b"}, {"name": "a"}, {"name": "c"}]
    dear = await ada.get("/rest/v1/rpc/offers?select=name,price::text,x:more->x&price=gt.1.5&order=price.desc")
    assert dear.json() == [{"name": "a", "price": "10", "x": None}, {"name": "b", "price": "2.5", "x": 1}]
    page = await ada.get("/rest/v1/rpc/offers?select=name&limit=1&offset=1", headers={"prefer": "count=exact"})
    assert (page.status_code, page.headers["content-range"], page.json()) == (206, "1-1/3", [{"name": "a"}])
    assert (await ada.get("/rest/v1/rpc/best?select=name")).json() == {"name": "a"}
    assert code(await ada.get("/rest/v1/rpc/offers?select=nam")) == (400, "42703")
    assert (await ada.get("/rest/v1/rpc/offers?price=gt.5")).json() == [{"name": "a", "price": 10, "more": None}]
    assert code(await ada.get("/rest/v1/rpc/add?a=1&select=x")) == (400, "PGRST127")


async def test_data_is_reached_as_the_caller(served: tuple[TestClient, list[Observation]]) -> None:
    ada = served[0].as_user(ADA)
    assert (await ada.post("/rest/v1/rpc/finish", json={"task": 1})).json() == 1
    assert (await ada.post("/rest/v1/rpc/finish", json={"task": 100})).json() == 0
    assert (await ada.post("/rest/v1/rpc/as_the_application")).json() == 4
    assert [row["id"] for row in (await ada.get("/rest/v1/rpc/open_tasks")).json()] == [3]


@pytest.mark.alone
async def test_what_a_function_raises(served: tuple[TestClient, list[Observation]]) -> None:
    client, seen = served
    ada = client.as_user(ADA)
    refused = await ada.post("/rest/v1/rpc/refuses")
    assert code(refused) == (409, "SHOP1")
    assert (refused.json()["message"], refused.json()["hint"]) == ("no more today", "come back")
    broken = await ada.post("/rest/v1/rpc/breaks")
    assert code(broken) == (500, "XX000")
    assert "42" not in broken.text
    assert [fact.function for fact in seen if isinstance(fact, FunctionFailed)] == ["breaks"]
    assert code(await ada.post("/rest/v1/rpc/sleeps")) == (500, "57014")
    begun = time.monotonic()
    assert code(await ada.post("/rest/v1/rpc/blocks")) == (500, "57014")
    assert time.monotonic() - begun < 0.4  # the thread goes on, the caller does not wait


async def test_what_is_asked_of_an_answer_without_columns_is_refused(served: tuple[TestClient, list[Observation]]) -> None:
    assert code(await served[0].as_anon().get("/rest/v1/rpc/add?a=1&select=x")) == (400, "PGRST127")


def test_mistakes_are_told_at_start(tmp_path: Any) -> None:
    app = Mainspring(models=Base)

    @app.rpc()
    def untyped(a) -> None:  # type: ignore[no-untyped-def]  # what is missing is tested
        """Its parameter has no type."""

    @app.rpc()
    def sync(db: Rows) -> None:
        """Cannot await."""

    with pytest.raises(ConfigError) as caught:
        app.build(Settings(), tmp_path)
    assert [mistake.source for mistake in caught.value.mistakes] == ["function untyped", "function sync"]
