"""The planner of database mode: from a query to what the database is to be asked.

    tables and relations -> outputs -> stars -> conditions -> orders -> embeds and spreads

Finds tables, relations and routines in the catalog and leaves the rest to the database. Pure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mainspring.catalog.model import Catalog, Table
from mainspring.catalog.names import nearest
from mainspring.catalog.routines import Routine
from mainspring.errors import ColumnUnknown, TableUnknown
from mainspring.plan.native.documents import negotiate
from mainspring.plan.native.nodes import (
    Body,
    Form,
    NativeCall,
    NativeDelete,
    NativeInsert,
    NativePlan,
    NativeRead,
    NativeUpdate,
    Node,
    Target,
    Written,
)
from mainspring.plan.native.resolve import conditions, represented
from mainspring.plan.native.routines import find_routine, plan_arguments
from mainspring.plan.native.tree import needed, plant
from mainspring.principal import Principal
from mainspring.query.ast import Call, Delete, Insert, Query, Read, Selection, Slot, TableName, Update


@dataclass(slots=True)
class NativePlanner:
    """Plans queries over the catalog that `catalog` answers at the time. `explainable`: execution plans may be asked for."""

    catalog: Callable[[], Catalog]
    explainable: bool = False

    def require_table(self, name: TableName, principal: Principal) -> Table:
        """The table. Raises TableUnknown."""
        catalog = self.catalog()
        table = catalog.tables.get(name)
        if table is None:
            known = [each.name for each in catalog.tables if each.schema == name.schema]
            raise TableUnknown(name.schema, name.name, nearest(name.name, known, least=0.75))
        return table

    def require_routine(self, call: Call) -> Routine:
        """The function that a call means. Raises RoutineUnknown, RoutineAmbiguous."""
        return find_routine(self.catalog(), call)

    def plan(self, query: Query, principal: Principal) -> NativePlan:
        """The plan of `query`, whoever asks.

        Raises CatalogError and RequestError leaves, MediaUnavailable; never touches the request's values.
        """
        match query:
            case Call():
                return self._call(query)
            case Read():
                table = self.require_table(query.table, principal)
                return self._read(query, table)
            case Insert():
                return self._insert(query, self.require_table(query.table, principal))
            case Update():
                return self._update(query, self.require_table(query.table, principal))
            case Delete():
                table = self.require_table(query.table, principal)
                where = conditions(self.catalog(), query.table, query.where)
                return NativeDelete(self._written(query, table, query.returning), where)

    def _read(self, query: Read, table: Table) -> NativeRead:
        root = plant(self.catalog(), query.table, query.selection, None)
        document = negotiate(self.catalog(), query.terms, query.table, plain(root), self.explainable, rows=query.rows)
        return NativeRead(root, document, query.count, query.table.schema, query.terms, document.form is Form.OBJECT)

    def _written(self, query: Insert | Update | Delete, table: Table, returning: Selection | None) -> Written:
        root = plant(self.catalog(), query.table, returning or Selection(), query.table.name)
        key = table.primary_key
        document = negotiate(self.catalog(), query.terms, query.table, plain(root), self.explainable, rows=returning is not None)
        singular = query.singular or _asks_one(query)
        keys = isinstance(query, Insert) and query.keys
        columns = needed(root, key) if returning is not None else needed(root, key) if keys else ()
        return Written(root, document, query.table, columns, query.table.schema, query.terms, singular)

    def _insert(self, query: Insert, table: Table) -> NativeInsert:
        body = self._body(table, query.columns, query.rows, query.missing_default)
        conflict = (query.conflict.on or table.primary_key) if query.conflict else ()
        return NativeInsert(
            self._written(query, table, query.returning),
            body,
            query.conflict.resolution if query.conflict else None,
            tuple(conflict),
            conditions(self.catalog(), query.table, query.where),
            table.primary_key,
            query.keys,
        )

    def _update(self, query: Update, table: Table) -> NativeUpdate:
        body = self._body(table, query.columns, query.changes, query.missing_default)
        where = conditions(self.catalog(), query.table, query.where)
        return NativeUpdate(self._written(query, table, query.returning), body, where)

    def _body(self, table: Table, names: tuple[str, ...], slot: Slot, defaults: bool) -> Body:
        from_json = (self._written_column(table, name) for name in sorted(set(names)))
        return Body(slot, tuple(from_json), defaults)

    def _written_column(self, table: Table, name: str) -> Target:
        column = table.columns.get(name)
        if column is None:
            raise ColumnUnknown(table.name.name, name, nearest(name, table.columns), writing=True)
        return represented(self.catalog(), column, "json", incoming=True)

    def _call(self, query: Call) -> NativeCall:
        catalog = self.catalog()
        routine = find_routine(catalog, query)
        target = TableName(query.routine.schema, routine.returns.table.name if routine.returns.table else routine.name.name)
        root = plant(catalog, target, query.selection, target.name)
        document = negotiate(catalog, query.terms, target, plain(root), self.explainable, rows=query.rows)
        arguments, unnamed = plan_arguments(routine, query)
        return NativeCall(
            root,
            document,
            routine,
            arguments,
            query.given,
            query.form,
            unnamed,
            direct=not query.body,
            returning=needed(root, (), filtered=True),
            read_only=query.read_only or routine.read_only,
            count=query.count,
            schema=query.routine.schema,
            terms=query.terms,
            singular=document.form is Form.OBJECT and document.explain is None,
        )


def plain(root: Node) -> bool:
    """Whether every column is selected and nothing else: only then may a table's own media handlers answer."""
    return not root.children and [chosen.target.name for chosen in root.outputs] == ["*"]


def _asks_one(query: Insert | Update | Delete) -> bool:
    first = query.terms.accept[0] if query.terms.accept else None
    return first is not None and first.form.value == "object" and first.explain is None
