"""A model's columns, under the names they have in the database."""

from __future__ import annotations

import re
from typing import Any

import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.types import NullType, TypeEngine

from mainspring.catalog.declared.defaults import python_default, server_default, sql_text
from mainspring.catalog.declared.source import Source, Unfit
from mainspring.catalog.declared.types import collation, logical_type
from mainspring.catalog.model import Column
from mainspring.datatypes import DataType, Kind
from mainspring.query.search import known

# What stands in `Column.generated` for a key that only the database may fill.
IDENTITY = "identity"


def read_columns(table: sa.Table, source: Source) -> list[Column]:
    """The table's columns; those that cannot be served become mistakes."""
    columns: list[Column] = []
    for column in table.columns:
        declared = _declared_type(column, source)
        if declared is None:
            continue
        try:
            columns.append(_read_column(table, column, declared))
        except Unfit as unfit:
            source.mistake(source.where(table, column), unfit)
    return columns


def _declared_type(column: sa.Column[Any], source: Source) -> TypeEngine[Any] | None:
    """The column's type; without one its target's. None when there is no such target, which is a mistake already."""
    if not isinstance(column.type, NullType) or not column.foreign_keys:
        return column.type
    target = source.target(min(column.foreign_keys, key=lambda key: key.target_fullname))
    return None if target is None else target.type


def _read_column(table: sa.Table, column: sa.Column[Any], declared: TypeEngine[Any]) -> Column:
    type_ = _logical(declared, column, f"{table.name}_{column.name}")
    return Column(
        name=str(column.name),
        type=type_,
        nullable=bool(column.nullable),
        default=python_default(column.default, column, type_),
        onupdate=python_default(column.onupdate, column, type_),
        server_default=server_default(column, type_),
        generated=_generated(column),
        autoincrement=_autoincrement(table, column),
        comment=column.comment,
        search=_search(table, column, type_),
        collation=collation(declared),
    )


def _search(table: sa.Table, column: sa.Column[Any], type_: DataType) -> str | None:
    """The text search configuration that `info={"search": ...}` names."""
    config = column.info.get("search")
    if config is None:
        return None
    if not isinstance(config, str) or not _CONFIG.fullmatch(config):
        raise Unfit(f"{config!r} is no text search configuration", 'info={"search": "english"}')
    if type_.kind is not Kind.TEXT or not table.primary_key:
        raise Unfit("only a text column of a table with a primary key can be indexed for search", "search it without an index")
    return known(config) or config


_CONFIG = re.compile(r"[a-z_][a-z0-9_]*(?:\.[a-z_][a-z0-9_]*)?")


def _logical(declared: TypeEngine[Any], column: sa.Column[Any], unnamed: str) -> DataType:
    """The type. `info={"native": ...}` tells how a found database declares it, `"opaque": True` that nobody else knows it, and
    `"base": ...` what lies below where it is a domain.
    """
    native = column.info.get("native")
    if native is None:
        return logical_type(declared, unnamed)
    if column.info.get("opaque"):
        base = column.info.get("base")
        return DataType(Kind.NATIVE, name=str(native), base=None if base is None else str(base))
    return replace(logical_type(declared, unnamed), native=str(native))


def _generated(column: sa.Column[Any]) -> str | None:
    if column.computed is not None:
        return sql_text(column.computed.sqltext)
    return IDENTITY if column.identity is not None and column.identity.always else None


def _autoincrement(table: sa.Table, column: sa.Column[Any]) -> bool:
    identity = column.identity
    if identity is not None and (identity.start not in (None, 1) or identity.increment not in (None, 1)):
        raise Unfit("an identity starts at 1 and counts by 1", "leave start and increment out")
    return identity is not None or (table.autoincrement_column is column and column.server_default is None)
