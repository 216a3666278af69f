"""The catalog as STRICT SQLite tables: values in the canonical form of `datatypes`, checked where cheap.

TEXT     text, enum, date, time, timestamps, uuid; json and arrays as JSON text
INTEGER  integer, boolean (0 or 1), interval (microseconds)
REAL     numeric, float
BLOB     bytes
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from mainspring.catalog.declared.names import clashes
from mainspring.catalog.model import Catalog, Column, Table
from mainspring.datatypes import DataType, Kind, from_text
from mainspring.engines.sql import migrate
from mainspring.engines.sql.migrate import Draft, Refused
from mainspring.engines.sqlite import names
from mainspring.engines.sqlite.dialect import encoder
from mainspring.errors import MainspringError
from mainspring.query.ast import Now, TableName

COLLATIONS = ("NOCASE", "RTRIM")
"""SQLite's own, beside the order of code points."""

_STORAGE = {
    Kind.INTEGER: "INTEGER",
    Kind.BOOLEAN: "INTEGER",
    Kind.INTERVAL: "INTEGER",
    Kind.NUMERIC: "REAL",
    Kind.FLOAT: "REAL",
    Kind.BYTES: "BLOB",
}

# The canonical text of this moment: no fraction, or one without trailing zeros.
_NOW = {
    Kind.TIMESTAMPTZ: "(rtrim(rtrim(strftime('%Y-%m-%dT%H:%M:%f','now'),'0'),'.')||'+00:00')",
    Kind.TIMESTAMP: "(rtrim(rtrim(strftime('%Y-%m-%dT%H:%M:%f','now'),'0'),'.'))",
    Kind.DATE: "(date('now'))",
    Kind.TIME: "(rtrim(rtrim(strftime('%H:%M:%f','now'),'0'),'.'))",
}

_UUID = (
    "(lower(hex(randomblob(4)))||'-'||lower(hex(randomblob(2)))||'-4'||substr(lower(hex(randomblob(2))),2)"
    "||'-'||substr('89ab',1+(random()&3),1)||substr(lower(hex(randomblob(2))),2)||'-'||lower(hex(randomblob(6))))"
)
_FUNCTIONS = {"gen_random_uuid()": _UUID, "uuid_generate_v4()": _UUID}
_TEXT = r"'((?:[^']|'')*)'"
_QUOTED = re.compile(rf"{_TEXT}(?:\s*::[\w\s.\"\[\](),]+)?|cast\(\s*{_TEXT}\s+as\s+.+\)", re.IGNORECASE | re.DOTALL)
_BARE = re.compile(r"[+-]?[0-9.]+(?:e[+-]?[0-9]+)?|true|false", re.IGNORECASE)
_ROUNDED_DIGITS = 15


# ---------------------------------------------------------------- creation


def create_statements(catalog: Catalog, existing: Collection[TableName] = frozenset()) -> list[str]:
    """Statements that create what is not there. Raises ConfigError listing what SQLite cannot hold."""
    draft = Draft()
    for where, unfit in clashes(catalog.tables.values(), folded=True):
        draft.refuse(where, f"{unfit.problem}: SQLite minds no case", unfit.hint)
    for table in catalog.tables.values():
        for exclusion in table.exclusions:
            draft.refuse(str(table.name), f"SQLite has no exclusion constraints, such as {exclusion.name}", "use PostgreSQL")
    tables = migrate.new_tables(catalog, existing)
    statements = [_create_table(table, draft) for table in tables]
    statements += [sql for table in tables for sql in migrate.create_indexes(table, names)]
    draft.done()
    return statements


def _create_table(table: Table, draft: Draft) -> str:
    columns = [draft.attempt(f"{table.name}.{column.name}", partial(_column, table, column)) for column in table.columns.values()]
    keys = [migrate.foreign_key(key, names) for key in table.foreign_keys]
    parts = [*columns, *_primary_key(table), *migrate.constraints(table, names), *keys]
    body = ",\n  ".join(parts)
    kind = "STRICT" if table.with_rowid else "STRICT, WITHOUT ROWID"
    return f"CREATE TABLE {names.table(table.name)} (\n  {body}\n) {kind}"


def _primary_key(table: Table) -> Iterator[str]:
    if table.primary_key:
        yield f"PRIMARY KEY ({migrate.listed(table.primary_key, names)})"


def _column(table: Table, column: Column) -> str:
    if column.autoincrement and table.primary_key != (column.name,):
        raise Refused("SQLite counts only in a primary key of one column", "make it the primary key")
    if column.autoincrement and not table.with_rowid:
        raise Refused("SQLite counts only in tables with a rowid", "leave sqlite_with_rowid out, or say autoincrement=False")
    parts = [names.quote(column.name), _storage(table, column), *_collation(column)]
    if column.generated is not None and not column.autoincrement:
        parts.append(f"GENERATED ALWAYS AS ({_computed(column)}) STORED")
    default = default_of(column)
    parts += [f"DEFAULT {default}"] if default else []
    parts += [] if column.nullable else ["NOT NULL"]
    return " ".join((*parts, *_check(table, column)))


def _storage(table: Table, column: Column) -> str:
    """INTEGER makes a single primary key the rowid, which SQLite fills when it is missing; INT does not.

    So a key that the database must not make up stays required.
    """
    storage = _STORAGE.get(column.type.kind, "TEXT")
    alone = table.primary_key == (column.name,)
    return "INT" if storage == "INTEGER" and alone and not column.autoincrement else storage


def _collation(column: Column) -> Iterator[str]:
    if column.collation is not None:
        if column.collation.upper() not in COLLATIONS or column.type.kind is not Kind.TEXT:
            raise Refused(
                f'SQLite has no collation "{column.collation}" for it', f"text can have {' or '.join(COLLATIONS)} there"
            )
        yield f"COLLATE {column.collation.upper()}"


def _computed(column: Column) -> str:
    """A computed numeric at its scale, as PostgreSQL stores it."""
    scale = column.type.scale
    if column.type.kind is Kind.NUMERIC and scale is not None and scale <= _ROUNDED_DIGITS:
        return f"round({column.generated}, {scale})"
    return str(column.generated)


def _check(table: Table, column: Column) -> Iterator[str]:
    """What keeps a writer honest who is not Mainspring."""
    condition = _condition(names.quote(column.name), column.type)
    if condition:
        yield f"CONSTRAINT {names.quote(f'{table.name.name}_{column.name}_type')} CHECK ({condition})"


def _condition(column: str, type_: DataType) -> str | None:
    match type_.kind:
        case Kind.BOOLEAN:
            return f"{column} IN (0, 1)"
        case Kind.ENUM:
            return f"{column} IN ({', '.join(names.literal(value) for value in type_.values)})"
        case Kind.TEXT if type_.length is not None:
            return f"length({column}) <= {type_.length}"
        case Kind.JSON:
            return f"json_valid({column})"
        case Kind.ARRAY:
            return f"json_valid({column}) AND json_type({column}) = 'array'"
        case _:
            return None


# ---------------------------------------------------------------- defaults


def default_of(column: Column) -> str | None:
    """The database's own default in SQLite's words. Raises Refused for what has none."""
    if column.server_default is None:
        return None
    if isinstance(column.server_default, Now):
        return _now(column.type)
    return _translated(column.server_default, column.type)


def _now(type_: DataType) -> str:
    if type_.kind not in _NOW:
        raise Refused(f"now() is no default for a column of type {type_}", "use it for dates and times only")
    return _NOW[type_.kind]


def _translated(said: str, type_: DataType) -> str | None:
    text = _bared(said)
    if text.lower() == "null":
        return None
    if text.lower() in _FUNCTIONS and type_.kind in (Kind.UUID, Kind.TEXT):
        return _FUNCTIONS[text.lower()]
    quoted = _QUOTED.fullmatch(text)
    if quoted:
        return _constant(type_, (quoted[1] if quoted[1] is not None else quoted[2]).replace("''", "'"))
    if _BARE.fullmatch(text):
        return _constant(type_, text)
    hint = "use a literal, func.now() or gen_random_uuid()"
    raise Refused(f"SQLite has no word for the default {said}", hint)


def _bared(said: str) -> str:
    """Without the brackets around the whole."""
    text = said.strip()
    while text.startswith("(") and text.endswith(")") and "(" not in text[1:-1] and ")" not in text[1:-1]:
        text = text[1:-1].strip()
    return text


def _constant(type_: DataType, text: str) -> str:
    try:
        return _literal(type_, from_text(type_, text))
    except MainspringError as error:
        raise Refused(f"the default does not fit the column: {error.message}", "change the default") from None


def _literal(type_: DataType, canonical: Any) -> str:
    """A canonical value as SQLite stores it, as an SQL literal."""
    stored = encoder(type_)(canonical)
    match stored:
        case bytes():
            return f"X'{stored.hex()}'"
        case str():
            return names.literal(stored)
        case float():
            return repr(stored)
        case _:
            return str(int(stored))


# ---------------------------------------------------------------- additions


def missing_columns(catalog: Catalog, existing_columns: Mapping[TableName, Collection[str]]) -> list[str]:
    """Statements that add the columns tables lack. Raises ConfigError listing those that cannot be added."""
    draft = Draft()
    statements: list[str] = []
    for table, columns in migrate.additions(catalog, existing_columns):
        checks = _added_checks(table, [column.name for column in columns])
        for column in columns:
            make = partial(_addition, table, column, checks[column.name])
            statements.append(draft.attempt(f"{table.name}.{column.name}", make))
        statements += migrate.new_keys(table, {column.name for column in columns}, names)
    draft.done()
    return statements


def _added_checks(table: Table, added: Sequence[str]) -> Mapping[str, list[str]]:
    """The checks that come with each added column: a check can name several, and the last of them brings it."""
    found: dict[str, list[str]] = {name: [] for name in added}
    for own in migrate.new_checks(table, added):
        last = [name for name in added if migrate.about((own.sql,), (name,))][-1]
        found[last].append(migrate.check(own, names))
    return found


def _addition(table: Table, column: Column, checks: Sequence[str]) -> str:
    migrate.check_addition(table, column)
    default = _constant_default(column)
    parts = [names.quote(column.name), _storage(table, column), *_collation(column)]
    if column.generated is not None:
        parts.append(f"AS ({_computed(column)}) VIRTUAL")
    else:
        parts += [f"DEFAULT {default}"] if default else []
        parts += [] if column.nullable else ["NOT NULL"]
        parts += [*_check(table, column), *_added_references(table, column, default)]
    return f"ALTER TABLE {names.table(table.name)} ADD COLUMN {' '.join((*parts, *checks))}"


def _constant_default(column: Column) -> str | None:
    default = default_of(column)
    if default and default.startswith("("):
        raise Refused("SQLite adds only columns with a constant default", "leave the server default out")
    value = migrate.fill(column)
    return _literal(column.type, value) if default is None and value is not None else default


def _added_references(table: Table, column: Column, default: str | None) -> Iterator[str]:
    for key in table.foreign_keys:
        if column.name in key.columns:
            if len(key.columns) > 1 or default is not None:
                raise Refused("SQLite adds only foreign keys of one column without default", "migrate by hand")
            yield f"CONSTRAINT {names.quote(key.name)} {migrate.references(key, names)}"
