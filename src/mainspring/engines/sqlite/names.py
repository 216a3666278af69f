"""SQLite's spelling of names. It has no schemas: every schema but public becomes a prefix."""

from __future__ import annotations

from mainspring.query.ast import TableName

DEFAULT_SCHEMA = "public"
INDEX_METHODS = False


def quote(identifier: str) -> str:
    """An identifier, quoted."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def _prefix(schema: str) -> str:
    return "" if schema == DEFAULT_SCHEMA else f"{schema}_"


def physical(name: TableName) -> str:
    """The table's name in the file."""
    return _prefix(name.schema) + name.name


def index(name: TableName, own: str) -> str:
    """The name of one of a table's indexes, quoted."""
    return quote(_prefix(name.schema) + own)


def own_index(name: TableName, physical: str) -> str:
    """The model's name of one of a table's indexes in the file."""
    return physical.removeprefix(_prefix(name.schema))


def table(name: TableName) -> str:
    """The table's name, quoted."""
    return quote(physical(name))
