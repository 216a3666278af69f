"""A model's secondary indexes: over columns, or in SQL of the author's own."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import Label, TextClause, UnaryExpression

from mainspring.catalog.declared.defaults import sql_text
from mainspring.catalog.declared.names import Names
from mainspring.catalog.declared.source import Source, Unfit
from mainspring.catalog.model import Index, SqlIndex
from mainspring.catalog.pieces import quoted

_WHERE = ("postgresql_where", "sqlite_where")
_ORDERS = (operators.desc_op, operators.asc_op)
_USUAL = "btree"


def read_indexes(table: sa.Table, source: Source) -> tuple[tuple[Index, ...], tuple[SqlIndex, ...]]:
    """The indexes over columns, and those over expressions or a part of the rows. What is not served becomes a mistake."""
    names = Names(str(table.name))
    found: list[Index | SqlIndex] = []
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        try:
            found.append(_index(index, names))
        except Unfit as unfit:
            source.mistake(f"{source.where(table)} (index {index.name})", unfit)
    plain = tuple(index for index in found if isinstance(index, Index))
    return plain, tuple(index for index in found if isinstance(index, SqlIndex))


def is_key(index: sa.Index) -> bool:
    """Whether it tells every two rows apart: it is unique over columns, and over all rows."""
    columns = all(isinstance(_part(part)[0], sa.Column) for part in index.expressions)
    return bool(index.unique) and columns and not any(options(index).get(name) is not None for name in _WHERE)


def options(item: sa.Index | sa.Table) -> dict[str, Any]:
    """What is said for one database only; asking for anything else would load dialects."""
    return {name: item.dialect_kwargs[name] for name in set(item.dialect_kwargs)}


def _index(index: sa.Index, names: Names) -> Index | SqlIndex:
    said = options(index)
    if said.get("postgresql_nulls_not_distinct"):
        raise Unfit("nulls that are not distinct are not served", "leave postgresql_nulls_not_distinct out")
    method, where, parts = _method(said), _where(said), [_part(part) for part in index.expressions]
    columns = tuple(str(part.name) for part, _ in parts if isinstance(part, sa.Column))
    name, unique = names.take(index.name, columns, "idx"), bool(index.unique)
    include, classes = _include(said), operator_classes(index.expressions, said.get("postgresql_ops") or {})
    if method is None and where is None and len(columns) == len(parts):
        falling = frozenset(column for column, (_, falls) in zip(columns, parts, strict=True) if falls)
        return Index(name, columns, unique, falling, include, classes)
    written = tuple(as_sql(part) + (" DESC" if falls else "") for part, falls in parts)
    return SqlIndex(name, written, unique, where, method, include, classes)


def _method(said: dict[str, Any]) -> str | None:
    """The kind of the index where it is no B-tree."""
    using = str(said.get("postgresql_using") or _USUAL).lower()
    return None if using == _USUAL else using


def _include(said: dict[str, Any]) -> tuple[str, ...]:
    return tuple(each if isinstance(each, str) else str(each.name) for each in said.get("postgresql_include") or ())


def operator_classes(parts: Iterable[Any], said: Mapping[str, str]) -> tuple[str, ...]:
    """The operator class of each part, "" for the usual one; nothing where all have that. They are known by their parts' keys."""
    found = tuple(str(said.get(str(getattr(part, "key", "")), "")) for part in parts)
    return found if any(found) else ()


def _part(part: Any) -> tuple[Any, bool]:
    """What a part is over, and whether it falls."""
    descending = False
    while isinstance(part, Label) or (isinstance(part, UnaryExpression) and part.modifier in _ORDERS):
        descending = part.modifier is operators.desc_op if isinstance(part, UnaryExpression) else descending
        part = part.element
    return part, descending


def as_sql(part: Any) -> str:
    """A column or an expression as CREATE INDEX takes it; a text stands as it is written."""
    if isinstance(part, sa.Column):
        return quoted(str(part.name))
    return sql_text(part) if isinstance(part, TextClause) else f"({sql_text(part)})"


def _where(options: dict[str, Any]) -> str | None:
    """The condition of a part of the rows; said for one database, it holds on every one."""
    said = {sql_text(options[name]) for name in _WHERE if options.get(name) is not None}
    if len(said) > 1:
        raise Unfit("its conditions for PostgreSQL and SQLite differ", "write one that both understand")
    return said.pop() if said else None
