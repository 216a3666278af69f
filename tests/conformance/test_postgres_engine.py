"""What only the PostgreSQL engine has: a server that may be away, connections that break, others who write at the same time."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import BigInteger
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from mainspring.catalog.build import build
from mainspring.engines.postgres.engine import PostgresEngine
from mainspring.engines.postgres.pool import Pool
from mainspring.engines.postgres.session import Command
from mainspring.errors import (
    Busy,
    ConfigError,
    EngineUnavailable,
    NotSingular,
    RowCheckViolated,
    TimedOut,
    UniqueViolated,
)
from mainspring.plan.planner import Planner
from mainspring.policy.registry import Grant, Policy, Registry
from mainspring.principal import SERVICE_PRINCIPAL, Principal
from mainspring.query import ast
from mainspring.query.ast import Auth, Compare, Conflict, Field, Insert, Read, Resolution, Selection, Slot, TableName, Update
from mainspring.services.data import Data
from tests.support.servers import PostgresServer, free_port


class Base(DeclarativeBase):
    """The base of the models."""


class Note(Base):
    """Somebody's note; its title is unique."""

    __tablename__ = "notes"

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    owner: Mapped[str | None]
    title: Mapped[str] = mapped_column(unique=True)


CATALOG = build(Base)
NOTES = TableName("public", "notes")
IDS = Selection((Field(ast.Column("id")), Field(ast.Column("title"))))
EVERYTHING = frozenset({"select", "insert", "update", "delete"})
MINE = Compare("eq", ast.Column("owner"), Auth(("claims", "name")))
REGISTRY = Registry(
    {name: frozenset(table.columns) for name, table in CATALOG.tables.items()},
    policies=[Policy(NOTES, EVERYTHING, None, "test", MINE)],
    grants=[Grant(NOTES, EVERYTHING, None, "test", frozenset({"id", "owner", "title"}))],
)
ADA = Principal("authenticated", claims={"name": "ada"})


class Door:
    """An engine on a database of its own, and the data behind it."""

    def __init__(self, url: str, *, size: int = 4, timeout: float = 5.0) -> None:
        self.url = url
        self.engine = PostgresEngine(url, size=size, timeout=timeout)
        self.data = Data(self.engine, Planner(CATALOG, REGISTRY))

    async def ids(self) -> list[int]:
        result = await self.data.execute(Read(NOTES, IDS), [], SERVICE_PRINCIPAL)
        assert result.body is not None
        return [row["id"] for row in json.loads(result.body)]

    async def insert(self, *rows: dict[str, Any], me: Principal = SERVICE_PRINCIPAL, **more: Any) -> Any:
        columns = tuple(dict.fromkeys(name for row in rows for name in row))
        query = Insert(NOTES, columns, Slot(0), missing_default=True, **more)
        return await self.data.execute(query, [list(rows)], me)

    async def retitle(self, title: str, **more: Any) -> Any:
        query = Update(NOTES, ("title",), Slot(0), **more)
        return await self.data.execute(query, [{"title": title}], SERVICE_PRINCIPAL)

    async def other(self) -> psycopg.AsyncConnection[Any]:
        """Somebody else's connection, in a transaction."""
        return await psycopg.AsyncConnection.connect(self.url)


@pytest.fixture
async def door(postgres: PostgresServer) -> AsyncIterator[Door]:
    """A migrated database with a timeout of one second."""
    door = Door(postgres.database("engine"), size=2, timeout=1.0)
    await door.engine.start(CATALOG)
    await door.engine.migrate(CATALOG)
    yield door
    await door.engine.stop()


# ---------------------------------------------------------------- start


async def test_a_server_out_of_reach_is_a_mistake() -> None:
    with pytest.raises(ConfigError) as raised:
        await Door(f"postgresql://me:hush@127.0.0.1:{free_port()}/app").engine.start(CATALOG)
    (mistake,) = raised.value.mistakes
    assert mistake.source == "database.url"
    assert "cannot connect to PostgreSQL at 127.0.0.1" in mistake.problem
    assert "hush" not in str(mistake)


async def test_a_database_that_is_not_there_is_a_mistake(postgres: PostgresServer) -> None:
    with pytest.raises(ConfigError, match='database "nowhere" does not exist'):
        await Door(postgres.url.removesuffix("/postgres") + "/nowhere").engine.start(CATALOG)


async def test_only_utf8_is_served(postgres: PostgresServer) -> None:
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(
            "create database plain encoding 'SQL_ASCII' locale_provider libc locale 'C' template template0"
        )
    with pytest.raises(ConfigError, match="encoded in SQL_ASCII"):
        await Door(postgres.url.removesuffix("/postgres") + "/plain").engine.start(CATALOG)


async def test_replicas_that_start_at_once_create_once(postgres: PostgresServer) -> None:
    url = postgres.database("replicas")
    doors = [Door(url) for _ in range(4)]
    created = await asyncio.gather(*(door.engine.migrate(CATALOG) for door in doors))
    assert sorted(created, reverse=True) == [(NOTES,), (), (), ()]
    for door in doors:
        await door.engine.stop()


# ---------------------------------------------------------------- connections


async def test_broken_connections_are_replaced(door: Door, postgres: PostgresServer) -> None:
    await asyncio.gather(door.ids(), door.ids())
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute("select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'mainspring'")
    assert await door.ids() == []
    await door.engine.ping()


async def test_who_finds_no_connection_in_time_is_told(postgres: PostgresServer) -> None:
    door = Door(postgres.database("busy"), size=1, timeout=0.4)
    await door.engine.migrate(CATALOG)
    await door.insert({"title": "a"})
    async with await door.other() as other:
        await other.execute("lock table notes")
        outcomes = await asyncio.gather(door.ids(), door.ids(), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} <= {TimedOut, Busy}
    assert len(await door.ids()) == 1
    await door.engine.stop()


@pytest.mark.alone
async def test_everybody_who_waits_for_a_connection_waits_the_same_time(postgres: PostgresServer) -> None:
    """Whoever came later is told later; who gave up keeps nobody's place, and the connection serves again."""
    pool, loop = Pool(postgres.database("turns"), size=1, timeout=0.4), asyncio.get_running_loop()
    held, refused = await pool.acquire(), list[float]()

    async def wait(after: float) -> None:
        await asyncio.sleep(after)
        began = loop.time()
        with pytest.raises(Busy):
            await pool.acquire()
        refused.append(loop.time() - began)

    gone = asyncio.create_task(pool.acquire())
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(*map(wait, (0, 0.2, 0.3)))
    assert all(0.39 < each < 2 for each in refused)
    patient = asyncio.create_task(pool.acquire())
    await asyncio.sleep(0)
    pool.release(held)
    pool.release(await patient)
    assert len(await pool.run(Command("SELECT 1"))) == 1
    await pool.close()


async def test_a_slow_statement_is_cut_off(door: Door) -> None:
    await door.insert({"title": "a"})
    async with await door.other() as other:
        await other.execute("lock table notes")
        with pytest.raises(TimedOut) as raised:
            await door.retitle("b")
    assert raised.value.seconds == 1.0
    await door.retitle("b")


async def test_a_caller_who_goes_away_leaves_nothing_behind(door: Door) -> None:
    async with await door.other() as other:
        await other.execute("lock table notes")
        tasks = [asyncio.create_task(door.insert({"title": str(number)}, returning=IDS)) for number in range(4)]
        await asyncio.sleep(0.2)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert await asyncio.gather(door.ids(), door.ids()) == [[], []]


async def test_a_stopped_engine_finishes_and_refuses(door: Door) -> None:
    running = [asyncio.create_task(door.insert({"title": str(number)})) for number in range(2)]
    await asyncio.sleep(0)
    await door.engine.stop()
    assert [result.count for result in await asyncio.gather(*running)] == [1, 1]
    with pytest.raises(EngineUnavailable):
        await door.ids()


# ---------------------------------------------------------------- writes among others


async def test_a_row_that_comes_in_between_is_not_overwritten_unexamined(door: Door) -> None:
    merge = Conflict(Resolution.MERGE, ("title",))
    async with await door.other() as other:
        await other.execute("insert into notes (owner, title) values ('bob', 'taken')")
        upsert = asyncio.create_task(
            door.insert({"owner": "ada", "title": "taken"}, me=ADA, conflict=merge, returning=IDS)
        )
        await asyncio.sleep(0.3)
        await other.commit()
        with pytest.raises(RowCheckViolated) as raised:
            await upsert
        assert raised.value.existing
        owner = await (await other.execute("select owner from notes")).fetchone()
    assert owner == ("bob",)


async def test_an_upsert_tells_new_from_overwritten(door: Door) -> None:
    await door.insert({"owner": "ada", "title": "old"})
    rows = ({"owner": "ada", "title": "old"}, {"owner": "ada", "title": "new"})
    result = await door.insert(*rows, me=ADA, conflict=Conflict(Resolution.MERGE, ("title",)), returning=IDS)
    assert (result.count, result.inserted) == (2, 1)


async def test_counters_move_past_keys_that_came_with_rows(door: Door) -> None:
    await door.insert({"id": 10, "title": "a"}, {"id": 7, "title": "b"})
    result = await door.insert({"title": "c"})
    assert [key["id"] for key in result.keys] == [11]
    await door.insert({"id": 3, "title": "d"})
    assert [key["id"] for key in (await door.insert({"title": "e"})).keys] == [12]


async def test_a_write_that_should_be_of_one_row_is_undone(door: Door) -> None:
    await door.insert({"title": "a"}, {"title": "b"})
    query = ast.Delete(NOTES, returning=IDS, singular=True)
    with pytest.raises(NotSingular) as raised:
        await door.data.execute(query, [], SERVICE_PRINCIPAL)
    assert raised.value.count == 2
    assert await door.ids() == [1, 2]


async def test_a_taken_key_is_named_without_its_value(door: Door) -> None:
    await door.insert({"title": "secret"})
    with pytest.raises(UniqueViolated) as raised:
        await door.insert({"title": "other"}, {"title": "secret"})
    assert raised.value.columns == ("title",)
    assert "secret" not in f"{raised.value.message}{raised.value.details}"
    assert len(await door.ids()) == 1


async def test_a_batch_larger_than_the_socket_takes(door: Door) -> None:
    rows = [{"title": f"{number:05}" + "x" * 2_000} for number in range(4_000)]
    result = await door.insert(*rows, returning=IDS)
    assert result.count == 4_000
    assert result.body is not None
    assert [row["title"] for row in json.loads(result.body)] == [row["title"] for row in rows]
