"""What every write shares: a short script in one transaction that changes, verifies and represents; all of it or nothing.

Which rows were written is known by ctid, which holds still until the transaction ends: nobody else can touch those rows.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg.pq.abc import PGresult

from mainspring.catalog.model import Table
from mainspring.engines.base import Request, Result
from mainspring.engines.postgres.compile import PostgresCompiler
from mainspring.engines.postgres.dialect import PostgresDialect, array
from mainspring.engines.postgres.faults import REFUSED, RETRIED, leaf, refused
from mainspring.engines.postgres.names import literal
from mainspring.engines.postgres.pool import Pool, Share, Transaction
from mainspring.engines.postgres.session import Command, in_zone
from mainspring.engines.postgres.taken import Overtaken
from mainspring.engines.sql.statement import Arguments, Statement
from mainspring.errors import Busy, MainspringError, RowCheckViolated
from mainspring.plan.nodes import DeletePlan, InsertPlan, Rows, UpdatePlan
from mainspring.principal import ANON, Principal
from mainspring.query.expr import TRUE, Condition, Source

ATTEMPTS = 3


Steps = Callable[[Transaction], Awaitable[Result]]
"""What is done on a transaction, and ends it."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a write does: `commands` that are the whole of it, read by `told`; else a `script` on a transaction, which ends it."""

    commands: Sequence[Command] = ()
    told: Callable[[Sequence[PGresult]], Result] | None = None
    script: Steps | None = None

    async def on(self, transaction: Transaction) -> Result:
        """Do it on a transaction."""
        if self.script is not None:
            return await self.script(transaction)
        assert self.told is not None
        return self.told(await transaction.run(*self.commands))


class Script:
    """What every write shares: running in a transaction, verifying, representing."""

    def __init__(self, table: Table, dialect: PostgresDialect, pool: Pool, plan: InsertPlan | UpdatePlan | DeletePlan) -> None:
        self.table, self.dialect, self.pool = table, dialect, pool
        self.params, self.kept, self.zone = plan.params, plan.kept, plan.zone

    def compiler(self) -> PostgresCompiler:
        """A compiler for one more statement of this script."""
        return PostgresCompiler(self.dialect, Arguments(self.params))

    def demand(self, source: Source, condition: Condition) -> Statement | None:
        """Fails unless as many of the rows in the first extra argument fulfil the condition as the second says; None when
        all do."""
        if condition == TRUE:
            return None
        compiler = self.compiler()
        holds = compiler.condition(condition)
        among = self.dialect.among(self.dialect.row_id(f"t{source.alias}"), compiler.arguments.extra())
        passed = f"count(*) = ${compiler.arguments.extra()}::bigint"
        return compiler.arguments.statement(
            f"SELECT (CASE WHEN {passed} THEN '1' ELSE {literal(REFUSED)} END)::int"
            f" FROM {compiler.tables(source)} WHERE {among} AND ({holds})"
        )

    def representation(self, rows: Rows | None) -> Statement | None:
        """The body of the rows in the extra argument, as far as the caller may see them."""
        if rows is None:
            return None
        compiler = self.compiler()
        head, tail = compiler.body(rows, "\x00").split("\x00")
        among = self.dialect.among(self.dialect.row_id(f"t{rows.source.alias}"), compiler.arguments.extra())
        return compiler.arguments.statement(f"SELECT {compiler.whole(rows)}, count(*) {head}{among}{tail}")

    def denied(self, principal: Principal, *, existing: bool = False) -> RowCheckViolated:
        """A row that a policy refuses."""
        return RowCheckViolated(self.table.name.name, existing, principal.role == ANON)

    async def settle(
        self,
        transaction: Transaction,
        demands: Sequence[Command],
        answer: Sequence[Command],
        ids: Sequence[bytes],
        *then: Command,
    ) -> Result:
        """Verify, represent and end; a write may be kept only for as many rows as the plan says, or not at all."""
        if not self.kept.judged:
            rows = await transaction.finish(demands, *answer, *then, undone=self.kept.undone)
            return answered(rows[: len(answer)], ids)
        result = answered(await transaction.verify(demands, *answer), ids)
        self.kept.judge(result.count)
        await transaction.finish((), *then, undone=self.kept.undone)
        return result

    def changes(self, values: Sequence[Any], principal: Principal) -> list[Command]:
        """The statements that change rows, whatever is verified besides, of a write whose rows are not answered."""
        raise NotImplementedError

    def work(self, values: Sequence[Any], principal: Principal) -> Work:
        """What is to be done. Raises what the values are refused with."""
        raise NotImplementedError

    async def run(self, values: Sequence[Any], principal: Principal, request: Request | None = None) -> Result:
        """Run it, again when it lost a race. Raises typed errors."""
        return await self.carry_out(self.work(values, principal), principal)

    async def carry_out(self, work: Work, principal: Principal) -> Result:
        """Do some work of this script's, again when it lost a race. Raises typed errors."""
        for _ in range(ATTEMPTS):
            try:
                if work.told is not None:  # one round trip
                    return work.told(await self.pool.run(*work.commands) if work.commands else ())
                async with Transaction(self.pool) as transaction:
                    return await work.on(transaction)
            except Overtaken:
                continue
            except psycopg.Error as error:
                if error.sqlstate not in RETRIED:
                    raise self.fault(error, principal) from error
        raise Busy("The database")

    def fault(self, error: psycopg.Error, principal: Principal) -> MainspringError:
        """The typed error for a driver's."""
        return self.denied(principal) if refused(error) else leaf(error, self.table, self.pool.timeout)


async def together(pool: Pool, scripts: Sequence[tuple[Script, Work]], principal: Principal) -> list[Result]:
    """Run the work of several scripts in one transaction, again when it lost a race. Raises typed errors."""
    for _ in range(ATTEMPTS):
        current = scripts[0][0]
        try:
            async with Transaction(pool) as transaction:
                results: list[Result] = []
                for current, work in scripts:  # noqa: B007 - whose turn it was is asked below
                    results.append(await work.on(Share(transaction)))
                await transaction.finish(())
                return results
        except Overtaken:
            continue
        except psycopg.Error as error:
            if error.sqlstate not in RETRIED:
                raise current.fault(error, principal) from error
    raise Busy("The database")


def made(statement: Statement | None, values: Sequence[Any], principal: Principal) -> list[Any]:
    """The arguments of a statement, where there is one."""
    return [] if statement is None else statement.arguments(values, principal)


def checks(statement: Statement | None, arguments: list[Any], ids: Sequence[bytes]) -> list[Command]:
    """The verification of rows, where there is something to verify."""
    if statement is None or not ids:
        return []
    return [Command(statement.sql, [*arguments, array(ids), str(len(ids)).encode()])]


def represented(statement: Statement | None, arguments: list[Any], ids: Sequence[bytes], zone: str | None) -> list[Command]:
    """The question for the rows' body, its moments shown in `zone`, where one is asked for."""
    return [] if statement is None else [*in_zone(zone), Command(statement.sql, [*arguments, array(ids)])]


def answered(rows: Sequence[PGresult], ids: Sequence[bytes]) -> Result:
    """The result of a write whose rows are `ids`."""
    if not rows:
        return Result(None, len(ids))
    return Result(rows[-1].get_value(0, 0), int(rows[-1].get_value(0, 1) or 0))
