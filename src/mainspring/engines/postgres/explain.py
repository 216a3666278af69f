"""Execution plans of reads: EXPLAIN of the very statement, policies and all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import psycopg

from mainspring.engines.base import Request, Result
from mainspring.engines.postgres.dialect import PostgresDialect
from mainspring.engines.postgres.faults import leaf
from mainspring.engines.postgres.native.compile import explained
from mainspring.engines.postgres.pool import Pool
from mainspring.engines.postgres.read import compile_read
from mainspring.engines.postgres.session import Command
from mainspring.plan.nodes import ReadPlan
from mainspring.principal import Principal


class Explained:
    """A read whose plan is asked for."""

    def __init__(self, plan: ReadPlan, dialect: PostgresDialect, pool: Pool) -> None:
        statement = compile_read(plan, dialect)
        self._sql, self._arguments, self._pool = explained(statement.sql, plan.explain), statement.arguments, pool

    async def run(self, values: Sequence[Any], principal: Principal, request: Request | None = None) -> Result:
        """Ask for it; with the option analyze the read is run."""
        try:
            answer = await self._pool.read(Command(self._sql, self._arguments(values, principal)))
        except psycopg.Error as error:
            raise leaf(error, None, self._pool.timeout) from error
        lines = (answer.get_value(row, 0) or b"" for row in range(answer.ntuples))
        return Result(b"\n".join(lines) + b"\n", 1)
