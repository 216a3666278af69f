"""A model's secondary indexes: over columns, or in SQL of the author's own."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.sql import operators
from sqlalchemy.sql.elements import TextClause, UnaryExpression

from mainspring.catalog.declared.defaults import sql_text
from mainspring.catalog.declared.names import Names
from mainspring.catalog.declared.source import Source, Unfit
from mainspring.catalog.model import Index, SqlIndex
from mainspring.catalog.pieces import quoted

_WHERE = ("postgresql_where", "sqlite_where")


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
    return bool(index.unique) and columns and not any(_options(index).get(name) is not None for name in _WHERE)


def _options(index: sa.Index) -> dict[str, Any]:
    return {name: index.dialect_kwargs[name] for name in set(index.dialect_kwargs)}  # asking for others loads dialects


def _index(index: sa.Index, names: Names) -> Index | SqlIndex:
    options = _options(index)
    using = options.get("postgresql_using")
    if using and str(using).lower() != "btree":
        raise Unfit(f"an index of the kind {using} is not served", "create this one in the database itself")
    where, parts = _where(options), [_part(part) for part in index.expressions]
    columns = tuple(str(part.name) for part, _ in parts if isinstance(part, sa.Column))
    name = names.take(index.name, columns, "idx")
    if where is None and len(columns) == len(parts):
        falling = frozenset(column for column, (_, falls) in zip(columns, parts, strict=True) if falls)
        return Index(name, columns, bool(index.unique), falling)
    return SqlIndex(name, tuple(_sql(part) + (" DESC" if falls else "") for part, falls in parts), bool(index.unique), where)


def _part(part: Any) -> tuple[Any, bool]:
    """What a part is over, and whether it falls."""
    descending = False
    while isinstance(part, UnaryExpression) and part.modifier in (operators.desc_op, operators.asc_op):
        descending = part.modifier is operators.desc_op
        part = part.element
    return part, descending


def _sql(part: Any) -> str:
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
