"""The contract of an engine: a few methods, none optional. Services know engines only through this page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from mainspring.catalog.model import Catalog
from mainspring.plan.nodes import Plan
from mainspring.principal import Principal
from mainspring.query.ast import TableName


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an engine can do beyond the contract, by name; never guessed from its own name.

    `numeric_digits`: how many significant digits a number keeps (None: all). `expressions`: it evaluates the SQL that
    models bring along (check constraints, computed columns). `local`: only processes of one machine reach what it holds.
    `geojson`: it makes GeoJSON features of rows; no plan asks others for them.
    """

    numeric_digits: int | None = None
    expressions: bool = True
    local: bool = False
    geojson: bool = False


@dataclass(slots=True)
class Result:
    """An answer.

    `body` is the JSON array of the rows (None when none was asked for), `count` how many rows it holds or were written,
    `total` how many there are without the page (when counted); of inserts, `inserted` how many rows are new and `keys` the
    written rows' primary keys; `void`: a function answered nothing; `cursor` the order's values in the last row, as a JSON
    array. In database mode the database may also decide `media` (the body's content type; None: a JSON array), `status` and
    further `headers`.
    """

    body: bytes | None
    count: int
    total: int | None = None
    inserted: int | None = None
    keys: Sequence[Mapping[str, Any]] = field(default=())
    void: bool = False
    cursor: bytes | None = None
    media: bytes | None = None
    status: int | None = None
    headers: Sequence[tuple[bytes, bytes]] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """What a database that authorises by itself is told about a request (database mode)."""

    method: str
    path: str
    headers: Sequence[tuple[bytes, bytes]]


class Prepared(Protocol):
    """A compiled plan. Made once per shape and role, kept in the cache, run many times."""

    async def run(self, values: Sequence[Any], principal: Principal, request: Request | None = None) -> Result:
        """Run it with the request's values. Raises the typed errors of `mainspring.errors` only."""
        ...


class Engine(Protocol):
    """A database (or a means of pretending to be one)."""

    name: str
    capabilities: Capabilities

    async def start(self, catalog: Catalog) -> None:
        """Open the database. Raises ConfigError when it cannot serve (unreachable, an unsafe library, ...)."""
        ...

    async def migrate(self, catalog: Catalog) -> tuple[TableName, ...]:
        """Create what the catalog has and the database lacks; the tables created. Never drops or rewrites."""
        ...

    def prepare(self, plan: Plan) -> Prepared:
        """Compile a plan. Pure; raises NotSupported for what this engine cannot honour."""
        ...

    async def together(self, writes: Sequence[tuple[Prepared, Sequence[Any]]], principal: Principal) -> list[Result]:
        """Run prepared writes with their values, in their order and in one transaction: all of them or nothing.

        A result for each. Raises what the first that is refused raises.
        """
        ...

    async def ping(self) -> None:
        """Return when the database answers. Raises EngineUnavailable."""
        ...

    async def stop(self) -> None:
        """Finish what was begun, refuse what comes after, close."""
        ...
