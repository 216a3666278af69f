"""The one door to user data. Every surface reads and writes through `execute`, so none can forget a policy.

    query + caller -> plan (guards attached) -> prepared statement -> result

The first two steps happen once per shape of query and role; what they make is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, TypeVar

from mainspring.catalog.model import Table
from mainspring.catalog.routines import Routine
from mainspring.engines.base import Capabilities, Prepared, Request, Result
from mainspring.errors import EngineError, EngineFault
from mainspring.observe import EngineFaulted, Sink, discard
from mainspring.principal import Principal, Scope
from mainspring.query.ast import Call, Delete, Insert, Query, TableName, Update

__all__ = ["Data", "Request", "Result"]

Write = Insert | Update | Delete
_Key = tuple[Query, str, bool, Scope | None]
P = TypeVar("P")
P_in = TypeVar("P_in", contravariant=True)
P_out = TypeVar("P_out", covariant=True)


class Plans(Protocol[P_out]):
    """A planner: that of policies, or that of a database that authorises by itself."""

    def plan(self, query: Query, principal: Principal) -> P_out:
        """The plan of a query for everyone with this principal's role, bypass and scope."""
        ...

    def require_table(self, name: TableName, principal: Principal) -> Table:
        """The table, where requests may reach it. Raises TableUnknown."""
        ...

    def require_routine(self, call: Call) -> Routine:
        """The function that a call means. Raises RoutineUnknown, RoutineAmbiguous."""
        ...


class Runs(Protocol[P_in]):
    """The part of an engine that answers queries."""

    name: str
    capabilities: Capabilities

    def prepare(self, plan: P_in) -> Prepared:
        """Compile a plan."""
        ...

    async def together(self, writes: Sequence[tuple[Prepared, Sequence[Any]]], principal: Principal) -> list[Result]:
        """Run prepared writes in one transaction."""
        ...

    async def ping(self) -> None:
        """Return when the database answers. Raises EngineUnavailable."""
        ...


class Data:
    """User data behind its policies. `capacity` bounds the number of prepared queries kept.

    `local`: only processes of this machine reach the database.
    """

    def __init__(self, engine: Runs[P], planner: Plans[P], capacity: int = 1024, observe: Sink = discard) -> None:
        self._engine, self._planner, self._observe = engine, planner, observe

        def compile_(query: Query, principal: Principal) -> Prepared:
            return engine.prepare(planner.plan(query, principal))

        self._compile = compile_
        self._capacity = capacity
        self._prepared: dict[_Key, Prepared] = {}
        self.local = engine.capabilities.local

    async def execute(self, query: Query, values: Sequence[Any], principal: Principal, request: Request | None = None) -> Result:
        """Answer `query` with the request's `values`, as far as `principal` may.

        `request` is told to a database that authorises by itself; others do not look at it.

        Raises the leaves of `mainspring.errors`; a write that raises has changed nothing.
        """
        key = (query, principal.role, principal.bypass, principal.scope)
        prepared = self._prepared.get(key) or self._prepare(key, query, principal)
        try:
            return await prepared.run(values, principal, request)
        except EngineFault as error:
            self._observe(EngineFaulted(self._engine.name, error.__cause__ or error))
            raise

    async def together(self, writes: Sequence[tuple[Write, Sequence[Any]]], principal: Principal) -> list[Result]:
        """Carry out several writes with their values, in their order: all of them or, by raising, nothing.

        Raises what `execute` raises for the first that is refused; NotSupported in database mode.
        """
        prepared = [(self._ready(query, principal), values) for query, values in writes]
        try:
            return await self._engine.together(prepared, principal)
        except EngineFault as error:
            self._observe(EngineFaulted(self._engine.name, error.__cause__ or error))
            raise

    def _ready(self, query: Query, principal: Principal) -> Prepared:
        key = (query, principal.role, principal.bypass, principal.scope)
        return self._prepared.get(key) or self._prepare(key, query, principal)

    def _prepare(self, key: _Key, query: Query, principal: Principal) -> Prepared:
        prepared = self._compile(query, principal)
        if len(self._prepared) >= self._capacity:
            for oldest in list(self._prepared)[: self._capacity // 4 + 1]:
                del self._prepared[oldest]
        self._prepared[key] = prepared
        return prepared

    def require_table(self, name: TableName, principal: Principal) -> Table:
        """The table, where requests may reach it. Raises TableUnknown."""
        return self._planner.require_table(name, principal)

    def require_routine(self, call: Call) -> Routine:
        """The function that a call means. Raises RoutineUnknown, RoutineAmbiguous."""
        return self._planner.require_routine(call)

    def prepare(self, query: Query, principal: Principal) -> None:
        """Plan a query, so that running it finds it planned. Raises what planning raises."""
        self._ready(query, principal)

    def forget(self) -> None:
        """Plan everything anew: what exists has changed."""
        self._prepared.clear()

    async def ping(self) -> bool:
        """Whether the database answers."""
        try:
            await self._engine.ping()
        except EngineError:
            return False
        return True
