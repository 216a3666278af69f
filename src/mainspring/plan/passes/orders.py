"""Pass 6: orders and pages. The order is made total by the primary key, so that pages neither repeat nor lose rows."""

from __future__ import annotations

from mainspring.datatypes import BIGINT, DataType, Kind
from mainspring.errors import NotSupported, SyntaxInvalid
from mainspring.plan.draft import Draft, Planning
from mainspring.plan.nodes import OrderBy
from mainspring.plan.passes.guards import guard
from mainspring.plan.passes.resolve import Scope, aggregate, column_ref
from mainspring.plan.passes.tables import branch
from mainspring.query import expr
from mainspring.query.ast import Aggregate, Column, Embed, Order, Position, Selection
from mainspring.query.ops import Form


def orders(planning: Planning, draft: Draft) -> None:
    """Fill in order and page of `draft` and of everything below it."""
    draft.order = [_term(planning, draft, term) for term in draft.selection.order]
    if _is_first(draft):
        draft.order.clear()  # of several rows the first by the key is meant, whatever the order
    draft.limit = planning.page(draft.selection.limit, BIGINT)
    draft.offset = planning.page(draft.selection.offset, BIGINT)
    draft.unique = draft.group is None and _at_most_one(draft)
    if not draft.unique and draft.group is None:
        draft.order += _tie_breakers(draft)
    for child in draft.children:
        orders(planning, child)


def _term(planning: Planning, draft: Draft, term: Order) -> OrderBy:
    key = _key(planning, draft, term)
    return OrderBy(key, term.descending, term.nulls_lead)


def _key(planning: Planning, draft: Draft, term: Order) -> expr.Ref | expr.Lookup | expr.Aggregate | expr.Position:
    scope = Scope(draft.alias, draft.table, draft.columns)
    if isinstance(term.column, Position):
        ref = column_ref(planning, scope, term.column.column)
        return expr.Position(ref, planning.param(term.column.values, ref.type, Form.LIST), BIGINT)
    if isinstance(term.column, Aggregate):
        if draft.group is None:
            raise NotSupported("ordering rows by an aggregate", instead="Select an aggregate, so that there are groups to order.")
        return aggregate(planning, scope, term.column)
    if term.related:
        return _related(planning, draft, term.related, term.column)
    return column_ref(planning, scope, term.column)


def _related(planning: Planning, draft: Draft, name: str, column: Column) -> expr.Lookup:
    embed = _embedded(draft, name)
    twin = branch(planning, draft, Embed(embed.target, Selection(()), hint=embed.hint))
    if twin.relation is None or not twin.relation.cardinality.single:
        raise NotSupported(f"ordering by '{name}', which can hold several rows,")
    guard(planning, twin, "select")
    ref = column_ref(planning, Scope(twin.alias, twin.table, twin.columns), column)
    first = tuple(_key_refs(twin)) if _is_first(twin) else ()
    return expr.Lookup(twin.source, expr.both(*twin.where), ref, first)


def _embedded(draft: Draft, name: str) -> Embed:
    for child in draft.children:
        if child.embed is not None and name in (child.embed.key, child.embed.target):
            return child.embed
    raise SyntaxInvalid("order parameter", name, expected=f"'{name}' to be embedded in select")


def _is_first(draft: Draft) -> bool:
    """Whether it is the first row of several that a declared to-one relation can lead to."""
    return draft.relation is not None and draft.relation.on is not None and draft.relation.cardinality.single


def _at_most_one(draft: Draft) -> bool:
    """Whether order cannot matter: a to-one embed, or a whole unique key fixed by equality."""
    if draft.relation is not None:
        return draft.relation.cardinality.single and not _is_first(draft)
    fixed = {
        item.left.column.name
        for item in draft.where
        for item in (item.items if isinstance(item, expr.And) else (item,))
        if isinstance(item, expr.Compare)
        and item.op.name == "eq"
        and item.quantifier is None
        and isinstance(item.left, expr.Ref)
        and not item.left.path
        and isinstance(item.right, expr.Param)
    }
    columns = draft.table.columns
    return any(fixed >= set(key) and all(_told_apart(columns[name].type) for name in key) for key in draft.table.unique_keys())


def _told_apart(type_: DataType) -> bool:
    """Whether what a database keeps apart differs for us too: two texts can say one moment."""
    exact = type_.kind in (Kind.INTEGER, Kind.NUMERIC, Kind.FLOAT, Kind.BYTES)
    return type_.native is None or exact or (type_.kind is Kind.TEXT and bool(type_.native))


def _tie_breakers(draft: Draft) -> list[OrderBy]:
    """The primary key, in the direction of the last term: an index on that term then often serves both."""
    falling = draft.order[-1].descending if draft.order else False
    named = {term.key.column.name for term in draft.order if isinstance(term.key, expr.Ref) and not term.key.path}
    if draft.table.primary_key and named >= set(draft.table.primary_key):
        return []
    return [OrderBy(ref, falling, falling) for ref in _key_refs(draft) if ref.column.name not in named]


def _key_refs(draft: Draft) -> list[expr.Ref]:
    """The columns of the primary key."""
    columns = (draft.table.columns[name] for name in draft.table.primary_key)
    return [expr.Ref(draft.alias, column, column.type) for column in columns]
