"""The engine itself: holds the state, runs plans on it one at a time. The contract is `engines.base`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

from mainspring.catalog.model import Catalog, Table
from mainspring.datatypes import to_json
from mainspring.engines.base import Capabilities, Prepared, Request, Result
from mainspring.engines.memory import write
from mainspring.engines.memory.constraints import refuse_unkept
from mainspring.engines.memory.read import Reader, encode, scope_of
from mainspring.engines.memory.search import refuse_unknown
from mainspring.engines.memory.store import Draft, Row, State
from mainspring.engines.memory.views import refuse_views
from mainspring.errors import EngineUnavailable, NotSupported, RowCheckViolated
from mainspring.plan.nodes import DeletePlan, InsertPlan, Kept, Plan, ReadPlan, Rows, UpdatePlan
from mainspring.plan.params import binders, written
from mainspring.principal import ANON, Principal
from mainspring.query.ast import TableName


class MemoryEngine:
    """Rows in dicts. Nothing outlives the process; check constraints and computed columns are not evaluated."""

    name = "memory"
    capabilities = Capabilities(expressions=False, local=True)

    def __init__(self) -> None:
        self._catalog: Catalog | None = None
        self._state = State()
        self._views = False

    async def start(self, catalog: Catalog) -> None:
        """Take the catalog; there is nothing to open."""
        self._catalog = catalog

    async def migrate(self, catalog: Catalog) -> tuple[TableName, ...]:
        """Make place for the tables and columns that have none yet; the tables' names. Raises ConfigError."""
        refuse_unkept(catalog)
        self._catalog = catalog
        self._views = any(table.view for table in catalog.tables.values())
        made = tuple(name for name in catalog.tables if name not in self._state.tables)
        stored = {name: _widened(rows, catalog.tables.get(name)) for name, rows in self._state.tables.items()}
        tables: dict[TableName, dict[int, Row]] = {**stored, **{name: {} for name in made}}
        self._state = State(tables, self._state.sequences, self._state.last)
        return made

    def prepare(self, plan: Plan) -> Prepared:
        """A plan ready to run."""
        if plan.explain is not None:
            raise NotSupported("an execution plan", by="the memory engine")
        refuse_unknown(plan)
        if self._views:
            refuse_views(plan)
        match plan:
            case ReadPlan():
                return PreparedRead(self, plan)
            case InsertPlan():
                return PreparedInsert(self, plan)
            case UpdatePlan():
                return PreparedUpdate(self, plan)
            case DeletePlan():
                return PreparedDelete(self, plan)

    async def together(self, writes: Sequence[tuple[Prepared, Sequence[Any]]], principal: Principal) -> list[Result]:
        """Run prepared writes on one draft."""
        draft = self.draft()
        results = [write.on(draft, values, principal) for write, values in cast(list[tuple[PreparedWrite, Any]], writes)]
        self._state = draft.kept()
        return results

    async def ping(self) -> None:
        """Raises EngineUnavailable before start and after stop."""
        self.draft()

    async def stop(self) -> None:
        """Refuse what comes after."""
        self._catalog = None

    def draft(self) -> Draft:
        """A draft of what is stored. Raises EngineUnavailable before start and after stop."""
        if self._catalog is None:
            raise EngineUnavailable()
        return Draft.of(self._state, self._catalog)

    def end(self, draft: Draft, kept: Kept) -> None:
        """Make the draft what is stored, unless it is to be undone."""
        if not kept.undone:
            self._state = draft.kept()


class _Prepared:
    def __init__(self, engine: MemoryEngine, plan: Plan) -> None:
        self._engine, self._binders = engine, binders(plan.params)

    def _params(self, values: Sequence[Any], principal: Principal) -> list[Any]:
        return [bind(values, principal) for bind in self._binders]


class PreparedRead(_Prepared):
    """A ReadPlan."""

    def __init__(self, engine: MemoryEngine, plan: ReadPlan) -> None:
        super().__init__(engine, plan)
        self._plan = plan

    async def run(self, values: Sequence[Any], principal: Principal, request: Request | None = None) -> Result:
        """The page of rows, and with `count` the number of all."""
        draft, plan = self._engine.draft(), self._plan
        reader = Reader(draft, scope_of(draft, self._params(values, principal)), plan.judge)
        matching = reader.matching(plan.rows)
        picked = reader.page(plan.rows, matching, plan.max_rows)
        result = Result(encode(reader.documents(plan.rows, picked)), len(picked), len(matching) if plan.count else None)
        result.cursor = reader.last(plan.rows, picked) if plan.cursor else None
        return result


class PreparedWrite(_Prepared):
    """A write: what it does to a draft, which is kept or not."""

    kept: Kept

    async def run(self, values: Sequence[Any], principal: Principal, request: Request | None = None) -> Result:
        """Write all of it or nothing. Raises the constraint errors, RowCheckViolated and NotSingular."""
        draft = self._engine.draft()
        result = self.on(draft, values, principal)
        self._engine.end(draft, self.kept)
        return result

    def on(self, draft: Draft, values: Sequence[Any], principal: Principal) -> Result:
        """Write on a draft."""
        raise NotImplementedError


class PreparedInsert(PreparedWrite):
    """An InsertPlan."""

    def __init__(self, engine: MemoryEngine, plan: InsertPlan) -> None:
        super().__init__(engine, plan)
        self._plan, self.kept = plan, plan.kept

    def on(self, draft: Draft, values: Sequence[Any], principal: Principal) -> Result:
        """Write all rows or none. Raises the constraint errors, RowCheckViolated and NotSingular."""
        plan = self._plan
        params = self._params(values, principal)
        rows = written(plan.writes, values[plan.rows], principal)
        with _anonymous(principal):
            numbers, inserted = write.insert(draft, plan, params, rows)
        result = _answer(draft, plan.returning, numbers, params, plan.kept)
        result.inserted = inserted
        result.keys = [_key(plan.target.table, draft, number) for number in numbers]
        return result


class PreparedUpdate(PreparedWrite):
    """An UpdatePlan."""

    def __init__(self, engine: MemoryEngine, plan: UpdatePlan) -> None:
        super().__init__(engine, plan)
        self._plan, self.kept = plan, plan.kept

    def on(self, draft: Draft, values: Sequence[Any], principal: Principal) -> Result:
        """Change all rows picked or none. Raises the constraint errors, RowCheckViolated and NotSingular."""
        plan = self._plan
        (changes,) = written(plan.writes, [values[plan.changes]], principal)
        params = self._params(values, principal)
        with _anonymous(principal):
            numbers = write.update(draft, plan, params, changes)
        return _answer(draft, plan.returning, numbers, params, plan.kept)


class PreparedDelete(PreparedWrite):
    """A DeletePlan."""

    def __init__(self, engine: MemoryEngine, plan: DeletePlan) -> None:
        super().__init__(engine, plan)
        self._plan, self.kept = plan, plan.kept

    def on(self, draft: Draft, values: Sequence[Any], principal: Principal) -> Result:
        """Remove all rows picked or none. Raises ForeignKeyViolated and NotSingular."""
        plan = self._plan
        params = self._params(values, principal)
        numbers = write.picked_for_delete(draft, plan, params)
        result = _answer(draft, plan.returning, numbers, params, plan.kept)
        write.delete(draft, plan, numbers)
        return result


@contextmanager
def _anonymous(principal: Principal) -> Iterator[None]:
    """A refusal says whether signing in could help."""
    try:
        yield
    except RowCheckViolated as error:
        error.anonymous = principal.role == ANON
        raise


def _answer(draft: Draft, returning: Rows | None, numbers: Sequence[int], params: Sequence[Any], kept: Kept) -> Result:
    """The rows written, as the caller may see them. Raises NotSingular, TooManyAffected."""
    if returning is None:
        result = Result(None, len(numbers))
    else:
        reader = Reader(draft, scope_of(draft, params))
        picked = reader.page(returning, reader.matching(returning, numbers))
        documents = reader.documents(returning, picked)
        result = Result(encode(documents), len(documents))
    kept.judge(result.count)
    return result


def _widened(rows: dict[int, Row], table: Table | None) -> dict[int, Row]:
    """The rows with null in every column of `table` that they lack."""
    nulls = {} if table is None else dict.fromkeys(table.columns)
    return {number: {**nulls, **row} for number, row in rows.items()}


def _key(table: Table, draft: Draft, number: int) -> Mapping[str, Any]:
    row = draft.rows(table.name)[number]
    return {column: to_json(table.columns[column].type, row[column]) for column in table.primary_key}
