"""SQLite's spelling of names. It has no schemas: every schema but public becomes a prefix."""

from __future__ import annotations

from mainspring.query.ast import TableName

DEFAULT_SCHEMA = "public"


def quote(identifier: str) -> str:
    """An identifier, quoted."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def physical(name: TableName) -> str:
    """The table's name in the file."""
    return name.name if name.schema == DEFAULT_SCHEMA else f"{name.schema}_{name.name}"


def table(name: TableName) -> str:
    """The table's name, quoted."""
    return quote(physical(name))
