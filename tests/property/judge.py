"""What the policies say about single rows, by the reference evaluator alone: no engine takes part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mainspring.catalog.model import Catalog, Table
from mainspring.plan.draft import Planning
from mainspring.plan.guard import Guards
from mainspring.plan.limits import Limits
from mainspring.plan.params import binders
from mainspring.plan.passes.guards import policy
from mainspring.policy.registry import Registry
from mainspring.principal import Principal
from mainspring.query.ast import Column, Exists, Expr, Operand, TableName
from mainspring.query.evaluate import evaluate
from mainspring.query.walk import below, children

Row = Mapping[str, Any]
Rows = Mapping[TableName, Sequence[Row]]


@dataclass(frozen=True, slots=True)
class Judge:
    """The policies as they bind one caller while the tables hold `rows` (canonical values)."""

    catalog: Catalog
    registry: Registry
    principal: Principal
    rows: Rows

    def using(self, table: Table, row: Row, *commands: str) -> bool:
        """Whether the caller may touch an existing row with all of `commands`."""
        guards = Guards(self.registry, self.principal)
        return self._holds(table, row, guards.using(table, *commands))

    def check(self, table: Table, row: Row, command: str) -> bool:
        """Whether the caller may leave such a row behind."""
        return self._holds(table, row, Guards(self.registry, self.principal).check(table, command))

    def sees(self, table: Table, row: Row) -> bool:
        """Whether the caller can read anything of the row."""
        return bool(self.columns(table)) and self.using(table, row, "select")

    def columns(self, table: Table) -> frozenset[str]:
        """The columns that the caller can read."""
        return Guards(self.registry, self.principal).columns(table, "select")

    def _holds(self, table: Table, row: Row, rule: Expr) -> bool:
        planning = Planning(self.catalog, Guards(self.registry, self.principal), Limits(), frozenset())
        planning.alias()
        condition = policy(planning, 0, table, rule)
        params = [bind((), self.principal) for bind in binders(planning.params)]
        return evaluate(condition, {0: row}, params, lambda source: self.rows[source.table.name]) is True


def mentioned(rule: Expr, tables: tuple[TableName, ...]) -> Iterator[tuple[TableName, str | None]]:
    """The columns that a policy looks at, each with its table; a table that it looks into comes with None, too."""
    for node in below(rule):
        if isinstance(node, Exists):
            yield node.table, None
    yield from _columns(rule, tables)


def _columns(rule: Expr | Operand, tables: tuple[TableName, ...]) -> Iterator[tuple[TableName, str | None]]:
    if isinstance(rule, Exists):
        yield from _columns(rule.where, (*tables, rule.table))
    elif isinstance(rule, Column):
        yield tables[rule.scope], rule.name
    else:
        for child in children(rule):
            yield from _columns(child, tables)
