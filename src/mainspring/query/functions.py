"""The functions of formulas: what each yields, on which types, and its reference meaning on canonical values.

None of them can fail: a formula is worked out for rows that its reader may not see, too, and an error would tell of them. So
integers that may not fit become numerics, numerics grow as they must, and there is no arithmetic on doubles.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Context, Decimal
from typing import Any

from msgspec.structs import replace

from mainspring.datatypes import BIGINT, DataType, Kind, to_text
from mainspring.query.ops import fold_ascii

DIGITS = 15
"""How many significant digits a double keeps."""

EXACT = Context(prec=200_000, rounding=ROUND_HALF_UP, Emax=999_999, Emin=-999_999)
"""Arithmetic on numerics of any length that can be stored."""

ARITHMETIC = ("add", "subtract", "multiply")
FUNCTIONS = ("concat", "lower", "upper", "length", "text", "coalesce", *ARITHMETIC)


# ---------------------------------------------------------------- types


@dataclass(frozen=True, slots=True)
class Sized:
    """A type and the largest absolute value of a number of that type, in units of its last place (None: no bound)."""

    type: DataType
    most: int | None = None


def sized(type_: DataType) -> Sized:
    """What is known of a number of a type alone."""
    match type_.kind:
        case Kind.INTEGER:
            return Sized(type_, 1 << (type_.bits - 1))
        case Kind.NUMERIC if type_.precision is not None:
            return Sized(type_, 10**type_.precision)
        case _:
            return Sized(type_)


def arithmetic(function: str, left: Sized, right: Sized) -> Sized:
    """What sums, differences and products yield: bigint where every result fits, else a numeric that holds it."""
    one, other = _scale(left.type), _scale(right.type)
    if one is None or other is None:
        return Sized(DataType(Kind.NUMERIC, wide=True))
    scale = one + other if function == "multiply" else max(one, other)
    most = _most(function, left, right, one, other)
    if left.type.kind is right.type.kind is Kind.INTEGER and most is not None and most < 1 << 63:
        return Sized(BIGINT, most)
    wide = most is None or most >= 10**DIGITS or left.type.wide or right.type.wide
    return Sized(DataType(Kind.NUMERIC, scale=scale, wide=wide), most)


def _scale(type_: DataType) -> int | None:
    if type_.kind is Kind.INTEGER or type_.precision is not None:
        return type_.scale or 0
    return type_.scale


def _most(function: str, left: Sized, right: Sized, left_scale: int, right_scale: int) -> int | None:
    if left.most is None or right.most is None:
        return None
    if function == "multiply":
        return left.most * right.most
    scale = max(left_scale, right_scale)
    return int(left.most * 10 ** (scale - left_scale) + right.most * 10 ** (scale - right_scale))


def common(parts: Sequence[Sized]) -> Sized | None:
    """The one type of values that can stand for each other (`coalesce`, `case`); None where there is none."""
    types = [part.type for part in parts]
    kinds = {type_.kind for type_ in types}
    if not parts:
        return None
    if kinds <= {Kind.INTEGER, Kind.NUMERIC}:
        return _common_number(parts, kinds)
    if len(kinds) > 1 or kinds & {Kind.JSON, Kind.ARRAY, Kind.RANGE, Kind.NATIVE}:
        return None
    if kinds == {Kind.ENUM}:
        return parts[0] if len({type_.values for type_ in types}) == 1 else None
    return Sized(replace(types[0], length=None))


def _common_number(parts: Sequence[Sized], kinds: set[Kind]) -> Sized:
    types = [part.type for part in parts]
    if kinds == {Kind.INTEGER}:
        largest = max(types, key=lambda type_: type_.bits)
        return Sized(largest, max(part.most for part in parts if part.most is not None))
    scales = [_scale(part.type) for part in parts]
    scale = None if None in scales else max(each for each in scales if each is not None)
    mosts = [_units(part, scale) for part in parts]
    most = None if None in mosts else max(each for each in mosts if each is not None)
    return Sized(DataType(Kind.NUMERIC, scale=scale, wide=any(part.type.wide for part in parts)), most)


def _units(part: Sized, scale: int | None) -> int | None:
    """The bound of a number in units of a finer scale."""
    if part.most is None or scale is None:
        return None
    return int(part.most * 10 ** (scale - (_scale(part.type) or 0)))


# ---------------------------------------------------------------- values


def apply(function: str, type_: DataType, sources: Sequence[DataType], values: Sequence[Any]) -> Any:
    """The value of type `type_` that `function` yields for `values` of the types `sources`; of a null null (but `coalesce`)."""
    if function == "coalesce":
        return fitted(type_, next((value for value in values if value is not None), None))
    if any(value is None for value in values):
        return None
    match function:
        case "concat":
            return "".join(values)
        case "lower":
            return fold_ascii(values[0])
        case "upper":
            return raise_ascii(values[0])
        case "length":
            return len(values[0])
        case "text":
            return to_text(sources[0], values[0])
        case _:
            return fitted(type_, calculated(function, Decimal(values[0]), Decimal(values[1])))


def calculated(function: str, left: Decimal, right: Decimal) -> Decimal:
    """The exact sum, difference or product."""
    match function:
        case "add":
            return EXACT.add(left, right)
        case "subtract":
            return EXACT.subtract(left, right)
        case _:
            return EXACT.multiply(left, right)


def fitted(type_: DataType, value: Any) -> Any:
    """A number in the canonical form of `type_`; anything else as it is."""
    if value is None or type_.kind not in (Kind.INTEGER, Kind.NUMERIC):
        return value
    if type_.kind is Kind.INTEGER:
        return int(value)
    number = Decimal(value)
    exact = number.normalize(EXACT) if type_.scale is None else number.quantize(Decimal(1).scaleb(-type_.scale), context=EXACT)
    return abs(exact) if exact == 0 else exact


_RAISE = str.maketrans({chr(code): chr(code - 32) for code in range(ord("a"), ord("z") + 1)})


def raise_ascii(text: str) -> str:
    """`text` with a-z in upper case, everything else as it is."""
    return text.translate(_RAISE)
