"""Nothing that a caller may not see shows in any answer, count, order, embed or error text.

Two copies of one world differ only in what is hidden from a caller: rows that no policy shows, columns outside the grants, tables
that may not be read. Every answer must be the same, byte by byte. What is inherent, in PostgreSQL as here, is left out:
- primary and unique keys stay: a write that collides with a hidden row is refused, and that tells of it;
- a foreign key to or from a hidden row may refuse a write: after such a refusal the engine is asked no more;
- what a policy itself looks at in other tables (`exists`) stays, and is not written: it decides what is visible;
- columns of visible rows that a policy looks at stay: the policy's outcome is meant to tell of them;
- no foreign key actions: a cascade runs with the application's authority;
- what a view shows of a row is visible, whatever the policies of the table say: a view has its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, note
from hypothesis import strategies as st
from hypothesis.strategies import DataObject, DrawFn

from mainspring.catalog.model import ForeignKey, Table
from mainspring.errors import ForeignKeyViolated, MainspringError
from mainspring.policy.registry import Registry
from mainspring.principal import Principal
from mainspring.query.ast import TableName
from tests.property.answers import error_facts
from tests.property.cases import REQUESTS, examples, ran, seconds
from tests.property.engines import Answer, Lab, Side
from tests.property.judge import Judge, mentioned
from tests.property.strategies.policies import callers, registries
from tests.property.strategies.requests import reads, writes
from tests.property.strategies.schemas import Row, World, canonical, key_value, row, worlds
from tests.property.strategies.values import value

pytestmark = pytest.mark.timeout(seconds())


@examples(0.3, REQUESTS)
@given(data=st.data())
def test_what_is_hidden_shows_nowhere(labs: tuple[Lab, Lab], data: DataObject) -> None:
    schema = labs[0].schema()
    world = data.draw(worlds(keyless=False, actions=False, views=data.draw(st.booleans()))).named(schema)
    registry = data.draw(registries(world.catalog))
    principal = data.draw(callers())
    other = data.draw(_otherwise(_Hidden(world, registry, principal)))
    note(f"{principal}\n{other}")
    with labs[0].holding(world, registry, schema) as ones, labs[1].holding(other, registry, schema) as others:
        pairs = {name: (ones[name], others[name]) for name in ones}
        for side, held in [(side, held) for name in pairs for side, held in zip(pairs[name], (world, other), strict=True)]:
            assert not [answer for answer in side.fill(held) if isinstance(answer, MainspringError)]
        _compare(data, world, registry, principal, pairs)


def _compare(
    data: DataObject, world: World, registry: Registry, principal: Principal, pairs: dict[str, tuple[Side, Side]]
) -> None:
    decisive = _Hidden(world, registry, principal).looked_into
    for number in range(REQUESTS):
        make = reads if number < REQUESTS * 2 // 3 else writes
        request = data.draw(make(world.catalog, registry, principal))
        if request.writes and request.query.table in decisive:
            continue
        for name, (one, other) in list(pairs.items()):
            answers = one.answer(request), other.answer(request)
            if any(isinstance(answer, ForeignKeyViolated) for answer in answers):
                del pairs[name]
                continue
            said = [exact(answer) for answer in answers]
            if said[0] != said[1]:
                note(f"{name}: {request}")
            assert said[0] == said[1]
        ran("non-interference")


def exact(answer: Answer) -> Any:
    """Everything in an answer, to the byte."""
    if isinstance(answer, MainspringError):
        return error_facts(answer)
    return answer.body, answer.count, answer.total, answer.inserted, list(answer.keys), answer.cursor


# ---------------------------------------------------------------- the same world, differing in what is hidden


@dataclass(frozen=True, slots=True)
class _Hidden:
    """What a caller cannot see of a world, and what of it may be changed."""

    world: World
    registry: Registry
    principal: Principal

    @property
    def looked_into(self) -> frozenset[TableName]:
        """The tables that some policy looks into, be it through a view, and the views of those."""
        found = frozenset(name for name, column in self._mentioned() if column is None)
        bases = found | {view.table for view in self.world.views if view.name in found}
        return bases | {view.name for view in self.world.views if view.table in bases}

    def mentions(self, table: Table) -> frozenset[str]:
        """The columns of `table` that some policy looks at."""
        return frozenset(column for name, column in self._mentioned() if name == table.name and column is not None)

    def _mentioned(self) -> list[tuple[TableName, str | None]]:
        rules = [(policy.table, rule) for policy in self.registry.policies for rule in (policy.using, policy.written)]
        return [found for table, rule in rules for found in mentioned(rule, (table,))]

    def judge(self, rows: Mapping[TableName, tuple[Row, ...]]) -> Judge:
        """The policies over `rows`."""
        tables, shown = self.world.catalog.tables, self.world.shown(rows)
        stored = {name: [canonical(tables[name], each) for each in found] for name, found in shown.items()}
        return Judge(self.world.catalog, self.registry, self.principal, stored)

    def showing(self, judge: Judge, table: Table, row: Row) -> list[Table]:
        """The views in which the caller sees a row of `table`."""
        views = [view for view in self.world.views if view.table == table.name and view.shows(row)]
        pairs = [(self.world.catalog.tables[view.name], view.row(row)) for view in views]
        return [view for view, shown in pairs if judge.sees(view, canonical(view, shown))]

    def decided(self, judge: Judge, table: Table, row: Row) -> set[str]:
        """The columns of a row of `table` that views tell of."""
        found: set[str] = set()
        showing = {view.name: judge.columns(view) for view in self.showing(judge, table, row)}
        for view in self.world.views:
            if view.table == table.name and (view.name in showing or view.name in self.looked_into):
                found |= self.mentions(self.world.catalog.tables[view.name]) | showing.get(view.name, frozenset())
                found |= {view.tested} if view.tested is not None else set()
        return found


@st.composite
def _otherwise(draw: DrawFn, hidden: _Hidden) -> World:
    """The world with hidden values and rows changed, and hidden rows added."""
    judge = hidden.judge(hidden.world.rows)
    rows: dict[TableName, tuple[Row, ...]] = {}
    for name in hidden.world.rows:
        table = hidden.world.catalog.tables[name]
        kept = [_changed(draw, hidden, judge, table, each, rows) for each in hidden.world.rows[name]]
        rows[name] = (*kept, *_added(draw, hidden, judge, table, {**rows, name: tuple(kept)}))
    return World(hidden.world.catalog, rows, hidden.world.views)


def _changed(
    draw: DrawFn, hidden: _Hidden, judge: Judge, table: Table, old: Row, rows: Mapping[TableName, tuple[Row, ...]]
) -> Row:
    visible = judge.sees(table, canonical(table, old))
    fixed = {name for key in (*table.unique_keys(), *(key.columns for key in table.foreign_keys)) for name in key}
    if visible or table.name in hidden.looked_into:
        fixed |= hidden.mentions(table)
    if visible:
        fixed |= judge.columns(table)
        fixed |= {read for name, computed in table.computed.items() if name in judge.columns(table) for read in computed.reads}
    fixed |= hidden.decided(judge, table, old)
    shown = hidden.showing(judge, table, old)
    free = [column for column in table.columns.values() if column.name not in fixed and draw(st.booleans())]
    new = {**old, **{column.name: value(draw, column.type) for column in free}}
    if not (visible or shown or table.name in hidden.looked_into):
        for key in table.foreign_keys:
            new.update(_elsewhere(draw, table, key, rows))
    if hidden.showing(judge, table, new) != shown:
        return old
    if visible or not judge.sees(table, canonical(table, new)):
        return new
    return old


def _elsewhere(draw: DrawFn, table: Table, key: ForeignKey, rows: Mapping[TableName, tuple[Row, ...]]) -> Row:
    """Another reference for a hidden row; none for references that are keys."""
    parents = rows.get(key.target, ())
    in_key = any(name in unique for unique in table.unique_keys() for name in key.columns)
    if in_key or not parents or draw(st.booleans()):
        return {}
    parent = draw(st.sampled_from(parents))
    return {own: parent[theirs] for own, theirs in zip(key.columns, key.target_columns, strict=True)}


def _added(draw: DrawFn, hidden: _Hidden, judge: Judge, table: Table, rows: Mapping[TableName, tuple[Row, ...]]) -> list[Row]:
    """Hidden rows under keys that no request names."""
    if table.name in hidden.looked_into or any(unique != table.primary_key for unique in table.unique_keys()):
        return []
    own_keys = [key for key in table.foreign_keys if set(key.columns) & set(table.primary_key)]
    if own_keys:  # a junction: its keys are references, and requests name them
        return []
    found = [_new(draw, table, number, rows) for number in range(20, 20 + draw(st.integers(0, 3)))]
    return [
        each
        for each in found
        if each is not None and not judge.sees(table, canonical(table, each)) and not hidden.showing(judge, table, each)
    ]


def _new(draw: DrawFn, table: Table, number: int, rows: Mapping[TableName, tuple[Row, ...]]) -> Row | None:
    candidate = row(draw, table)
    candidate.update(_reserved(table, number))
    for key in table.foreign_keys:
        parents = rows.get(key.target, ())
        if not parents:
            return None
        parent = draw(st.sampled_from(parents))
        candidate.update({own: parent[theirs] for own, theirs in zip(key.columns, key.target_columns, strict=True)})
    return candidate


def _reserved(table: Table, number: int) -> Row:
    return {name: key_value(table.columns[name].type, number) for name in table.primary_key}
