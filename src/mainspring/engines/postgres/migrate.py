"""Bringing the database up to the catalog: what is missing is added, in one transaction, by one replica at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

from mainspring.catalog.model import Catalog
from mainspring.engines.postgres.ddl import create_statements, missing_columns, search_indexes
from mainspring.engines.postgres.pool import Transaction
from mainspring.engines.postgres.session import Command
from mainspring.query.ast import TableName

LOCK = 0x6D61696E  # "main"

_COLUMNS = (
    "SELECT n.nspname, c.relname, a.attname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
    " WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
)

_INDEXES = (
    "SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE c.relkind IN ('i', 'I') AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')"
)


async def migrate(transaction: Transaction, catalog: Catalog) -> tuple[TableName, ...]:
    """The tables created. Raises ConfigError for what cannot be added, psycopg.Error for what the server refuses."""
    await transaction.run(
        _once("SET LOCAL statement_timeout = 0"),
        _once(f"SELECT pg_advisory_xact_lock({LOCK})"),
    )
    columns = {name: found for name, found in (await _standing(transaction)).items() if name in catalog.tables}
    statements = [*create_statements(catalog, columns), *missing_columns(catalog, columns)]
    statements += search_indexes(catalog, await _indexes(transaction))
    if statements:
        await transaction.run(*map(_once, statements))
    return tuple(name for name in catalog.tables if name not in columns)


async def _standing(transaction: Transaction) -> Mapping[TableName, set[str]]:
    """The tables that are there, each with its columns."""
    (rows,) = await transaction.run(_once(_COLUMNS))
    found: defaultdict[TableName, set[str]] = defaultdict(set)
    for row in range(rows.ntuples):
        schema, table, column = ((rows.get_value(row, field) or b"").decode() for field in range(3))
        found[TableName(schema, table)].add(column)
    return found


async def _indexes(transaction: Transaction) -> set[str]:
    """The names of the indexes that are there, with their schemas'."""
    (rows,) = await transaction.run(_once(_INDEXES))
    return {(rows.get_value(row, 0) or b"").decode() for row in range(rows.ntuples)}


def _once(sql: str) -> Command:
    return Command(sql, prepared=False)
