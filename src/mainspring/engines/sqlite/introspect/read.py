"""Reads a file's tables and views into the catalog that models would give. It writes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from mainspring.catalog.declared.names import Names
from mainspring.catalog.found import Found, default_of, gather, placed
from mainspring.catalog.model import Column, ForeignKey, Index, SqlIndex, Table, Unique
from mainspring.datatypes import TEXT, DataType, Kind
from mainspring.engines.sqlite.ddl import COLLATIONS
from mainspring.engines.sqlite.identity import identity
from mainspring.engines.sqlite.introspect.source import Statement, sql_index
from mainspring.engines.sqlite.introspect.types import STRICT, declared, open_to_sample, sampled
from mainspring.engines.sqlite.names import DEFAULT_SCHEMA, quote
from mainspring.query.ast import TableName

SAMPLE = 1_000
"""Rows looked at where a column's values decide its type."""
STEPS = 5_000_000
"""Instructions of SQLite's machine after which a sample is given up: a view can be slow."""

_TABLES = """
SELECT name, type, wr, strict FROM pragma_table_list
WHERE schema = 'main' AND type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"""
_PLAIN, _VIRTUAL, _STORED = 0, 2, 3  # what table_xinfo calls hidden: 1 is a virtual table's own


@dataclass(frozen=True, slots=True)
class _Listed:
    """A table or view as the file lists it."""

    name: str
    view: bool
    without_rowid: bool
    strict: bool


def introspect(connection: Any) -> Found:
    """What the file of `connection` holds."""
    listed = [_Listed(name, kind == "view", bool(wr), bool(strict)) for name, kind, wr, strict in connection.execute(_TABLES)]
    sources = {name: sql or "" for name, sql in connection.execute("SELECT name, sql FROM sqlite_schema")}
    real = {each.name.lower(): each.name for each in listed if not each.view}
    tables: list[Table] = []
    left_out, unsaid = list[str](), list[str]()
    for each in listed:
        try:
            statement = Statement.of(each.name, "" if each.view else sources[each.name])
            tables.append(_table(connection, each, statement, sources))
            unsaid += _uncollated(tables[-1], statement)
        except connection.DatabaseError as error:
            left_out.append(f"{DEFAULT_SCHEMA}.{each.name}: {error}")
    known = {table.name.name: table for table in tables}
    for table in tables:
        if not table.view:
            known[table.name.name] = replace(table, foreign_keys=_foreign_keys(connection, table, real, known))
    return gather(known.values(), left_out, unsaid=unsaid)


def _uncollated(table: Table, statement: Statement) -> Iterator[str]:
    """What compares by a collation that models do not say."""
    for name, collation in statement.collations():
        if name is None or table.columns[name].collation is None:
            yield f"{table.name}.{name or 'a key'}: COLLATE {collation}"


def _table(connection: Any, listed: _Listed, statement: Statement, sources: Mapping[str, str]) -> Table:
    rows = connection.execute(f"PRAGMA table_xinfo({quote(listed.name)})").fetchall()
    facts = [row for row in rows if row[6] in (_PLAIN, _VIRTUAL, _STORED)]
    primary = tuple(row[1] for row in sorted(facts, key=lambda row: row[5]) if row[5])
    indexes = [] if listed.view else connection.execute(f"PRAGMA index_list({quote(listed.name)})").fetchall()
    counted = _counted(listed, primary, facts, indexes)
    columns = {row[1]: _column(row, listed, counted, statement) for row in facts}
    columns = _collated(_looked_at(connection, listed, columns), statement)
    own = _sql_indexes(indexes, sources, columns)
    others = [index[1] for index in indexes if index[3] != "pk" and index[1] not in {each.name for each in own}]
    over = {name: _index_columns(connection, name) for name in others}
    found = Table(
        TableName(DEFAULT_SCHEMA, listed.name),
        columns,
        primary,
        _uniques(listed.name, columns, indexes, over),
        statement.checks(),
        indexes=_indexes(indexes, over),
        sql_indexes=own,
        view=listed.view,
        with_rowid=not listed.without_rowid,
    )
    writable = not listed.view and identity(found) is not None
    return replace(found, insertable=writable, updatable=writable, deletable=writable)


def _counted(listed: _Listed, primary: tuple[str, ...], facts: list[Any], indexes: list[Any]) -> str | None:
    """The column that is the rowid itself: a key of one INTEGER column, for which there is no index."""
    if listed.view or listed.without_rowid or len(primary) != 1 or any(index[3] == "pk" for index in indexes):
        return None
    return next((row[1] for row in facts if row[1] == primary[0] and row[2].upper() == "INTEGER"), None)


def _collated(columns: Mapping[str, Column], statement: Statement) -> dict[str, Column]:
    """The columns, texts with the collation of SQLite's own that they compare by."""
    said = {name: collation.upper() for name, collation in statement.collations() if name is not None}
    own = {name: said[name] for name, column in columns.items() if said.get(name) in COLLATIONS and column.type.kind is Kind.TEXT}
    return {name: replace(column, collation=own.get(name)) for name, column in columns.items()}


def _column(row: Any, listed: _Listed, counted: str | None, statement: Statement) -> Column:
    _, name, native, not_null, default, key, hidden = row
    type_ = _type(native, listed, counted == name)
    return Column(
        name,
        type_,
        nullable=not (not_null or key),
        server_default=None if hidden or counted == name else default_of(default, type_),
        generated=statement.formula(name) if hidden else None,
        autoincrement=counted == name,
    )


def _type(native: str, listed: _Listed, counted: bool) -> DataType:
    if listed.strict or counted:
        found = STRICT.get(native.upper())
        return found if found is not None else replace(TEXT, native="")
    return declared(native)


# ---------------------------------------------------------------- values


def _looked_at(connection: Any, listed: _Listed, columns: dict[str, Column]) -> dict[str, Column]:
    """The columns, those whose values decide their type with the type that some of them have."""
    names = [name for name, column in columns.items() if open_to_sample(column.type)]
    if not names:
        return columns
    asked = ", ".join(f"group_concat(DISTINCT typeof({quote(name)}))" for name in names)
    chosen = ", ".join(map(quote, names))
    connection.set_progress_handler(lambda: True, STEPS)
    try:
        sql = f"SELECT {asked} FROM (SELECT {chosen} FROM {quote(listed.name)} LIMIT {SAMPLE})"
        classes = connection.execute(sql).fetchone()
    except connection.OperationalError as error:
        if "interrupted" not in str(error):
            raise
        return columns
    finally:
        connection.set_progress_handler(None, 0)
    found = zip(names, classes, strict=True)
    types = {name: sampled(columns[name].type, (said or "").split(",")) for name, said in found if said}
    return {name: replace(column, type=types.get(name, column.type)) for name, column in columns.items()}


# ---------------------------------------------------------------- keys and indexes


def _index_columns(connection: Any, name: str) -> list[tuple[str, bool]]:
    """An index's columns and whether they fall."""
    return [(row[2], bool(row[3])) for row in connection.execute(f"PRAGMA index_xinfo({quote(name)})") if row[5]]


def _uniques(
    table: str, columns: Mapping[str, Column], indexes: list[Any], over: Mapping[str, list[tuple[str, bool]]]
) -> tuple[Unique, ...]:
    """Unique constraints, which have no names in SQLite."""
    keys = [tuple(name for name, _ in over[index[1]]) for index in indexes if index[3] == "u" and index[1] in over]
    names = Names(table)
    ordered = sorted(dict.fromkeys(keys), key=lambda key: placed(columns, key))
    return tuple(Unique(names.take(None, key, "key"), key) for key in ordered)


def _indexes(indexes: list[Any], over: Mapping[str, list[tuple[str, bool]]]) -> tuple[Index, ...]:
    made = sorted((index for index in indexes if index[3] == "c" and index[1] in over), key=lambda index: str(index[1]))
    return tuple(
        Index(
            index[1],
            tuple(name for name, _ in over[index[1]]),
            bool(index[2]),
            frozenset(name for name, falls in over[index[1]] if falls),
        )
        for index in made
    )


def _sql_indexes(indexes: list[Any], sources: Mapping[str, str], columns: Mapping[str, Column]) -> tuple[SqlIndex, ...]:
    made = sorted((index for index in indexes if index[3] == "c"), key=lambda index: str(index[1]))
    own = (sql_index(index[1], bool(index[2]), sources[index[1]], columns) for index in made)
    return tuple(index for index in own if index is not None)


def _foreign_keys(connection: Any, table: Table, real: Mapping[str, str], known: Mapping[str, Table]) -> tuple[ForeignKey, ...]:
    """The keys in the order of their columns; one that names no columns of its target means the primary key."""
    keys = list(_each_key(connection, table, real, known))
    names = Names(table.name.name)
    ordered = sorted(keys, key=lambda key: placed(table.columns, key.columns))
    return tuple(replace(key, name=names.take(None, key.columns, "fkey")) for key in ordered)


def _each_key(connection: Any, table: Table, real: Mapping[str, str], known: Mapping[str, Table]) -> Iterator[ForeignKey]:
    rows: dict[int, list[Any]] = {}
    for row in connection.execute(f"PRAGMA foreign_key_list({quote(table.name.name)})"):
        rows.setdefault(row[0], []).append(row)
    for parts in rows.values():
        parts.sort(key=lambda row: row[1])
        name = real.get(parts[0][2].lower(), parts[0][2])
        target = known.get(name)
        own = _spelled(table, [row[3] for row in parts])
        theirs = [row[4] for row in parts]
        meant = target.primary_key if target is not None and None in theirs else _spelled(target, theirs)
        if len(own) != len(parts) or len(meant) != len(parts):
            continue  # it names columns that are not there: SQLite itself refuses every write to such a table
        ondelete, onupdate = (action if action != "NO ACTION" else None for action in (parts[0][6], parts[0][5]))
        yield ForeignKey("", own, TableName(DEFAULT_SCHEMA, name), meant, ondelete, onupdate)


def _spelled(table: Table | None, names: list[str]) -> tuple[str, ...]:
    """Columns as their table spells them: SQLite minds no case."""
    if table is None:
        return tuple(names)
    columns = {name.lower(): name for name in table.columns}
    return tuple(columns[name.lower()] for name in names if name.lower() in columns)
