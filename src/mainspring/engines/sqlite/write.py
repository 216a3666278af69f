"""Writes, compiled. Each is a short script on the writer's connection: change, verify, represent; all of it or nothing.

Which rows were written is known by rowid, so that verification and representation look at exactly those.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mainspring.catalog.model import Table
from mainspring.engines.base import Result
from mainspring.engines.sql.compile import Compiler
from mainspring.engines.sql.statement import Arguments, Statement
from mainspring.engines.sqlite.dialect import SqliteDialect, encoder, json_dump
from mainspring.engines.sqlite.faults import leaf
from mainspring.engines.sqlite.writer import Writer
from mainspring.errors import MainspringError, NotSingular, RowCheckViolated
from mainspring.plan.nodes import DeletePlan, InsertPlan, ParamSpec, Rows, UpdatePlan, Upsert, Write
from mainspring.plan.params import DEFAULT, refuse_twice, written
from mainspring.principal import ANON, Principal
from mainspring.query.ast import Resolution
from mainspring.query.expr import TRUE, Condition, Source

_WRITTEN = '"mainspring: written"'


class _Script:
    """What every write shares: running on the writer, verifying, representing."""

    def __init__(self, table: Table, dialect: SqliteDialect, writer: Writer, params: Sequence[ParamSpec]) -> None:
        self.table, self.dialect, self.writer, self.params = table, dialect, writer, params

    def compiler(self) -> Compiler:
        """A compiler for one more statement of this script."""
        return Compiler(self.dialect, Arguments(self.params))

    def unless(self, source: Source, condition: Condition) -> Statement | None:
        """`SELECT` a row when one of the rows in the extra argument fails the condition; None when none can."""
        if condition == TRUE:
            return None
        compiler = self.compiler()
        holds = compiler.condition(condition)
        compiler.stand_ins[source.alias] = _WRITTEN
        failing = f"SELECT 1 FROM {compiler.tables(source)} WHERE ({holds}) IS NOT TRUE LIMIT 1"
        return compiler.arguments.statement(self._among_written(compiler) + failing)

    def representation(self, rows: Rows | None) -> Statement | None:
        """The body of the rows in the extra argument, as far as the caller may see them."""
        if rows is None:
            return None
        compiler = self.compiler()
        compiler.stand_ins[rows.source.alias] = _WRITTEN
        body = f"CAST({self.dialect.json_array(compiler.document(rows.outputs))} AS BLOB), count(*)"
        listing = compiler.listed(rows, body)
        return compiler.arguments.statement(self._among_written(compiler) + listing)

    def _among_written(self, compiler: Compiler) -> str:
        """The rows written, in their order, found by rowid: an index on what a policy compares could be far slower."""
        table, ids = self.dialect.table(self.table.name), f"json_each(?{compiler.arguments.extra()})"
        rows = f"SELECT w.* FROM {ids} AS ids CROSS JOIN {table} AS w ON w.rowid = ids.value ORDER BY ids.key"
        return f"WITH {_WRITTEN} AS MATERIALIZED ({rows}) "

    async def submit(self, work: Callable[[Any], Result]) -> Result:
        """Run `work` on the writer; its errors become typed ones."""
        try:
            result: Result = await self.writer.write(work)
        except MainspringError:
            raise
        except Exception as error:
            raise leaf(error, self.table) from error
        return result

    def denied(self, principal: Principal, *, existing: bool = False) -> RowCheckViolated:
        """A row that a policy refuses."""
        return RowCheckViolated(self.table.name.name, existing, principal.role == ANON)


def _answer(represent: Statement | None, arguments: list[Any], connection: Any, ids: list[int], singular: bool) -> Result:
    """The result of a write whose rows are `ids`."""
    body, count = None, len(ids)
    if represent is not None:
        body, count = connection.execute(represent.sql, [*arguments, json_dump(ids)]).fetchone()
    if singular and count != 1:
        raise NotSingular(count)
    return Result(body, count)


def failing(connection: Any, check: Statement, arguments: list[Any], ids: list[int]) -> bool:
    """Whether one of the rows fails a check (made by `unless`)."""
    return connection.execute(check.sql, [*arguments, json_dump(ids)]).fetchone() is not None


def _made(statement: Statement | None, values: Sequence[Any], principal: Principal) -> list[Any]:
    return [] if statement is None else statement.arguments(values, principal)


class Insert(_Script):
    """Rows in; with an upsert clause, rows of the same key changed or left alone."""

    def __init__(self, plan: InsertPlan, dialect: SqliteDialect, writer: Writer) -> None:
        super().__init__(plan.target.table, dialect, writer, plan.params)
        self.plan = plan
        self._encoders = [encoder(write.type) for write in plan.writes]
        self.statements: dict[tuple[int, ...], str] = {}
        self._check = self.unless(plan.target, plan.check)
        self._represent = self.representation(plan.returning)
        self._taken = _Taken(self, plan.upsert, plan.writes) if plan.upsert else None

    async def run(self, values: Sequence[Any], principal: Principal) -> Result:
        """Run it."""
        rows = written(self.plan.writes, values[self.plan.rows], principal)
        if self.plan.upsert is not None:
            refuse_twice(self.plan.upsert, self.plan.writes, rows)
        encoded = [self._encode(row) for row in rows]
        check, represent = _made(self._check, values, principal), _made(self._represent, values, principal)
        taken = self._taken.arguments(values, principal) if self._taken else ([], [])

        def work(connection: Any) -> Result:
            done = self._insert(connection, encoded, taken[0], principal)
            if self._check is not None and done.new and failing(connection, self._check, check, done.new):
                raise self.denied(principal)
            if self._taken is not None and self._taken.spoilt(connection, taken[1], done.overwritten):
                raise self.denied(principal)
            result = _answer(self._represent, represent, connection, done.ids, self.plan.singular)
            result.inserted, result.keys = len(done.new), done.keys
            return result

        return await self.submit(work)

    def _encode(self, row: tuple[Any, ...]) -> tuple[str, list[Any]]:
        """The statement for a row (which columns it names) and its arguments."""
        present = tuple(index for index, value in enumerate(row) if value is not DEFAULT)
        sql = self.statements.get(present) or self.statements.setdefault(present, self._sql(present))
        return sql, [
            None if row[index] is None else self._encoders[index](row[index]) for index in present
        ]

    def _sql(self, present: tuple[int, ...]) -> str:
        quote = self.dialect.quote
        names = ", ".join(quote(self.plan.writes[index].column) for index in present)
        marks = ", ".join("?" * len(present))
        into = f"({names}) VALUES ({marks})" if present else "DEFAULT VALUES"
        keys = "".join(f", {quote(name)}" for name in self.table.primary_key)
        return f"INSERT INTO {self.dialect.table(self.table.name)} {into}{self._on_conflict()} RETURNING rowid{keys}"

    def _on_conflict(self) -> str:
        upsert = self.plan.upsert
        if upsert is None:
            return ""
        quote = self.dialect.quote
        key = ", ".join(map(quote, upsert.key))
        if upsert.resolution is Resolution.IGNORE:
            return f" ON CONFLICT ({key}) DO NOTHING"
        changed = ", ".join(f"{quote(name)} = excluded.{quote(name)}" for name in upsert.overwritten or upsert.key)
        return f" ON CONFLICT ({key}) DO UPDATE SET {changed}"

    def _insert(
        self, connection: Any, encoded: list[tuple[str, list[Any]]], look: list[Any], principal: Principal
    ) -> _Done:
        done = _Done()
        for sql, arguments in encoded:
            overwrites = self._taken is not None and self._taken.look(connection, look, sql, arguments, principal)
            row = connection.execute(sql, arguments).fetchone()
            if row is not None:
                done.ids.append(row[0])
                (done.overwritten if overwrites else done.new).append(row[0])
                done.keys.append(dict(zip(self.table.primary_key, row[1:], strict=True)))
        return done


@dataclass(slots=True)
class _Done:
    """The rowids written (all, the new ones, those overwritten) and their primary keys."""

    ids: list[int] = field(default_factory=list)
    new: list[int] = field(default_factory=list)
    overwritten: list[int] = field(default_factory=list)
    keys: list[Mapping[str, Any]] = field(default_factory=list)


class _Taken:
    """The rows that an upsert would overwrite: they must be the caller's to see and to change, before and after."""

    def __init__(self, script: Insert, upsert: Upsert, writes: Sequence[Write]) -> None:
        self.script, self.upsert = script, upsert
        self._positions = {write.column: position for position, write in enumerate(writes)}
        self._look = self._existing(script.plan.target)
        self._after = script.unless(script.plan.target, upsert.updated)

    def _existing(self, target: Source) -> Statement:
        compiler, dialect = self.script.compiler(), self.script.dialect
        holds = compiler.condition(self.upsert.existing)
        matches = " AND ".join(
            f"t{target.alias}.{dialect.quote(name)} = ?{compiler.arguments.extra()}" for name in self.upsert.key
        )
        return compiler.arguments.statement(
            f"SELECT ({holds}) IS TRUE FROM {compiler.tables(target)} WHERE {matches}"
        )

    def arguments(self, values: Sequence[Any], principal: Principal) -> tuple[list[Any], list[Any]]:
        """The arguments of the look before and of the look after."""
        return self._look.arguments(values, principal), _made(self._after, values, principal)

    def look(self, connection: Any, arguments: list[Any], sql: str, row: list[Any], principal: Principal) -> bool:
        """Whether the row's key is taken. Raises RowCheckViolated when the caller may not overwrite what takes it."""
        if self.upsert.resolution is Resolution.IGNORE:
            return False
        found = connection.execute(self._look.sql, [*arguments, *self._key(sql, row)]).fetchone()
        if found is not None and not found[0]:
            raise self.script.denied(principal, existing=True)
        return found is not None

    def _key(self, sql: str, row: list[Any]) -> list[Any]:
        present = next(shape for shape, text in self.script.statements.items() if text == sql)
        by_position = dict(zip(present, row, strict=True))
        return [by_position.get(self._positions.get(name, -1)) for name in self.upsert.key]

    def spoilt(self, connection: Any, arguments: list[Any], ids: list[int]) -> bool:
        """Whether an overwritten row became one that the caller may not write."""
        return self._after is not None and bool(ids) and failing(connection, self._after, arguments, ids)


class Update(_Script):
    """Changes to the rows picked."""

    def __init__(self, plan: UpdatePlan, dialect: SqliteDialect, writer: Writer) -> None:
        super().__init__(plan.picked.source.table, dialect, writer, plan.params)
        self.plan = plan
        self._encoders = [encoder(write.type) for write in plan.writes]
        self._change = self._statement()
        self._check = self.unless(plan.picked.source, plan.check)
        self._represent = self.representation(plan.returning)

    def _statement(self) -> Statement:
        compiler, rows = self.compiler(), self.plan.picked
        where = _picking(compiler, rows, self.dialect)
        sets = ", ".join(f"{self.dialect.quote(w.column)} = ?{compiler.arguments.extra()}" for w in self.plan.writes)
        return compiler.arguments.statement(
            f"UPDATE {compiler.tables(rows.source)} SET {sets} WHERE {where} RETURNING rowid"
        )

    async def run(self, values: Sequence[Any], principal: Principal) -> Result:
        """Run it."""
        (row,) = written(self.plan.writes, [values[self.plan.changes]], principal)
        new = [None if value is None else encode(value) for value, encode in zip(row, self._encoders, strict=True)]
        change = [*self._change.arguments(values, principal), *new]
        check, represent = _made(self._check, values, principal), _made(self._represent, values, principal)

        def work(connection: Any) -> Result:
            ids = [found[0] for found in connection.execute(self._change.sql, change).fetchall()] if new else []
            if self._check is not None and ids and failing(connection, self._check, check, ids):
                raise self.denied(principal)
            return _answer(self._represent, represent, connection, ids, self.plan.singular)

        return await self.submit(work)


class Delete(_Script):
    """Removal of the rows picked; what is answered is read before they go."""

    def __init__(self, plan: DeletePlan, dialect: SqliteDialect, writer: Writer) -> None:
        super().__init__(plan.picked.source.table, dialect, writer, plan.params)
        self.plan = plan
        self._represent = self.representation(plan.returning)
        self._pick, self._remove = self._statements()

    def _statements(self) -> tuple[Statement, Statement]:
        compiler, rows = self.compiler(), self.plan.picked
        row_id = self.dialect.row_id(f"t{rows.source.alias}")
        pick = compiler.arguments.statement(compiler.picked(rows, row_id))
        compiler = self.compiler()
        where = _picking(compiler, rows, self.dialect)
        if self._represent is not None:
            compiler = self.compiler()
            where = self.dialect.among(row_id, compiler.arguments.extra())
        return pick, compiler.arguments.statement(f"DELETE FROM {compiler.tables(rows.source)} WHERE {where}")

    async def run(self, values: Sequence[Any], principal: Principal) -> Result:
        """Run it."""
        pick, remove = self._pick.arguments(values, principal), self._remove.arguments(values, principal)
        represent = _made(self._represent, values, principal)

        def work(connection: Any) -> Result:
            if self._represent is None:
                count = connection.execute(self._remove.sql, remove).rowcount
                if self.plan.singular and count != 1:
                    raise NotSingular(count)
                return Result(None, count)
            ids = [found[0] for found in connection.execute(self._pick.sql, pick).fetchall()]
            result = _answer(self._represent, represent, connection, ids, self.plan.singular)
            connection.execute(self._remove.sql, [*remove, json_dump(ids)])
            return result

        return await self.submit(work)


def _picking(compiler: Compiler, rows: Rows, dialect: SqliteDialect) -> str:
    """The WHERE of a change: the condition itself, or (with a page) the identity of the rows on it."""
    if rows.limit is None and rows.offset is None:
        return compiler.reached(rows.source, rows.where)
    row_id = dialect.row_id(f"t{rows.source.alias}")
    return f"{row_id} IN ({compiler.picked(rows, row_id)})"
