"""The engine: opens the file, hands out compiled reads and writes, closes in good order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

from mainspring.catalog.model import Catalog
from mainspring.engines.base import Capabilities, Prepared, Result
from mainspring.engines.sqlite.change import Delete, Update
from mainspring.engines.sqlite.connection import Source
from mainspring.engines.sqlite.dialect import NUMERIC_DIGITS, SqliteDialect
from mainspring.engines.sqlite.explain import Explained
from mainspring.engines.sqlite.insert import Insert
from mainspring.engines.sqlite.mended import Mended, mended
from mainspring.engines.sqlite.migrate import migrate
from mainspring.engines.sqlite.read import Read
from mainspring.engines.sqlite.reader import Readers
from mainspring.engines.sqlite.script import Script, together
from mainspring.engines.sqlite.views import refuse_unwritten, written
from mainspring.engines.sqlite.writer import Writer
from mainspring.errors import ConfigError, EngineUnavailable, Mistake
from mainspring.plan.nodes import DeletePlan, InsertPlan, Plan, ReadPlan, UpdatePlan
from mainspring.principal import Principal
from mainspring.query.ast import TableName


class SqliteEngine:
    """SQLite, one file. `budget` and `timeout` in seconds."""

    name = "sqlite"
    capabilities = Capabilities(numeric_digits=NUMERIC_DIGITS, local=True)

    def __init__(self, source: Source, *, threads: int, budget: float, timeout: float) -> None:
        self._source, self._threads, self._budget, self._timeout = source, threads, budget, timeout
        self._dialect = SqliteDialect()
        self._readers: Readers | None = None
        self._writer: Writer | None = None
        self._adopted = False
        self._views = frozenset[TableName]()

    async def start(self, catalog: Catalog) -> None:
        """Open the file. Raises ConfigError when it cannot be opened or the library is unsafe."""
        if not self._source.existing:
            self._source.path.parent.mkdir(parents=True, exist_ok=True)
        columns = (column for table in catalog.tables.values() for column in table.columns.values())
        self._adopted = any(column.type.native is not None for column in columns)
        try:
            self._writer = Writer(self._source)
            self._readers = Readers(self._source, self._threads, self._budget, self._timeout)
        except ConfigError:
            raise
        except Exception as error:
            raise ConfigError([Mistake("database.url", f"cannot open {self._source.path}: {error}")]) from error

    async def migrate(self, catalog: Catalog) -> tuple[TableName, ...]:
        """Create what is missing, in one transaction."""

        def work(connection: Any) -> tuple[tuple[TableName, ...], frozenset[TableName]]:
            return migrate(connection, catalog), written(connection, catalog)

        found: tuple[tuple[TableName, ...], frozenset[TableName]] = await self._write.write(work)
        created, self._views = found
        return created

    def prepare(self, plan: Plan) -> Prepared:
        """Compile a plan."""
        if plan.explain is not None:
            return Explained(plan, plan.explain, self._dialect, self._read)
        return Mended(self._compiled(plan)) if self._adopted else self._compiled(plan)

    def _compiled(self, plan: Plan) -> Prepared:
        if not isinstance(plan, ReadPlan) and plan.table.view:
            refuse_unwritten(plan, self._views)
        match plan:
            case ReadPlan():
                return Read(plan, self._dialect, self._read)
            case InsertPlan():
                return Insert(plan, self._dialect, self._write)
            case UpdatePlan():
                return Update(plan, self._dialect, self._write)
            case DeletePlan():
                return Delete(plan, self._dialect, self._write)

    async def together(self, writes: Sequence[tuple[Prepared, Sequence[Any]]], principal: Principal) -> list[Result]:
        """Run prepared writes in one transaction."""
        bare = [(each.prepared if isinstance(each, Mended) else each, values) for each, values in writes]
        scripts = [(script, script.work(values, principal)) for script, values in cast(list[tuple[Script, Any]], bare)]
        return [mended(result) for result in await together(self._write, scripts)]

    async def ping(self) -> None:
        """Return when the file can be read."""
        self._read.ping()

    async def stop(self) -> None:
        """Finish the writes handed over, then close."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if self._readers is not None:
            self._readers.close()
            self._readers = None

    @property
    def _read(self) -> Readers:
        if self._readers is None:
            raise EngineUnavailable
        return self._readers

    @property
    def _write(self) -> Writer:
        if self._writer is None:
            raise EngineUnavailable
        return self._writer
