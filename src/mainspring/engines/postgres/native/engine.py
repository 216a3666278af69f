"""The engine of database mode: reads the schema at the start and whenever it is told, runs plans as the caller's role."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import psycopg
from psycopg.pq.abc import PGresult

from mainspring.catalog.access import Access
from mainspring.catalog.model import Catalog
from mainspring.engines.base import Capabilities, Prepared, Result
from mainspring.engines.postgres.introspect.read import introspect
from mainspring.engines.postgres.names import quote
from mainspring.engines.postgres.native.arguments import array
from mainspring.engines.postgres.native.compile import compile_plan
from mainspring.engines.postgres.native.faults import leaf
from mainspring.engines.postgres.native.request import Setting, Surroundings, settings
from mainspring.engines.postgres.native.run import NativeRun, Rules
from mainspring.engines.postgres.pool import Pool, Transaction
from mainspring.engines.postgres.session import Command
from mainspring.errors import EngineUnavailable, MainspringError, NotSupported
from mainspring.observe import ReloadFailed, Sink, discard
from mainspring.plan.native.nodes import NativePlan
from mainspring.principal import Principal
from mainspring.query.ast import TableName
from mainspring.settings import DatabaseSettings

RECONNECT_SECONDS = 1.0
CONNECT_SECONDS = 5.0

ROLES = """
SELECT coalesce(json_agg(json_build_object('role', r.rolname, 'settings', r.rolconfig)), '[]')
FROM pg_roles r WHERE r.rolconfig IS NOT NULL AND pg_has_role(current_user, r.oid, 'MEMBER') AND r.rolname <> current_user
"""
TABLES = """
SELECT coalesce(json_agg(c.relname), '[]') FROM pg_class c
WHERE c.relkind IN ('v', 'r', 'm', 'f', 'p') AND NOT c.relispartition AND c.relnamespace = $1::text::regnamespace
  AND (pg_has_role(c.relowner, 'USAGE')
    OR has_table_privilege(c.oid, 'SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER')
    OR has_any_column_privilege(c.oid, 'SELECT, INSERT, UPDATE, REFERENCES'))
"""
GRANTED = """
SELECT coalesce(json_object_agg(c.relname, json_build_object(
  'select', (SELECT json_agg(a.attname) FROM pg_attribute a
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND has_column_privilege(c.oid, a.attnum, 'SELECT')),
  'insert', (SELECT json_agg(a.attname) FROM pg_attribute a
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND has_column_privilege(c.oid, a.attnum, 'INSERT')),
  'update', (SELECT json_agg(a.attname) FROM pg_attribute a
    WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND has_column_privilege(c.oid, a.attnum, 'UPDATE')),
  'delete', has_table_privilege(c.oid, 'DELETE'))), '{}') FROM pg_class c
WHERE c.relkind IN ('v', 'r', 'm', 'f', 'p') AND NOT c.relispartition AND c.relnamespace = $1::text::regnamespace
"""
FUNCTIONS = """
SELECT coalesce(json_agg(p.proname), '[]') FROM pg_proc p
WHERE p.pronamespace = $1::text::regnamespace AND p.prokind = 'f' AND has_function_privilege(p.oid, 'execute')
"""
SETTABLE = "SELECT coalesce(json_agg(name), '[]') FROM pg_settings WHERE context = 'user'"


class NativeEngine:
    """PostgreSQL at `database.url`, serving `schemas`. `changed` is called after what exists was read anew.

    `observe` is told when it could not be. On somebody else's `pool` it runs everything with the rights of that one's login,
    and does not listen for changes.
    """

    name = "postgres"
    capabilities = Capabilities()

    def __init__(
        self, database: DatabaseSettings, schemas: Sequence[str], max_rows: int | None, pool: Pool | None = None
    ) -> None:
        self._settings, self._schemas, self._own = database, tuple(schemas), pool is None
        self._pool = pool or Pool(
            database.url,
            size=database.pool_size,
            timeout=database.statement_timeout_seconds,
            settings=_bounds(database),
        )
        self._rules = Rules(
            database.tx_end.startswith("rollback"),
            _function(database.pre_request),
            database.prepared_statements,
            frozenset(database.hoisted_settings),
            max_rows,
            database.anon_role,
        )
        self._around = Surroundings(database.extra_search_path, _pairs(database.app_settings), impersonating=self._own)
        self._catalog: Catalog | None = None
        self._listening: asyncio.Task[None] | None = None
        self.changed: Callable[[], None] = lambda: None
        self.observe: Sink = discard

    def catalog(self) -> Catalog:
        """What exists. Raises EngineUnavailable until it has been read."""
        if self._catalog is None:
            raise EngineUnavailable
        return self._catalog

    async def start(self) -> None:
        """Read the schema, listen for its changes. Raises EngineUnavailable."""
        await self.reload()
        if not self._own:
            return
        if self._settings.channel:
            listens = asyncio.Event()
            self._listening = asyncio.create_task(self._listen(listens))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(listens.wait(), CONNECT_SECONDS)
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop = asyncio.get_running_loop()
            loop.add_signal_handler(signal.SIGUSR1, lambda: loop.create_task(self._reload()))

    async def reload(self) -> None:
        """Read the schema anew; requests go on with what was known until then. Raises EngineUnavailable, DatabaseRefused."""
        try:
            if self._own:
                self._around = Surroundings(self._around.path, self._around.app, await self._roles())
            self._catalog = await introspect(self._ask, self._schemas)
        except psycopg.Error as error:
            raise leaf(error) from error
        self.changed()

    async def _reload(self) -> None:
        """`reload` where nobody waits for it: a refusal is observed."""
        try:
            await self.reload()
        except MainspringError as error:
            self.observe(ReloadFailed(error.__cause__ or error))

    async def _ask(self, questions: Sequence[str], schemas: Sequence[str]) -> list[bytes]:
        names = array(schemas)
        results = await self._pool.run(*(Command(question, [names], prepared=False) for question in questions))
        return [result.get_value(0, 0) or b"null" for result in results]

    async def _roles(self) -> dict[str, list[Setting]]:
        """The settings of the roles that may be taken on, as far as this login may make them."""
        roles, settable = await self._pool.run(Command(ROLES, (), prepared=False), Command(SETTABLE, (), prepared=False))
        allowed = set(msgspec.json.decode(settable.get_value(0, 0) or b"[]"))
        return {
            each["role"]: [pair for pair in _pairs(each["settings"]) if pair[0] in allowed]
            for each in msgspec.json.decode(roles.get_value(0, 0) or b"[]")
        }

    async def _listen(self, listens: asyncio.Event) -> None:
        """Wait on a connection of its own for word that the schema has changed; one that was away reads it anew."""
        while True:
            with contextlib.suppress(psycopg.Error):
                async with await psycopg.AsyncConnection.connect(self._settings.url, autocommit=True) as connection:
                    await connection.execute(f"LISTEN {quote(self._settings.channel)}".encode())
                    if listens.is_set():
                        await self._reload()
                    listens.set()
                    async for notice in connection.notifies():
                        if notice.payload in ("", "reload schema", "reload config"):
                            await self._reload()
            await asyncio.sleep(RECONNECT_SECONDS)

    async def visible(self, schema: str, principal: Principal) -> tuple[frozenset[str], frozenset[str]]:
        """The names of the tables and of the functions in `schema` that the caller may use at all.

        Raises DatabaseRefused, EngineUnavailable.
        """
        tables, functions = await self._told(schema, principal, TABLES)
        return frozenset(tables), frozenset(functions)

    async def access(self, schema: str, principal: Principal) -> tuple[list[Access], frozenset[str]]:
        """What the caller may do with each table in `schema`, column by column, and the functions it may call.

        Raises DatabaseRefused, EngineUnavailable.
        """
        granted, functions = await self._told(schema, principal, GRANTED)
        found = []
        for name, table in self.catalog().tables.items():
            grant = granted.get(name.name) if name.schema == schema else None
            if grant is not None:
                columns = {command: frozenset(grant[command] or ()) for command in ("select", "insert", "update")}
                found.append(Access(table, **columns, delete=grant["delete"]).possible())
        return [access for access in found if access], frozenset(functions)

    async def _told(self, schema: str, principal: Principal, question: str) -> tuple[Any, Any]:
        """The answers to a question about the schema's tables and to that about its functions, asked as the caller."""
        told = settings(self._around, schema, principal, None, ())._replace(prepared=False)
        name = [schema.encode()]
        try:
            async with Transaction(self._pool) as transaction:
                _, tables, functions = await transaction.end(
                    (Command("ROLLBACK"),), told, Command(question, name, False), Command(FUNCTIONS, name, False)
                )
        except psycopg.Error as error:
            raise leaf(error, principal.role == self._settings.anon_role) from error
        return _answered(tables), _answered(functions)

    def prepare(self, plan: NativePlan) -> Prepared:
        """Compile a plan."""
        compiled = compile_plan(plan, self.catalog(), self._rules.max_rows)
        return NativeRun(plan, compiled, self._pool, self._around, self._rules)

    async def together(self, writes: Sequence[tuple[Prepared, Sequence[Any]]], principal: Principal) -> list[Result]:
        """Nothing of ours writes here: the database is somebody else's. Raises NotSupported."""
        raise NotSupported("several writes at once", by="Database mode")

    async def ping(self) -> None:
        """Return when the server answers. Raises EngineUnavailable."""
        try:
            await self._pool.read(Command("SELECT 1", (), self._settings.prepared_statements))
        except psycopg.Error as error:
            raise leaf(error) from error

    async def stop(self) -> None:
        """Let what is under way finish, then close."""
        if self._listening is not None:
            self._listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listening
        await self._pool.close()


def _bounds(database: DatabaseSettings) -> dict[str, str]:
    """The time a statement may take where its role says nothing. A pooler's connections are not ours to set."""
    seconds = database.statement_timeout_seconds
    return {"statement_timeout": f"{round(seconds * 1000)}ms"} if database.prepared_statements else {}


def _answered(answer: PGresult) -> Any:
    return msgspec.json.decode(answer.get_value(0, 0) or b"null")


def _pairs(texts: Sequence[str] | None) -> list[Setting]:
    return [(name, value) for name, _, value in (text.partition("=") for text in texts or ())]


def _function(name: str) -> str | None:
    """The quoted name of a function said as `name` or `schema.name`."""
    if not name:
        return None
    schema, _, plain = name.rpartition(".")
    found = TableName(schema, plain)
    return f"{quote(found.schema)}.{quote(found.name)}" if schema else quote(found.name)
