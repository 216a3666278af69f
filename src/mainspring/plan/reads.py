"""The read half of the planner: the passes in order, then the draft frozen into rows."""

from __future__ import annotations

from mainspring.plan.draft import Draft, Planning
from mainspring.plan.nodes import OutEmbed, Output, OutSpread, Rows
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


def _embedded(child: Draft) -> list[Output]:
    """What an embed adds to its parent's outputs."""
    if child.embed is None or child.relation is None:
        return []
    rows = finish(child)
    if not child.embed.spread:
        return [OutEmbed(child.embed.key, rows, child.relation.cardinality.single)]
    return [OutSpread(output.key, rows.source, rows.where, output) for output in rows.outputs]


def finish(draft: Draft) -> Rows:
    """The draft, frozen."""
    embeds = [output for child in draft.children for output in _embedded(child)]
    return Rows(
        draft.source,
        (*draft.outputs, *embeds),
        both(*draft.where),
        tuple(draft.order),
        draft.limit,
        draft.offset,
        draft.unique,
    )
