"""Declared types as logical types. What SQLite's own rules say of a type decides where its name is no standard one."""

from __future__ import annotations

import re
from collections.abc import Collection

from msgspec.structs import replace

from mainspring.datatypes import (
    BIGINT,
    BOOLEAN,
    BYTES,
    DATE,
    FLOAT,
    JSON,
    NUMERIC,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    DataType,
    Kind,
)
from mainspring.engines.sqlite.adopted import untyped

STRICT = {"INT": BIGINT, "INTEGER": BIGINT, "REAL": FLOAT, "TEXT": TEXT, "BLOB": BYTES}
"""The types of STRICT tables, whose columns hold nothing else."""

_MOST_DIGITS = 1000
_SIZED = re.compile(r"([^(]*)(?:\(\s*(\d{1,9})\s*(?:,\s*(\d{1,9})\s*)?\))?.*", re.DOTALL)
_NAMED = {
    **dict.fromkeys(("BOOL", "BOOLEAN"), BOOLEAN),
    "DATE": DATE,
    "TIME": TIME,
    **dict.fromkeys(("DATETIME", "SMALLDATETIME", "DATETIME2", "TIMESTAMP", "TIMESTAMP WITHOUT TIME ZONE"), TIMESTAMP),
    **dict.fromkeys(("TIMESTAMPTZ", "TIMESTAMP WITH TIME ZONE", "DATETIMEOFFSET"), TIMESTAMPTZ),
    **dict.fromkeys(("JSON", "JSONB"), JSON),
    **dict.fromkeys(("NUMERIC", "DECIMAL", "DEC", "NUMBER", "MONEY", "SMALLMONEY", "CURRENCY"), NUMERIC),
    **dict.fromkeys(("BYTEA", "BINARY", "VARBINARY", "IMAGE"), BYTES),
}
# SQLite's rules of affinity, in their order: the first part that the type's name contains decides.
_AFFINITIES = (
    ("INT", BIGINT),
    ("CHAR", TEXT),
    ("CLOB", TEXT),
    ("TEXT", TEXT),
    ("BLOB", BYTES),
    ("REAL", FLOAT),
    ("FLOA", FLOAT),
    ("DOUB", FLOAT),
)
_MOMENTS = (Kind.DATE, Kind.TIME, Kind.TIMESTAMP, Kind.TIMESTAMPTZ)


def declared(native: str) -> DataType:
    """The logical type of a column declared as `native` in a table that is not STRICT."""
    sized = _SIZED.fullmatch(native)
    name = " ".join((sized[1] if sized else native).upper().split())
    found = _NAMED.get(name) or next((type_ for part, type_ in _AFFINITIES if part in name), TEXT)
    if found == NUMERIC and sized is not None and sized[2] is not None:
        precision, scale = int(sized[2]), int(sized[3] or 0)
        if 1 <= precision <= _MOST_DIGITS and scale <= precision:
            found = DataType(Kind.NUMERIC, precision=precision, scale=scale)
    return replace(found, native=native)


def open_to_sample(type_: DataType) -> bool:
    """Whether the values decide: nothing is declared, or moments are, which many programs keep as numbers."""
    return type_.native is not None and (type_.kind in _MOMENTS or untyped(type_.native))


def sampled(type_: DataType, classes: Collection[str]) -> DataType:
    """The type again, knowing the storage classes of some values."""
    held = set(classes) - {"null"}
    if held == {"integer"}:
        return replace(BIGINT, native=type_.native)
    if held and held <= {"integer", "real"}:
        return replace(FLOAT, native=type_.native)
    if held == {"blob"}:
        return replace(BYTES, native=type_.native)
    return type_
