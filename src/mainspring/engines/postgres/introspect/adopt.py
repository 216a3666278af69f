"""An existing database in app mode: what introspection finds, in the types and keys that models would give.

A type that is none of Mainspring's own stays the database's, which writes it in JSON and compares it. Rows of views,
partitions, heirs and foreign servers have no identity of their own to write by: they are read only.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

import msgspec
import psycopg
from msgspec.structs import replace

from mainspring.catalog.found import Found, default_of, gather, placed
from mainspring.catalog.model import Catalog, Column, Relation, Table, Unique
from mainspring.datatypes import FLOAT, JSON, TEXT, DataType, Kind
from mainspring.engines.postgres.engine import check_version, place, unreachable
from mainspring.engines.postgres.introspect import constraints, questions
from mainspring.engines.postgres.introspect.constraint_questions import ASKED
from mainspring.engines.postgres.introspect.constraints import Constraints
from mainspring.engines.postgres.introspect.read import assemble
from mainspring.errors import ConfigError, Mistake
from mainspring.query.ast import Now, TableName

CONNECT_SECONDS = 10
# Types that are read by a cast: the database itself compares them in another way, or not at all, or rounds differently.
_CAST = {"json": JSON, "real": FLOAT, "name": TEXT, '"char"': TEXT}


def look(url: str, schemas: Sequence[str]) -> Found:
    """What `schemas` of the database at `url` hold. Raises ConfigError where it cannot be asked."""
    try:
        with psycopg.connect(url, connect_timeout=CONNECT_SECONDS, autocommit=True) as connection:
            check_version(connection.info.server_version)
            asked = {**questions.EVERY, **ASKED}
            facts = {name: _answer(connection, question, schemas) for name, question in asked.items()}
    except psycopg.Error as error:
        if error.sqlstate is None or error.diag.message_primary is None:
            raise unreachable(url, error) from error
        raise ConfigError([Mistake("database.url", f"cannot read {place(url)}: {error.diag.message_primary}")]) from error
    scattered = {TableName(each["schema"], each["name"]) for each in facts["scattered"]}
    return adopt(assemble(facts), constraints.read(facts), scattered)


def _answer(connection: psycopg.Connection[Any], question: str, schemas: Sequence[str]) -> Any:
    asked = question.replace("%", "%%").replace("$1", "%(schemas)s")
    row = connection.execute(asked.encode(), {"schemas": list(schemas)}, prepare=False).fetchone()
    return None if row is None else row[0] if not isinstance(row[0], str) else msgspec.json.decode(row[0])


def adopt(catalog: Catalog, known: Constraints, scattered: Collection[TableName]) -> Found:
    """The catalog of app mode out of that of database mode, with the checks and indexes that are `known`."""
    tables = [_table(table, known, name in scattered) for name, table in catalog.tables.items()]
    views = frozenset(name for name, table in catalog.tables.items() if table.view)
    further = {name: [way for way in ways if _of_views(way, views)] for name, ways in catalog.relations.items()}
    return gather(tables, further=further, unsaid=[*known.unsaid, *_strangers(tables)])


def _strangers(tables: Sequence[Table]) -> Iterator[str]:
    """The columns whose types stand in a schema that is not looked at by default, where nothing of ours makes them."""
    for table in tables:
        for column in table.columns.values():
            if column.type.kind is Kind.NATIVE and "." in (column.type.name or "") and not table.view:
                yield f"{table.name}.{column.name}: its type {column.type.name} must be there first"


def _of_views(way: Relation, views: frozenset[TableName]) -> bool:
    """Whether a relation is one that keys of tables alone do not tell."""
    through = {way.junction.table} if way.junction else set()
    return way.function is None and not views.isdisjoint({way.source, way.target, *through})


def _table(table: Table, known: Constraints, scattered: bool) -> Table:
    collations = known.collations.get(table.name, {})
    columns = {name: _column(table, column, collations.get(name)) for name, column in table.columns.items()}
    writable = not (table.view or scattered)
    return Table(
        table.name,
        columns,
        table.primary_key,
        _ordered(columns, table.uniques),
        tuple(sorted(known.checks.get(table.name, ()), key=lambda check: (check.sql, check.name))),
        indexes=tuple(sorted(known.indexes.get(table.name, ()), key=lambda index: index.name)),
        sql_indexes=tuple(sorted(known.sql_indexes.get(table.name, ()), key=lambda index: index.name)),
        exclusions=tuple(known.exclusions.get(table.name, ())),
        foreign_keys=tuple(sorted(table.foreign_keys, key=lambda key: (placed(columns, key.columns), key.name))),
        comment=table.comment,
        view=table.view,
        insertable=writable,
        updatable=writable,
        deletable=writable,
    )


def _ordered(columns: Mapping[str, Column], uniques: Sequence[Unique]) -> tuple[Unique, ...]:
    return tuple(sorted(uniques, key=lambda unique: (placed(columns, unique.columns), unique.name)))


def _column(table: Table, column: Column, collation: str | None) -> Column:
    type_ = _type(column)
    default = default_of(column.server_default, type_) if isinstance(column.server_default, str) else None
    counted = column.autoincrement or _is_serial(table, column, default)
    return Column(
        column.name,
        type_,
        column.nullable and column.name not in table.primary_key,
        server_default=None if counted or column.generated is not None else default,
        generated=column.generated,
        autoincrement=counted,
        comment=column.comment,
        collation=collation if (type_.item or type_).kind is Kind.TEXT else None,
    )


def _is_serial(table: Table, column: Column, default: str | Now | None) -> bool:
    """A key that a sequence counts is as good as an identity."""
    counts = isinstance(default, str) and default.startswith("nextval(")
    return counts and table.primary_key == (column.name,) and column.type.kind is Kind.INTEGER


def _type(column: Column) -> DataType:
    """The type, with the name of the database's own where its values must be cast, or where it is none of ours."""
    native = column.native or ""
    known = _CAST.get(native) or _CAST.get(column.base or "")
    if known is not None:
        return replace(known, native=native)
    if native.startswith("character(") or native == "character":
        return replace(TEXT, native=native)
    if native == "character varying[]":  # it does not compare with arrays of text
        return replace(column.type, native=native)
    foreign = column.type.kind is Kind.ENUM and "." in native
    awkward = column.type.item is not None and native.removesuffix("[]") in _CAST
    return DataType(Kind.NATIVE, name=native) if foreign or awkward else column.type
