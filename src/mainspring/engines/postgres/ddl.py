"""The catalog as PostgreSQL tables in native types. Text is COLLATE "C", the order of code points."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from mainspring.catalog.model import Catalog, Column, Exclusion, ForeignKey, Table
from mainspring.datatypes import DataType, Kind, to_text
from mainspring.engines.postgres import names
from mainspring.engines.sql import migrate
from mainspring.engines.sql.migrate import Draft, Refused
from mainspring.query.ast import Now, TableName

_TYPES = {
    Kind.FLOAT: "double precision",
    Kind.BOOLEAN: "boolean",
    Kind.DATE: "date",
    Kind.TIME: "time",
    Kind.TIMESTAMP: "timestamp",
    Kind.TIMESTAMPTZ: "timestamptz",
    Kind.INTERVAL: "interval",
    Kind.UUID: "uuid",
    Kind.JSON: "jsonb",
    Kind.BYTES: "bytea",
}

_NOW = {
    Kind.TIMESTAMPTZ: "now()",
    Kind.TIMESTAMP: "(now() AT TIME ZONE 'utc')",
    Kind.DATE: "((now() AT TIME ZONE 'utc')::date)",
    Kind.TIME: "((now() AT TIME ZONE 'utc')::time)",
}


# ---------------------------------------------------------------- creation


def create_statements(catalog: Catalog, existing: Collection[TableName] = frozenset()) -> list[str]:
    """Statements that create what is not there. Raises ConfigError listing what PostgreSQL cannot hold."""
    draft = Draft()
    tables = migrate.new_tables(catalog, existing)
    statements = [*_schemas(tables), *_enums(column for table in tables for column in table.columns.values())]
    present, later = set(existing), list[str]()
    for table in tables:
        inline = [key for key in table.foreign_keys if key.target in present]
        later += [_add_key(table, key) for key in table.foreign_keys if key not in inline]
        present.add(table.name)
        statements.append(_create_table(table, inline, draft))
        # A foreign key may refer to a unique index, which must stand before it.
        statements += migrate.create_indexes(table, names)
        statements += _comments(table, table.columns.values(), whole=True)
    statements += later
    draft.done()
    return statements


def _schemas(tables: Iterable[Table]) -> list[str]:
    schemas = dict.fromkeys(table.name.schema for table in tables)
    return [f"CREATE SCHEMA IF NOT EXISTS {names.quote(schema)}" for schema in schemas if schema != names.DEFAULT_SCHEMA]


def _enums(columns: Iterable[Column]) -> list[str]:
    """The enum types of columns; one that stands already is left as it is."""
    types = dict.fromkeys(column.type.item or column.type for column in columns)
    return [
        _unless_there(
            f"CREATE TYPE {names.enum(type_.name or '')} AS ENUM ({', '.join(names.literal(value) for value in type_.values)})"
        )
        for type_ in types
        if type_.kind is Kind.ENUM
    ]


def _unless_there(statement: str) -> str:
    """A statement that creates what may be there already."""
    return f"DO $mainspring$ BEGIN {statement}; EXCEPTION WHEN duplicate_object THEN NULL; END $mainspring$"


def _create_table(table: Table, keys: list[ForeignKey], draft: Draft) -> str:
    columns = [draft.attempt(f"{table.name}.{column.name}", partial(_column, column)) for column in table.columns.values()]
    primary = [f"PRIMARY KEY ({migrate.listed(table.primary_key, names)})"] if table.primary_key else []
    foreign = [migrate.foreign_key(key, names) for key in keys]
    exclusions = map(_exclusion, table.exclusions)
    parts = [*columns, *primary, *migrate.constraints(table, names), *exclusions, *foreign]
    body = ",\n  ".join(parts)
    return f"CREATE TABLE {names.table(table.name)} (\n  {body}\n)"


def _exclusion(exclusion: Exclusion) -> str:
    parts = ", ".join(f"{part} WITH {operator}" for part, operator in exclusion.parts)
    where = "" if exclusion.where is None else f" WHERE ({exclusion.where})"
    return f"CONSTRAINT {names.quote(exclusion.name)} EXCLUDE USING {names.quote(exclusion.method)} ({parts}){where}"


def _add_key(table: Table, key: ForeignKey) -> str:
    return _add(table, migrate.foreign_key(key, names))


def _add(table: Table, constraint: str) -> str:
    return f"ALTER TABLE {names.table(table.name)} ADD {constraint}"


def _column(column: Column, fill: str | None = None) -> str:
    parts = [names.quote(column.name), column_type(column.type) + _collation(column)]
    if column.autoincrement:
        parts.append(f"GENERATED {'BY DEFAULT' if column.generated is None else 'ALWAYS'} AS IDENTITY")
    elif column.generated is not None:
        parts.append(f"GENERATED ALWAYS AS ({column.generated}) STORED")
    default = _default(column) or fill
    parts += [f"DEFAULT {default}"] if default else []
    parts += [] if column.nullable else ["NOT NULL"]
    return " ".join(parts)


def column_type(type_: DataType) -> str:
    """The type's name in PostgreSQL."""
    match type_.kind:
        case Kind.TEXT:
            return "text" if type_.length is None else f"varchar({type_.length})"
        case Kind.INTEGER | Kind.NUMERIC | Kind.RANGE:
            return str(type_)
        case Kind.ENUM:
            return names.enum(type_.name or "")
        case Kind.ARRAY if type_.item is not None:
            return f"{column_type(type_.item)}[]"
        case Kind.NATIVE:
            return type_.name or "text"
        case kind:
            return _TYPES[kind]


def _collation(column: Column) -> str:
    text = (column.type.item or column.type).kind is Kind.TEXT
    return f" COLLATE {names.quote(column.collation or 'C')}" if text else ""


def _default(column: Column) -> str | None:
    if not isinstance(column.server_default, Now):
        return column.server_default
    if column.type.kind not in _NOW:
        problem = f"now() is no default for a column of type {column.type}"
        raise Refused(problem, "use it for dates and times only")
    return _NOW[column.type.kind]


def _comments(table: Table, columns: Iterable[Column], whole: bool) -> Iterator[str]:
    name = names.table(table.name)
    if whole and table.comment:
        yield f"COMMENT ON TABLE {name} IS {names.literal(table.comment)}"
    for column in columns:
        if column.comment:
            yield f"COMMENT ON COLUMN {name}.{names.quote(column.name)} IS {names.literal(column.comment)}"


# ---------------------------------------------------------------- additions


def missing_columns(catalog: Catalog, existing_columns: Mapping[TableName, Collection[str]]) -> list[str]:
    """Statements that add the columns tables lack. Raises ConfigError listing those that cannot be added."""
    draft = Draft()
    statements: list[str] = []
    for table, columns in migrate.additions(catalog, existing_columns):
        added = {column.name for column in columns}
        statements += _enums(columns)
        for column in columns:
            statements.append(draft.attempt(f"{table.name}.{column.name}", partial(_addition, table, column)))
        statements += [_unless_there(_add(table, migrate.check(own, names))) for own in migrate.new_checks(table, added)]
        statements += [_add(table, _exclusion(own)) for own in table.exclusions if _concerns(own, added)]
        statements += [_add_key(table, key) for key in table.foreign_keys if set(key.columns) & added]
        statements += migrate.new_keys(table, added, names)
        statements += _comments(table, columns, whole=False)
    draft.done()
    return statements


def _concerns(exclusion: Exclusion, added: Collection[str]) -> bool:
    return migrate.about((*(part for part, _ in exclusion.parts), exclusion.where or ""), added)


def _addition(table: Table, column: Column) -> str:
    migrate.check_addition(table, column)
    value = migrate.fill(column)
    fill = None if value is None else _literal(column.type, value)
    return f"ALTER TABLE {names.table(table.name)} ADD COLUMN {_column(column, fill)}"


def _literal(type_: DataType, canonical: Any) -> str:
    """A canonical value as a literal that takes the type of its column."""
    if type_.kind is not Kind.ARRAY:
        return names.literal(to_text(type_, canonical) or "")
    return names.literal("{" + ",".join(_array_item(type_, item) for item in canonical) + "}")


def _array_item(type_: DataType, item: Any) -> str:
    text = to_text(type_.item or type_, item)
    return "NULL" if text is None else '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


# ---------------------------------------------------------------- search


def search_indexes(catalog: Catalog, existing: Collection[str]) -> list[str]:
    """Statements that create the search indexes that are not there; each serves searches by its column's configuration."""
    return [
        f"CREATE INDEX {names.quote(name)} ON {names.table(table.name)}"
        f" USING gin (to_tsvector({names.config(column.search)}, {names.quote(column.name)}))"
        for table in catalog.tables.values()
        for column in table.columns.values()
        if column.search is not None and not table.view
        if f"{table.name.schema}.{(name := _search_name(table, column))}" not in existing
    ]


def _search_name(table: Table, column: Column) -> str:
    longest = migrate.LONGEST_NAME - len("_search")
    return f"{table.name.name}_{column.name}".encode()[:longest].decode(errors="ignore") + "_search"


# ---------------------------------------------------------------- identities


def advance_identities(catalog: Catalog) -> list[str]:
    """Statements that move each counter past its table's keys: for after rows came with keys of their own."""
    return [
        f"SELECT setval({_sequence(table, column)}, coalesce(max({names.quote(column.name)}), 0) + 1, false)"
        f" FROM {names.table(table.name)}"
        for table in catalog.tables.values()
        for column in table.columns.values()
        if column.autoincrement
    ]


def _sequence(table: Table, column: Column) -> str:
    place = f"{names.literal(names.table(table.name))}, {names.literal(column.name)}"
    return f"pg_get_serial_sequence({place})"
