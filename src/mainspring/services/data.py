"""The one door to user data. Every surface reads and writes through `execute`, so none can forget a policy.

    query + caller -> plan (guards attached) -> prepared statement -> result

The first two steps happen once per shape of query and role; what they make is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mainspring.engines.base import Engine, Prepared, Request, Result
from mainspring.errors import EngineError, EngineFault
from mainspring.observe import EngineFaulted, Sink, discard
from mainspring.plan.planner import Planner
from mainspring.principal import Principal
from mainspring.query.ast import Query, TableName

__all__ = ["Data", "Request", "Result"]


class Data:
    """User data behind its policies. `capacity` bounds the number of prepared queries kept."""

    def __init__(self, engine: Engine, planner: Planner, capacity: int = 1024, observe: Sink = discard) -> None:
        self._engine, self._planner, self._observe = engine, planner, observe
        self._capacity = capacity
        self._prepared: dict[tuple[Query, str, bool], Prepared] = {}

    async def execute(
        self, query: Query, values: Sequence[Any], principal: Principal, request: Request | None = None
    ) -> Result:
        """Answer `query` with the request's `values`, as far as `principal` may.

        `request` is told to a database that authorises by itself; others do not look at it.

        Raises the leaves of `mainspring.errors`; a write that raises has changed nothing.
        """
        key = (query, principal.role, principal.bypass)
        prepared = self._prepared.get(key)
        if prepared is None:
            prepared = self._prepare(key, query, principal)
        try:
            return await prepared.run(values, principal, request)
        except EngineFault as error:
            self._observe(EngineFaulted(self._engine.name, error.__cause__ or error))
            raise

    def _prepare(self, key: tuple[Query, str, bool], query: Query, principal: Principal) -> Prepared:
        prepared = self._engine.prepare(self._planner.plan(query, principal))
        if len(self._prepared) >= self._capacity:
            for oldest in list(self._prepared)[: self._capacity // 4 + 1]:
                del self._prepared[oldest]
        self._prepared[key] = prepared
        return prepared

    def require_table(self, name: TableName, principal: Principal) -> None:
        """Return when there is such a table for requests. Raises TableUnknown."""
        self._planner.require_table(name, principal)

    async def ping(self) -> bool:
        """Whether the database answers."""
        try:
            await self._engine.ping()
        except EngineError:
            return False
        return True
