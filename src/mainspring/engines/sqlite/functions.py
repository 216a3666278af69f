"""SQL functions that SQLite lacks, registered on every connection. Deterministic, and only used where SQL alone cannot."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import msgspec

from mainspring.datatypes import float_text, interval_text, json_text

DIGITS = 15
"""The significant digits that a double keeps of a decimal number."""

_decode = msgspec.json.Decoder(float_hook=Decimal).decode


def register(connection: Any) -> None:
    """Make the functions known to `connection`."""
    for name, function in _FUNCTIONS.items():
        connection.create_function(name, 1, function, deterministic=True)
    connection.create_aggregate("ms_exact_sum", 1, ExactSum)


class ExactSum:
    """The sum of numbers of any scale, each of which is exact in 15 digits. Raises where the sum is not."""

    def __init__(self) -> None:
        self._total: Decimal | None = None

    def step(self, value: float | None) -> None:
        """One more number; null is none."""
        if value is not None:
            self._total = (self._total or Decimal(0)) + Decimal(f"{value:.{DIGITS}g}")

    def finalize(self) -> float | None:
        """The sum, null of no numbers."""
        if self._total is None:
            return None
        if len(self._total.normalize().as_tuple().digits) > DIGITS:
            raise OverflowError
        return float(self._total)


def _interval(value: int | None) -> str | None:
    return None if value is None else interval_text(value)


def _json(value: str | None) -> str | None:
    return None if value is None else json_text(_decode(value))


def _float(value: float | None) -> str | None:
    return None if value is None else float_text(float(value))


def _decimal(value: float | None) -> str | None:
    return None if value is None else format(Decimal(f"{value:.{DIGITS}g}"), "f")


def _round(value: float | None) -> float | None:
    """A total or an average of exact numbers, without what doubles add to it."""
    return None if value is None else float(f"{value:.{DIGITS}g}")


_FUNCTIONS = {
    "ms_interval": _interval,
    "ms_json_text": _json,
    "ms_float_text": _float,
    "ms_decimal_text": _decimal,
    "ms_round": _round,
}
