"""Updates and deletes, compiled: changes to the rows picked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from psycopg.pq.abc import PGresult

from mainspring.engines.base import Result
from mainspring.engines.postgres.compile import PostgresCompiler
from mainspring.engines.postgres.dialect import PostgresDialect, array, encoder
from mainspring.engines.postgres.pool import Pool, Transaction
from mainspring.engines.postgres.script import Script, Steps, Work, checks, made, represented
from mainspring.engines.postgres.session import Command
from mainspring.engines.sql.statement import Statement
from mainspring.plan.nodes import DeletePlan, Rows, UpdatePlan
from mainspring.plan.params import DEFAULT, written
from mainspring.principal import Principal


class Update(Script):
    """Changes to the rows picked."""

    def __init__(self, plan: UpdatePlan, dialect: PostgresDialect, pool: Pool) -> None:
        super().__init__(plan.picked.source.table, dialect, pool, plan)
        self.plan = plan
        self._encoders = [encoder(write.type) for write in plan.writes]
        self._represent = self.representation(plan.returning)
        self._check = self.demand(plan.picked.source, plan.check)
        self._alone = self._check is None and self._represent is None and plan.kept.always
        self._change = self._statement((False,) * len(plan.writes))
        self._changes: dict[tuple[bool, ...], Statement] = {}

    def _statement(self, defaulted: tuple[bool, ...]) -> Statement:
        """The change in which the writes `defaulted` take the database's own default."""
        compiler, rows = self.compiler(), self.plan.picked
        where = _picking(compiler, rows, self.dialect)
        marks = [
            "DEFAULT" if default else self.dialect.placeholder(compiler.arguments.extra(), write.type)
            for write, default in zip(self.plan.writes, defaulted, strict=True)
        ]
        sets = ", ".join(
            f"{self.dialect.quote(write.column)} = {mark}" for write, mark in zip(self.plan.writes, marks, strict=True)
        )
        returning = self.dialect.row_id(f"t{rows.source.alias}")
        return compiler.arguments.statement(
            f"UPDATE {compiler.tables(rows.source)} SET {sets} WHERE {where} RETURNING {returning}"
        )

    def changes(self, values: Sequence[Any], principal: Principal) -> list[Command]:
        """The update; nothing where no column is written, though values must fit all the same."""
        (row,) = written(self.plan.writes, [values[self.plan.changes]], principal)
        arguments = self._change.arguments(values, principal)
        if not row:
            return []
        new = [
            None if value is None else encode(value)
            for value, encode in zip(row, self._encoders, strict=True)
            if value is not DEFAULT
        ]
        statement = self._changed(tuple(value is DEFAULT for value in row))
        return [Command(statement.sql, [*arguments, *new])]

    def work(self, values: Sequence[Any], principal: Principal) -> Work:
        """What is to be done."""
        change = self.changes(values, principal)
        if self._alone:
            return Work(change, lambda results: Result(None, _touched(results)))
        check, represent = made(self._check, values, principal), made(self._represent, values, principal)

        async def work(transaction: Transaction) -> Result:
            ids = _ids(await transaction.run(*change)) if change else []
            answer = represented(self._represent, represent, ids, self.zone)
            return await self.settle(transaction, checks(self._check, check, ids), answer, ids)

        return Work(script=work)

    def _changed(self, defaulted: tuple[bool, ...]) -> Statement:
        if not any(defaulted):
            return self._change
        return self._changes.get(defaulted) or self._changes.setdefault(defaulted, self._statement(defaulted))


class Delete(Script):
    """Removal of the rows picked; where they are answered they are read before they go, while they are locked."""

    def __init__(self, plan: DeletePlan, dialect: PostgresDialect, pool: Pool) -> None:
        super().__init__(plan.picked.source.table, dialect, pool, plan)
        self.plan = plan
        self._represent = self.representation(plan.returning)
        self._alone = self._represent is None and plan.kept.always
        self._pick = self._picked()
        self._remove = self._removal(at_once=self._represent is None)

    def _picked(self) -> Statement:
        compiler, alias = self.compiler(), f"t{self.plan.picked.source.alias}"
        pick = compiler.picked(self.plan.picked, self.dialect.row_id(alias))
        return compiler.arguments.statement(f"{pick} FOR UPDATE OF {alias}")

    def _removal(self, *, at_once: bool) -> Statement:
        compiler, rows = self.compiler(), self.plan.picked
        row_id = self.dialect.row_id(f"t{rows.source.alias}")
        where = _picking(compiler, rows, self.dialect) if at_once else self.dialect.among(row_id, compiler.arguments.extra())
        returning = f" RETURNING {row_id}" if at_once and not self._alone else ""
        return compiler.arguments.statement(f"DELETE FROM {compiler.tables(rows.source)} WHERE {where}{returning}")

    def changes(self, values: Sequence[Any], principal: Principal) -> list[Command]:
        """The removal of the rows picked, in one statement."""
        return [Command(self._remove.sql, self._remove.arguments(values, principal))]

    def work(self, values: Sequence[Any], principal: Principal) -> Work:
        """What is to be done."""
        if self._alone:
            return Work(self.changes(values, principal), lambda results: Result(None, _touched(results)))
        return Work(script=self._removed(values, principal) if self._represent is None else self._told(values, principal))

    def _removed(self, values: Sequence[Any], principal: Principal) -> Steps:
        """Remove the rows, keep that or not by how many there were."""
        change = self.changes(values, principal)

        async def work(transaction: Transaction) -> Result:
            return await self.settle(transaction, (), (), _ids(await transaction.run(*change)))

        return work

    def _told(self, values: Sequence[Any], principal: Principal) -> Steps:
        """Pick and lock the rows, read and remove them."""
        pick = Command(self._pick.sql, self._pick.arguments(values, principal))
        represent = made(self._represent, values, principal)

        async def work(transaction: Transaction) -> Result:
            ids = _ids(await transaction.run(pick))
            answer = represented(self._represent, represent, ids, self.zone)
            return await self.settle(transaction, (), answer, ids, Command(self._remove.sql, [array(ids)]))

        return work


def _touched(results: Sequence[PGresult]) -> int:
    return sum(result.command_tuples or 0 for result in results)


def _ids(results: Sequence[PGresult]) -> list[bytes]:
    (found,) = results
    return [found.get_value(row, 0) or b"" for row in range(found.ntuples)]


def _picking(compiler: PostgresCompiler, rows: Rows, dialect: PostgresDialect) -> str:
    """The WHERE of a change: the condition itself, or (with a page) the identity of the rows on it."""
    if rows.limit is None and rows.offset is None:
        return compiler.reached(rows.source, rows.where)
    row_id = dialect.row_id(f"t{rows.source.alias}")
    return f"{row_id} IN ({compiler.picked(rows, row_id)})"
