"""How a request is carried out, over HTTP on every engine: the end of its transaction, time zones, schemas."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
from sqlalchemy import DateTime, ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from mainspring import Mainspring, Rows
from mainspring.settings import DatabaseSettings, Settings
from mainspring.testing.client import TestClient
from tests.support.servers import PostgresServer

API = "/rest/v1"


class Base(DeclarativeBase):
    """The base of the models."""


class Task(Base):
    __tablename__ = "tasks"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    due: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    after_id: Mapped[int | None] = mapped_column(ForeignKey("tasks.id"))


def application() -> Mainspring:
    app = Mainspring(models=Base)

    @app.policy(Task, "all", to="anon")
    def every(row: Any, me: Any) -> bool:
        return True

    @app.seed
    def rows() -> dict[Any, list[dict[str, Any]]]:
        return {Task: [{"id": 1, "title": "water", "due": datetime(2026, 1, 1, 8, tzinfo=UTC), "after_id": None}]}

    @app.rpc(to="anon")
    async def clear(db: Rows) -> int:
        return await db.delete(Task, where=lambda task: task.id > 0)

    @app.rpc(to="anon", read_only=True)
    async def number(db: Rows) -> int:
        return len(await db.select(Task))

    @app.rpc(to="anon", read_only=True)
    async def when() -> dict[str, Any]:
        return {"aware": datetime(2026, 1, 1, 8, tzinfo=UTC), "naive": datetime(2026, 1, 1, 8), "price": Decimal("1.50")}

    @app.rpc(to="anon", read_only=True)
    async def every_task() -> list[Task]:
        keys: Any = [1]
        return keys

    return app


Serve = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def serve(request: pytest.FixtureRequest) -> Serve:
    """Opens a client of the application with settings of a test's own."""
    url = {"memory": "memory://", "sqlite": ""}.get(request.param)
    if url is None:
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.database("terms")

    @asynccontextmanager
    async def opened(app: Mainspring, settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
        async with TestClient(app, url, settings=settings) as client:
            yield client.as_anon()

    return opened


def ends(how: str) -> Settings:
    """Settings with which transactions end in a way."""
    return Settings(database=DatabaseSettings(tx_end=how))


async def titles(client: httpx.AsyncClient) -> list[str]:
    return [row["title"] for row in (await client.get(f"{API}/tasks?select=title&order=id")).json()]


# ---------------------------------------------------------------- the end of the transaction

REPRESENTED = {"prefer": "return=representation, tx=rollback"}


async def test_a_client_that_may_undo_its_write_is_answered_as_if_it_stayed(serve: Serve) -> None:
    async with serve(application(), ends("commit-allow-override")) as client:
        answer = await client.post(f"{API}/tasks", json={"id": 2, "title": "bread"}, headers=REPRESENTED)
        assert (answer.status_code, answer.json()) == (201, [{"id": 2, "title": "bread", "due": None, "after_id": None}])
        assert answer.headers["preference-applied"] == "return=representation, tx=rollback"
        answer = await client.patch(f"{API}/tasks?id=eq.1&select=id,title", json={"title": "milk"}, headers=REPRESENTED)
        assert (answer.status_code, answer.json()) == (200, [{"id": 1, "title": "milk"}])
        answer = await client.put(f"{API}/tasks?id=eq.1&select=id,title", json={"id": 1, "title": "tea"}, headers=REPRESENTED)
        assert (answer.status_code, answer.json()) == (200, [{"id": 1, "title": "tea"}])
        answer = await client.delete(f"{API}/tasks?id=eq.1", headers={"prefer": "count=exact, tx=rollback"})
        assert (answer.status_code, answer.headers["content-range"]) == (204, "*/1")
        assert await titles(client) == ["water"]
        await client.patch(f"{API}/tasks?id=eq.1", json={"title": "milk"}, headers={"prefer": "tx=commit"})
        assert await titles(client) == ["milk"]


async def test_a_client_that_may_not_is_not_heard(serve: Serve) -> None:
    async with serve(application(), ends("commit")) as client:
        answer = await client.patch(f"{API}/tasks?id=eq.1", json={"title": "milk"}, headers={"prefer": "tx=rollback"})
        assert answer.status_code == 204
        assert "preference-applied" not in answer.headers
        assert await titles(client) == ["milk"]


async def test_every_write_is_undone_where_the_settings_say_so_but_first_rows_stay(serve: Serve) -> None:
    async with serve(application(), ends("rollback-allow-override")) as client:
        await client.patch(f"{API}/tasks?id=eq.1", json={"title": "milk"})
        assert await titles(client) == ["water"]
        await client.patch(f"{API}/tasks?id=eq.1", json={"title": "tea"}, headers={"prefer": "tx=commit"})
        assert await titles(client) == ["tea"]


async def test_what_a_function_does_cannot_be_undone(serve: Serve) -> None:
    async with serve(application(), ends("commit-allow-override")) as client:
        undone = {"prefer": "tx=rollback"}
        answer = await client.post(f"{API}/rpc/clear", headers=undone)
        assert (answer.status_code, answer.json()["code"]) == (400, "PGRST127")
        answer = await client.post(f"{API}/rpc/number", headers=undone)
        assert (answer.json(), answer.headers["preference-applied"]) == (1, "tx=rollback")


# ---------------------------------------------------------------- time zones

ZONED = {"prefer": "timezone=America/Los_Angeles"}


async def test_moments_are_shown_in_the_zone_that_is_preferred(serve: Serve) -> None:
    async with serve(application(), Settings()) as client:
        answer = await client.get(f"{API}/tasks?select=due,text:due::text", headers=ZONED)
        assert answer.json() == [{"due": "2026-01-01T00:00:00-08:00", "text": "2026-01-01 00:00:00-08"}]
        assert answer.headers["preference-applied"] == "timezone=America/Los_Angeles"
        answer = await client.get(f"{API}/tasks?select=due", headers={**ZONED, "accept": "text/csv"})
        assert answer.text == "due\n2026-01-01T00:00:00-08:00"
        new = {"id": 2, "title": "bread", "due": "2026-07-01T00:00:00", "after_id": 1}
        prefer = {"prefer": f"return=representation, {ZONED['prefer']}"}
        answer = await client.post(f"{API}/tasks?select=due,after:after_id(due)", json=new, headers=prefer)
        assert answer.json() == [{"due": "2026-07-01T00:00:00-07:00", "after": {"due": "2026-01-01T00:00:00-08:00"}}]
        assert await titles(client) == ["water", "bread"]
        answer = await client.get(f"{API}/tasks?select=id,due&due=gte.2026-07-01T00:00:00", headers=ZONED)
        assert answer.json() == [{"id": 2, "due": "2026-07-01T00:00:00-07:00"}]
        assert (await client.get(f"{API}/tasks?select=due&id=eq.1")).json() == [{"due": "2026-01-01T08:00:00+00:00"}]


async def test_functions_answer_in_the_zone_too(serve: Serve) -> None:
    async with serve(application(), Settings()) as client:
        answer = await client.get(f"{API}/rpc/every_task?select=due", headers=ZONED)
        assert answer.json() == [{"due": "2026-01-01T00:00:00-08:00"}]
        answer = await client.get(f"{API}/rpc/when", headers=ZONED)
        assert answer.text == '{"aware":"2026-01-01T00:00:00-08:00","naive":"2026-01-01T08:00:00","price":1.50}'


@pytest.mark.parametrize("zone", ["Mars/Olympus", "america/los_angeles", "", "../../etc/passwd", "localtime"])
async def test_a_zone_that_is_none_is_no_preference(serve: Serve, zone: str) -> None:
    async with serve(application(), Settings()) as client:
        answer = await client.get(f"{API}/tasks?select=due", headers={"prefer": f"timezone={zone}"})
        assert answer.json() == [{"due": "2026-01-01T08:00:00+00:00"}]
        assert "preference-applied" not in answer.headers
        strict = await client.get(f"{API}/tasks", headers={"prefer": f"handling=strict, timezone={zone}"})
        assert (strict.status_code, strict.json()["code"]) == (400, "PGRST122")
