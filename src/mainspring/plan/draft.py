"""The planner's working copy: a tree of tables being planned, filled in by one pass after another."""

from __future__ import annotations

from dataclasses import dataclass, field

from mainspring.catalog.model import Catalog, Relation, Table
from mainspring.datatypes import DataType
from mainspring.errors import LimitExceeded
from mainspring.plan.guard import Guards
from mainspring.plan.limits import Limits
from mainspring.plan.nodes import Group, OrderBy, OutAggregate, OutColumn, ParamSpec
from mainspring.query.ast import Embed, Selection, Slot, TableName, Value
from mainspring.query.expr import Condition, Param, Source
from mainspring.query.ops import Form


@dataclass(slots=True)
class Draft:
    """One table of the tree. Passes fill the fields from top to bottom."""

    alias: int
    table: Table
    selection: Selection
    parent: Draft | None = None
    embed: Embed | None = None
    relation: Relation | None = None
    columns: frozenset[str] = frozenset()
    guard: Condition | None = None
    joined: tuple[Source, ...] = ()
    children: list[Draft] = field(default_factory=list)
    outputs: list[OutColumn | OutAggregate] = field(default_factory=list)
    where: list[Condition] = field(default_factory=list)
    order: list[OrderBy] = field(default_factory=list)
    limit: Param | None = None
    offset: Param | None = None
    unique: bool = False
    group: Group | None = None

    @property
    def spread(self) -> bool:
        """Whether its outputs are lifted into its parent."""
        return self.embed is not None and self.embed.spread

    @property
    def single(self) -> bool:
        """Whether its parent has one row of it at most."""
        return self.relation is not None and self.relation.cardinality.single

    @property
    def source(self) -> Source:
        """The table with its guard."""
        if self.guard is None:
            raise AssertionError(f"{self.table.name} was planned without a guard")
        return Source(self.alias, self.table, self.guard, self.joined)


@dataclass(slots=True)
class Planning:
    """What every pass may use: what exists, who asks, the bounds; and what they add to: parameters and aliases."""

    catalog: Catalog
    guards: Guards
    limits: Limits
    exposed: frozenset[str]
    search_config: str = "english"
    params: list[ParamSpec] = field(default_factory=list)
    aliases: int = 0
    conditions: int = 0

    def alias(self) -> int:
        """A new alias. Raises LimitExceeded when the request joins too many tables."""
        self.aliases += 1
        if self.aliases > self.limits.max_tables:
            raise LimitExceeded(what="the number of tables in one request", limit=self.limits.max_tables)
        return self.aliases - 1

    def param(self, source: Value, type_: DataType, form: Form = Form.SCALAR, where: str | None = None) -> Param:
        """The parameter for `source`; an equal one is used again."""
        spec = ParamSpec(source, type_, form, where)
        if spec in self.params:
            return Param(self.params.index(spec), type_)
        self.params.append(spec)
        return Param(len(self.params) - 1, type_)

    def page(self, slot: Slot | None, type_: DataType) -> Param | None:
        """The parameter of a limit or offset."""
        return None if slot is None else self.param(slot, type_, Form.COUNT, "the page")

    def table(self, name: TableName) -> Table | None:
        """A table, when it exists and its schema is exposed."""
        return self.catalog.tables.get(name) if name.schema in self.exposed else None

    def visible(self, name: TableName) -> bool:
        """Whether the caller may know that the table exists."""
        table = self.table(name)
        return table is not None and self.guards.sees(table)
