"""Reads, compiled: one statement that answers the body, its number of rows and (when counted) the number of all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import psycopg

from mainspring.engines.base import Request, Result
from mainspring.engines.postgres.compile import PostgresCompiler, grouped_read
from mainspring.engines.postgres.dialect import PostgresDialect
from mainspring.engines.postgres.faults import leaf
from mainspring.engines.postgres.pace import Pace
from mainspring.engines.postgres.pool import Pool
from mainspring.engines.postgres.session import Command, in_zone
from mainspring.engines.sql.statement import Arguments, Statement
from mainspring.plan.nodes import ReadPlan
from mainspring.principal import Principal


def compile_read(plan: ReadPlan, dialect: PostgresDialect, stand_ins: Mapping[int, str] | None = None) -> Statement:
    """`SELECT body, count[, total][, rows looked at][, cursor]`; `stand_ins` are read instead of the tables of aliases."""
    arguments = Arguments(plan.params, whole=True)
    compiler = PostgresCompiler(dialect, arguments, plan.max_rows, dict(stand_ins or {}))
    if plan.rows.group is not None:
        return arguments.statement(grouped_read(plan, compiler))
    total = f", ({compiler.counted(plan.rows)})" if plan.count else ""
    if plan.cursor:
        columns = f"{compiler.whole(plan.rows, 'r.d')}, count(*){total}, json_agg(r.c) -> -1"
        return arguments.statement(f"SELECT {columns} {compiler.placed(plan.rows)}")
    return arguments.statement(f"SELECT {compiler.whole(plan.rows)}, count(*){total} {compiler.body(plan.rows)}")


class Read:
    """A compiled read."""

    __slots__ = ("_around", "_pace", "_plan", "_pool", "_statement")

    def __init__(self, plan: ReadPlan, dialect: PostgresDialect, pool: Pool) -> None:
        self._statement = compile_read(plan, dialect)
        self._pool, self._plan, self._around, self._pace = pool, plan, in_zone(plan.zone), Pace()

    async def run(self, values: Sequence[Any], principal: Principal, request: Request | None = None) -> Result:
        """Run it."""
        command = Command(self._statement.sql, self._statement.arguments(values, principal), fixed=self._pace.fixed)
        try:
            row = await self._pool.read(*self._around, command, took=self._pace.took)
        except psycopg.Error as error:
            raise leaf(error, None, self._pool.timeout) from error
        if self._pace.due():
            self._pool.aside(partial(self._pace.look, self._pool, command))
        plan = self._plan
        total = int(row.get_value(0, 2) or 0) if plan.count else None
        result = Result(row.get_value(0, 0), int(row.get_value(0, 1) or 0), total)
        if plan.cursor:
            result.cursor = row.get_value(0, row.nfields - 1)
        if plan.max_grouped is not None:
            plan.judge(int(row.get_value(0, row.nfields - 1 - plan.cursor) or 0))
        return result
