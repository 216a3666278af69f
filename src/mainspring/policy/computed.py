"""Computed columns and relations, kept as they were declared and worked out at start: `@app.computed` and `@app.relation`.

They become part of the catalog. All mistakes are reported at once, each with its place in the application's files.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

from msgspec.structs import replace

from mainspring.catalog.model import Cardinality, Catalog, Column, Computed, Relation, Table
from mainspring.datatypes import DataType, Kind
from mainspring.errors import ConfigError
from mainspring.policy.expr import Operand
from mainspring.policy.language import Names, build_join, build_value
from mainspring.policy.running import Rule, Running, function_place
from mainspring.query.ast import Expr, TableName
from mainspring.query.ast import Operand as AnyOperand
from mainspring.query.walk import columns, rescoped

F = TypeVar("F", bound=Rule)
TableOf = Callable[[object], TableName]
Attributes = Callable[[object], Mapping[str, str]]
_LONGEST = 63


@dataclass(frozen=True, slots=True)
class _Column:
    model: object
    name: str
    function: Rule
    source: str


@dataclass(frozen=True, slots=True)
class _Relation:
    model: object
    target: object
    single: bool
    name: str
    inverse: str | None
    function: Rule
    source: str


@dataclass(slots=True)
class Computations:
    """Collects computed columns and relations while the application file runs; nothing is looked up before `added`."""

    _columns: list[_Column] = field(default_factory=list)
    _relations: list[_Relation] = field(default_factory=list)

    def column(self, model: object, name: str | None = None) -> Callable[[F], F]:
        """A decorator: the function says, of a row of `model`, what the computed column holds."""

        def declare(function: F) -> F:
            self._columns.append(_Column(model, name or function.__name__, function, function_place(function)))
            return function

        return declare

    def relation(
        self, model: object, target: object, *, single: bool = False, name: str | None = None, inverse: str | None = None
    ) -> Callable[[F], F]:
        """A decorator: the function says, of a row of `model` and one of `target`, whether they belong together."""

        def declare(function: F) -> F:
            said = _Relation(model, target, single, name or function.__name__, inverse, function, function_place(function))
            self._relations.append(said)
            return function

        return declare

    def added(self, catalog: Catalog, table_of: TableOf, attributes: Attributes) -> Catalog:
        """The catalog with everything declared. Raises ConfigError with every mistake."""
        adding = _Adding(Names(catalog, table_of, attributes))
        for column in self._columns:
            adding.column(column)
        for relation in self._relations:
            adding.relation(relation)
        if adding.mistakes:
            raise ConfigError(tuple(adding.mistakes))
        return adding.names.catalog


@dataclass(slots=True)
class _Adding(Running):
    """Adds one declaration after the other, so that later ones may use earlier ones."""

    def column(self, said: _Column) -> None:
        """Add a computed column."""
        table = self.table(said.model, said.source)
        if table is None:
            return
        value = self.run(said.function, partial(build_value, said.function, said.model, self.names), "computed column")
        if not self._free(table, said.name, said.source) or value is None:
            return
        computed = self._computed(said, value)
        if computed is not None:
            self._keep(replace(table, computed={**table.computed, said.name: computed}))

    def _computed(self, said: _Column, value: Operand) -> Computed | None:
        type_, formula = value._sized().type, value._node()
        if type_.kind in (Kind.ARRAY, Kind.NATIVE):
            self.mistake(said.source, f"a computed column cannot be of type {type_}")
        elif not columns(formula):
            self.mistake(said.source, f"{said.name} reads no column of its row")
        else:
            return self._made(said, type_, formula)
        return None

    def _made(self, said: _Column, type_: DataType, formula: AnyOperand) -> Computed:
        return Computed(Column(said.name, type_, generated="computed", comment=_told(said.function)), formula)

    def relation(self, said: _Relation) -> None:
        """Add a computed relation, and its inverse where that has a name."""
        table, target = self.table(said.model, said.source), self.table(said.target, said.source)
        if table is None or target is None:
            return
        build = partial(build_join, said.function, said.model, said.target, self.names)
        on = self.run(said.function, build, "computed relation")
        if table.name.schema != target.name.schema:
            self.mistake(said.source, f"{said.name} leads from one schema to another, where no request can follow")
        elif said.single and not target.primary_key:
            problem = f"{said.name} is single, and {target.name.name} has no primary key to say which row is the first"
            self.mistake(said.source, problem)
        elif on is not None:
            self._relate(said.name, table, target, on, said.single, said.source)
            if said.inverse is not None:
                self._relate(said.inverse, target, table, rescoped(on, lambda scope: 1 - scope), False, said.source)

    def _relate(self, name: str, table: Table, target: Table, on: Expr, single: bool, source: str) -> None:
        if name in {other.name for other in self.names.catalog.tables if other.schema == table.name.schema}:
            self.mistake(source, f"{name} is already the name of a table", "give it another one with name=")
        elif self._free(table, name, source):
            self._lead(name, table, target, on, single)

    def _lead(self, name: str, table: Table, target: Table, on: Expr, single: bool) -> None:
        cardinality = Cardinality.MANY_TO_ONE if single else Cardinality.ONE_TO_MANY
        function = TableName(table.name.schema, name)
        relation = Relation(name, table.name, target.name, cardinality, (), (), function=function, on=on)
        catalog = self.names.catalog
        relations = {**catalog.relations, table.name: (*catalog.relations.get(table.name, ()), relation)}
        self.names = dataclasses.replace(self.names, catalog=replace(catalog, relations=relations))

    def _keep(self, table: Table) -> None:
        catalog = self.names.catalog
        self.names = dataclasses.replace(self.names, catalog=replace(catalog, tables={**catalog.tables, table.name: table}))

    def _free(self, table: Table, name: str, source: str) -> bool:
        """Whether the name is fit, and means nothing else where the table is asked."""
        if not name.isprintable() or not 0 < len(name.encode()) <= _LONGEST or any(mark in name for mark in "\"'\\"):
            hint = f"at most {_LONGEST} bytes, no quotes and no backslashes"
            self.mistake(source, f"{name!r:.80} is no name for a column or a relation", hint)
            return False
        taken = next((what for what, names in self._taken(table) if name in names), None)
        if taken is not None:
            self.mistake(source, f"{name} is already the name of {taken}", "give it another one with name=")
        return taken is None

    def _taken(self, table: Table) -> Iterator[tuple[str, set[str]]]:
        catalog, place = self.names.catalog, table.name.name
        yield f"a column of {place}", set(table.columns)
        yield f"a computed column of {place}", set(table.computed)
        yield f"a relation of {place}", {relation.name for relation in catalog.relations.get(table.name, ())}


def _told(function: Rule) -> str | None:
    text = (function.__doc__ or "").strip()
    return text or None
