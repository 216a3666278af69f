"""SQL functions that SQLite lacks, registered on every connection. Deterministic, and only used where SQL alone cannot."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from itertools import count
from typing import Any

import msgspec

from mainspring.datatypes import NUMERIC, DataType, Kind, float_text, interval_text, json_text, range_clock
from mainspring.engines.sqlite import adopted
from mainspring.engines.sqlite.comparisons import COMPARISONS
from mainspring.query.aggregates import aggregate
from mainspring.query.functions import ARITHMETIC, DIGITS, calculated, fitted
from mainspring.zones import clock, clock_date, clock_text

_decode = msgspec.json.Decoder(float_hook=Decimal).decode


def register(connection: Any, before: Callable[[int], None] | None = None) -> None:
    """Make the functions known to `connection`.

    `before` is told of each comparison, which takes longer than SQLite's own, how many characters it looks at.
    """
    for name, (arity, function) in _FUNCTIONS.items():
        connection.create_function(name, arity, function, deterministic=True)
    for name, (arity, function) in COMPARISONS.items():
        made = function if before is None else _after(before, function)
        connection.create_function(name, arity, made, deterministic=True)
    for name, shown in _SHOWN.items():
        connection.create_function(name, 2, shown, deterministic=True)
    connection.create_function("ms_looked", 5, Looked())
    connection.create_aggregate("ms_exact_sum", 1, ExactSum)
    for name in ("sum", "avg", "min", "max"):
        connection.create_aggregate(f"ms_wide_{name}", 1, wide_aggregate(name))


def _after(before: Callable[[int], None], function: Callable[..., Any]) -> Callable[..., Any]:
    def run(*arguments: Any) -> Any:
        before(sum(len(argument) for argument in arguments if isinstance(argument, str)))
        return function(*arguments)

    return run


_runs = count()


def next_run(_: None) -> int:
    """The number of one more run of a statement."""
    return next(_runs)


class Looked:
    """How many rows the groups in a statement's embeds stand for. A write that runs again has changed rows in between."""

    def __init__(self) -> None:
        self._run, self._rows = (-1, 0), 0

    def __call__(self, run: int, changes: int, rows: int, most: int, refusal: str) -> str:
        """Count so many more: a JSON path, or what is none when they are more than `most`, so that SQLite's error names it."""
        if self._run != (run, changes):
            self._run, self._rows = (run, changes), 0
        self._rows += rows
        return "$" if self._rows <= most else refusal


class ExactSum:
    """The sum of numbers of any scale, each of which is exact in 15 digits. Raises where the sum is not."""

    def __init__(self) -> None:
        self._total: Decimal | None = None

    def step(self, value: float | None) -> None:
        """One more number; null is none, nor is a text in a column that keeps what it is given."""
        if isinstance(value, float | int):
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


# Wide numerics: doubles as long as one keeps all digits that the scale gives them room for, else decimal numbers in a text.

_WIDE = DataType(Kind.NUMERIC, wide=True)


def _exact(value: float | str) -> Decimal:
    return Decimal(f"{value:.{DIGITS}g}" if isinstance(value, float) else value)


def _wide(value: float | str | Decimal | None, scale: int | None) -> float | str | None:
    """The one form of a wide numeric, so that equal ones are told."""
    if value is None:
        return None
    number = _fitted(value if isinstance(value, Decimal) else _exact(value), scale)
    if scale is not None and abs(number) < 10 ** (DIGITS - scale):
        return float(number)
    return format(number, "f")


def _fitted(number: Decimal, scale: int | None) -> Decimal:
    fit: Decimal = fitted(NUMERIC if scale is None else DataType(Kind.NUMERIC, scale=scale), number)
    return fit


def _calculation(name: str) -> Callable[..., float | str | None]:
    def calculate(left: float | str | None, right: float | str | None, scale: int | None) -> float | str | None:
        if left is None or right is None:
            return None
        return _wide(calculated(name, _exact(left), _exact(right)), scale)

    return calculate


def wide_aggregate(name: str) -> type[Any]:
    """The aggregate `name` of wide numerics: a text, of an average a double."""

    class Aggregate:
        def __init__(self) -> None:
            self._values: list[Decimal] = []

        def step(self, value: float | str | None) -> None:
            if value is not None:
                self._values.append(_exact(value))

        def finalize(self) -> float | str | None:
            found = aggregate(name, _WIDE, self._values)
            return found if found is None else float(found) if name == "avg" else format(found, "f")

    return Aggregate


def _number(value: float | str | None, scale: int | None) -> str | None:
    """A wide numeric as documents write it."""
    if value is None:
        return None
    if isinstance(value, float) and scale is not None:
        return f"{value + 0.0:.{scale}f}"  # no negative zero
    return format(_fitted(_exact(value), scale), "f")


def _real(value: float | str | None) -> float | None:
    return None if value is None else float(value)


_COMPLEMENT = str.maketrans("0123456789", "9876543210")


def _numeric_key(value: float | str | None) -> str | None:
    """A text that sorts as the number does: its sign, its size, its digits."""
    if value is None:
        return None
    if isinstance(value, float):
        digits, exponent = f"{value:.{DIGITS - 1}e}".replace(".", "").split("e")
        return _key(digits.lstrip("-").rstrip("0"), int(exponent), negative=value < 0)
    number = Decimal(value)
    digits = "".join(map(str, number.as_tuple().digits)).lstrip("0").rstrip("0")
    return _key(digits, number.adjusted(), negative=number < 0)


def _key(digits: str, exponent: int, *, negative: bool) -> str:
    if not digits:
        return "1"
    size = f"{exponent + 5_000_000:07}{digits}"
    return f"0{size.translate(_COMPLEMENT)}~" if negative else f"2{size}"


def _of(show: Callable[[str, str], str]) -> Callable[[str | None, str], str | None]:
    return lambda moment, zone: None if moment is None else show(moment, zone)


def _clocks(moments: str | None, zone: str) -> str | None:
    if moments is None:
        return None
    return msgspec.json.encode([None if item is None else clock(item, zone) for item in _decode(moments)]).decode()


def _range_clocks(ranges: str | None, zone: str) -> str | None:
    if ranges is None:
        return None
    return msgspec.json.encode([None if item is None else range_clock(item, zone) for item in _decode(ranges)]).decode()


_SHOWN: dict[str, Callable[[str | None, str], str | None]] = {
    "ms_clock": _of(clock),
    "ms_clock_text": _of(clock_text),
    "ms_clock_date": _of(clock_date),
    "ms_clocks": _clocks,
    "ms_range_clock": _of(range_clock),
    "ms_range_clocks": _range_clocks,
}
"""Functions of a moment or a range (or an array of them) and a time zone."""

_FUNCTIONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "ms_interval": (1, _interval),
    "ms_json_text": (1, _json),
    "ms_float_text": (1, _float),
    "ms_decimal_text": (1, _decimal),
    "ms_round": (1, _round),
    "ms_number": (2, _number),
    "ms_wide": (2, _wide),
    "ms_real": (1, _real),
    "ms_numeric_key": (1, _numeric_key),
    **{f"ms_{name}": (3, _calculation(name)) for name in ARITHMETIC},
    **{name: (1, function) for name, function in adopted.FUNCTIONS.items()},
}
