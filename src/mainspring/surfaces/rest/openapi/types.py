"""The JSON schema of a value: from the database's name of its type, whichever engine stores it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from mainspring.catalog.model import Column
from mainspring.query.ast import Const

Json = dict[str, Any]

_ARRAY: Final = "[]"
_SIZE: Final = re.compile(r"\(([\d,]+)\)")
_NUMBERS: Final[Mapping[str, Json]] = {
    "smallint": {"type": "integer", "format": "int16", "minimum": -(2**15), "maximum": 2**15 - 1},
    "integer": {"type": "integer", "format": "int32", "minimum": -(2**31), "maximum": 2**31 - 1},
    "bigint": {"type": "integer", "format": "int64", "minimum": -(2**63), "maximum": 2**63 - 1},
    "numeric": {"type": "number"},
    "real": {"type": "number", "format": "float"},
    "double precision": {"type": "number", "format": "double"},
}
_FORMATS: Final[Mapping[str, str | None]] = {
    **dict.fromkeys(("text", "character varying", "character", "citext", "name", "xml")),
    "uuid": "uuid",
    "date": "date",
    "timestamp with time zone": "date-time",
    "timestamp without time zone": "date-time-local",
    "time without time zone": "time-local",
    "time with time zone": "time",
    **{
        name: name
        for name in (
            *("interval", "bytea", "money", "inet", "cidr", "macaddr", "macaddr8", "bit", "bit varying", "tsvector", "tsquery"),
            *("int4range", "int8range", "numrange", "daterange", "tsrange", "tstzrange"),
        )
    },
}
"""The types that are JSON strings, and the format of each."""

_EXAMPLES: Final[Mapping[str, Any]] = {
    **dict.fromkeys(("smallint", "integer", "bigint"), 1),
    **dict.fromkeys(("numeric", "real", "double precision"), 9.5),
    "boolean": True,
    "uuid": "a11ce000-0000-4000-8000-000000000001",
    "date": "2026-01-31",
    "timestamp with time zone": "2026-01-31T12:00:00+00:00",
    "timestamp without time zone": "2026-01-31T12:00:00",
    "time without time zone": "12:00:00",
    "time with time zone": "12:00:00+00:00",
    "interval": "1 day 02:00:00",
    "bytea": "\\x6d61",
    "inet": "192.0.2.1",
    "cidr": "192.0.2.0/24",
    "macaddr": "08:00:2b:01:02:03",
    "money": "$1.00",
    "bit": "1",
    "bit varying": "101",
    "tsvector": "'one'",
    "tsquery": "'one'",
    "xml": "<a/>",
    **dict.fromkeys(("int4range", "int8range", "numrange"), "[1,5)"),
    "daterange": "[2026-01-01,2026-02-01)",
    **dict.fromkeys(("tsrange", "tstzrange"), '["2026-01-01 00:00:00","2026-02-01 00:00:00")'),
}


def type_name(column: Column) -> str:
    """The name of a column's type, of that below a domain where it is one, without a length."""
    return plain(column.base or column.native or str(column.type))


def plain(name: str) -> str:
    """A type's name without a length or precision, wherever in it that stands."""
    return _SIZE.sub("", name)


def schema_of(name: str) -> Json:
    """The JSON schema of values of a type. One that nothing is known of (a composite, say) can be any JSON."""
    if name.endswith(_ARRAY):
        return {"type": "array", "items": nullable(schema_of(name.removesuffix(_ARRAY)))}
    if name in _NUMBERS:
        return dict(_NUMBERS[name])
    if name == "boolean":
        return {"type": "boolean"}
    if name in _FORMATS:
        known = _FORMATS[name]
        return {"type": "string", **({"format": known} if known else {})}
    return {} if name in ("json", "jsonb") else {"format": name}


def nullable(schema: Json) -> Json:
    """The schema of the same values, or null."""
    if "type" not in schema:
        return schema
    told = {**schema, "type": [schema["type"], "null"]}
    return {**told, "enum": [*schema["enum"], None]} if "enum" in schema else told


def column_schema(column: Column) -> Json:
    """The JSON schema of a column's values, with what is known of it: bounds, choices, default, comment, an example."""
    name, choices = type_name(column), column.choices or column.type.values
    schema: Json = {"type": "string", "enum": list(choices)} if choices else schema_of(name)
    length = column.max_length or column.type.length
    if length is not None and schema.get("type") == "string":
        schema["maxLength"] = length
    schema = nullable(schema) if column.nullable else schema
    default = _default(name, column)
    told = {"description": column.comment, "default": default, "examples": [example(column)]}
    return schema | {key: value for key, value in told.items() if value is not None}


def example(column: Column) -> Any:
    """A value that the column takes."""
    choices = column.choices or column.type.values
    if choices:
        return choices[0]
    length = column.max_length or column.type.length
    found = example_of(type_name(column), column.name)
    return found[:length] if isinstance(found, str) and length else found


def example_of(name: str, called: str) -> Any:
    """A value of a type, for a column or an argument that is `called` so."""
    if name.endswith(_ARRAY):
        return [example_of(name.removesuffix(_ARRAY), called)]
    if name in _EXAMPLES:
        return _EXAMPLES[name]
    return called if name in _FORMATS else {}


def _default(name: str, column: Column) -> Any:
    """The default as JSON, where it is a constant."""
    if isinstance(column.default, Const):
        value = column.default.value
        return value if isinstance(value, bool | int | str) else None
    return sql_constant(name, column.server_default) if isinstance(column.server_default, str) else None


def sql_constant(name: str, text: str) -> Any:
    """The JSON value of a constant default, as a database writes it for a type; None for any other expression."""
    told = text.removesuffix(f"::{name}")
    if len(told) > 1 and told[0] == told[-1] == "'":
        inner = told[1:-1]
        return inner.replace("''", "'") if "'" not in inner.replace("''", "") and _FORMATS.get(name, "") is None else None
    try:
        return msgspec.json.decode(told) if name in _NUMBERS or name == "boolean" else None
    except msgspec.DecodeError:
        return None
