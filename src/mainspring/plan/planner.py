"""The planner: an ordered list of passes over a draft tree. A new feature is a new pass.

    tables -> guards -> outputs -> filters -> groups -> orders -> freeze -> cursors -> features -> zones

Pure: the same query, catalog, policies and caller always give the same plan.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from mainspring.catalog.access import Access
from mainspring.catalog.model import Catalog, Table
from mainspring.catalog.routines import Routine
from mainspring.errors import RoutineUnknown
from mainspring.plan.draft import Planning
from mainspring.plan.guard import Guards, Registry
from mainspring.plan.limits import Limits
from mainspring.plan.nodes import Plan, ReadPlan
from mainspring.plan.passes.features import as_features
from mainspring.plan.passes.tables import find_table
from mainspring.plan.passes.zones import in_zone
from mainspring.plan.reads import read_rows
from mainspring.plan.writes import plan_delete, plan_insert, plan_update
from mainspring.principal import Principal
from mainspring.query.ast import Call, Count, Delete, Insert, Query, Read, TableName, Update


@dataclass(frozen=True, slots=True)
class Planner:
    """Plans queries for callers.

    `exposed` are the schemas requests may reach, `search_config` is how texts are searched where a request does not say.
    """

    catalog: Catalog
    registry: Registry
    limits: Limits = field(default_factory=Limits)
    exposed: frozenset[str] = frozenset({"public"})
    search_config: str = "english"

    def require_table(self, name: TableName, principal: Principal) -> Table:
        """The table, where requests may reach it. Raises TableUnknown."""
        return find_table(Planning(self.catalog, Guards(self.registry, principal), self.limits, self.exposed), name)

    def visible(self, schema: str, principal: Principal) -> list[Access]:
        """The tables of `schema` that the caller may read or write, each with the columns it may use in each command."""
        guards = Guards(self.registry, principal)
        tables = [table for table in self.catalog.tables.values() if table.name.schema == schema and schema in self.exposed]
        return [access for table in tables if (access := _access(guards, table))]

    def require_routine(self, call: Call) -> Routine:
        """The function that a call means. Raises RoutineUnknown."""
        raise RoutineUnknown(call.routine.schema, call.routine.name, arguments=call.arguments)

    def plan(self, query: Query, principal: Principal) -> Plan:
        """The plan of `query` for everyone with this principal's role, bypass and scope.

        Raises CatalogError, AccessError and RequestError leaves, MediaUnavailable; never touches the request's values.
        """
        plan = self._plan(query, principal)
        if query.terms.features:
            plan = as_features(plan)
        zone = query.terms.timezone
        return plan if zone is None else in_zone(plan, zone)

    def _plan(self, query: Query, principal: Principal) -> Plan:
        planning = Planning(self.catalog, Guards(self.registry, principal), self.limits, self.exposed, self.search_config)
        match query:
            case Read():
                return self._read(planning, query)
            case Insert():
                return plan_insert(planning, query)
            case Update():
                return plan_update(planning, query)
            case Delete():
                return plan_delete(planning, query)
            case Call():
                self.require_routine(query)
                raise AssertionError("functions are not planned here")

    def _read(self, planning: Planning, query: Read) -> ReadPlan:
        rows = read_rows(planning, query.table, query.selection, cursor=query.cursor)
        counted, limits = query.count is not Count.NONE, self.limits
        grouped = limits.max_grouped if rows.group is not None else None
        cursor = query.cursor is not None and not rows.unique
        return ReadPlan(rows, tuple(planning.params), counted, limits.max_rows, grouped, cursor, explain=query.terms.explain)


def _access(guards: Guards, table: Table) -> Access:
    columns = {command: guards.columns(table, command) for command in ("select", "insert", "update")}
    return Access(table, **columns, delete=bool(guards.columns(table, "delete"))).possible()
