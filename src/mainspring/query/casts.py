"""Casts of outputs (`select=id::text`): which exist, what they yield. One table for every engine; it knows no
engine's SQL.

Only casts that cannot fail are offered: a value of the source type always has a value of the target type.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from mainspring.datatypes import (
    BIGINT,
    BOOLEAN,
    BYTES,
    DATE,
    FLOAT,
    INTEGER,
    JSON,
    NUMERIC,
    SMALLINT,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    UUID_,
    DataType,
    Kind,
    round_numeric,
    to_text,
)
from mainspring.zones import clock_date

_NAMES: dict[str, DataType] = {
    **dict.fromkeys(("text", "varchar", "character varying"), TEXT),
    **dict.fromkeys(("int2", "smallint"), SMALLINT),
    **dict.fromkeys(("int4", "int", "integer"), INTEGER),
    **dict.fromkeys(("int8", "bigint"), BIGINT),
    **dict.fromkeys(("numeric", "decimal"), NUMERIC),
    **dict.fromkeys(("float8", "double precision", "float", "real"), FLOAT),
    **dict.fromkeys(("bool", "boolean"), BOOLEAN),
    **dict.fromkeys(("timestamp", "timestamp without time zone"), TIMESTAMP),
    **dict.fromkeys(("timestamptz", "timestamp with time zone"), TIMESTAMPTZ),
    **dict.fromkeys(("json", "jsonb"), JSON),
    "date": DATE,
    "time": TIME,
    "uuid": UUID_,
    "bytea": BYTES,
}

_NUMBERS = frozenset({Kind.NUMERIC, Kind.FLOAT})


def type_named(name: str) -> DataType | None:
    """The type that a cast names (in any case), or None when there is none of that name."""
    return _NAMES.get(" ".join(name.lower().split()))


def castable(source: DataType, target: DataType) -> bool:
    """Whether every value of `source` has a value of `target`."""
    if target.kind is Kind.TEXT:
        return source.kind is not Kind.ARRAY and target.length is None
    match source.kind:
        case Kind.INTEGER if target.kind is Kind.INTEGER:
            return source.bits <= target.bits
        case Kind.INTEGER | Kind.NUMERIC if target.kind in _NUMBERS:
            return True
        case Kind.BOOLEAN if target.kind in _NUMBERS or target.kind is Kind.INTEGER:
            return True
        case Kind.TIMESTAMP | Kind.TIMESTAMPTZ if target.kind is Kind.DATE:
            return True
        case kind:
            return kind is target.kind and kind not in (Kind.ENUM, Kind.ARRAY)


def cast(source: DataType, target: DataType, value: Any) -> Any:
    """The canonical `value` of `source` as a canonical value of `target`; null stays null.

    Takes only pairs that are `castable`.
    """
    if value is None:
        return None
    match target.kind:
        case Kind.TEXT:
            return to_text(source, value)
        case Kind.INTEGER:
            return int(value)
        case Kind.NUMERIC:
            return round_numeric(target, Decimal(value))
        case Kind.FLOAT:
            return float(value) + 0.0
        case Kind.DATE if source.zone:
            return clock_date(value, source.zone)
        case Kind.DATE:
            return value[:10]
        case _:
            return value
