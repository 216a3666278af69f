"""Columns that Mainspring did not make (`DataType.native`): any value can stand in them, whatever is declared.

Text and numbers are compared as they are stored, so that indexes serve; booleans, moments and JSON are converted where they are
read. A value that is none of its column's type is shown as it is, bytes as hexadecimal digits.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mainspring.datatypes import DATE, TIME, TIMESTAMP, TIMESTAMPTZ, DataType, Kind, from_text
from mainspring.errors import MainspringError

_D = "[0-9]"
_DAY = f"{_D * 4}-{_D * 2}-{_D * 2}"
_CLOCK = f"{_D * 2}:{_D * 2}:{_D * 2}"

_TRUE = "'true', 't', 'yes', 'y', 'on', '1'"
_FALSE = "'false', 'f', 'no', 'n', 'off', '0'"


def untyped(native: str) -> bool:
    """Whether SQLite converts nothing that is stored in a column so declared (and is not told to keep bytes)."""
    return not native.strip()


def canonical(column: str, type_: DataType) -> str:
    """What a stored value stands for."""
    match type_.kind:
        case Kind.BOOLEAN:
            word = f"CASE WHEN lower({column}) IN ({_TRUE}) THEN 1 WHEN lower({column}) IN ({_FALSE}) THEN 0 END"
            return f"(CASE typeof({column}) WHEN 'text' THEN {word} WHEN 'integer' THEN {column} <> 0 END)"
        case Kind.DATE:
            return _read(column, f"{column} GLOB '{_DAY}'", column, "ms_read_date")
        case Kind.TIME:
            return _read(column, f"{column} GLOB '{_CLOCK}'", column, "ms_read_time")
        case Kind.TIMESTAMP:
            joined = f"substr({column}, 1, 10) || 'T' || substr({column}, 12)"
            return _read(column, f"{column} GLOB '{_DAY} {_CLOCK}'", joined, "ms_read_timestamp")
        case Kind.TIMESTAMPTZ:
            joined = f"substr({column}, 1, 10) || 'T' || substr({column}, 12) || '+00:00'"
            return _read(column, f"{column} GLOB '{_DAY} {_CLOCK}'", joined, "ms_read_timestamptz")
        case Kind.JSON:
            text = f"json_quote({_digits(column)})"
            kept = f"CASE WHEN json_valid({column}, 9) THEN json({column}) WHEN typeof({column}) = 'blob' THEN {text}"
            return f"({kept} WHEN {column} IS NOT NULL THEN json_quote({column}) END)"
        case Kind.TEXT if untyped(type_.native or ""):
            return as_text(column)
        case _:
            return column


def _read(column: str, usual: str, kept: str, function: str) -> str:
    """The usual form is told by a pattern and rewritten in SQL; another one is left to a function."""
    other = f"WHEN 'text' THEN {function}(CAST({column} AS BLOB)) WHEN 'blob' THEN {_digits(column)} ELSE {column}"
    return f"(CASE WHEN {usual} THEN {kept} ELSE CASE typeof({column}) {other} END END)"


def _digits(value: str) -> str:
    return f"'\\x' || lower(hex({value}))"


def as_text(value: str) -> str:
    """A value of any class as text."""
    return f"(CASE typeof({value}) WHEN 'text' THEN {value} WHEN 'blob' THEN {_digits(value)} ELSE CAST({value} AS TEXT) END)"


def document(value: str, type_: DataType, usual: str) -> str:
    """What stands in a document for a canonical value; `usual` is how one of the column's own type does."""
    match type_.kind:
        case Kind.TEXT:
            return value if untyped(type_.native or "") else as_text(value)
        case Kind.BYTES:
            return f"CASE typeof({value}) WHEN 'blob' THEN {_digits(value)} ELSE {value} END"
        case Kind.INTEGER:
            infinite = f"abs({value}) > 1.7976931348623157e308"
            return (
                f"CASE typeof({value}) WHEN 'blob' THEN {_digits(value)} WHEN 'real' THEN"
                f" CASE WHEN {infinite} THEN CAST({value} AS TEXT) ELSE {value} END ELSE {value} END"
            )
        case Kind.NUMERIC | Kind.FLOAT:
            return _number(value, type_, usual)
        case Kind.TIMESTAMPTZ if type_.zone:
            return f"CASE WHEN {_instant(value)} THEN {usual} ELSE {value} END"
        case _:
            return usual


def _instant(value: str) -> str:
    """Whether a canonical value is a moment, which can be told in a time zone."""
    return f"{value} GLOB '{_DAY}T{_CLOCK}*+00:00'"


def _number(value: str, type_: DataType, usual: str) -> str:
    """A number with more decimals than its column declares is shown with all of them."""
    finite = f"WHEN abs({value}) > 1.7976931348623157e308 THEN CAST({value} AS TEXT)"
    if type_.kind is Kind.NUMERIC and type_.scale is not None:
        finite += f" WHEN round({value}, {type_.scale}) <> {value} OR abs({value}) >= 1e15 THEN {value}"
    blob = f"WHEN typeof({value}) = 'blob' THEN {_digits(value)}"
    return f"CASE {blob} WHEN typeof({value}) NOT IN ('integer', 'real') THEN {value} {finite} ELSE {usual} END"


def text(value: str, type_: DataType, usual: str) -> str:
    """The text of a canonical value; `usual` is that of one of the column's own type."""
    match type_.kind:
        case Kind.NUMERIC | Kind.FLOAT:
            return f"CASE WHEN typeof({value}) IN ('integer', 'real') THEN {usual} ELSE {as_text(value)} END"
        case Kind.TEXT | Kind.INTEGER | Kind.BYTES:
            return as_text(value)
        case Kind.TIMESTAMPTZ if type_.zone:
            return f"CASE WHEN {_instant(value)} THEN {usual} ELSE {value} END"
        case _:
            return usual


def castable(value: str, type_: DataType) -> str:
    """A canonical value if it is one of its type, else null, so that it can become one of another type."""
    match type_.kind:
        case Kind.INTEGER | Kind.NUMERIC | Kind.FLOAT:
            return f"(CASE WHEN typeof({value}) IN ('integer', 'real') THEN {value} END)"
        case Kind.TIMESTAMPTZ:
            return f"(CASE WHEN {_instant(value)} THEN {value} END)"
        case _:
            return value


def stored(type_: DataType) -> Callable[[Any], Any] | None:
    """From a canonical value to what SQLite's own functions write; None where that is the same."""
    return _spaced if type_.kind in (Kind.TIMESTAMP, Kind.TIMESTAMPTZ) else None


def _spaced(value: str) -> str:
    return value.replace("T", " ")


# ---------------------------------------------------------------- functions for what SQL cannot read


def reader(type_: DataType) -> Callable[[bytes], str]:
    """A function from a text (as bytes, for it can be any) to the canonical value it stands for, or to itself."""

    def read(stored: bytes) -> str:
        text = stored.decode(errors="replace")
        try:
            found: str = from_text(type_, text.replace(" +", "+"))
        except MainspringError:
            return text
        return found

    return read


FUNCTIONS = {
    "ms_read_date": reader(DATE),
    "ms_read_time": reader(TIME),
    "ms_read_timestamp": reader(TIMESTAMP),
    "ms_read_timestamptz": reader(TIMESTAMPTZ),
}
