"""Reads, compiled: one statement that answers the body, its number of rows and (when counted) the number of all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from mainspring.engines.base import Request, Result
from mainspring.engines.postgres.compile import ROW, PostgresCompiler
from mainspring.engines.postgres.dialect import PostgresDialect
from mainspring.engines.postgres.faults import leaf
from mainspring.engines.postgres.pool import Pool
from mainspring.engines.postgres.session import Command
from mainspring.engines.sql.statement import Arguments, Statement
from mainspring.plan.nodes import ReadPlan
from mainspring.principal import Principal


def compile_read(plan: ReadPlan, dialect: PostgresDialect) -> Statement:
    """`SELECT body, count[, total]`."""
    arguments = Arguments(plan.params)
    compiler = PostgresCompiler(dialect, arguments, plan.max_rows)
    total = f", ({compiler.counted(plan.rows)})" if plan.count else ""
    return arguments.statement(f"SELECT {dialect.json_array(ROW)}, count(*){total} {compiler.body(plan.rows)}")


class Read:
    """A compiled read."""

    __slots__ = ("_counted", "_pool", "_statement")

    def __init__(self, plan: ReadPlan, dialect: PostgresDialect, pool: Pool) -> None:
        self._statement = compile_read(plan, dialect)
        self._pool, self._counted = pool, plan.count

    async def run(self, values: Sequence[Any], principal: Principal, request: Request | None = None) -> Result:
        """Run it."""
        command = Command(self._statement.sql, self._statement.arguments(values, principal))
        try:
            row = await self._pool.read(command)
        except psycopg.Error as error:
            raise leaf(error, None, self._pool.timeout) from error
        total = int(row.get_value(0, 2) or 0) if self._counted else None
        return Result(row.get_value(0, 0), int(row.get_value(0, 1) or 0), total)
