"""Writing to views: their rows have no ctid, so the primary key that their model names identifies them."""

from __future__ import annotations

from mainspring.catalog.model import Table
from mainspring.engines.postgres.dialect import PostgresDialect, argument_type
from mainspring.errors import NotSupported
from mainspring.plan.nodes import DeletePlan, InsertPlan, UpdatePlan
from mainspring.query.ast import Resolution


class ViewDialect(PostgresDialect):
    """The dialect of a script whose rows are known by a column."""

    def __init__(self, table: Table) -> None:
        (self._key,) = table.primary_key
        self._type = argument_type(table.columns[self._key].type)

    def row_id(self, alias: str) -> str:
        return f"{alias}.{self.quote(self._key)}"

    def among(self, row_id: str, number: int) -> str:
        return f"{row_id} = ANY(${number}::{self._type}[])"

    def returned(self, alias: str) -> str:
        return f"{self.row_id(alias)}, true"


def written_as(plan: InsertPlan | UpdatePlan | DeletePlan, usual: PostgresDialect) -> PostgresDialect:
    """The dialect for writing to what the plan writes to. Raises NotSupported for what views cannot do."""
    table = plan.table
    if not table.view:
        return usual
    place = f'the view "{table.name.name}"'
    if len(table.primary_key) != 1:
        raise NotSupported(f"writing to {place}, whose rows no single column identifies", by="PostgreSQL")
    if isinstance(plan, InsertPlan) and plan.upsert is not None and plan.upsert.resolution is Resolution.MERGE:
        raise NotSupported(f"a merging upsert into {place}", by="PostgreSQL", instead="Write to the table behind it.")
    return ViewDialect(table)
