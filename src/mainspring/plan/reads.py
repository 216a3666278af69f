"""The read half of the planner: the passes in order, then the draft frozen into rows."""

from __future__ import annotations

from msgspec.structs import replace

from mainspring.plan.draft import Planning
from mainspring.plan.freeze import finish
from mainspring.plan.nodes import Rows
from mainspring.plan.passes.cursors import resume
from mainspring.plan.passes.filters import filters
from mainspring.plan.passes.groups import groups
from mainspring.plan.passes.guards import guard
from mainspring.plan.passes.orders import orders
from mainspring.plan.passes.outputs import outputs
from mainspring.plan.passes.tables import plant
from mainspring.query.ast import Cursor, Selection, TableName


def read_rows(
    planning: Planning,
    table: TableName,
    selection: Selection,
    *commands: str,
    ordered: bool = True,
    cursor: Cursor | None = None,
) -> Rows:
    """The rows of a selection that the caller may touch with `commands` (select when none is named).

    Unless `ordered`, rows that no order was asked for stay as they come.
    """
    draft = plant(planning, table, selection)
    guard(planning, draft, *(commands or ("select",)))
    outputs(planning, draft)
    filters(planning, draft)
    groups(planning, draft)
    orders(planning, draft)
    rows = finish(draft)
    if cursor is not None:
        rows = resume(planning, draft, rows, cursor)
    return rows if ordered or selection.order else replace(rows, order=())
