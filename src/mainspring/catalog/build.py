"""The catalog from SQLAlchemy models. It reads metadata only; all mistakes are reported at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import MetaData
from sqlalchemy import Table as SqlTable
from sqlalchemy.orm import DeclarativeBase

from mainspring.catalog.declared.columns import read_columns
from mainspring.catalog.declared.indexes import options, read_indexes
from mainspring.catalog.declared.keys import (
    read_checks,
    read_exclusions,
    read_foreign_keys,
    read_primary_key,
    read_uniques,
)
from mainspring.catalog.declared.names import check_names
from mainspring.catalog.declared.source import Source, Unfit, table_name
from mainspring.catalog.declared.views import is_view, read_view, viewed
from mainspring.catalog.model import Catalog, Table
from mainspring.catalog.relations import relations
from mainspring.catalog.system import SystemBase
from mainspring.errors import ConfigError
from mainspring.query.ast import TableName

Models = type[DeclarativeBase] | MetaData

__all__ = ["Models", "build", "table_name"]


def build(models: Models | Sequence[Models], *, system: bool = False) -> Catalog:
    """The catalog of `models`: a declarative base, a metadata, or a sequence of those and of model classes.

    A table of another metadata (such as `auth.User`'s) belongs to it when a foreign key refers to it; with `system` all of
    Mainspring's own tables do.
    Raises ConfigError listing everything that cannot be served, each with its class and column.
    """
    given = [models] if isinstance(models, type | MetaData) else list(models)
    given += [SystemBase.metadata] if system else []
    source = Source.of(given)
    tables = [_read_table(table, source) for table in _with_referred(_given_tables(given), source)]
    check_names(tables, source)
    _check_targets(tables, source)
    if source.mistakes:
        raise ConfigError(tuple(dict.fromkeys(source.mistakes)))
    known = {table.name: table for table in tables}
    return Catalog(known, relations(known))


def _check_targets(tables: Iterable[Table], source: Source) -> None:
    """A foreign key that its database is to keep cannot refer to a view."""
    views = {table.name for table in tables if table.view}
    for table in tables:
        for key in table.foreign_keys:
            if key.target in views and not table.view:
                unfit = Unfit(f"the foreign key refers to the view {key.target}", "refer to the table behind it")
                source.mistake(str(table.name), unfit)


def _given_tables(given: Iterable[Any]) -> list[SqlTable]:
    """The tables in the order in which the models were written."""
    tables: dict[SqlTable, None] = {}
    for item in given:
        own = getattr(item, "__table__", None)
        metadata = item if isinstance(item, MetaData) else item.metadata
        tables.update(dict.fromkeys([own] if isinstance(own, SqlTable) else metadata.tables.values()))
    return list(tables)


def _with_referred(tables: list[SqlTable], source: Source) -> list[SqlTable]:
    """`tables` and whatever their foreign keys lead to, transitively."""
    known = dict.fromkeys(tables)
    waiting = list(tables)
    while waiting:
        targets = [source.target(key) for key in sorted(waiting.pop().foreign_keys, key=lambda key: key.target_fullname)]
        new = [target.table for target in targets if target is not None and target.table not in known]
        waiting += [table for table in new if isinstance(table, SqlTable)]
        known.update(dict.fromkeys(waiting))
    return list(known)


def _read_table(table: SqlTable, source: Source) -> Table:
    name: TableName = table_name(table)
    columns = read_columns(table, source)
    view, definition = is_view(table), read_view(table, source)
    indexes, sql_indexes = read_indexes(table, source)
    writable = bool(table.info.get("writable")) if view else not table.info.get("read_only")
    if definition is not None:
        columns = list(map(viewed, columns))
    return Table(
        name=name,
        columns={column.name: column for column in columns},
        primary_key=read_primary_key(table),
        uniques=read_uniques(table, source),
        checks=read_checks(table, source),
        indexes=indexes,
        sql_indexes=sql_indexes,
        exclusions=read_exclusions(table, source),
        foreign_keys=read_foreign_keys(table, source),
        comment=table.comment,
        view=view,
        definition=definition,
        insertable=writable,
        updatable=writable,
        deletable=writable,
        with_rowid=options(table).get("sqlite_with_rowid", True),
    )
