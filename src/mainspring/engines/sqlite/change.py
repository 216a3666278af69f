"""Updates and deletes, compiled: change the rows picked, verify what they became, represent them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mainspring.engines.base import Request, Result
from mainspring.engines.sql.compile import Compiler
from mainspring.engines.sql.statement import Statement
from mainspring.engines.sqlite.ddl import default_of
from mainspring.engines.sqlite.dialect import SqliteDialect, json_dump, storing
from mainspring.engines.sqlite.script import Script, Work, failing, joined, kept, made, represented
from mainspring.engines.sqlite.writer import Writer
from mainspring.plan.nodes import DeletePlan, Rows, UpdatePlan
from mainspring.plan.params import DEFAULT, binders, written
from mainspring.principal import Principal


class Change(Script):
    """What changes rows that are there. In a change to a view SQLite knows no other name of it."""

    def called(self, rows: Rows) -> str:
        """How a change calls what it changes."""
        return self.dialect.table(self.table.name) if self.table.view else f"t{rows.source.alias}"

    def target(self, compiler: Compiler, rows: Rows) -> str:
        """What is changed."""
        return self.called(rows) if self.table.view else compiler.tables(rows.source)

    def picking(self, compiler: Compiler, rows: Rows) -> str:
        """The WHERE of a change: the condition itself, or (with a page) the identity of the rows on it."""
        if rows.limit is not None or rows.offset is not None:
            picked = compiler.picked(rows, self.identity.picked(f"t{rows.source.alias}"))
            return self.identity.within(self.called(rows), picked)
        if self.table.view:
            compiler.prefixes[rows.source.alias] = self.called(rows)
        return compiler.reached(rows.source, rows.where)


class Update(Change):
    """Changes to the rows picked."""

    def __init__(self, plan: UpdatePlan, dialect: SqliteDialect, writer: Writer) -> None:
        super().__init__(plan.picked.source.table, dialect, writer, plan.params)
        self.plan = plan
        self._encoders = [storing(write.type) for write in plan.writes]
        self._checked: str | None = None
        self._document: str | None = None
        self._changes: dict[tuple[bool, ...], Statement] = {}
        self._change = self._statement((False,) * len(plan.writes)) if plan.writes else None
        self._check = None if self._checked else self.unless(plan.picked.source, plan.check)
        self._represent = self.representation(plan.returning)

    def _statement(self, defaulted: tuple[bool, ...]) -> Statement:
        """The change in which the writes `defaulted` take the database's own default."""
        compiler, rows = self.compiler(), self.plan.picked
        where, target = self.picking(compiler, rows), self.target(compiler, rows)
        self._checked = self.returned_check(compiler, rows.source.alias, self.plan.check)
        self._document = self.returned_document(compiler, self.plan.returning)
        new = [
            default_of(self.table.columns[write.column]) if default else f"?{compiler.arguments.extra()}"
            for write, default in zip(self.plan.writes, defaulted, strict=True)
        ]
        sets = ", ".join(f"{self.dialect.quote(w.column)} = {value}" for w, value in zip(self.plan.writes, new, strict=True))
        returning = f"{self.identity.returned}, {self._checked or '1'}, {self._document or 'NULL'}"
        return compiler.arguments.statement(f"UPDATE {target} SET {sets} WHERE {where} RETURNING {returning}")

    async def run(self, values: Sequence[Any], principal: Principal, request: Request | None = None) -> Result:
        """Run it."""
        return await self.submit(self.work(values, principal), self.plan.kept)

    def work(self, values: Sequence[Any], principal: Principal) -> Work:
        """What the writer is to do."""
        if self._change is None:  # nothing to change, but what was said must still be readable
            for bind in binders(self.params):
                bind(values, principal)
        (row,) = written(self.plan.writes, [values[self.plan.changes]], principal)
        statement = self._changed(tuple(value is DEFAULT for value in row))
        new = [
            None if value is None else encode(value)
            for value, encode in zip(row, self._encoders, strict=True)
            if value is not DEFAULT
        ]
        change = [*made(statement, values, principal), *new]
        check, represent = made(self._check, values, principal), made(self._represent, values, principal)

        def work(connection: Any) -> Result:
            changed = connection.execute(statement.sql, change).fetchall() if statement else []
            ids = [identity for identity, _, _ in changed]
            self.found(connection, ids)
            if not all(passed for _, passed, _ in changed) or failing(connection, self._check, check, ids):
                raise self.denied(principal)
            if self._document and len(changed) == 1:
                return kept(joined([changed[0][2]]), self.plan.kept)
            result = represented(self._represent, represent, connection, ids)
            return kept(result, self.plan.kept)

        return work

    def _changed(self, defaulted: tuple[bool, ...]) -> Statement | None:
        if self._change is None or not any(defaulted):
            return self._change
        return self._changes.get(defaulted) or self._changes.setdefault(defaulted, self._statement(defaulted))


class Delete(Change):
    """Removal of the rows picked; what is answered is read before they go."""

    def __init__(self, plan: DeletePlan, dialect: SqliteDialect, writer: Writer) -> None:
        super().__init__(plan.picked.source.table, dialect, writer, plan.params)
        self.plan = plan
        self._represent = self.representation(plan.returning)
        # A row that another one's removal takes along is not in SQLite's own count, and none that a view's triggers remove.
        cascades = any((key.ondelete or "").upper() == "CASCADE" for key in self.table.foreign_keys)
        self._by_id = self._represent is not None or cascades or plan.table.view
        self._pick, self._remove = self._picks(), self._removes()

    def _picks(self) -> Statement:
        compiler, rows = self.compiler(), self.plan.picked
        return compiler.arguments.statement(compiler.picked(rows, self.identity.told(f"t{rows.source.alias}")))

    def _removes(self) -> Statement:
        compiler, rows = self.compiler(), self.plan.picked
        if self._by_id:
            where = self.identity.among(self.called(rows), compiler.arguments.extra())
        else:
            where = self.picking(compiler, rows)
        return compiler.arguments.statement(f"DELETE FROM {self.target(compiler, rows)} WHERE {where}")

    async def run(self, values: Sequence[Any], principal: Principal, request: Request | None = None) -> Result:
        """Run it."""
        return await self.submit(self.work(values, principal), self.plan.kept)

    def work(self, values: Sequence[Any], principal: Principal) -> Work:
        """What the writer is to do."""
        pick, remove = self._pick.arguments(values, principal), self._remove.arguments(values, principal)
        represent = made(self._represent, values, principal)

        def work(connection: Any) -> Result:
            if not self._by_id:
                result = Result(None, connection.execute(self._remove.sql, remove).rowcount)
            else:
                ids = [found[0] for found in connection.execute(self._pick.sql, pick).fetchall()]
                self.found(connection, ids)
                result = represented(self._represent, represent, connection, ids)
                connection.execute(self._remove.sql, [*remove, json_dump(ids)])
            return kept(result, self.plan.kept)

        return work
