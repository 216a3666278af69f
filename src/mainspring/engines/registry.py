"""Which engine a database URL means. The only importer of concrete engines, each on demand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from mainspring.engines.base import Engine
from mainspring.errors import ConfigError, Mistake
from mainspring.query.ast import TableName
from mainspring.settings import DatabaseSettings, Settings

if TYPE_CHECKING:
    from mainspring.catalog.found import Found
    from mainspring.engines.postgres.native.engine import NativeEngine
    from mainspring.engines.sqlite.connection import Source

FILE = "data.sqlite"
SCHEMES = ("sqlite", "postgresql", "postgres", "memory")


def open_engine(settings: DatabaseSettings, data: Path, *, existing: bool = False) -> Engine:
    """The engine for `settings.url` (none: a SQLite file in `data`), not started yet. Raises ConfigError.

    `existing`: the database is somebody's own, so that a file must be there and is opened as it is.
    """
    scheme = urlsplit(settings.url).scheme if settings.url else "sqlite"
    match scheme:
        case "sqlite":
            return _sqlite(settings, data, existing)
        case "postgresql" | "postgres":
            return _postgres(settings)
        case "memory":
            return open_memory()
        case _:
            raise ConfigError([Mistake("database.url", f'there is no engine for "{scheme}://"', f"one of {', '.join(SCHEMES)}")])


def open_memory() -> Engine:
    """The engine that keeps rows in dicts, not started yet."""
    from mainspring.engines.memory.engine import MemoryEngine

    return MemoryEngine()


def look(settings: Settings, data: Path) -> Found:
    """What an existing database holds, as app mode serves it. It opens a connection and closes it. Raises ConfigError."""
    scheme = urlsplit(settings.database.url).scheme if settings.database.url else "sqlite"
    if scheme == "sqlite":
        from mainspring.engines.sqlite.introspect.open import look as look_into_file

        return look_into_file(_source(settings.database, data, existing=True))
    if scheme in ("postgresql", "postgres"):
        try:
            from mainspring.engines.postgres.introspect.adopt import look as look_into_server
        except ImportError:
            raise _driver_missing() from None
        return look_into_server(settings.database.url, settings.rest.schemas)
    raise ConfigError([Mistake("database.url", "is no address of an existing database", "sqlite:///path or postgresql://...")])


def open_native(settings: Settings) -> NativeEngine:
    """The engine of database mode, not started yet. Raises ConfigError."""
    if urlsplit(settings.database.url).scheme not in ("postgresql", "postgres"):
        raise ConfigError(
            [Mistake("database.auth_mode", "database mode needs PostgreSQL", "set database.url to postgresql://...")]
        )
    try:
        from mainspring.engines.postgres.native.engine import NativeEngine
    except ImportError:
        raise _driver_missing() from None
    return NativeEngine(settings.database, settings.rest.schemas, settings.rest.max_rows or None)


def open_functions(engine: Engine, settings: Settings, names: Collection[TableName]) -> NativeEngine:
    """What calls the database's own functions `names` on the connections of `engine`. Raises ConfigError where it has none."""
    if engine.name != "postgres":
        place = f"function {min(map(str, names))}"
        raise ConfigError([Mistake(place, "functions of the database need PostgreSQL", "set database.url to postgresql://...")])
    from mainspring.engines.postgres.engine import PostgresEngine
    from mainspring.engines.postgres.native.engine import NativeEngine

    assert isinstance(engine, PostgresEngine)
    schemas = sorted({name.schema for name in names})
    return NativeEngine(settings.database, schemas, settings.rest.max_rows or None, engine.pool)


async def bootstrap_supabase(settings: DatabaseSettings, password: str) -> bool:
    """Prepare an empty PostgreSQL database for a Supabase project's migrations.

    `password` is for the login `authenticator`; returns whether that had to be made. Raises ConfigError.
    """
    if urlsplit(settings.url).scheme not in ("postgresql", "postgres"):
        raise ConfigError([Mistake("database.url", "must be a PostgreSQL database", "--database postgresql://...")])
    try:
        from mainspring.engines.postgres.bootstrap import bootstrap
    except ImportError:
        raise _driver_missing() from None
    return await bootstrap(settings.url, password)


def read_gotrue(
    what: Literal["people", "companies"], url: str, schema: str, size: int
) -> AsyncIterator[list[tuple[str, str | None]]]:
    """Whom GoTrue signed in in `schema` of a PostgreSQL database, so many at a time: id, and a JSON document.

    The document is None where it is too large. Raises ConfigError.
    """
    try:
        from mainspring.engines.postgres.gotrue import companies, people
    except ImportError:
        raise _driver_missing() from None
    return (people if what == "people" else companies)(url, schema, size)


def read_pocketbase(path: Path, collection: str, size: int) -> AsyncIterator[list[tuple[str, str | None]]]:
    """Who signs in to a collection of a PocketBase file, as `read_gotrue` has it. Raises ConfigError."""
    from mainspring.engines.sqlite.pocketbase import people

    return people(path, collection, size)


def _driver_missing() -> ConfigError:
    return ConfigError([Mistake("database.url", "PostgreSQL needs a driver", "pip install 'mainspring[postgres]'")])


def _source(settings: DatabaseSettings, data: Path, *, existing: bool) -> Source:
    from mainspring.engines.sqlite.connection import Source

    path = Path(settings.url.removeprefix("sqlite:///")) if settings.url else data / FILE
    return Source(path, settings.key.reveal() or None, settings.synchronous, existing=existing)


def _sqlite(settings: DatabaseSettings, data: Path, existing: bool) -> Engine:
    from mainspring.engines.sqlite.engine import SqliteEngine

    return SqliteEngine(
        _source(settings, data, existing=existing),
        threads=settings.read_threads,
        budget=settings.step_budget_ms / 1000,
        timeout=settings.statement_timeout_seconds,
    )


def _postgres(settings: DatabaseSettings) -> Engine:
    try:
        from mainspring.engines.postgres.engine import PostgresEngine
    except ImportError:
        raise _driver_missing() from None
    return PostgresEngine(settings.url, size=settings.pool_size, timeout=settings.statement_timeout_seconds)
