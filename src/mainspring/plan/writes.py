"""The write half of the planner: which columns are written with what, which rows are picked, what must hold afterwards."""

from __future__ import annotations

from collections.abc import Iterable

from mainspring.catalog.model import Column, Table
from mainspring.catalog.names import nearest
from mainspring.errors import ColumnGenerated, ColumnUnknown, ConflictTargetUnknown, NotSupported, PermissionDenied
from mainspring.plan.draft import Planning
from mainspring.plan.nodes import DeletePlan, InsertPlan, Kept, Rows, UpdatePlan, Upsert, Write
from mainspring.plan.passes.guards import policy
from mainspring.plan.passes.tables import find_table
from mainspring.plan.reads import read_rows
from mainspring.query.ast import Conflict, Delete, End, Expr, Insert, Resolution, Selection, TableName, Update
from mainspring.query.expr import TRUE, Condition, Source, both


def plan_insert(planning: Planning, query: Insert) -> InsertPlan:
    """The plan of an insert or upsert."""
    table = find_table(planning, query.table)
    allowed = planning.guards.require(table, "insert")
    _writable(table, table.insertable)
    writes = _insert_writes(planning, table, query, allowed)
    returning = _returning(planning, query.table, query.returning, ordered=False)
    target = Source(planning.alias(), table, TRUE)
    upsert = _upsert(planning, target, query.conflict, query.columns) if query.conflict else None
    check = _holds(planning, target, planning.guards.check(table, "insert"))
    if returning is not None or upsert is not None:
        check = both(check, _holds(planning, target, planning.guards.using(table, "select")))
    return InsertPlan(
        target,
        writes,
        query.rows.index,
        check,
        tuple(planning.params),
        upsert,
        returning,
        _kept(query),
        explain=query.terms.explain,
    )


def plan_update(planning: Planning, query: Update) -> UpdatePlan:
    """The plan of an update: the rows picked must be the caller's to select and to update, before and after."""
    table = find_table(planning, query.table)
    allowed = planning.guards.require(table, "update")
    _writable(table, table.updatable)
    named = [_target(planning, table, name, allowed) for name in query.columns]
    writes = [_write(table, column, given=True, missing_default=query.missing_default, automatic=False) for column in named]
    writes += [
        Write(table.name.name, column.name, column.type, given=False, default=column.onupdate)
        for column in table.columns.values()
        if column.onupdate is not None and column.name not in query.columns
    ]
    picked = _picked(planning, query, "update")
    source = picked.source
    check = both(
        _holds(planning, source, planning.guards.check(table, "update")),
        _holds(planning, source, planning.guards.using(table, "select")),
    )
    returning = _returning(planning, query.table, query.returning)
    return UpdatePlan(
        picked,
        tuple(writes) if query.columns else (),
        query.changes.index,
        check,
        tuple(planning.params),
        returning,
        _kept(query),
        explain=query.terms.explain,
    )


def plan_delete(planning: Planning, query: Delete) -> DeletePlan:
    """The plan of a delete."""
    table = find_table(planning, query.table)
    planning.guards.require(table, "delete")
    _writable(table, table.deletable)
    picked = _picked(planning, query, "delete")
    returning = _returning(planning, query.table, query.returning)
    return DeletePlan(picked, tuple(planning.params), returning, _kept(query), explain=query.terms.explain)


def _kept(query: Insert | Update | Delete) -> Kept:
    return Kept(query.singular, query.terms.max_affected, query.terms.end is End.ROLLBACK)


def _picked(planning: Planning, query: Update | Delete, command: str) -> Rows:
    selection = Selection((), query.where, query.order, query.limit, query.offset)
    return read_rows(planning, query.table, selection, "select", command)


def _returning(planning: Planning, table: TableName, selection: Selection | None, *, ordered: bool = True) -> Rows | None:
    rows = None if selection is None else read_rows(planning, table, selection, ordered=ordered)
    if rows is not None and rows.group is not None:
        raise NotSupported("aggregates in the answer to a write", instead="Read them afterwards.")
    return rows


def _writable(table: Table, may: bool) -> None:
    """Raises NotSupported for what can only be read: a view, say."""
    if not may:
        raise NotSupported(f'writing to "{table.name.name}"', instead="It can only be read.")


def _holds(planning: Planning, source: Source, rule: Expr) -> Condition:
    return policy(planning, source.alias, source.table, rule)


def _target(planning: Planning, table: Table, name: str, allowed: frozenset[str]) -> Column:
    """A column that the caller may write. Raises ColumnUnknown or PermissionDenied."""
    column = table.columns.get(name)
    if column is None and name in table.computed:
        raise ColumnGenerated(table.name.name, name)
    if column is None:
        raise ColumnUnknown(table.name.name, name, nearest(name, allowed), writing=True)
    if name not in allowed:
        raise PermissionDenied(table.name.name, name, planning.guards.anonymous)
    if not column.writable:
        raise ColumnGenerated(table.name.name, name)
    return column


def _insert_writes(planning: Planning, table: Table, query: Insert, allowed: frozenset[str]) -> tuple[Write, ...]:
    named = [_target(planning, table, name, allowed) for name in query.columns]
    writes = [_write(table, column, given=True, missing_default=query.missing_default) for column in named]
    writes += [
        _write(table, column, given=False, missing_default=True)
        for column in table.columns.values()
        if column.default is not None and column.name not in query.columns
    ]
    return tuple(writes)


def _write(table: Table, column: Column, *, given: bool, missing_default: bool = False, automatic: bool = True) -> Write:
    """A write of a column. With `automatic` a missing key is counted on by the database, which is no default of an update."""
    own = column.default if missing_default else None
    defaults = column.server_default is not None or (automatic and column.autoincrement)
    database = missing_default and own is None and defaults
    return Write(table.name.name, column.name, column.type, given, own, database, required=not column.nullable)


def _upsert(planning: Planning, target: Source, conflict: Conflict, columns: Iterable[str]) -> Upsert:
    table = target.table
    key = conflict.on or table.primary_key
    for name in key:
        if name not in table.columns:
            raise ColumnUnknown(table.name.name, name, nearest(name, planning.guards.columns(table, "insert")))
    if not any(set(key) == set(unique) for unique in table.unique_keys()):
        raise ConflictTargetUnknown(tuple(key))
    if conflict.resolution is Resolution.IGNORE:
        return Upsert(tuple(key), conflict.resolution, (), TRUE, TRUE)
    allowed = planning.guards.require(table, "update")
    overwritten = tuple(_target(planning, table, name, allowed).name for name in columns if name not in key)
    return Upsert(
        tuple(key),
        conflict.resolution,
        overwritten,
        _holds(planning, target, planning.guards.using(table, "select", "update")),
        both(
            _holds(planning, target, planning.guards.check(table, "update")),
            _holds(planning, target, planning.guards.using(table, "select")),
        ),
    )
