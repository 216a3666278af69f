"""PostgreSQL's names of types as our logical types; what we do not know stays the database's own."""

from __future__ import annotations

import re
from typing import Any

from mainspring.datatypes import (
    BIGINT,
    BOOLEAN,
    BYTES,
    DATE,
    FLOAT,
    INTEGER,
    INTERVAL,
    JSON,
    NUMERIC,
    RANGES,
    SMALLINT,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    UUID_,
    DataType,
    Kind,
)

_PLAIN = {
    "smallint": SMALLINT,
    "integer": INTEGER,
    "bigint": BIGINT,
    "numeric": NUMERIC,
    "real": FLOAT,
    "double precision": FLOAT,
    "text": TEXT,
    "character varying": TEXT,
    "boolean": BOOLEAN,
    "date": DATE,
    "time without time zone": TIME,
    "timestamp without time zone": TIMESTAMP,
    "timestamp with time zone": TIMESTAMPTZ,
    "interval": INTERVAL,
    "uuid": UUID_,
    "json": JSON,
    "jsonb": JSON,
    "bytea": BYTES,
    **RANGES,
}
_SIZED = re.compile(r"([a-z ]+)\((\d+)(?:,(\d+))?\)(.*)")


def logical(column: dict[str, Any]) -> DataType:
    """The logical type of a column as `questions.TABLES` describes it."""
    if column["enum"] and column["choices"]:
        return DataType(Kind.ENUM, name=column["enum"], values=tuple(column["choices"]))
    return named(column["type"]) or named(column["base"]) or DataType(Kind.NATIVE, name=column["type"], base=column["below"])


def named(name: str) -> DataType | None:
    """The logical type of a name as `format_type` writes it, None when it is not one of ours."""
    if name.endswith("[]"):
        item = named(name.removesuffix("[]"))
        return DataType(Kind.ARRAY, item=item) if item is not None and item.kind is not Kind.ARRAY else None
    sized = _SIZED.fullmatch(name)
    if sized is None:
        return _PLAIN.get(name)
    plain, first, second = _PLAIN.get((sized[1] + sized[4]).strip()), int(sized[2]), int(sized[3] or 0)
    if plain == NUMERIC:
        return DataType(Kind.NUMERIC, precision=first, scale=second)
    return DataType(Kind.TEXT, length=first) if plain == TEXT else plain
