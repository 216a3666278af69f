"""SQL functions that SQLite lacks, registered on every connection. Deterministic, and only used where SQL alone cannot."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from mainspring.datatypes import float_text, interval_text, json_text

_decode = msgspec.json.Decoder(float_hook=Decimal).decode


def register(connection: Any) -> None:
    """Make the functions known to `connection`."""
    for name, function in _FUNCTIONS.items():
        connection.create_function(name, 1, function, deterministic=True)


def _interval(value: int | None) -> str | None:
    return None if value is None else interval_text(value)


def _json(value: str | None) -> str | None:
    return None if value is None else json_text(_decode(value))


def _float(value: float | None) -> str | None:
    return None if value is None else float_text(float(value))


def _decimal(value: float | None) -> str | None:
    return None if value is None else format(Decimal(f"{value:.15g}"), "f")


_FUNCTIONS = {
    "ms_interval": _interval,
    "ms_json_text": _json,
    "ms_float_text": _float,
    "ms_decimal_text": _decimal,
}
