"""Aggregate functions: on which types they exist, what they yield, and their reference meaning.

As PostgreSQL has them, except that an average of exact numbers is rounded to 15 significant digits, which every engine can give.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from functools import reduce
from math import isfinite
from typing import Any, Final

from mainspring.datatypes import BIGINT, FLOAT, NUMERIC, DataType, Kind, round_numeric
from mainspring.errors import LimitExceeded, ValueOutOfRange
from mainspring.query.functions import EXACT
from mainspring.query.ops import order_key

FUNCTIONS: Final = ("count", "sum", "avg", "min", "max")

_NUMBERS = frozenset({Kind.INTEGER, Kind.NUMERIC, Kind.FLOAT})
_RANKED = _NUMBERS | {Kind.TEXT, Kind.ENUM, Kind.DATE, Kind.TIME, Kind.TIMESTAMP, Kind.TIMESTAMPTZ, Kind.INTERVAL}
_SMALL = 32


def result_type(function: str, type_: DataType | None) -> DataType | None:
    """What `function` yields of values of `type_` (None: of rows); None where it does not exist."""
    if function == "count":
        return BIGINT
    if type_ is None:
        return None
    if function in ("min", "max"):
        return type_ if type_.kind in _RANKED else None
    if type_.kind not in _NUMBERS:
        return None
    if type_.kind is Kind.FLOAT:
        return FLOAT
    return NUMERIC if function == "avg" else _total(type_)


def _total(type_: DataType) -> DataType:
    """The type of a sum of exact numbers."""
    if type_.kind is Kind.INTEGER:
        return BIGINT if type_.bits <= _SMALL else NUMERIC
    return DataType(Kind.NUMERIC, scale=type_.scale if type_.precision is None else type_.scale or 0, wide=type_.wide)


def too_many(most: int) -> LimitExceeded:
    """The refusal of a request whose aggregates would look at more than `most` rows."""
    return LimitExceeded(what="the number of rows that aggregates look at", limit=most, unit="rows")


def aggregate(function: str, type_: DataType | None, values: Sequence[Any]) -> Any:
    """`function` over canonical non-null values of `type_` (or over rows, whatever stands for them).

    Raises ValueOutOfRange where the result is no value.
    """
    if function == "count":
        return len(values)
    if not values or type_ is None:
        return None
    match function:
        case "min":
            return min(values, key=lambda value: order_key(type_, value))
        case "max":
            return max(values, key=lambda value: order_key(type_, value))
        case "sum":
            return _sum(type_, values)
        case _:
            return _average(type_, values)


def _sum(type_: DataType, values: Sequence[Any]) -> Any:
    total = sum(values) if type_.kind is Kind.FLOAT else _added(values)
    match _total(type_) if type_.kind is not Kind.FLOAT else FLOAT:
        case DataType(kind=Kind.FLOAT):
            return _finite(total)
        case DataType(kind=Kind.NUMERIC) as exact:
            return round_numeric(exact, Decimal(total))
        case _:
            return total


def _average(type_: DataType, values: Sequence[Any]) -> Any:
    if type_.kind is Kind.FLOAT:
        return _finite(sum(values) / len(values))
    return round_numeric(NUMERIC, Decimal(f"{float(Decimal(_added(values)) / len(values)):.15g}"))


def _added(values: Sequence[Any]) -> Any:
    """The exact sum, however many digits it has."""
    return reduce(EXACT.add, values, Decimal(0)) if any(isinstance(value, Decimal) for value in values) else sum(values)


def _finite(value: float) -> float:
    if not isfinite(value):
        raise ValueOutOfRange("double precision", "...", reason="the total is too large")
    return value + 0.0
