"""The engine: opens the pool, hands out compiled reads and writes, closes in good order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import psycopg
from msgspec.structs import replace
from psycopg.conninfo import conninfo_to_dict

from mainspring.catalog.model import Catalog
from mainspring.engines.base import Capabilities, Prepared, Result
from mainspring.engines.postgres.change import Delete, Update
from mainspring.engines.postgres.dialect import PostgresDialect
from mainspring.engines.postgres.explain import Explained, ExplainedWrite
from mainspring.engines.postgres.faults import leaf
from mainspring.engines.postgres.insert import Insert
from mainspring.engines.postgres.migrate import migrate
from mainspring.engines.postgres.pool import Pool, Transaction
from mainspring.engines.postgres.read import Read
from mainspring.engines.postgres.script import Script, together
from mainspring.engines.postgres.session import Command, Session
from mainspring.engines.postgres.views import written_as
from mainspring.errors import ConfigError, Mistake
from mainspring.plan.nodes import DeletePlan, InsertPlan, Plan, ReadPlan, UpdatePlan
from mainspring.principal import Principal
from mainspring.query.ast import TableName

OLDEST = 140_000


class PostgresEngine:
    """PostgreSQL at `url`: at most `size` connections, `timeout` seconds for a statement."""

    name = "postgres"
    capabilities = Capabilities(geojson=True)

    def __init__(self, url: str, *, size: int, timeout: float) -> None:
        self._url = url
        self._dialect = PostgresDialect()
        self._pool = Pool(url, size=size, timeout=timeout)

    @property
    def pool(self) -> Pool:
        """Its connections, for what else is asked of the same database."""
        return self._pool

    async def start(self, catalog: Catalog) -> None:
        """Connect once. Raises ConfigError when the server is out of reach, too old or not in UTF-8."""
        try:
            session = await self._pool.open()
        except psycopg.Error as error:
            raise unreachable(self._url, error) from error
        try:
            _check(session)
        finally:
            session.close()

    async def migrate(self, catalog: Catalog) -> tuple[TableName, ...]:
        """Create what is missing, in one transaction."""
        try:
            async with Transaction(self._pool) as transaction:
                created = await migrate(transaction, catalog)
                await transaction.finish(())
                return created
        except psycopg.Error as error:
            said = error.diag.message_primary
            if said is None:
                raise leaf(error, None, self._pool.timeout) from error
            raise _mistake(f"PostgreSQL refused to create the schema: {said}") from error

    def prepare(self, plan: Plan) -> Prepared:
        """Compile a plan."""
        if isinstance(plan, ReadPlan):
            explained = plan.explain is not None
            return (Explained if explained else Read)(plan, self._dialect, self._pool)
        if plan.explain is None:
            return self._script(plan)
        return ExplainedWrite(self._script(replace(plan, returning=None)), plan.explain)

    def _script(self, plan: InsertPlan | UpdatePlan | DeletePlan) -> Script:
        match plan:
            case InsertPlan():
                return Insert(plan, written_as(plan, self._dialect), self._pool)
            case UpdatePlan():
                return Update(plan, written_as(plan, self._dialect), self._pool)
            case DeletePlan():
                return Delete(plan, written_as(plan, self._dialect), self._pool)

    async def together(self, writes: Sequence[tuple[Prepared, Sequence[Any]]], principal: Principal) -> list[Result]:
        """Run prepared writes in one transaction."""
        scripts = [(script, script.work(values, principal)) for script, values in cast(list[tuple[Script, Any]], writes)]
        return await together(self._pool, scripts, principal)

    async def ping(self) -> None:
        """Return when the server answers."""
        try:
            await self._pool.read(Command("SELECT 1"))
        except psycopg.Error as error:
            raise leaf(error, None, self._pool.timeout) from error

    async def stop(self) -> None:
        """Let what is under way finish, then close."""
        await self._pool.close()


def _check(session: Session) -> None:
    check_version(session.version)
    if session.encoding != "UTF8":
        raise _mistake(f"the database is encoded in {session.encoding}", "create it with ENCODING 'UTF8'")


def check_version(version: int) -> None:
    """Raises ConfigError for a server that is too old."""
    if version < OLDEST:
        raise _mistake(f"PostgreSQL {version // 10_000} is too old", f"{OLDEST // 10_000} or later is needed")


def _mistake(problem: str, hint: str | None = None) -> ConfigError:
    return ConfigError([Mistake("database.url", problem, hint)])


def unreachable(url: str, error: psycopg.Error) -> ConfigError:
    """The mistake of an address at which nothing could be had."""
    reason = str(error).strip().splitlines()[-1].rpartition("FATAL:")[2].strip()
    return _mistake(f"cannot connect to {place(url)}: {reason}", "check address, database and user")


def place(url: str) -> str:
    """Where the server should be, without the password."""
    try:
        said = conninfo_to_dict(url)
    except psycopg.Error:
        return "PostgreSQL"
    return f"PostgreSQL at {said.get('host', 'localhost')}:{said.get('port', 5432)}/{said.get('dbname', '')}"
