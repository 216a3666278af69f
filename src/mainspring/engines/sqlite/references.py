"""Rows of one insert may refer to each other in any order, as in PostgreSQL: SQLite would check them one by one.

Their foreign keys are deferred, and checked for exactly these rows once all of them are there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mainspring.catalog.model import ForeignKey, Table
from mainspring.engines.sqlite.dialect import SqliteDialect, json_dump
from mainspring.engines.sqlite.identity import known
from mainspring.errors import ForeignKeyViolated


class References:
    """The foreign keys of a table, one of which leads to itself."""

    def __init__(self, table: Table, dialect: SqliteDialect) -> None:
        self._table = table
        self._checks = [(_dangling(table, key, dialect), key) for key in table.foreign_keys]

    @staticmethod
    def needed(table: Table) -> bool:
        """Whether rows of the table can refer to each other."""
        return any(key.target == table.name for key in table.foreign_keys)

    def defer(self, connection: Any, deferred: bool) -> None:
        """Let foreign keys wait, or no longer."""
        connection.execute(f"PRAGMA defer_foreign_keys = {'ON' if deferred else 'OFF'}")

    def verify(self, connection: Any, ids: Sequence[Any]) -> None:
        """Raises ForeignKeyViolated when one of the rows refers to nothing."""
        for sql, key in self._checks:
            if connection.execute(sql, [json_dump(ids)]).fetchone() is not None:
                raise ForeignKeyViolated(self._table.name.name, key.name, key.columns)


def _dangling(table: Table, key: ForeignKey, dialect: SqliteDialect) -> str:
    """`SELECT` a row of those in the argument that refers to nothing by `key`."""
    quote = dialect.quote
    given = " AND ".join(f"w.{quote(name)} IS NOT NULL" for name in key.columns)
    pairs = zip(key.columns, key.target_columns, strict=True)
    found = " AND ".join(f"p.{quote(target)} = w.{quote(name)}" for name, target in pairs)
    return (
        f"SELECT 1 FROM json_each(?1) AS ids CROSS JOIN {dialect.table(table.name)} AS w ON {known(table).is_('w', 'ids.value')}"
        f" WHERE {given} AND NOT EXISTS (SELECT 1 FROM {dialect.table(key.target)} AS p WHERE {found}) LIMIT 1"
    )
