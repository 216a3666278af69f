"""Bringing the database up to the catalog: what is missing is added, in one transaction, by one replica at a time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping

import psycopg

from mainspring.catalog.model import Catalog, Table
from mainspring.catalog.system.gotrue import left_alone
from mainspring.engines.postgres import names
from mainspring.engines.postgres.ddl import create_statements, missing_columns, search_indexes
from mainspring.engines.postgres.pool import Transaction
from mainspring.engines.postgres.session import Command
from mainspring.engines.sql.migrate import check_view, views
from mainspring.errors import ConfigError, Mistake
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
    standing = left_alone(catalog, await _standing(transaction))
    columns = {name: found for name, found in standing.items() if name in catalog.tables}
    statements = [*create_statements(catalog, columns), *missing_columns(catalog, columns)]
    statements += search_indexes(catalog, await _indexes(transaction))
    if statements:
        await transaction.run(*map(_once, statements))
    for table, definition in views(catalog):
        await _view(transaction, table, definition.sql, standing=table.name in columns)
    now = await _standing(transaction) if views(catalog) else columns
    for table, _ in views(catalog):
        check_view(table, now.get(table.name, ()))
    return tuple(name for name, table in catalog.tables.items() if name not in columns and not table.view)


# ---------------------------------------------------------------- views


async def _view(transaction: Transaction, table: Table, sql: str, *, standing: bool) -> None:
    """Make a view that is missing, or anew one whose text has changed: it holds nothing."""
    name = names.table(table.name)
    create = _once(f"CREATE VIEW {name} AS {sql}")
    if not standing:
        await transaction.run(_once(f"CREATE SCHEMA IF NOT EXISTS {names.quote(table.name.schema)}"), create)
    elif not await _same(transaction, table.name, sql):
        try:  # what stands may be granted to others: it is kept where its columns stay
            await transaction.run(_once("SAVEPOINT replacing"), _once(f"CREATE OR REPLACE VIEW {name} AS {sql}"))
        except psycopg.Error:
            await transaction.run(_once("ROLLBACK TO replacing"), _once(f"DROP VIEW {name}"), create)
    if table.updatable:
        await _check_writable(transaction, table)


async def _same(transaction: Transaction, name: TableName, sql: str) -> bool:
    """Whether the view that stands is the one declared, as PostgreSQL itself reads both."""
    other = names.table(TableName(name.schema, "mainspring: declared"))
    told = f"pg_get_viewdef({names.literal(names.table(name))}::regclass) = pg_get_viewdef({names.literal(other)}::regclass)"
    _, answer, _ = await transaction.run(
        _once(f"CREATE VIEW {other} AS {sql}"), _once(f"SELECT {told}"), _once(f"DROP VIEW {other}")
    )
    return answer.get_value(0, 0) == b"t"


_WRITES = (1 << 2) | (1 << 3) | (1 << 4)
"""Update, insert and delete, as pg_relation_is_updatable counts them."""


async def _check_writable(transaction: Transaction, table: Table) -> None:
    place = names.literal(names.table(table.name))
    (answer,) = await transaction.run(_once(f"SELECT pg_relation_is_updatable({place}::regclass, true)"))
    if int(answer.get_value(0, 0) or 0) & _WRITES != _WRITES:
        cure = "select from one table only, write INSTEAD OF triggers, or leave writable out"
        raise ConfigError([Mistake(str(table.name), "PostgreSQL cannot write to this view", cure)])


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
