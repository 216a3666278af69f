"""Inserts and upserts, compiled: one statement per row (kept by the columns it names), then what is left to verify."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mainspring.engines.base import Request, Result
from mainspring.engines.sqlite.dialect import SqliteDialect, storing
from mainspring.engines.sqlite.identity import Number
from mainspring.engines.sqlite.references import References
from mainspring.engines.sqlite.script import Script, Work, failing, joined, kept, made, represented
from mainspring.engines.sqlite.taken import Taken
from mainspring.engines.sqlite.views import Fresh
from mainspring.engines.sqlite.writer import Writer
from mainspring.errors import ForeignKeyViolated, NotSupported
from mainspring.plan.nodes import InsertPlan
from mainspring.plan.params import DEFAULT, refuse_twice, written
from mainspring.principal import Principal
from mainspring.query.ast import Resolution

_Encoded = tuple[str, list[Any], dict[str, Any]]


@dataclass(slots=True)
class _Done:
    """The identities of the rows written (all, the new ones, those overwritten), their primary keys and documents."""

    ids: list[Any] = field(default_factory=list)
    new: list[Any] = field(default_factory=list)
    overwritten: list[Any] = field(default_factory=list)
    keys: list[Mapping[str, Any]] = field(default_factory=list)
    documents: list[bytes] = field(default_factory=list)


class Insert(Script):
    """Rows in; with an upsert clause, rows of the same key changed or left alone."""

    def __init__(self, plan: InsertPlan, dialect: SqliteDialect, writer: Writer) -> None:
        super().__init__(plan.target.table, dialect, writer, plan.params)
        self.plan = plan
        self._encoders = [storing(write.type) for write in plan.writes]
        self._shapes: dict[tuple[int, ...], str] = {}
        compiler = self.compiler()
        self._checked = self.returned_check(compiler, plan.target.alias, plan.check)
        self._document = self.returned_document(compiler, plan.returning)
        self._inline = compiler.arguments.statement("")
        self._check = None if self._checked else self.unless(plan.target, plan.check)
        self._represent = self.representation(plan.returning)
        self._taken = Taken(self, plan.target, plan.upsert) if plan.upsert else None
        self._fresh = Fresh(self.table) if self.table.view else None
        among_themselves = plan.upsert is None and References.needed(self.table)
        self._references = References(self.table, dialect) if among_themselves else None

    async def run(self, values: Sequence[Any], principal: Principal, request: Request | None = None) -> Result:
        """Run it."""
        upsert = self.plan.upsert
        try:
            return await self.submit(self.work(values, principal), self.plan.kept)
        except ForeignKeyViolated as error:
            if upsert is not None and len(values[self.plan.rows]) > 1 and References.needed(self.table):
                raise _undecided() from error
            raise

    def work(self, values: Sequence[Any], principal: Principal) -> Work:
        """What the writer is to do."""
        plan = self.plan
        inline = self._inline.arguments(values, principal)
        check, represent = made(self._check, values, principal), made(self._represent, values, principal)
        taken = self._taken.arguments(values, principal) if self._taken else ([], [])
        rows = written(plan.writes, values[plan.rows], principal)
        if plan.upsert is not None:
            refuse_twice(plan.upsert, plan.writes, rows)
        encoded = [self._encode(row, inline) for row in rows]

        def work(connection: Any) -> Result:
            if self._references is None or len(encoded) < 2:
                done = self._insert(connection, encoded, taken[0], principal)
            else:
                done = self._insert_deferred(self._references, connection, encoded, principal)
            self.found(connection, done.ids)
            if failing(connection, self._check, check, done.new):
                raise self.denied(principal)
            if self._taken is not None and self._taken.spoilt(connection, taken[1], done.overwritten):
                raise self.denied(principal)
            if self._document and len(done.ids) == 1:  # several have an order to be put in
                result = joined(done.documents)
            else:
                result = represented(self._represent, represent, connection, done.ids)
            result.inserted, result.keys = len(done.new), done.keys
            return kept(result, plan.kept)

        return work

    def _insert_deferred(self, references: References, connection: Any, encoded: list[_Encoded], principal: Principal) -> _Done:
        references.defer(connection, True)
        try:
            done = self._insert(connection, encoded, [], principal)
            references.verify(connection, done.ids)
        finally:
            references.defer(connection, False)
        return done

    def _insert(
        self,
        connection: Any,
        encoded: list[_Encoded],
        look: list[Any],
        principal: Principal,
    ) -> _Done:
        done, primary_key = _Done(), self.table.primary_key
        for sql, arguments, key in encoded:
            overwrites = self._taken is not None and self._taken.look(connection, look, key, principal)
            if self._fresh is not None:
                self._fresh.look(connection, key)
            row = connection.execute(sql, arguments).fetchone()
            if row is None:
                continue
            identity, passed, document, *values = row
            if not (passed or overwrites):
                raise self.denied(principal)
            done.ids.append(identity)
            (done.overwritten if overwrites else done.new).append(identity)
            done.documents.append(document)
            done.keys.append(dict(zip(primary_key, values, strict=True)))
        return done

    def _encode(self, row: tuple[Any, ...], inline: list[Any]) -> _Encoded:
        """The statement for a row (kept by which columns it names), its arguments, and the row's conflict key."""
        present = tuple(index for index, value in enumerate(row) if value is not DEFAULT)
        sql = self._shapes.get(present) or self._shapes.setdefault(present, self._sql(present))
        stored = [None if row[index] is None else self._encoders[index](row[index]) for index in present]
        key: dict[str, Any] = {}
        if self._taken is not None or self._fresh is not None:
            key = {self.plan.writes[index].column: value for index, value in zip(present, stored, strict=True)}
        return sql, [*inline, *stored], key

    def _sql(self, present: tuple[int, ...]) -> str:
        quote, first = self.dialect.quote, len(self._inline.makers) + 1
        names = ", ".join(quote(self.plan.writes[index].column) for index in present)
        marks = ", ".join(f"?{first + place}" for place in range(len(present)))
        # DEFAULT VALUES takes no ON CONFLICT; a null number is one that SQLite chooses
        nothing = "DEFAULT VALUES" if self.plan.upsert is None else f"({self._anything}) VALUES (NULL)"
        into = f"({names}) VALUES ({marks})" if present else nothing
        keys = "".join(f", {quote(name)}" for name in self.table.primary_key)
        returning = f"{self.identity.returned}, {self._checked or '1'}, {self._document or 'NULL'}{keys}"
        return f"INSERT INTO {self.dialect.table(self.table.name)} {into}{self._on_conflict()} RETURNING {returning}"

    @property
    def _anything(self) -> str:
        """What can be named in an insert of nothing: a key that is missing is refused in the same way."""
        return self.identity.returned if isinstance(self.identity, Number) else self.dialect.quote(self.table.primary_key[0])

    def _on_conflict(self) -> str:
        upsert = self.plan.upsert
        if upsert is None:
            return ""
        quote = self.dialect.quote
        key = ", ".join(map(quote, upsert.key))
        if upsert.resolution is Resolution.IGNORE:
            return f" ON CONFLICT ({key}) DO NOTHING"
        changed = ", ".join(f"{quote(name)} = excluded.{quote(name)}" for name in upsert.overwritten or upsert.key)
        return f" ON CONFLICT ({key}) DO UPDATE SET {changed}"


def _undecided() -> NotSupported:
    """SQLite checks the foreign keys of an upsert row by row: one that a later row would satisfy looks violated."""
    return NotSupported(
        "an upsert of several rows of which one refers to a row that is not there yet",
        by="SQLite",
        instead="Send the rows one by one, those referred to first.",
    )
