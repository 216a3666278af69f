"""Which statements PostgreSQL plans once: those whose plan does not depend on their values, and no others."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import psycopg
import pytest
from sqlalchemy import BigInteger, Index
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from mainspring.catalog.build import build
from mainspring.engines.postgres.engine import PostgresEngine
from mainspring.engines.postgres.pace import FIRST_LOOKS, SLOW, Pace
from mainspring.engines.postgres.pool import Pool
from mainspring.engines.postgres.session import Command
from mainspring.plan.planner import Planner
from mainspring.policy.registry import Registry
from mainspring.principal import SERVICE_PRINCIPAL
from mainspring.query.ast import Column, Compare, Field, Order, Read, Selection, Slot, TableName
from mainspring.services.data import Data
from tests.support.servers import PostgresServer

pytestmark = pytest.mark.alone
MANY, FEW = "many", "few"
ROWS = 20_000


class Base(DeclarativeBase):
    """The base of the models."""


class Task(Base):
    """Nearly all tasks are in one state."""

    __tablename__ = "tasks"
    __table_args__ = (Index("tasks_state", "state"),)

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    state: Mapped[str]


CATALOG = build(Base)
TASKS = TableName("public", "tasks")
ID = (Field(Column("id")),)
PAGE = Read(TASKS, Selection(ID, Compare("gt", Column("id"), Slot(0)), (Order(Column("id")),), Slot(1)))
IN_STATE = Read(TASKS, Selection(ID, Compare("eq", Column("state"), Slot(0)), (Order(Column("id")),), Slot(1)))


class Door:
    """An engine with one connection, and the data behind it."""

    def __init__(self, url: str) -> None:
        self.engine = PostgresEngine(url, size=1, timeout=5)
        self.data = Data(self.engine, Planner(CATALOG, Registry({TASKS: frozenset({"id", "state"})})))

    async def ids(self, query: Read, *values: Any) -> list[int]:
        result = await self.data.execute(query, list(values), SERVICE_PRINCIPAL)
        return [row["id"] for row in json.loads(result.body or b"[]")]

    async def plans(self, part: str) -> tuple[int, int]:
        """How often a statement was run with a plan for any values, and with one made for its values."""
        asked = f"SELECT generic_plans, custom_plans FROM pg_prepared_statements WHERE statement LIKE '%{part}%'"
        answer = await self.engine._pool.read(Command(asked, prepared=False))
        return int(answer.get_value(0, 0) or 0), int(answer.get_value(0, 1) or 0)


@pytest.fixture
async def door(postgres: PostgresServer) -> AsyncIterator[Door]:
    url = postgres.database("plans")
    door = Door(url)
    await door.engine.start(CATALOG)
    await door.engine.migrate(CATALOG)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO tasks SELECT n, CASE WHEN n %% 4000 = 0 THEN 'few' ELSE 'many' END FROM generate_series(1, %s) n", [ROWS]
        )
        connection.execute("VACUUM ANALYZE tasks")
    yield door
    await door.engine.stop()


async def looked(door: Door, query: Read, *values: Any) -> None:
    """Ask so often that the plans have been compared twice."""
    for runs in range(1, FIRST_LOOKS[-1] + 2):
        await door.ids(query, *values)
        if runs in FIRST_LOOKS:
            await asyncio.sleep(0.05)  # the look goes on aside, on the only connection
    await asyncio.sleep(0.05)


async def test_a_page_is_planned_once(door: Door) -> None:
    await looked(door, PAGE, 100, 3)
    before, _ = await door.plans('"id" > ')
    for start in (0, 5_000, ROWS - 1):
        assert await door.ids(PAGE, start, 2) == [n for n in (start + 1, start + 2) if n <= ROWS]
    after, _ = await door.plans('"id" > ')
    assert after - before == 3


async def test_what_depends_on_its_values_is_planned_for_them(door: Door) -> None:
    await looked(door, IN_STATE, FEW, 3)
    before, _ = await door.plans('"state" = ')
    assert await door.ids(IN_STATE, FEW, 3) == [4_000, 8_000, 12_000]
    assert await door.ids(IN_STATE, MANY, 2) == [1, 2]
    assert (await door.plans('"state" = '))[0] == before == 0


async def test_a_wait_for_a_connection_says_nothing_about_a_plan(door: Door) -> None:
    await looked(door, PAGE, 100, 3)
    pool = door.engine._pool
    taken = await pool.acquire()
    waiting = asyncio.create_task(door.ids(PAGE, 0, 1))
    await asyncio.sleep(SLOW * 2)
    pool.release(taken)
    assert await waiting == [1]
    before, _ = await door.plans('"id" > ')
    await door.ids(PAGE, 1, 1)
    assert (await door.plans('"id" > '))[0] == before + 1


async def test_how_a_statement_is_planned_outlives_no_other(postgres: PostgresServer) -> None:
    pool = Pool(postgres.url, size=1, timeout=5)
    mode = Command("SELECT current_setting('plan_cache_mode')")
    assert (await pool.read(mode._replace(fixed=True))).get_value(0, 0) == b"force_generic_plan"
    assert (await pool.read(mode)).get_value(0, 0) == b"auto"
    with pytest.raises(psycopg.errors.DivisionByZero):
        await pool.read(Command("SELECT 1 / 0", fixed=True))
    assert (await pool.read(mode)).get_value(0, 0) == b"auto"
    assert (await pool.run(mode._replace(fixed=True), mode._replace(fixed=True)))[1].get_value(0, 0) == b"force_generic_plan"
    await pool.close()


def test_a_plan_that_was_kept_is_doubted_when_it_runs_slowly() -> None:
    pace, plan = Pace(), b'[{"Plan": {"Node Type": "Seq Scan", "Relation Name": "tasks"}}]'
    for _ in FIRST_LOOKS:
        assert not pace.fixed
        pace.compare(plan, plan)
    assert pace.fixed
    pace.took(SLOW / 2)
    assert pace.fixed
    pace.took(SLOW * 2)
    assert not pace.fixed


def test_plans_differ_by_what_they_do_and_not_by_what_they_are_expected_to_cost() -> None:
    pace = Pace()
    cheap = b'[{"Plan": {"Node Type": "Limit", "Total Cost": 1, "Plans": [{"Node Type": "Index Scan", "Index Name": "a"}]}}]'
    dear = cheap.replace(b"1", b"9")
    other = cheap.replace(b'"a"', b'"b"')
    for _ in FIRST_LOOKS:
        pace.compare(cheap, dear)
    assert pace.fixed
    pace.compare(cheap, other)
    assert not pace.fixed
