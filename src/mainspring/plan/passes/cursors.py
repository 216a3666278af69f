"""Pass 8, where a page begins after a row or a group: the condition that one comes later in the order, whatever came and went."""

from __future__ import annotations

from msgspec.structs import replace

from mainspring.errors import NotSupported, PermissionDenied
from mainspring.plan.draft import Draft, Planning
from mainspring.plan.nodes import OrderBy, Rows
from mainspring.query import expr
from mainspring.query.ast import Cursor, Element
from mainspring.query.expr import Compare, Condition, Is, Not, Param, both, either
from mainspring.query.ops import OPERATORS


def resume(planning: Planning, draft: Draft, rows: Rows, cursor: Cursor) -> Rows:
    """The rows of `draft` from where their page begins.

    Raises NotSupported where the order leaves ties, PermissionDenied where the cursor would tell a hidden column.
    """
    _refuse_ties(draft, rows)
    for term in rows.order:
        if isinstance(term.key, expr.Ref) and term.key.column.name not in draft.columns:
            raise PermissionDenied(draft.table.name.name, term.key.column.name, planning.guards.anonymous)
    if cursor.after is None or rows.unique:
        return rows
    slot = cursor.after.index
    values = [planning.param(Element(slot, place), term.key.type, where="the cursor") for place, term in enumerate(rows.order)]
    return replace(rows, after=_later(rows.order, values))


def _refuse_ties(draft: Draft, rows: Rows) -> None:
    if rows.group is None and not draft.table.primary_key:
        raise NotSupported("a cursor over rows without a primary key", instead="Use limit and offset.")
    ordered = {term.key.index for term in rows.order if isinstance(term.key, expr.Key)}
    if rows.group is not None and not ordered.issuperset(rows.grouped_by()):
        what = "a cursor over groups that are made by values without an order"
        raise NotSupported(what, instead="Use limit and offset, or group by columns alone.")


def _later(order: tuple[OrderBy, ...], values: list[Param]) -> Condition:
    """Later in the first term, or equal there and later in the rest. The bound on the first term is for an index to find."""
    found: list[Condition] = []
    for place, term in enumerate(order):
        equal = [_same(before, value) for before, value in zip(order[:place], values, strict=False)]
        found.append(both(*equal, _beyond(term, values[place])))
    if len(order) <= 1 or _nullable(order[0]):
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


def _operand(term: OrderBy) -> expr.Ref | expr.Lookup | expr.Key | expr.Aggregate:
    assert not isinstance(term.key, expr.Position)  # only functions answer in the order of a list
    return term.key


def _nullable(term: OrderBy) -> bool:
    key = term.key
    return not isinstance(key, expr.Ref) or bool(key.path) or key.column.nullable
