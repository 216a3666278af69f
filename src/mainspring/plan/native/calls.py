"""Functions of the database in app mode: planned as in database mode, their rows of a table guarded like a read of it. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace

from mainspring.catalog.model import Catalog, Table
from mainspring.catalog.routines import Routine
from mainspring.plan.native.nodes import NativeCall
from mainspring.plan.native.planner import NativePlanner
from mainspring.plan.nodes import ReadPlan
from mainspring.plan.passes.features import no_features
from mainspring.plan.planner import Planner
from mainspring.principal import Principal
from mainspring.query.ast import Call, Query, Read, Selection, TableName, Terms


@dataclass(slots=True)
class CallPlanner:
    """Plans calls of the functions `opened`; `there` is what the database has, `planner` knows the app's tables and policies."""

    there: Callable[[], Catalog]
    opened: Collection[TableName]
    planner: Planner

    def require_table(self, name: TableName, principal: Principal) -> Table:
        """The table, where requests may reach it. Raises TableUnknown."""
        return self.planner.require_table(name, principal)

    def require_routine(self, call: Call) -> Routine:
        """The function that a call means. Raises RoutineUnknown, RoutineAmbiguous."""
        return self._native().require_routine(call)

    def plan(self, query: Query, principal: Principal) -> NativeCall:
        """The plan of a call. Raises what planning a read of its table raises, NotSupported, MediaUnavailable."""
        assert isinstance(query, Call)
        routine = self.require_routine(query)
        table = routine.returns.table
        known = table is not None and table in self.planner.catalog.tables
        if query.terms.features and not (known and routine.returns.many):
            raise no_features("this function answers no rows of a table")
        if table is None or not known:
            return self._called(query, principal)
        guarded = self._guarded(query, table, principal)
        return replace(self._called(replace(query, selection=Selection()), principal), guarded=guarded)

    def _called(self, query: Call, principal: Principal) -> NativeCall:
        plan, explain = self._native().plan(query, principal), query.terms.explain
        assert isinstance(plan, NativeCall)
        singular = query.singular and plan.routine.returns.many
        return replace(plan, document=replace(plan.document, explain=explain), singular=singular)

    def _native(self) -> NativePlanner:
        """It knows no tables: nothing can be embedded past the policies."""
        found = self.there()
        routines = {name: found.routines[name] for name in self.opened if name in found.routines}
        return NativePlanner(lambda: Catalog({}, routines=routines, types=found.types))

    def _guarded(self, query: Call, table: TableName, principal: Principal) -> ReadPlan:
        terms = Terms(timezone=query.terms.timezone, features=query.terms.features)
        plan = self.planner.plan(Read(table, query.selection, query.count, query.rows, terms), principal)
        assert isinstance(plan, ReadPlan)
        return plan
