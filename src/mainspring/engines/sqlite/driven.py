"""Conditions on related rows that SQLite can begin with, where all rows are looked through anyway.

SQLite asks `EXISTS` anew for each row. Where the related rows are found by an index of their own (the caller's memberships, say),
`IN` finds them once; PostgreSQL makes a join of either.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mainspring.catalog.model import Table
from mainspring.datatypes import Kind
from mainspring.engines.sql.compile import is_local, references
from mainspring.plan.nodes import Rows
from mainspring.query import expr

_PLAIN = frozenset({Kind.INTEGER, Kind.TEXT, Kind.UUID})
"""The types whose stored values are equal where their texts are."""


@dataclass(frozen=True, slots=True)
class Driven:
    """`outer IN (SELECT inner FROM the source WHERE rest)` holds exactly where the condition does, unless it is negated."""

    outer: expr.Ref
    inner: expr.Ref
    rest: expr.Condition


def driven(node: expr.Exists) -> Driven | None:
    """How to begin with the related rows; None where nothing but the row itself leads to them."""
    tables = {each.alias: each.table for each in (node.source, *node.source.joined)}
    guards = [each.guard for each in (node.source, *node.source.joined)]
    items = list(_items(expr.both(*guards, node.where)))
    for item in items:
        link = _link(item, tables)
        rest = [other for other in items if other is not item]
        if link is None or not all(is_local(each) for each in rest):
            continue
        within = all(ref.alias in tables for ref in references(tuple(rest)))
        if within and any(_leads(each, tables) for each in rest):
            return Driven(*link, expr.both(*rest))
    return None


def names_its_row(rows: Rows) -> bool:
    """Whether the request itself says which row is asked for, by a key."""
    equal = {
        item.left.column.name
        for item in _items(rows.where)
        if isinstance(item, expr.Compare) and _is_equality(item) and isinstance(item.left, expr.Ref) and _is_bare(item.left)
    }
    return any(equal.issuperset(key) for key in rows.source.table.unique_keys())


def _items(node: expr.Condition) -> Iterator[expr.Condition]:
    if isinstance(node, expr.And):
        for item in node.items:
            yield from _items(item)
    else:
        yield node


def _link(item: expr.Condition, tables: dict[int, Table]) -> tuple[expr.Ref, expr.Ref] | None:
    """The two columns, outside and inside, that an item compares."""
    if not isinstance(item, expr.Compare) or not _is_equality(item):
        return None
    left, right = item.left, item.right
    if not (isinstance(left, expr.Ref) and isinstance(right, expr.Ref) and _is_bare(left) and _is_bare(right)):
        return None
    if (left.alias in tables) is (right.alias in tables) or left.type.kind is not right.type.kind:
        return None
    if left.type.kind not in _PLAIN or left.type.native is not None or right.type.native is not None:
        return None
    return (right, left) if left.alias in tables else (left, right)


def _leads(item: expr.Condition, tables: dict[int, Table]) -> bool:
    """Whether an item finds rows by an index: the first of its columns equals a value."""
    if not isinstance(item, expr.Compare) or not _is_equality(item) or not isinstance(item.right, expr.Param):
        return False
    if not isinstance(item.left, expr.Ref) or not _is_bare(item.left):
        return False
    table = tables[item.left.alias]
    keys = [*table.unique_keys(), *(index.columns for index in table.indexes)]
    return any(key[:1] == (item.left.column.name,) for key in keys)


def _is_equality(item: expr.Compare) -> bool:
    return item.op.name == "eq" and item.quantifier is None


def _is_bare(ref: expr.Ref) -> bool:
    return not ref.path and ref.formula is None
