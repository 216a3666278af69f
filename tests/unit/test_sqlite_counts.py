"""Counting under a policy about related rows: SQLite begins with them where an index finds them, and counts the same."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mainspring.catalog.model import Catalog, Index, Table
from mainspring.catalog.model import Column as Stored
from mainspring.datatypes import BIGINT, TEXT
from mainspring.engines.base import Engine
from mainspring.engines.registry import open_engine, open_memory
from mainspring.engines.sqlite.dialect import SqliteDialect
from mainspring.engines.sqlite.read import compile_read
from mainspring.plan.nodes import ReadPlan
from mainspring.plan.planner import Planner
from mainspring.policy.declare import Declarations
from mainspring.policy.language import exists
from mainspring.principal import SERVICE_PRINCIPAL, Principal
from mainspring.query.ast import Column, Compare, Count, Field, Insert, Read, Selection, Slot, TableName
from mainspring.services.data import Data
from mainspring.settings import DatabaseSettings

PAPERS, READERS = TableName("public", "papers"), TableName("public", "readers")
CATALOG = Catalog(
    {
        PAPERS: Table(PAPERS, {"id": Stored("id", BIGINT, nullable=False), "title": Stored("title", TEXT)}, ("id",)),
        READERS: Table(
            READERS,
            {
                "id": Stored("id", BIGINT, nullable=False),
                "paper_id": Stored("paper_id", BIGINT),
                "name": Stored("name", TEXT),
                "note": Stored("note", TEXT),
            },
            ("id",),
            indexes=(Index("readers_name", ("name",)),),
        ),
    }
)
IDS = (Field(Column("id")),)
ALL = Read(PAPERS, Selection(IDS), Count.EXACT)
BY_ID = Read(PAPERS, Selection(IDS, Compare("eq", Column("id"), Slot(0))), Count.EXACT)
ADA = Principal("authenticated", claims={"name": "ada"})

Rule = Callable[[Any, Any], Any]


def me_reading(paper: Any, me: Any) -> Any:
    return exists("readers", lambda reader: (reader.paper_id == paper.id) & (reader.name == me.claim("name")))


def me_not_reading(paper: Any, me: Any) -> Any:
    return ~me_reading(paper, me)


def untitled_or_me_reading(paper: Any, me: Any) -> Any:
    return paper.title.is_null() | me_reading(paper, me)


def anybody_reading(paper: Any, me: Any) -> Any:
    return exists("readers", lambda reader: reader.paper_id == paper.id)


def noted(paper: Any, me: Any) -> Any:
    return exists("readers", lambda reader: (reader.paper_id == paper.id) & (reader.note == me.claim("name")))


def titled_for_me(paper: Any, me: Any) -> Any:
    return exists(
        "readers",
        lambda reader: (reader.paper_id == paper.id) & (reader.name == me.claim("name")) & (reader.note == paper.title),
    )


RULES = (me_reading, me_not_reading, untitled_or_me_reading, anybody_reading, noted, titled_for_me)


def planner(rule: Rule) -> Planner:
    app = Declarations()
    app.policy("papers", "select")(rule)
    return Planner(CATALOG, app.resolve(CATALOG, lambda model: TableName("public", str(model)), lambda model: {}))


async def count(engine: Engine, rule: Rule, papers: list[dict[str, Any]], readers: list[dict[str, Any]]) -> int | None:
    """How many papers Ada may read."""
    data = Data(engine, planner(rule))
    await engine.start(CATALOG)
    await engine.migrate(CATALOG)
    await data.execute(Insert(PAPERS, ("id", "title"), Slot(0)), [papers], SERVICE_PRINCIPAL)
    await data.execute(Insert(READERS, ("id", "paper_id", "name", "note"), Slot(0)), [readers], SERVICE_PRINCIPAL)
    found = await data.execute(ALL, [], ADA)
    await engine.stop()
    assert found.total == found.count
    return found.total


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
async def test_the_count_is_that_of_the_reference(rule: Rule, tmp_path: Path) -> None:
    draw = random.Random(7)
    some = [None, "ada", "bob", "a"]
    papers = [{"id": n, "title": draw.choice(some)} for n in range(60)]
    readers = [
        {"id": n, "paper_id": draw.choice([None, *range(60)]), "name": draw.choice(some), "note": draw.choice(some)}
        for n in range(120)
    ]
    expected = await count(open_memory(), rule, papers, readers)
    assert await count(open_engine(DatabaseSettings(), tmp_path), rule, papers, readers) == expected
    assert expected not in (0, None, 60)


def statement(rule: Rule, query: Read) -> str:
    plan = planner(rule).plan(query, ADA)
    assert isinstance(plan, ReadPlan)
    return compile_read(plan, SqliteDialect()).sql


@pytest.mark.parametrize("rule", [me_reading, untitled_or_me_reading], ids=lambda rule: rule.__name__)
def test_what_an_index_finds_is_looked_for_once(rule: Rule) -> None:
    assert statement(rule, ALL).count("IN (SELECT") == 1
    assert statement(rule, ALL).count("EXISTS") == 1  # of the page


@pytest.mark.parametrize("rule", [me_not_reading, anybody_reading, noted, titled_for_me], ids=lambda rule: rule.__name__)
def test_what_no_index_finds_is_asked_of_each_row(rule: Rule) -> None:
    assert "IN (SELECT" not in statement(rule, ALL)


def test_a_row_that_is_named_is_looked_at_alone() -> None:
    assert "IN (SELECT" not in statement(me_reading, BY_ID)
