"""INSERT statements of a plan: one for each run of rows that name the same columns, however many rows that is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

import msgspec
from psycopg.pq.abc import PGresult

from mainspring.datatypes import Kind
from mainspring.engines.base import Result
from mainspring.engines.postgres.ddl import column_type
from mainspring.engines.postgres.dialect import PostgresDialect, argument_type, array, encoder
from mainspring.engines.postgres.names import literal
from mainspring.engines.postgres.session import Command
from mainspring.plan.nodes import InsertPlan, Upsert, Write
from mainspring.plan.params import DEFAULT
from mainspring.query.ast import Resolution

Shape = tuple[int, ...]
"""Which of the plan's writes a row names; the others take the database's default."""

_decode = msgspec.json.Decoder().decode


@dataclass(slots=True)
class Runs:
    """The statements that write rows, and those that move counters past keys that rows came with."""

    commands: list[Command]
    counters: list[Command]


@dataclass(slots=True)
class Changed:
    """What insert statements did: the ctids of new and of overwritten rows, the primary keys of all."""

    primary_key: tuple[str, ...]
    new: list[bytes] = field(default_factory=list)
    old: list[bytes] = field(default_factory=list)
    keys: list[Mapping[str, Any]] = field(default_factory=list)

    def add(self, results: Sequence[PGresult]) -> None:
        """Take the rows that statements of `Into` returned."""
        for result in results:
            for row in range(result.ntuples):
                inserted = result.get_value(row, 1) == b"t"
                (self.new if inserted else self.old).append(result.get_value(row, 0) or b"")
                key = _decode(result.get_value(row, 2) or b"[]")
                self.keys.append(dict(zip(self.primary_key, key, strict=True)))

    def told(self, result: Result) -> Result:
        """The result of the write, with what is known here."""
        result.inserted, result.keys = len(self.new), self.keys
        return result


class Into:
    """The INSERT statements of a plan, one per shape, made when first needed."""

    def __init__(self, plan: InsertPlan, dialect: PostgresDialect) -> None:
        self.writes = plan.writes
        self.encoders = [encoder(write.type) for write in plan.writes]
        self._table, self._dialect = plan.target.table, dialect
        self._conflict = _on_conflict(plan.upsert, dialect) if plan.upsert else ""
        self._made: dict[tuple[Shape, bool], str] = {}
        columns = self._table.columns
        self.counting = [position for position, write in enumerate(plan.writes) if columns[write.column].autoincrement]

    def sql(self, shape: Shape, several: bool) -> str:
        """The statement for rows of a shape: RETURNING ctid, whether it is new, and its primary key as a JSON array."""
        key = (shape, several)
        return self._made.get(key) or self._made.setdefault(key, self._statement(shape, several))

    def _statement(self, shape: Shape, several: bool) -> str:
        quote, writes = self._dialect.quote, [self.writes[position] for position in shape]
        into = f" ({', '.join(quote(write.column) for write in writes)})" if writes else ""
        source = (_unnested if several else _single)(writes) if writes else "DEFAULT VALUES"
        keys = ", ".join(map(quote, self._table.primary_key))
        return (
            f"INSERT INTO {self._dialect.table(self._table.name)} AS t{into} {source}{self._conflict}"
            f" RETURNING {self._dialect.returned('t')}, json_build_array({keys})"
        )

    def counter(self, position: int, largest: int) -> Command:
        """Moves the counter of a column past a value that a row came with."""
        table, column = literal(self._dialect.table(self._table.name)), literal(self.writes[position].column)
        sequence = f"pg_get_serial_sequence({table}, {column})::regclass"
        return Command(
            f"SELECT setval({sequence}, $1::bigint) WHERE coalesce(pg_sequence_last_value({sequence}), 0) < $1::bigint",
            [str(largest).encode()],
        )


def _single(writes: Sequence[Write]) -> str:
    marks = (f"${number}::{argument_type(write.type)}" for number, write in enumerate(writes, 1))
    return f"VALUES ({', '.join(marks)})"


def _unnested(writes: Sequence[Write]) -> str:
    """All rows from one array per column. Some travel as their text: arrays, since unnest would open them too, and what only the
    database knows, since arrays of it may be written in another way.
    """
    nested = [write.type.kind in (Kind.ARRAY, Kind.NATIVE) for write in writes]
    marks = (
        f"${number}::{'text' if inner else argument_type(write.type)}[]"
        for number, (write, inner) in enumerate(zip(writes, nested, strict=True), 1)
    )
    columns = [f"c{number}" for number in range(len(writes))]
    taken = (
        f"{column}::{column_type(write.type)}" if inner else column
        for column, write, inner in zip(columns, writes, nested, strict=True)
    )
    return f"SELECT {', '.join(taken)} FROM unnest({', '.join(marks)}) AS v({', '.join(columns)})"


def _on_conflict(upsert: Upsert, dialect: PostgresDialect) -> str:
    key = ", ".join(map(dialect.quote, upsert.key))
    if upsert.resolution is Resolution.IGNORE:
        return f" ON CONFLICT ({key}) DO NOTHING"
    names = map(dialect.quote, upsert.overwritten or upsert.key)
    return f" ON CONFLICT ({key}) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in names)}"


def insertions(into: Into, rows: Sequence[tuple[Any, ...]]) -> Runs:
    """The statements that write `rows`, in their order."""
    commands: list[Command] = []
    for shape, same in groupby(rows, _shape):
        run = [[_encoded(into, position, row[position]) for position in shape] for row in same]
        if len(run) == 1 or not shape:
            commands += [Command(into.sql(shape, several=False), row) for row in run]
        else:
            columns = map(array, zip(*run, strict=True))
            commands.append(Command(into.sql(shape, several=True), list(columns)))
    return Runs(commands, _counters(into, rows))


def _shape(row: tuple[Any, ...]) -> Shape:
    return tuple(position for position, value in enumerate(row) if value is not DEFAULT)


def _encoded(into: Into, position: int, value: Any) -> Any:
    return None if value is None else into.encoders[position](value)


def _counters(into: Into, rows: Sequence[tuple[Any, ...]]) -> list[Command]:
    found: list[Command] = []
    for position in into.counting:
        values = [row[position] for row in rows if isinstance(row[position], int)]
        if values:
            found.append(into.counter(position, max(values)))
    return found
