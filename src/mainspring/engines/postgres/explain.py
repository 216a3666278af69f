"""Execution plans: EXPLAIN of the very statement, policies and all. With the option analyze it is run, else nothing is."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import partial
from typing import Any

import msgspec
import psycopg
from psycopg.pq.abc import PGresult

from mainspring.engines.base import Request, Result
from mainspring.engines.postgres.analyzed import Analyzed, lines
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
        return Result(b"\n".join(lines(answer)) + b"\n", 1)


class ExplainedWrite:
    """A write whose plan is asked for: that of the statements that change rows. Its rows are not answered."""

    def __init__(self, script: Script, explain: Explain) -> None:
        self._script, self._explain = script, explain

    async def run(self, values: Sequence[Any], principal: Principal, request: Request | None = None) -> Result:
        """Ask for it. With the option analyze the write is carried out, once, and raises what it is refused with."""
        changes = self._script.changes(values, principal)
        if "analyze" not in self._explain.options:
            return await self._script.carry_out(Work([self._asked(each) for each in changes], self._told), principal)
        work, changing = self._script.work(values, principal), {each.sql for each in changes}
        return await self._script.carry_out(Work(script=partial(self._analyzed, work, changing)), principal)

    async def _analyzed(self, work: Work, changing: Collection[str], transaction: Transaction) -> Result:
        """Only where rows must be looked at afterwards, a change has to tell which it has changed."""
        if work.script is not None:
            analyzed = Analyzed(transaction, self._explain, changing)
            await work.script(analyzed)
            return self._joined(analyzed.plans)
        asked = [self._asked(each) if each.sql in changing else each for each in work.commands]
        results = await transaction.finish((), *asked)
        return self._told([each for each, command in zip(results, work.commands, strict=True) if command.sql in changing])

    def _asked(self, change: Command) -> Command:
        return Command(explained(change.sql, self._explain), change.arguments, prepared=False)

    def _told(self, plans: Sequence[PGresult]) -> Result:
        return self._joined([b"\n".join(lines(plan)) for plan in plans])

    def _joined(self, plans: Sequence[bytes]) -> Result:
        """One plan as it is; those of several statements one after the other, in JSON as one array."""
        if self._explain.json and len(plans) != 1:
            arrays = [msgspec.json.decode(text, type=list[msgspec.Raw]) for text in plans]
            plans = [msgspec.json.encode([plan for array in arrays for plan in array])]
        return Result(b"\n\n".join(plans) + b"\n", 1)
