"""What every write shares: verifying and representing the rows written, and running on the writer thread.

Which rows were written is known by `identity`, so that verification and representation look at exactly those. Where neither needs
another table, the writing statement does both itself in its RETURNING.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from mainspring.catalog.model import Table
from mainspring.engines.base import Result
from mainspring.engines.sql.compile import Compiler, is_local
from mainspring.engines.sql.statement import Arguments, Statement
from mainspring.engines.sqlite.compile import SqliteCompiler
from mainspring.engines.sqlite.dialect import SqliteDialect, json_dump
from mainspring.engines.sqlite.faults import leaf
from mainspring.engines.sqlite.identity import known
from mainspring.engines.sqlite.writer import Writer
from mainspring.errors import MainspringError, NotSupported, RowCheckViolated
from mainspring.plan.nodes import Kept, OutColumn, ParamSpec, Rows
from mainspring.principal import ANON, Principal
from mainspring.query.expr import TRUE, Condition, Source

_WRITTEN = '"mainspring: written"'


Work = Callable[[Any], Result]
"""A write on the writer's connection, inside a transaction."""


class Script:
    """A write on one table: one or more statements on the writer's connection, all of them or nothing."""

    def __init__(self, table: Table, dialect: SqliteDialect, writer: Writer, params: Sequence[ParamSpec]) -> None:
        self.table, self.dialect, self.writer, self.params = table, dialect, writer, params
        self.identity = known(table)

    def compiler(self) -> Compiler:
        """A compiler for one more statement of this script."""
        return SqliteCompiler(self.dialect, Arguments(self.params))

    def work(self, values: Sequence[Any], principal: Principal) -> Work:
        """What the writer is to do."""
        raise NotImplementedError

    async def submit(self, work: Work, how: Kept) -> Result:
        """Run `work` on the writer; its errors become typed ones."""
        try:
            result: Result = await self.writer.write(undone(work) if how.undone else work)
        except MainspringError:
            raise
        except Exception as error:
            raise leaf(error, self.table) from error
        return result

    def denied(self, principal: Principal, *, existing: bool = False) -> RowCheckViolated:
        """A row that a policy refuses."""
        return RowCheckViolated(self.table.name.name, existing, principal.role == ANON)

    # ------------------------------------------------------------ in the writing statement itself

    def returned_check(self, compiler: Compiler, alias: int, condition: Condition) -> str | None:
        """A RETURNING column that says whether the row satisfies `condition`; None when other tables (or triggers) decide too."""
        if not is_local(condition) or self.table.view:
            return None
        compiler.prefixes[alias] = self._table
        return f"({compiler.condition(condition)}) IS TRUE"

    def returned_document(self, compiler: Compiler, rows: Rows | None) -> str | None:
        """A RETURNING column with the row's document; None when it holds others' rows, is but a part, or triggers decide."""
        plain = not self.table.view and rows is not None and rows.where == TRUE and rows.limit is None and rows.offset is None
        if rows is None or not plain or not all(isinstance(output, OutColumn) for output in rows.outputs):
            return None
        compiler.prefixes[rows.source.alias] = self._table
        return f"CAST({compiler.document(rows.outputs)} AS BLOB)"

    # ------------------------------------------------------------ afterwards, by identity

    def found(self, connection: Any, ids: Sequence[Any]) -> None:
        """Raises NotSupported where a row that was written is not there under its key: nothing could be verified of it."""
        if self.identity.surely_found or not ids:
            return
        there = (
            f"SELECT count(*) FROM json_each(?1) AS ids CROSS JOIN {self._table} AS w ON {self.identity.is_('w', 'ids.value')}"
        )
        if connection.execute(there, [json_dump(ids)]).fetchone()[0] != len(ids):
            raise NotSupported(
                f'writing rows to "{self.table.name.name}" that are not found there again by their key',
                by="SQLite",
                instead=f"Give the key ({', '.join(self.table.primary_key)}), which what is written must keep.",
            )

    @property
    def _table(self) -> str:
        return self.dialect.table(self.table.name)

    def unless(self, source: Source, condition: Condition) -> Statement | None:
        """`SELECT` a row when one of the rows in the extra argument fails the condition; None when none can."""
        if condition == TRUE:
            return None
        compiler = self.compiler()
        holds = compiler.condition(condition)
        compiler.stand_ins[source.alias] = _WRITTEN
        failing = f"SELECT 1 FROM {compiler.tables(source)} WHERE ({holds}) IS NOT TRUE LIMIT 1"
        return compiler.arguments.statement(self._among_written(compiler) + failing)

    def representation(self, rows: Rows | None) -> Statement | None:
        """The body of the rows in the extra argument, as far as the caller may see them."""
        if rows is None:
            return None
        compiler = self.compiler()
        compiler.stand_ins[rows.source.alias] = _WRITTEN
        body = f"CAST({self.dialect.json_array(compiler.document(rows.outputs))} AS BLOB), count(*)"
        listing = compiler.listed(rows, body)
        return compiler.arguments.statement(self._among_written(compiler) + listing)

    def _among_written(self, compiler: Compiler) -> str:
        """The rows written, in their order, found by identity: an index on what a policy compares could be far slower."""
        ids, same = f"json_each(?{compiler.arguments.extra()})", self.identity.is_("w", "ids.value")
        rows = f"SELECT w.* FROM {ids} AS ids CROSS JOIN {self._table} AS w ON {same} ORDER BY ids.key"
        return f"WITH {_WRITTEN} AS MATERIALIZED ({rows}) "


def made(statement: Statement | None, values: Sequence[Any], principal: Principal) -> list[Any]:
    """A statement's arguments (none without a statement)."""
    return [] if statement is None else statement.arguments(values, principal)


def failing(connection: Any, check: Statement | None, arguments: list[Any], ids: list[Any]) -> bool:
    """Whether one of the rows fails a check (made by `unless`)."""
    if check is None or not ids:
        return False
    return connection.execute(check.sql, [*arguments, json_dump(ids)]).fetchone() is not None


def represented(statement: Statement | None, arguments: list[Any], connection: Any, ids: list[Any]) -> Result:
    """The result of a write whose rows are `ids`."""
    if statement is None:
        return Result(None, len(ids))
    body, count = connection.execute(statement.sql, [*arguments, json_dump(ids)]).fetchone()
    return Result(body, count)


def joined(documents: list[bytes]) -> Result:
    """The result of a write whose statement returned the documents itself."""
    return Result(b"[" + b",".join(documents) + b"]", len(documents))


async def together(writer: Writer, scripts: Sequence[tuple[Script, Work]]) -> list[Result]:
    """Run the work of several scripts in their order, all or nothing. Raises what the first that is refused raises."""

    def run(connection: Any) -> list[Result]:
        results: list[Result] = []
        for script, work in scripts:
            try:
                results.append(work(connection))
            except MainspringError:
                raise
            except Exception as error:
                raise leaf(error, script.table) from error
        return results

    results: list[Result] = await writer.write(run)
    return results


def undone(work: Work) -> Work:
    """`work`, of which nothing stays; the other writes of its transaction do."""

    def run(connection: Any) -> Result:
        connection.execute("SAVEPOINT undone")
        result = work(connection)
        connection.execute("ROLLBACK TO undone")
        connection.execute("RELEASE undone")
        return result

    return run


def kept(result: Result, how: Kept) -> Result:
    """The result itself. Raises NotSingular or TooManyAffected where the write is not to be kept."""
    how.judge(result.count)
    return result
