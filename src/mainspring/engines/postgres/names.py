"""PostgreSQL's spelling of names."""

from __future__ import annotations

from mainspring.query.ast import TableName
from mainspring.query.search import CONFIGS

DEFAULT_SCHEMA = "public"
INDEX_METHODS = True


def quote(identifier: str) -> str:
    """An identifier, quoted."""
    return '"' + identifier.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def table(name: TableName) -> str:
    """The table's name with its schema, quoted."""
    return f"{quote(name.schema)}.{quote(name.name)}"


def index(name: TableName, own: str) -> str:
    """The name of one of a table's indexes, quoted: it stands in its table's schema."""
    return quote(own)


def enum(name: str) -> str:
    """The type of an enum, with its schema, quoted."""
    return f"{quote(DEFAULT_SCHEMA)}.{quote(name)}"


def config(name: str) -> str:
    """A text search configuration as a constant; those that Mainspring knows are PostgreSQL's own, whatever the search path."""
    return f"{literal(f'pg_catalog.{name}' if name in CONFIGS else name)}::regconfig"
