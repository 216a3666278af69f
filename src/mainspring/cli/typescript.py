"""The catalog as the TypeScript types that supabase-js takes: `createClient<Database>(...)`. Pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Sequence

from mainspring.catalog.model import Cardinality, Catalog, Column, Relation, Table
from mainspring.catalog.routines import Parameter, Routine
from mainspring.datatypes import DataType, Kind
from mainspring.query.ast import TableName

_KINDS = {
    **dict.fromkeys((Kind.INTEGER, Kind.NUMERIC, Kind.FLOAT), "number"),
    Kind.BOOLEAN: "boolean",
    Kind.JSON: "Json",
    Kind.NATIVE: "unknown",
}
_NAMES = {
    **dict.fromkeys(("smallint", "integer", "bigint", "numeric", "real", "double precision"), "number"),
    **dict.fromkeys(("int2", "int4", "int8", "float4", "float8"), "number"),  # so PostgreSQL calls what functions return
    **dict.fromkeys(("varchar", "bpchar", "timestamptz", "timestamp", "time"), "string"),
    "bool": "boolean",
    **dict.fromkeys(("text", "character varying", "uuid", "date", "bytea"), "string"),
    **dict.fromkeys(("timestamp with time zone", "timestamp without time zone", "time without time zone"), "string"),
    **dict.fromkeys(("json", "jsonb"), "Json"),
    "boolean": "boolean",
    "void": "undefined",
}
_PLAIN = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_NONE = "{ [_ in never]: never }"
_JSON = "export type Json = string | number | boolean | null | { [key: string]: Json | undefined } | Json[]"
# supabase-js types max-affected and spreads of several rows only for a PostgREST that has them.
_VERSION = '__InternalSupabase: { PostgrestVersion: "13" }'


def typescript(catalog: Catalog, schemas: Sequence[str]) -> str:
    """The module's text: types of the tables, views, functions and enums of `schemas`."""
    members = [line for schema in schemas for line in _schema(catalog, schema)]
    return "\n".join([_JSON, "", "export type Database = {", *_indented([_VERSION, *members]), "}", ""])


def _schema(catalog: Catalog, schema: str) -> Iterator[str]:
    tables = [table for name, table in catalog.tables.items() if name.schema == schema]
    routines = [each for name, overloads in catalog.routines.items() if name.schema == schema for each in overloads]
    yield f"{_key(schema)}: {{"
    yield from _indented(_group("Tables", (_table(catalog, table) for table in tables if not table.view)))
    yield from _indented(_group("Views", (_table(catalog, table) for table in tables if table.view)))
    functions = {each.name.name: [_function(schema, each)] for each in _first(routines)}
    for name, led in _led(catalog, tables):
        functions.setdefault(name, []).append(led)
    yield from _indented(_group("Functions", ([f"{_key(name)}: {' | '.join(each)}"] for name, each in functions.items())))
    yield from _indented(_group("Enums", ([f"{_key(name)}: {text}"] for name, text in _enums(tables).items())))
    yield f"  CompositeTypes: {_NONE}"
    yield "}"


def _first(routines: Iterable[Routine]) -> list[Routine]:
    """One of each name; supabase-js knows no overloads by argument."""
    return list({routine.name: routine for routine in reversed(list(routines))}.values())


def _group(name: str, members: Iterable[Sequence[str]]) -> list[str]:
    lines = [line for member in members for line in member]
    return [f"{name}: {{", *_indented(lines), "}"] if lines else [f"{name}: {_NONE}"]


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"  {line}" for line in lines]


def _key(name: str) -> str:
    return name if _PLAIN.fullmatch(name) else json.dumps(name)


# ---------------------------------------------------------------- tables


def _table(catalog: Catalog, table: Table) -> list[str]:
    columns = list(table.columns.values())
    lines = [f"Row: {_object(f'{_key(each.name)}: {_nullable(each)}' for each in table.readable())}"]
    if table.insertable:
        lines.append(f"Insert: {_object(_inserted(each) for each in columns)}")
    if table.updatable:
        lines.append(f"Update: {_object(_updated(each) for each in columns)}")
    relations = [_relation(each) for each in catalog.relations.get(table.name, ()) if _is_key(table, each)]
    lines.append(f"Relationships: [{', '.join(relations)}]")
    return [f"{_key(table.name.name)}: {{", *_indented(lines), "}"]


def _object(members: Iterable[str]) -> str:
    return f"{{ {'; '.join(members)} }}"


def _nullable(column: Column) -> str:
    return _type(column.type) + (" | null" if column.nullable else "")


def _inserted(column: Column) -> str:
    if not column.writable:
        return f"{_key(column.name)}?: never"
    filled = column.nullable or column.autoincrement or column.default is not None or column.server_default is not None
    return f"{_key(column.name)}{'?' if filled else ''}: {_nullable(column)}"


def _updated(column: Column) -> str:
    return f"{_key(column.name)}?: {_nullable(column) if column.writable else 'never'}"


def _type(type_: DataType) -> str:
    if type_.kind is Kind.ENUM:
        return " | ".join(map(json.dumps, type_.values))
    if type_.kind is Kind.ARRAY and type_.item is not None:
        return f"({_type(type_.item)})[]" if type_.item.kind is Kind.ENUM else f"{_type(type_.item)}[]"
    return _KINDS.get(type_.kind, "string")


def _is_key(table: Table, relation: Relation) -> bool:
    """Whether it is a foreign key of the table itself, to a table that clients reach."""
    own = any(key.name == relation.name and key.columns == relation.columns for key in table.foreign_keys)
    return own and relation.target.schema == table.name.schema and relation.function is None


def _relation(relation: Relation) -> str:
    single = "true" if relation.cardinality is Cardinality.ONE_TO_ONE else "false"
    return _object(
        (
            f"foreignKeyName: {json.dumps(relation.name)}",
            f"columns: {json.dumps(relation.columns)}",
            f"isOneToOne: {single}",
            f"referencedRelation: {json.dumps(relation.target.name)}",
            f"referencedColumns: {json.dumps(relation.target_columns)}",
        )
    )


def _enums(tables: Iterable[Table]) -> dict[str, str]:
    types = [column.type.item or column.type for table in tables for column in table.readable()]
    return {type_.name or "enum": _type(type_) for type_ in types if type_.kind is Kind.ENUM}


# ---------------------------------------------------------------- functions


def _function(schema: str, routine: Routine) -> str:
    named = [each for each in routine.parameters if each.name]
    arguments = _object(map(_argument, named)) if named else "Record<PropertyKey, never>"
    return f"{{ Args: {arguments}; Returns: {_returned(schema, routine)} }}"


def _led(catalog: Catalog, tables: Iterable[Table]) -> Iterator[tuple[str, str]]:
    """Computed relations, which supabase-js knows as functions of a row."""
    for relation in (each for table in tables for each in catalog.relations.get(table.name, ()) if each.on is not None):
        single = relation.cardinality.single
        options = (
            f"from: {json.dumps(relation.source.name)}",
            f"to: {json.dumps(relation.target.name)}",
            f"isOneToOne: {'true' if single else 'false'}",
            "isSetofReturn: true",
        )
        returned = _row(relation.target) + ("" if single else "[]")
        arguments = _object((f'"": {_row(relation.source)}',))
        yield relation.name, f"{{ Args: {arguments}; Returns: {returned}; SetofOptions: {_object(options)} }}"


def _row(table: TableName) -> str:
    return f'Database[{json.dumps(table.schema)}]["Tables"][{json.dumps(table.name)}]["Row"]'


def _argument(parameter: Parameter) -> str:
    return f"{_key(parameter.name)}{'' if parameter.required else '?'}: {_named(parameter.type)}"


def _named(name: str) -> str:
    return f"{_named(name[:-2])}[]" if name.endswith("[]") else _NAMES.get(name, "unknown")


def _returned(schema: str, routine: Routine) -> str:
    returns, table = routine.returns, routine.returns.table
    if table is not None and table.schema == schema:
        row = _row(table)
    else:
        row = "Json" if table is not None else _named(returns.type.name)
    return f"{row}[]" if returns.many else row
