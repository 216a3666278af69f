"""Writes: a refused one changes nothing; an accepted one changes only rows that the policies allow, before and after."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import given, note
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from mainspring.catalog.model import Catalog, Table
from mainspring.datatypes import decode_body, from_json
from mainspring.engines.memory.store import key_of
from mainspring.errors import MainspringError
from mainspring.policy.registry import Registry
from mainspring.principal import SERVICE_PRINCIPAL
from mainspring.query.ast import Delete, Insert, Read, Resolution, Selection, Star, TableName, Update
from tests.property.cases import REQUESTS, examples, ran, seconds
from tests.property.engines import Lab, Side
from tests.property.judge import Judge
from tests.property.strategies.policies import callers, registries
from tests.property.strategies.requests import Request, writes
from tests.property.strategies.schemas import Row, worlds

pytestmark = pytest.mark.timeout(seconds())

Rows = dict[TableName, list[Row]]


@examples(0.1, REQUESTS)
@given(data=st.data())
def test_writes_keep_to_the_policies(lab: Lab, data: DataObject) -> None:
    schema = lab.schema()
    world = data.draw(worlds(actions=False)).named(schema)
    registry = data.draw(registries(world.catalog))
    with lab.holding(world, registry, schema) as sides:
        for side in sides.values():
            side.fill(world)
        held = {name: contents(side, world.catalog) for name, side in sides.items()}
        for _ in range(REQUESTS):
            request = data.draw(writes(world.catalog, registry, data.draw(callers())))
            for name, side in sides.items():
                held[name] = _judged(side, world.catalog, registry, request, held[name])
            ran("writes")


def contents(side: Side, catalog: Catalog) -> Rows:
    """Every row of every table in canonical values, read with the service role."""
    return {name: _read(side, table) for name, table in catalog.tables.items()}


def _read(side: Side, table: Table) -> list[Row]:
    answer = side.answer(Request(Read(table.name, Selection((Star(),))), (), SERVICE_PRINCIPAL))
    assert not isinstance(answer, MainspringError)
    documents = decode_body(answer.body or b"[]", 300)
    return [{name: from_json(table.columns[name].type, item) for name, item in row.items()} for row in documents]


def _judged(side: Side, catalog: Catalog, registry: Registry, request: Request, before: Rows) -> Rows:
    """Run a write and hold what it changed against the policies; what the tables hold afterwards."""
    answer = side.answer(request)
    after = contents(side, catalog)
    note(f"{side.name}: {request}\n{answer!r}")
    if isinstance(answer, MainspringError):
        assert after == before
        return after
    table = catalog.tables[request.query.table]
    assert {name: rows for name, rows in after.items() if name != table.name} == {
        name: rows for name, rows in before.items() if name != table.name
    }
    gone = _without(table, before[table.name], after[table.name])
    fresh = _without(table, after[table.name], before[table.name])
    old = Judge(catalog, registry, request.principal, before)
    new = Judge(catalog, registry, request.principal, after)
    match request.query:
        case Update(columns=columns):
            assert all(old.using(table, row, "select", "update") for row in gone)
            assert all(new.check(table, row, "update") and new.using(table, row, "select") for row in fresh)
            _only_columns(table, gone, fresh, columns)
        case Delete():
            assert not fresh
            assert all(old.using(table, row, "select", "delete") for row in gone)
        case Insert(conflict=conflict, returning=returning):
            assert not gone or (conflict is not None and conflict.resolution is Resolution.MERGE)
            assert all(old.using(table, row, "select", "update") for row in gone)
            for row in fresh:
                inserted = new.check(table, row, "insert")
                assert inserted or (bool(gone) and new.check(table, row, "update"))
                assert returning is None or new.using(table, row, "select")
    return after


def _without(table: Table, rows: Iterable[Row], others: Iterable[Row]) -> list[Row]:
    """The rows that are not among the others, each as often as it is missing there."""
    left = Counter(map(_identity, others))
    found = []
    for row in rows:
        identity = _identity(row)
        if left[identity]:
            left[identity] -= 1
        else:
            found.append(row)
    return found


def _identity(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(repr(key_of(row, (name,))) for name in sorted(row))


def _only_columns(table: Table, gone: list[Row], fresh: list[Row], columns: tuple[str, ...]) -> None:
    """Rows that kept their key changed only in the columns named, and in those that update themselves."""
    allowed = {*columns, *(column.name for column in table.columns.values() if column.onupdate is not None)}
    assert len(gone) == len(fresh)
    if not table.primary_key or set(table.primary_key) & allowed:
        return
    became = {key_of(row, table.primary_key): row for row in fresh}
    for row in gone:
        other = became[key_of(row, table.primary_key)]
        assert {name for name in row if row[name] != other[name]} <= allowed
