"""Bringing the file up to the catalog: tables and columns that are missing are added, in one transaction."""

from __future__ import annotations

from typing import Any

from mainspring.catalog.model import Catalog
from mainspring.engines.sql.migrate import check_view, views
from mainspring.engines.sqlite import names
from mainspring.engines.sqlite.ddl import create_statements, missing_columns
from mainspring.engines.sqlite.faults import leaf
from mainspring.engines.sqlite.search import keep
from mainspring.engines.sqlite.views import triggers
from mainspring.errors import ConfigError, EngineFault, Mistake
from mainspring.query.ast import TableName


def migrate(connection: Any, catalog: Catalog) -> tuple[TableName, ...]:
    """Run inside a transaction. The tables created; raises ConfigError for what cannot be added."""
    physical = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type IN ('table', 'view')")}
    existing = {name for name in catalog.tables if names.physical(name) in physical}
    columns = {name: {row[1] for row in connection.execute(f"PRAGMA table_xinfo({names.table(name)})")} for name in existing}
    for statement in (*create_statements(catalog, existing), *missing_columns(catalog, columns)):
        _run(connection, statement)
    keep(connection, catalog)
    _views(connection, catalog)
    return tuple(name for name, table in catalog.tables.items() if name not in existing and not table.view)


def _run(connection: Any, statement: str) -> None:
    try:
        connection.execute(statement)
    except connection.Error as error:
        found = leaf(error, None)
        if not isinstance(found, EngineFault):
            raise found from error
        held = "the rows that are there, or " if "constraint failed" in str(error) else ""
        cure = f"mend {held}what the models say: {' '.join(statement.split())}"
        raise ConfigError([Mistake("database.url", f"SQLite refused to create the schema: {error}", cure)]) from error


def _views(connection: Any, catalog: Catalog) -> None:
    """Make the views that are missing, and anew those whose text has changed: they hold nothing."""
    standing = dict(connection.execute("SELECT name, sql FROM sqlite_schema WHERE type = 'view'"))
    wanted = {table.name: f"CREATE VIEW {names.table(table.name)} AS {definition.flat}" for table, definition in views(catalog)}
    changed = [name for name, sql in wanted.items() if standing.get(names.physical(name)) != sql]
    kept = {name: triggers(connection, name) for name in changed}  # they go with the view
    for name in changed:
        if names.physical(name) in standing:
            connection.execute(f"DROP VIEW {names.table(name)}")
    for name, sql in wanted.items():
        try:
            for statement in (sql, *kept[name]) if name in changed else ():
                connection.execute(statement)
            found = {row[1] for row in connection.execute(f"PRAGMA table_xinfo({names.table(name)})")}
        except Exception as error:
            raise ConfigError([Mistake(str(name), f"SQLite refuses the view: {error}")]) from error
        check_view(catalog.tables[name], found)
