"""Writes through views agree with writes to the tables behind them: PostgreSQL, compared with memory, which has no views."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import assume, event, given, note
from hypothesis import strategies as st
from hypothesis.strategies import DataObject
from msgspec.structs import replace

from mainspring.catalog.model import Catalog, Table
from mainspring.engines.memory.engine import MemoryEngine
from mainspring.errors import MainspringError, UniqueViolated, ValueOutOfRange
from mainspring.plan.planner import Planner
from mainspring.policy.registry import COMMANDS, Policy, Registry
from mainspring.query.ast import (
    TRUE,
    And,
    Column,
    Delete,
    Exists,
    Expr,
    Field,
    Insert,
    Is,
    Not,
    Or,
    Selection,
    Star,
    Update,
)
from mainspring.services.data import Data
from tests.property.answers import Comparable, comparable, declined
from tests.property.cases import DECLINED, REQUESTS, examples, ran, seconds
from tests.property.engines import Answer, Lab, Side, alone
from tests.property.strategies.policies import anyone, registries
from tests.property.strategies.requests import Request, writes
from tests.property.strategies.schemas import World, catalog_of, worlds
from tests.property.strategies.views import View
from tests.property.test_agreement import memory_state
from tests.property.test_writes import contents

pytestmark = pytest.mark.timeout(seconds())


@examples(0.08, REQUESTS)
@given(data=st.data())
def test_writes_through_views_agree_with_writes_to_their_tables(lab: Lab, data: DataObject) -> None:
    schema = lab.schema()
    world = data.draw(worlds(keyless=False, views=True)).named(schema)
    written = [view for view in world.views if view.writable and len(world.catalog.tables[view.name].primary_key) == 1]
    assume(written)
    registry = data.draw(registries(world.catalog))
    tables = catalog_of([table for table in world.catalog.tables.values() if not table.view])
    with lab.holding(world, registry, schema) as sides:
        if "postgres" not in sides:
            pytest.skip("views are compared on PostgreSQL: SQLite's are written by triggers of the author's")
        side, memory = sides["postgres"], lab.memory(World(tables, world.rows), registry, schema)
        assert not any(isinstance(answer, MainspringError) for answer in side.fill(world))
        for _ in range(REQUESTS):
            view = data.draw(st.sampled_from(written))
            request = data.draw(writes(_alone(world.catalog, view), registry, data.draw(anyone())))
            compare(side, Behind(memory, view, world, registry), request)
            assert contents(side, tables) == contents(memory, tables)
            ran("writes through views")


def _alone(catalog: Catalog, view: View) -> Catalog:
    """What can be asked of a view, without what is embedded."""
    return Catalog({view.name: catalog.tables[view.name]}, {view.name: ()})


def compare(side: Side, behind: Behind, request: Request) -> None:
    """Ask for the same of the view and of the table behind it; what PostgreSQL declines to do through a view is not asked.

    Nor is what has more digits than the table takes: of their number a view's type tells nothing.
    """
    answer = side.answer(request)
    if declined(answer) or (behind.narrow and isinstance(answer, ValueOutOfRange)):
        DECLINED[side.name] += 1
        return
    expected = behind.answer(request, answer)
    event(f"{type(request.query).__name__}: {type(expected).__name__}")
    said, wanted = _said(answer, behind.view), _said(expected, behind.view)
    if said != wanted:
        note(f"{request.query}\n{request.values}\n{request.principal}\n{getattr(answer, '__cause__', None)!r}")
    assert said == wanted


def _said(answer: Answer, view: View) -> Comparable:
    """What an answer says, under the name of the table; of a key that is taken the view does not know the columns."""
    facts = comparable(answer)
    if isinstance(answer, MainspringError):
        facts = {name: _renamed(value, view) for name, value in facts.items()}
    return {**facts, "columns": None, "details": None} if isinstance(answer, UniqueViolated) else facts


def _renamed(fact: Any, view: View) -> Any:
    return fact.replace(view.name.name, view.table.name) if isinstance(fact, str) else fact


class Behind:
    """The table behind a view, in memory: the view's policies are its own, and hold for the rows that the view shows."""

    def __init__(self, memory: Side, view: View, world: World, registry: Registry) -> None:
        self.memory, self.view = memory, view
        self._shown: Expr = TRUE if view.tested is None else Is(Column(view.tested), "null" if view.null else "not_null")
        self._views = {each.name: each for each in world.views}
        self._catalog = world.catalog
        shown = world.catalog.tables[view.name]
        self.narrow = any(world.catalog.tables[view.table].columns[name].type.precision for name in view.columns)
        tables = {name: table for name, table in world.catalog.tables.items() if not table.view}
        tables[view.table] = self._as_shown(tables[view.table], shown)
        planner = Planner(Catalog(tables, {view.table: ()}), self._policies(registry), exposed=memory.planner.exposed)
        assert isinstance(memory.engine, MemoryEngine)
        self._side = Side(memory.lab, "memory", Data(memory.engine, planner), memory.engine, planner)

    def answer(self, request: Request, said: Answer) -> Answer:
        """The answer; where both refuse, that of a table which has no constraint but the one that PostgreSQL says is violated."""
        before, asked = memory_state(self._side), self._asked(request)
        found = self._side.answer(asked)
        if not (isinstance(found, MainspringError) and isinstance(said, MainspringError)):
            return found
        if _said(found, self.view) == _said(said, self.view):
            return found
        return alone(self._side, before, self._tables(), asked, said, named_keys=True)

    def _tables(self) -> Catalog:
        return catalog_of([table for table in self._catalog.tables.values() if not table.view])

    def _as_shown(self, table: Table, view: Table) -> Table:
        """The table with the view's columns as the view has them; what it has besides, nobody but the database fills."""
        hidden = {name: replace(column, default=None, onupdate=None) for name, column in table.columns.items()}
        uniques = tuple(view.uniques)
        return replace(table, columns={**hidden, **view.columns}, uniques=uniques, indexes=(), computed={})

    def _asked(self, request: Request) -> Request:
        """The same of the table: of the rows that the view shows, and of the view's columns."""
        query = request.query
        assert isinstance(query, Insert | Update | Delete)
        query = dataclasses.replace(query, table=self.view.table, returning=self._returned(query.returning, request))
        if request.principal.bypass and not isinstance(query, Insert):
            query = dataclasses.replace(query, where=_both(self._shown, query.where))
        return dataclasses.replace(request, query=query)

    def _returned(self, returning: Selection | None, request: Request) -> Selection | None:
        if returning is None or not request.principal.bypass:
            return returning
        every = tuple(Field(Column(name)) for name in self.view.columns)
        items = tuple(each for item in returning.items for each in (every if isinstance(item, Star) else (item,)))
        return replace(returning, items=items or every, where=_both(self._shown, returning.where))

    def _policies(self, registry: Registry) -> Registry:
        """The view's as those of the table, and that its rows are those that the view shows."""
        own = [replace_policy(policy, self) for policy in registry.policies if policy.table == self.view.name]
        shown = Policy(self.view.table, frozenset(COMMANDS), None, "tests", using=self._shown, restrictive=True)
        grants = [
            dataclasses.replace(grant, table=self.view.table) for grant in registry.grants if grant.table == self.view.name
        ]
        return Registry({self.view.table: frozenset(self.view.columns)}, (*own, shown), tuple(grants))

    def behind(self, node: Expr) -> Expr:
        """A policy in which views that it looks into are the tables behind them, as far as they show these."""
        match node:
            case Exists(table, where, scope):
                view = self._views.get(table)
                inside = self.behind(where)
                if view is None:
                    return Exists(table, inside, scope)
                return Exists(view.table, And((*_shows(view, scope), inside)), scope)
            case And(items):
                return And(tuple(map(self.behind, items)))
            case Or(items):
                return Or(tuple(map(self.behind, items)))
            case Not(item):
                return Not(self.behind(item))
            case _:
                return node


def replace_policy(policy: Policy, behind: Behind) -> Policy:
    """A policy of the view as one of its table."""
    check = None if policy.check is None else behind.behind(policy.check)
    return dataclasses.replace(policy, table=behind.view.table, using=behind.behind(policy.using), check=check)


def _shows(view: View, scope: int) -> Iterator[Expr]:
    if view.tested is not None:
        yield Is(Column(view.tested, scope=scope), "null" if view.null else "not_null")


def _both(shown: Expr, where: Expr | None) -> Expr:
    return shown if where is None else And((shown, where))
