"""The read half of the planner: the passes in order, then the draft frozen into rows."""

from __future__ import annotations

from mainspring.plan.draft import Draft, Planning
from mainspring.plan.nodes import OutEmbed, Rows
from mainspring.plan.passes.filters import filters
from mainspring.plan.passes.guards import guard
from mainspring.plan.passes.orders import orders
from mainspring.plan.passes.outputs import outputs
from mainspring.plan.passes.tables import plant
from mainspring.query.ast import Selection, TableName
from mainspring.query.expr import both


def read_rows(
    planning: Planning, table: TableName, selection: Selection, *commands: str, ordered: bool = True
) -> Rows:
    """The rows of a selection that the caller may touch with `commands` (select when none is named).

    Unless `ordered`, rows that no order was asked for stay as they come.
    """
    draft = plant(planning, table, selection)
    guard(planning, draft, *(commands or ("select",)))
    outputs(planning, draft)
    filters(planning, draft)
    orders(planning, draft)
    if not ordered and not selection.order:
        draft.order.clear()
    return finish(draft)


def finish(draft: Draft) -> Rows:
    """The draft, frozen."""
    embeds = [
        OutEmbed(child.embed.key, finish(child), child.relation.cardinality.single)
        for child in draft.children
        if child.embed is not None and child.relation is not None
    ]
    return Rows(
        draft.source,
        (*draft.outputs, *embeds),
        both(*draft.where),
        tuple(draft.order),
        draft.limit,
        draft.offset,
        draft.unique,
    )
