"""Inserts and upserts, compiled: rows in; with an upsert clause, rows of the same key changed or left alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg.pq.abc import PGresult

from mainspring.engines.base import Result
from mainspring.engines.postgres.dialect import PostgresDialect
from mainspring.engines.postgres.into import Changed, Into, Runs, insertions
from mainspring.engines.postgres.pool import Pool, Transaction
from mainspring.engines.postgres.script import Script, Work, checks, made, represented
from mainspring.engines.postgres.session import Command
from mainspring.engines.postgres.taken import Overtaken, Taken
from mainspring.plan.nodes import InsertPlan
from mainspring.plan.params import refuse_twice, written
from mainspring.principal import Principal
from mainspring.query.ast import Resolution


class Insert(Script):
    """Rows in; with an upsert clause, rows of the same key changed or left alone."""

    def __init__(self, plan: InsertPlan, dialect: PostgresDialect, pool: Pool) -> None:
        super().__init__(plan.target.table, dialect, pool, plan)
        self.plan = plan
        merging = plan.upsert is not None and plan.upsert.resolution is Resolution.MERGE
        self._represent = self.representation(plan.returning)
        self._into = Into(plan, dialect)
        self._check = self.demand(plan.target, plan.check)
        self._taken = Taken(plan.target, plan.upsert, plan.writes, self.compiler()) if plan.upsert and merging else None
        self._updated = self.demand(plan.target, plan.upsert.updated) if plan.upsert and merging else None
        self._alone = not (merging or self._check or self._represent or not plan.kept.always)

    def changes(self, values: Sequence[Any], principal: Principal) -> list[Command]:
        """The inserts, one for each run of rows that name the same columns."""
        return insertions(self._into, self._rows(values, principal)).commands

    def _rows(self, values: Sequence[Any], principal: Principal) -> list[tuple[Any, ...]]:
        rows = written(self.plan.writes, values[self.plan.rows], principal)
        if self.plan.upsert is not None:
            refuse_twice(self.plan.upsert, self.plan.writes, rows)
        return rows

    def work(self, values: Sequence[Any], principal: Principal) -> Work:
        """What is to be done."""
        check, represent = made(self._check, values, principal), made(self._represent, values, principal)
        updated = made(self._updated, values, principal)
        rows = self._rows(values, principal)
        runs = insertions(self._into, rows)
        if self._alone:
            return Work((*runs.commands, *runs.counters), lambda results: self._told(runs, results))
        look = self._taken.command(rows, values, principal) if self._taken else None

        async def work(transaction: Transaction) -> Result:
            expected = await self._look(transaction, look, principal)
            changed = await self._insert(transaction, runs, expected)
            ids = changed.new + changed.old
            demands = checks(self._check, check, changed.new) + checks(self._updated, updated, changed.old)
            answer = represented(self._represent, represent, ids, self.zone)
            result = await self.settle(transaction, demands, answer, ids)
            return changed.told(result)

        return Work(script=work)

    def _told(self, runs: Runs, results: Sequence[PGresult]) -> Result:
        """The result of an insert with nothing to verify and nothing to answer."""
        changed = Changed(self.table.primary_key)
        changed.add(results[: len(runs.commands)])
        return changed.told(Result(None, len(changed.new)))

    async def _look(self, transaction: Transaction, look: Command | None, principal: Principal) -> int:
        """How many rows will be overwritten; they stay locked. Raises RowCheckViolated when one may not be."""
        if look is None:
            return 0
        (found,) = await transaction.run(look)
        if any(found.get_value(row, 0) != b"t" for row in range(found.ntuples)):
            raise self.denied(principal, existing=True)
        return found.ntuples

    async def _insert(self, transaction: Transaction, runs: Runs, expected: int) -> Changed:
        changed = Changed(self.table.primary_key)
        if runs.commands:
            changed.add((await transaction.run(*runs.commands, *runs.counters))[: len(runs.commands)])
        if len(changed.old) > expected:
            raise Overtaken
        return changed
