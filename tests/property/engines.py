"""The engines under test, side by side: each holds the same catalog and answers the same requests."""

from __future__ import annotations

import asyncio
import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from msgspec.structs import replace

from mainspring.catalog.model import Catalog, Table
from mainspring.engines.base import Engine, Result
from mainspring.engines.memory.engine import MemoryEngine
from mainspring.engines.memory.store import State
from mainspring.engines.registry import FILE, open_engine
from mainspring.errors import ConstraintError, ForeignKeyViolated, MainspringError, NotNullViolated, NotSingular, UniqueViolated
from mainspring.plan.planner import Planner
from mainspring.policy.registry import Registry
from mainspring.principal import SERVICE_PRINCIPAL
from mainspring.query.ast import Insert, Read, Slot, TableName
from mainspring.services.data import Data
from mainspring.settings import DatabaseSettings
from tests.property.strategies.requests import Request
from tests.property.strategies.schemas import World

Answer = Result | MainspringError


class Place(Protocol):
    """A database that outlives one example."""

    name: str

    def open(self, catalog: Catalog) -> Engine:
        """An engine on it, with nothing of `catalog` in it yet; started by the caller when it is new."""
        ...

    def clear(self, catalog: Catalog) -> None:
        """Take the example's tables away."""
        ...


class MemoryPlace:
    """A new memory engine each time."""

    name = "memory"

    def open(self, catalog: Catalog) -> Engine:
        """A new one."""
        return MemoryEngine()

    def clear(self, catalog: Catalog) -> None:
        """Nothing is left of it."""

    def close(self) -> None:
        """Nothing to close."""


@dataclass
class DatabasePlace:
    """One SQLite file or one PostgreSQL database, its engine started once; `drop` removes tables behind its back."""

    name: str
    settings: DatabaseSettings
    folder: Path
    drop: Callable[[Catalog], None]
    run: Callable[[Any], Any]
    engine: Engine | None = None

    def open(self, catalog: Catalog) -> Engine:
        """The engine, started."""
        if self.engine is None:
            self.engine = open_engine(self.settings, self.folder)
            self.run(self.engine.start(catalog))
        return self.engine

    def clear(self, catalog: Catalog) -> None:
        """Drop the example's tables."""
        self.drop(catalog)

    def close(self) -> None:
        """Stop the engine."""
        if self.engine is not None:
            self.run(self.engine.stop())


def sqlite_place(folder: Path, run: Callable[[Any], Any]) -> DatabasePlace:
    """A SQLite file in `folder`; losing it in a power cut would not matter."""
    folder.mkdir(parents=True, exist_ok=True)

    def drop(catalog: Catalog) -> None:
        from pysqlite3 import dbapi2

        connection = dbapi2.connect(str(folder / FILE), isolation_level=None)
        connection.execute("PRAGMA synchronous = OFF")
        for table in sorted(catalog.tables.values(), key=lambda table: not table.view):
            kind = "VIEW" if table.view else "TABLE"
            connection.execute(f'DROP {kind} IF EXISTS "{table.name.schema}_{table.name.name}"')
        # What triggers kept in step is not the tables' own.
        kept = "SELECT name FROM sqlite_schema WHERE name LIKE '%search_keys' OR sql LIKE 'CREATE VIRTUAL TABLE%'"
        for (name,) in connection.execute(kept).fetchall():
            connection.execute(f'DROP TABLE IF EXISTS "{name}"')
        connection.close()

    return DatabasePlace("sqlite", DatabaseSettings(synchronous="NORMAL"), folder, drop, run)


def postgres_place(url: str, folder: Path, run: Callable[[Any], Any]) -> DatabasePlace:
    """A PostgreSQL database."""

    def drop(catalog: Catalog) -> None:
        import psycopg
        from psycopg import sql

        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("SET client_min_messages = error")
            for schema in catalog.schemas():
                connection.execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(schema)))

    return DatabasePlace("postgres", DatabaseSettings(url=url), folder, drop, run)


@dataclass
class Lab:
    """Every place, one event loop, and fresh schema names."""

    loop: asyncio.AbstractEventLoop
    places: list[Any] = field(default_factory=list)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def run(self, work: Any) -> Any:
        """Wait for a coroutine."""
        return self.loop.run_until_complete(work)

    @contextmanager
    def holding(self, world: World, registry: Registry, schema: str) -> Iterator[dict[str, Side]]:
        """The world's rows in every engine, by its name, until the block ends."""
        opened = {place.name: place.open(world.catalog) for place in self.places}
        planner = Planner(world.catalog, registry, exposed=frozenset({schema}))
        try:
            for engine in opened.values():
                if isinstance(engine, MemoryEngine):
                    self.run(engine.start(world.catalog))
                self.run(engine.migrate(world.catalog))
            yield {name: Side(self, name, Data(engine, planner), engine, planner) for name, engine in opened.items()}
        finally:
            for place in self.places:
                place.clear(world.catalog)

    def memory(self, world: World, registry: Registry, schema: str) -> Side:
        """A memory engine of its own with the world's rows."""
        engine, planner = MemoryEngine(), Planner(world.catalog, registry, exposed=frozenset({schema}))
        self.run(engine.start(world.catalog))
        self.run(engine.migrate(world.catalog))
        side = Side(self, "memory", Data(engine, planner), engine, planner)
        refused = [answer for answer in side.fill(world) if isinstance(answer, MainspringError)]
        assert not refused, refused
        return side

    def schema(self) -> str:
        """A name that no example has had."""
        return f"w{next(self.numbers)}"

    def stop(self) -> None:
        """Stop what was started."""
        for place in self.places:
            place.close()


@dataclass
class Side:
    """One engine holding a world."""

    lab: Lab
    name: str
    data: Data
    engine: Engine
    planner: Planner

    def answer(self, request: Request) -> Answer:
        """The result, or the error that was raised."""
        try:
            result: Result = self.lab.run(self.data.execute(request.query, request.values, request.principal))
        except MainspringError as error:
            return error
        return result

    def fill(self, world: World) -> list[Answer]:
        """Write the world's rows with the service role."""
        return [self.answer(request) for request in seeds(world)]


def alone(side: Side, before: State, catalog: Catalog, request: Request, error: MainspringError, *, named_keys: bool) -> Answer:
    """What the memory engine answers when nothing but the constraint that `error` names can be violated.

    Takes its side and its state before the request. Databases differ in which of several violations they report.
    """
    engine = MemoryEngine()
    side.lab.run(engine.start(only(catalog, error, named_keys=named_keys)))
    engine._state = before
    if not isinstance(request.query, Read) and not isinstance(error, NotSingular):
        request = dataclasses.replace(request, query=dataclasses.replace(request.query, singular=False))
    return Side(side.lab, side.name, Data(engine, side.planner), engine, side.planner).answer(request)


def only(catalog: Catalog, error: MainspringError, *, named_keys: bool) -> Catalog:
    """The catalog without any constraint but the one that `error` names.

    Without `named_keys` all foreign keys stay: the engine does not know which one was violated.
    """
    tables = {name: _only(table, error, named_keys=named_keys) for name, table in catalog.tables.items()}
    return Catalog(tables, catalog.relations)


def _only(table: Table, error: MainspringError, *, named_keys: bool) -> Table:
    here = isinstance(error, ConstraintError) and error.table == table.name.name
    named = error.constraint if here and isinstance(error, UniqueViolated) else None
    required = error.columns if here and isinstance(error, NotNullViolated) else ()
    columns = {name: replace(column, nullable=name not in required) for name, column in table.columns.items()}
    foreign = [
        key for key in table.foreign_keys
        if isinstance(error, ForeignKeyViolated) and (not named_keys or error.constraint == key.name)
    ]  # fmt: skip
    return replace(
        table,
        columns=columns,
        primary_key=table.primary_key if named == f"{table.name.name}_pkey" else (),
        uniques=tuple(unique for unique in table.uniques if unique.name == named),
        foreign_keys=tuple(foreign),
    )


def seeds(world: World) -> list[Request]:
    """One bulk insert per table."""
    return [_bulk(name, rows) for name, rows in world.rows.items() if rows]


def _bulk(name: TableName, rows: Sequence[Any]) -> Request:
    columns = tuple(rows[0])
    return Request(Insert(name, columns, Slot(0)), (list(rows),), SERVICE_PRINCIPAL)
