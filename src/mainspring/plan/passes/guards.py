"""Pass 2: every table gets its guard and its visible columns."""

from __future__ import annotations

from mainspring.catalog.model import Table
from mainspring.errors import PermissionDenied
from mainspring.plan.draft import Draft, Planning
from mainspring.plan.passes.resolve import Scope, condition
from mainspring.query import expr
from mainspring.query.ast import Expr
from mainspring.query.ops import OPERATORS
from mainspring.query.walk import columns as columns_read


def guard(planning: Planning, draft: Draft, *commands: str) -> None:
    """Guard `draft` for `commands` (its root) and everything below it for select."""
    draft.columns = planning.guards.require(draft.table, "select")
    draft.guard = policy(planning, draft.alias, draft.table, planning.guards.using(draft.table, *commands))
    for child in draft.children:
        guard(planning, child, "select")
    join(planning, draft)


def policy(planning: Planning, alias: int, table: Table, rule: Expr) -> expr.Condition:
    """A policy's expression, resolved for the table known as `alias`."""
    return _declared(planning, rule, Scope(alias, table))


def _declared(planning: Planning, rule: Expr, *scopes: Scope) -> expr.Condition:
    """A condition of the application's own, which no limit on requests is about."""
    before = planning.conditions
    resolved = condition(planning, rule, scopes)
    planning.conditions = before
    return resolved


def join(planning: Planning, draft: Draft) -> None:
    """Tie a related table to its parent; a junction between them is guarded like any other table."""
    if draft.relation is None or draft.parent is None:
        return
    relation, parent = draft.relation, draft.parent
    if relation.on is not None:
        scopes = Scope(parent.alias, parent.table), Scope(draft.alias, draft.table)
        draft.where.append(_declared(planning, relation.on, *scopes))
        _readable(planning, parent.table, parent.columns, columns_read(relation.on, 0))
        _readable(planning, draft.table, draft.columns, columns_read(relation.on, 1))
        return
    near, far = parent.alias, relation.columns
    if relation.junction is not None:
        junction = planning.catalog.tables[relation.junction.table]
        alias = planning.alias()
        columns = planning.guards.require(junction, "select")
        rule = policy(planning, alias, junction, planning.guards.using(junction, "select"))
        draft.joined = (expr.Source(alias, junction, rule),)
        _readable(planning, junction, columns, (*relation.junction.source_columns, *relation.junction.target_columns))
        to_target, to_source = relation.junction.target_columns, relation.junction.source_columns
        draft.where += _pairs(draft.alias, draft.table, relation.target_columns, alias, junction, to_target)
        draft.where += _pairs(alias, junction, to_source, near, parent.table, far)
    else:
        draft.where += _pairs(draft.alias, draft.table, relation.target_columns, near, parent.table, far)
    _readable(planning, parent.table, parent.columns, relation.columns)
    _readable(planning, draft.table, draft.columns, relation.target_columns)


def _readable(planning: Planning, table: Table, visible: frozenset[str], columns: tuple[str, ...]) -> None:
    """A join tells something about the columns it joins by: they must be the caller's to read."""
    for column in columns:
        if column not in visible:
            raise PermissionDenied(table.name.name, column, planning.guards.anonymous)


def _pairs(
    alias: int, table: Table, columns: tuple[str, ...], other: int, other_table: Table, other_columns: tuple[str, ...]
) -> list[expr.Condition]:
    return [
        expr.Compare(OPERATORS["eq"], _ref(alias, table, mine), _ref(other, other_table, theirs))
        for mine, theirs in zip(columns, other_columns, strict=True)
    ]


def _ref(alias: int, table: Table, name: str) -> expr.Ref:
    column = table.columns[name]
    return expr.Ref(alias, column, column.type)
