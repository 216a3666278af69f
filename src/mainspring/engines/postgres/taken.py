"""The rows that an upsert would overwrite: found and locked before it, so that none can slip by unexamined."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mainspring.engines.postgres.compile import PostgresCompiler
from mainspring.engines.postgres.dialect import argument_type, array, encoder
from mainspring.engines.postgres.session import Command
from mainspring.engines.sql.statement import Statement
from mainspring.plan.nodes import Upsert, Write
from mainspring.plan.params import DEFAULT
from mainspring.principal import Principal
from mainspring.query.expr import Source


class Overtaken(Exception):
    """A row was overwritten that nobody had looked at: it came in between. The transaction must be undone."""


class Taken:
    """The look before a merging upsert: which keys are taken, and whether the caller may overwrite what takes them."""

    def __init__(self, target: Source, upsert: Upsert, writes: Sequence[Write], compiler: PostgresCompiler) -> None:
        places = {write.column: position for position, write in enumerate(writes)}
        self._places = [places.get(name) for name in upsert.key]
        self._encoders = [encoder(target.table.columns[name].type) for name in upsert.key]
        self._look = _statement(target, upsert, compiler)

    def command(self, rows: Sequence[tuple[Any, ...]], values: Sequence[Any], principal: Principal) -> Command | None:
        """The look for these rows; None when none of them names a whole key."""
        keys = [key for row in rows if (key := self._key(row)) is not None]
        if not keys:
            return None
        return Command(self._look.sql, [*self._look.arguments(values, principal), *map(array, zip(*keys, strict=True))])

    def _key(self, row: tuple[Any, ...]) -> tuple[bytes, ...] | None:
        values = [DEFAULT if place is None else row[place] for place in self._places]
        if any(value is None or value is DEFAULT for value in values):
            return None
        return tuple(encode(value) for encode, value in zip(self._encoders, values, strict=True))


def _statement(target: Source, upsert: Upsert, compiler: PostgresCompiler) -> Statement:
    holds = compiler.condition(upsert.existing)
    types = [argument_type(target.table.columns[name].type) for name in upsert.key]
    marks = ", ".join(f"${compiler.arguments.extra()}::{type_}[]" for type_ in types)
    alias, columns = f"t{target.alias}", [f"k{number}" for number in range(len(types))]
    matches = " AND ".join(
        f"{alias}.{compiler.dialect.quote(name)} = k.{column}" for name, column in zip(upsert.key, columns, strict=True)
    )
    return compiler.arguments.statement(
        f"SELECT ({holds}) IS TRUE FROM {compiler.tables(target)}, unnest({marks}) AS k({', '.join(columns)})"
        f" WHERE {matches} FOR UPDATE OF {alias}"
    )
