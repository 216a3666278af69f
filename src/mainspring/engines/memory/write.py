"""Inserts, updates and deletes on a draft: all of a statement or, by raising, nothing of it. Keeps nothing itself."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from mainspring.catalog.model import Table
from mainspring.engines.memory.constraints import enforce, not_null, unique
from mainspring.engines.memory.defaults import complete, server_default
from mainspring.engines.memory.read import Picked, Reader, scope_of
from mainspring.engines.memory.store import Draft, Row, key_of
from mainspring.errors import RowCheckViolated
from mainspring.plan.nodes import DeletePlan, InsertPlan, UpdatePlan, Upsert, Write
from mainspring.plan.params import DEFAULT, affected_twice, refuse_twice
from mainspring.query.ast import Resolution
from mainspring.query.evaluate import Scope
from mainspring.query.expr import Condition, Source

Values = Sequence[tuple[Any, ...]]


def insert(draft: Draft, plan: InsertPlan, params: Sequence[Any], values: Values) -> tuple[list[int], int]:
    """Write the rows; the numbers of the rows written, and how many of them are new.

    Raises RowCheckViolated and the constraint errors.
    """
    table = draft.catalog.tables[plan.target.table.name]  # its constraints are the engine's, not the plan's
    if plan.upsert is not None:
        refuse_twice(plan.upsert, plan.writes, values)
    new: list[int] = []
    merged: dict[int, None] = {}
    written: list[int] = []
    for row in (complete(draft, table, _named(plan.writes, item)) for item in values):
        not_null(table, row)  # before any conflict is looked for, as databases do
        taken = _taken(draft, table, plan.upsert, row)
        if taken is None:
            new.append(draft.insert(table, row))
            written.append(new[-1])
        elif plan.upsert is not None and plan.upsert.resolution is Resolution.MERGE:
            if taken in merged or taken in new:
                raise affected_twice()
            _merge(draft, plan.target, plan.upsert, params, taken, row)
            merged[taken] = None
            written.append(taken)
        if plan.upsert is not None and written:
            unique(draft, table, written[-1:])  # row by row, as databases do: a later one may not make room
    enforce(draft, server_default)
    _demand(draft, plan.target, plan.check, params, new)
    if plan.upsert is not None:
        _demand(draft, plan.target, plan.upsert.updated, params, merged)
    return written, len(new)


def update(draft: Draft, plan: UpdatePlan, params: Sequence[Any], values: tuple[Any, ...]) -> list[int]:
    """Change the rows picked; their numbers. Raises RowCheckViolated and the constraint errors."""
    table = plan.picked.source.table
    numbers = [number for number, _ in _picked(draft, plan, params)] if plan.writes else []
    for number in numbers:
        changes = _named(plan.writes, values)
        defaults = {
            write.column: server_default(draft, table, table.columns[write.column])
            for write in plan.writes
            if write.column not in changes
        }
        draft.replace(table, number, {**draft.rows(table.name)[number], **changes, **defaults})
    enforce(draft, server_default)
    _demand(draft, plan.picked.source, plan.check, params, numbers)
    return numbers


def picked_for_delete(draft: Draft, plan: DeletePlan, params: Sequence[Any]) -> list[int]:
    """The numbers of the rows that `delete` will remove."""
    return [number for number, _ in _picked(draft, plan, params)]


def delete(draft: Draft, plan: DeletePlan, numbers: Sequence[int]) -> None:
    """Remove the rows, and what cascades from them. Raises the constraint errors."""
    for number in numbers:
        draft.remove(plan.picked.source.table, number)
    enforce(draft, server_default)


def _picked(draft: Draft, plan: UpdatePlan | DeletePlan, params: Sequence[Any]) -> list[Picked]:
    reader = Reader(draft, scope_of(draft, params))
    return reader.page(plan.picked, reader.matching(plan.picked))


def _named(writes: Sequence[Write], values: tuple[Any, ...]) -> dict[str, Any]:
    """The values by column, without those left to the database's default."""
    pairs = zip(writes, values, strict=True)
    return {write.column: value for write, value in pairs if value is not DEFAULT}


def _taken(draft: Draft, table: Table, upsert: Upsert | None, row: Row) -> int | None:
    """The number of the row whose key `row` would take again."""
    if upsert is None:
        return None
    key = key_of(row, upsert.key)
    if key is None:
        return None
    stored = draft.rows(table.name).items()
    return next((number for number, other in stored if key_of(other, upsert.key) == key), None)


def _merge(draft: Draft, target: Source, upsert: Upsert, params: Sequence[Any], number: int, proposed: Row) -> None:
    existing = draft.rows(target.table.name)[number]
    if not _scope(draft, target, params, existing).holds(upsert.existing):
        raise RowCheckViolated(table=target.table.name.name, existing=True)
    changes = {column: proposed[column] for column in upsert.overwritten}
    draft.replace(target.table, number, {**existing, **changes})


def _demand(draft: Draft, target: Source, check: Condition, params: Sequence[Any], numbers: Iterable[int]) -> None:
    """Every row numbered must satisfy `check`; unknown is not enough."""
    rows = draft.rows(target.table.name)
    for number in numbers:
        if not _scope(draft, target, params, rows[number]).holds(check):
            raise RowCheckViolated(table=target.table.name.name)


def _scope(draft: Draft, target: Source, params: Sequence[Any], row: Row) -> Scope:
    outside = scope_of(draft, params)
    return Scope({target.alias: row}, outside.params, outside.tables)
