"""Bringing the file up to the catalog: tables and columns that are missing are added, in one transaction."""

from __future__ import annotations

from typing import Any

from mainspring.catalog.model import Catalog
from mainspring.engines.sqlite import names
from mainspring.engines.sqlite.ddl import create_statements, missing_columns
from mainspring.engines.sqlite.search import keep
from mainspring.query.ast import TableName


def migrate(connection: Any, catalog: Catalog) -> tuple[TableName, ...]:
    """Run inside a transaction. The tables created; raises ConfigError for what cannot be added."""
    physical = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")}
    existing = {name for name in catalog.tables if names.physical(name) in physical}
    columns = {
        name: {row[1] for row in connection.execute(f"PRAGMA table_xinfo({names.table(name)})")} for name in existing
    }
    for statement in (*create_statements(catalog, existing), *missing_columns(catalog, columns)):
        connection.execute(statement)
    keep(connection, catalog)
    return tuple(name for name in catalog.tables if name not in existing)
