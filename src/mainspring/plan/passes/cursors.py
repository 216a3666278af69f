"""Pass 7, where a page begins after a row: the condition that a row comes later in the order, whatever came and went since."""

from __future__ import annotations

from mainspring.datatypes import Kind
from mainspring.errors import NotSupported, PermissionDenied
from mainspring.plan.draft import Draft, Planning
from mainspring.plan.nodes import OrderBy
from mainspring.query import expr
from mainspring.query.ast import Cursor, Element
from mainspring.query.expr import Compare, Condition, Is, Not, Param, both, either
from mainspring.query.ops import OPERATORS


def resume(planning: Planning, draft: Draft, cursor: Cursor) -> None:
    """Say where the page of `draft` begins.

    Raises NotSupported for groups and tables without a key, PermissionDenied where the cursor would tell a hidden column.
    """
    if draft.group is not None:
        raise NotSupported("a cursor over groups", instead="Use limit and offset.")
    if not draft.table.primary_key:
        raise NotSupported("a cursor over rows without a primary key", instead="Use limit and offset.")
    for term in draft.order:
        if isinstance(term.key, expr.Ref) and term.key.column.name not in draft.columns:
            raise PermissionDenied(draft.table.name.name, term.key.column.name, planning.guards.anonymous)
        if term.key.type.kind is Kind.JSON:
            raise NotSupported("a cursor over an order by JSON", instead="Order by its text with ->> instead of ->.")
    if cursor.after is not None and not draft.unique:
        slot = cursor.after.index
        values = [
            planning.param(Element(slot, place), term.key.type, where="the cursor") for place, term in enumerate(draft.order)
        ]
        draft.after = _later(draft.order, values)


def _later(order: list[OrderBy], values: list[Param]) -> Condition:
    """Later in the first term, or equal there and later in the rest. The bound on the first term is for an index to find."""
    found: list[Condition] = []
    for place, term in enumerate(order):
        equal = [_same(before, value) for before, value in zip(order[:place], values, strict=False)]
        found.append(both(*equal, _beyond(term, values[place])))
    if len(order) == 1 or _nullable(order[0]):
        return either(*found)
    return both(_compare("lte" if order[0].descending else "gte", order[0], values[0]), either(*found))


def _same(term: OrderBy, value: Param) -> Condition:
    return Not(_compare("isdistinct", term, value)) if _nullable(term) else _compare("eq", term, value)


def _beyond(term: OrderBy, value: Param) -> Condition:
    past = _compare("lt" if term.descending else "gt", term, value)
    if not _nullable(term):
        return past
    null = Is(_operand(term), "null")
    if term.nulls_first:
        return either(past, both(Is(value, "null"), Not(null)))
    return either(past, both(Not(Is(value, "null")), null))


def _compare(operator: str, term: OrderBy, value: Param) -> Compare:
    return Compare(OPERATORS[operator], _operand(term), value)


def _operand(term: OrderBy) -> expr.Ref | expr.Lookup:
    assert isinstance(term.key, expr.Ref | expr.Lookup)  # groups have no cursor
    return term.key


def _nullable(term: OrderBy) -> bool:
    key = _operand(term)
    return isinstance(key, expr.Lookup) or bool(key.path) or key.column.nullable
