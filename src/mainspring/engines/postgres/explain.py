"""Execution plans: EXPLAIN of the very statement, policies and all. With the option analyze it is run, else nothing is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import psycopg
from psycopg.pq.abc import PGresult

from mainspring.engines.base import Request, Result
from mainspring.engines.postgres.dialect import PostgresDialect
from mainspring.engines.postgres.faults import leaf
from mainspring.engines.postgres.native.compile import explained
from mainspring.engines.postgres.pool import Pool, Transaction
from mainspring.engines.postgres.read import compile_read
from mainspring.engines.postgres.script import Script, Work
from mainspring.engines.postgres.session import Command
from mainspring.plan.nodes import ReadPlan
from mainspring.principal import Principal
from mainspring.query.ast import Explain

_ASIDE = Command("SAVEPOINT explained", prepared=False)
_BACK = Command("ROLLBACK TO SAVEPOINT explained", prepared=False)


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
        return Result(b"\n".join(_lines(answer)) + b"\n", 1)


class ExplainedWrite:
    """A write whose plan is asked for: that of the statements that change rows."""

    def __init__(self, script: Script, explain: Explain) -> None:
        self._script, self._explain = script, explain

    async def run(self, values: Sequence[Any], principal: Principal, request: Request | None = None) -> Result:
        """Ask for it. With the option analyze the write is carried out, and raises what it is refused with."""
        changes = self._script.changes(values, principal)
        asked = [Command(explained(change.sql, self._explain), change.arguments, prepared=False) for change in changes]
        if "analyze" not in self._explain.options:
            return await self._script.carry_out(Work(asked, self._told), principal)
        return await self._script.carry_out(self._analyzed(asked, self._script.work(values, principal)), principal)

    def _analyzed(self, asked: Sequence[Command], work: Work) -> Work:
        """EXPLAIN keeps to itself which rows it has changed, which policies must look at: so that is undone, and done as ever."""

        async def analyzed(transaction: Transaction) -> Result:
            plans = (await transaction.run(_ASIDE, *asked, _BACK))[1:-1]
            await work.on(transaction)
            if work.script is None:
                await transaction.finish(())
            return self._told(plans)

        return Work(script=analyzed)

    def _told(self, plans: Sequence[PGresult]) -> Result:
        """One plan as it is; those of several statements one after the other, in JSON as one array."""
        texts = [b"\n".join(_lines(plan)) for plan in plans]
        if self._explain.json and len(texts) != 1:
            arrays = [msgspec.json.decode(text, type=list[msgspec.Raw]) for text in texts]
            texts = [msgspec.json.encode([plan for array in arrays for plan in array])]
        return Result(b"\n\n".join(texts) + b"\n", 1)


def _lines(answer: PGresult) -> Iterator[bytes]:
    return (answer.get_value(row, 0) or b"" for row in range(answer.ntuples))
