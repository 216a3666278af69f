"""Reads, compiled: one statement that answers the body, its number of rows and (when counted) the number of all."""

from __future__ import annotations

from collections.abc import Sequence
from time import monotonic
from typing import Any

from mainspring.engines.base import Request, Result
from mainspring.engines.sql.statement import Arguments, Statement
from mainspring.engines.sqlite.compile import SqliteCompiler, grouped_read
from mainspring.engines.sqlite.dialect import SqliteDialect
from mainspring.engines.sqlite.reader import OVERRUN_MEMORY, Overrun, Readers
from mainspring.plan.nodes import ReadPlan
from mainspring.principal import Principal
from mainspring.query.ast import Slot
from mainspring.query.ops import Form

LONG_PATTERN = 64
CURSOR = '"mainspring: cursor"'


def compile_read(plan: ReadPlan, dialect: SqliteDialect) -> Statement:
    """`SELECT body, count[, total][, rows looked at][, cursor]`; of a row fetched by its key just `SELECT document`."""
    arguments = Arguments(plan.params, whole=True)
    compiler = SqliteCompiler(dialect, arguments, plan.max_rows)
    if plan.rows.group is not None:
        return arguments.statement(grouped_read(plan, compiler))
    document = compiler.document(plan.rows.outputs)
    if by_key(plan):
        where = compiler.reached(plan.rows.source, plan.rows.where)
        return arguments.statement(f"SELECT CAST({document} AS BLOB) FROM {compiler.tables(plan.rows.source)} WHERE {where}")
    columns = f"CAST({dialect.json_array(document)} AS BLOB), count(*)"
    if plan.count:
        columns += f", ({compiler.counted(plan.rows)})"
    if plan.cursor:
        columns += f", json_group_array(json({CURSOR})) -> '$[#-1]'"
        return arguments.statement(compiler.listed(plan.rows, columns, f"{compiler.place(plan.rows)} AS {CURSOR}"))
    return arguments.statement(compiler.listed(plan.rows, columns))


def by_key(plan: ReadPlan) -> bool:
    """Whether the answer is one row or none, and nothing more is asked."""
    rows = plan.rows
    return rows.unique and not plan.count and rows.limit is None and rows.offset is None


class Read:
    """A compiled read. One that overran its budget goes straight to the threads for a while."""

    __slots__ = ("_arguments", "_by_key", "_patterns", "_plain", "_plan", "_readers", "_slow_until", "_sql")

    def __init__(self, plan: ReadPlan, dialect: SqliteDialect, readers: Readers) -> None:
        statement = compile_read(plan, dialect)
        self._sql, self._arguments = statement.sql, statement.arguments
        self._readers, self._plan, self._slow_until = readers, plan, 0.0
        self._plain = not plan.cursor and plan.max_grouped is None
        self._by_key = by_key(plan)
        self._patterns = [
            spec.source.index
            for spec in plan.params
            if spec.form in (Form.PATTERN, Form.PATTERNS) and isinstance(spec.source, Slot)
        ]

    async def run(self, values: Sequence[Any], principal: Principal, request: Request | None = None) -> Result:
        """Run it."""
        arguments = self._arguments(values, principal)
        if (self._slow_until and monotonic() < self._slow_until) or (self._patterns and self._long_match(values)):
            row = await self._readers.elsewhere(self._sql, arguments)
        else:
            try:
                row = self._readers.here(self._sql, arguments)
            except Overrun:
                self._slow_until = monotonic() + OVERRUN_MEMORY
                row = await self._readers.elsewhere(self._sql, arguments)
        if self._by_key:
            return Result(b"[]", 0) if row is None else Result(b"[%b]" % row, 1)
        result = Result(row[0], row[1], row[2] if self._plan.count else None)
        return result if self._plain else self._told(result, list(row))

    def _told(self, result: Result, row: list[Any]) -> Result:
        """The answer of a read with a cursor or with groups, about which the last columns tell more."""
        if self._plan.cursor:
            last = row.pop()
            result.cursor = last.encode() if last else None
        if self._plan.max_grouped is not None:
            self._plan.judge(row.pop() or 0)
        return result

    def _long_match(self, values: Sequence[Any]) -> bool:
        """Whether one call of the pattern matcher, which no budget interrupts, could take long."""
        return any(len(values[index]) > LONG_PATTERN for index in self._patterns)
