"""Logical types: what a value may be, its one canonical form in Python and its JSON form.

Every engine stores and answers the canonical form decided here, so that answers are the same everywhere:

    kind          canonical (Python)                       JSON form
    TEXT ENUM     str without NUL or lone surrogates       string
    INTEGER       int within `bits`                        number
    NUMERIC       Decimal, rounded half up to `scale`      number with exactly `scale` decimals (shortest without a scale)
    FLOAT         float, never NaN, infinite or -0.0       shortest number that reads back the same
    BOOLEAN       bool                                     true / false
    DATE TIME TIMESTAMP   str, ISO 8601, years 0001-9999, fraction without trailing zeros (so text order is time order)
    TIMESTAMPTZ   the same in UTC with the suffix +00:00
    INTERVAL      int, microseconds                        PostgreSQL's text: "1 day 02:03:04.5"
    UUID          str, lower case with hyphens             string
    JSON          what JSON says, numbers exact            itself
    BYTES         bytes                                    "\\x" and lower-case hex
    ARRAY         list of canonical items (None allowed)   array
    RANGE         str, PostgreSQL's text: "empty" or bounds; of whole numbers and dates always [from,to)   string
    NATIVE        str, the database's own text             what the database makes of it
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, InvalidOperation
from enum import StrEnum
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from mainspring import zones
from mainspring.errors import BodyInvalid, LimitExceeded, ValueInvalid, ValueOutOfRange


class Kind(StrEnum):
    """The families of types; the value is the name users see in messages."""

    TEXT = "text"
    INTEGER = "integer"
    NUMERIC = "numeric"
    FLOAT = "double precision"
    BOOLEAN = "boolean"
    DATE = "date"
    TIME = "time without time zone"
    TIMESTAMP = "timestamp without time zone"
    TIMESTAMPTZ = "timestamp with time zone"
    INTERVAL = "interval"
    UUID = "uuid"
    JSON = "jsonb"
    BYTES = "bytea"
    ENUM = "enum"
    ARRAY = "array"
    RANGE = "range"
    NATIVE = "native"


class DataType(msgspec.Struct, frozen=True):
    """A logical type. `bits` for integers, `length` for text, `precision`/`scale` for numerics,
    `values` (and `name`) for enums, `item` for arrays and ranges, `name` for ranges and types only the database knows; None means
    unbounded.

    `wide` marks numerics that are computed and may have more digits than any that is stored. `native` is how the database itself
    declares a column that it holds in a form of its own, not the canonical one: values are converted where they are read. `base`
    is the database's name of what lies below a domain of such types.

    `zone`, of moments: where they are shown, and where one without an offset is read; None is UTC.
    """

    kind: Kind
    bits: int = 64
    length: int | None = None
    precision: int | None = None
    scale: int | None = None
    name: str | None = None
    values: tuple[str, ...] = ()
    item: DataType | None = None
    wide: bool = False
    native: str | None = None
    base: str | None = None
    zone: str | None = None

    def __str__(self) -> str:
        return _label(self)


TEXT = DataType(Kind.TEXT)
SMALLINT = DataType(Kind.INTEGER, bits=16)
INTEGER = DataType(Kind.INTEGER, bits=32)
BIGINT = DataType(Kind.INTEGER, bits=64)
NUMERIC = DataType(Kind.NUMERIC)
FLOAT = DataType(Kind.FLOAT)
BOOLEAN = DataType(Kind.BOOLEAN)
DATE = DataType(Kind.DATE)
TIME = DataType(Kind.TIME)
TIMESTAMP = DataType(Kind.TIMESTAMP)
TIMESTAMPTZ = DataType(Kind.TIMESTAMPTZ)
INTERVAL = DataType(Kind.INTERVAL)
UUID_ = DataType(Kind.UUID)
JSON = DataType(Kind.JSON)
BYTES = DataType(Kind.BYTES)

RANGES = {
    name: DataType(Kind.RANGE, name=name, item=item)
    for name, item in (
        ("int4range", INTEGER),
        ("int8range", BIGINT),
        ("numrange", NUMERIC),
        ("daterange", DATE),
        ("tsrange", TIMESTAMP),
        ("tstzrange", TIMESTAMPTZ),
    )
}
"""The range types by name."""

_INTEGER_NAMES = {16: "smallint", 32: "integer", 64: "bigint"}
_MAX_JSON_DEPTH = 200
_MAX_DIGITS = 1000
_SPARSE = 2.0**53
"""From here on doubles are whole numbers, and not all of them."""


def _label(type_: DataType) -> str:
    match type_.kind:
        case Kind.INTEGER:
            return _INTEGER_NAMES[type_.bits]
        case Kind.TEXT if type_.length is not None:
            return f"character varying({type_.length})"
        case Kind.NUMERIC if type_.precision is not None:
            return f"numeric({type_.precision},{type_.scale or 0})"
        case Kind.ENUM:
            return f"enum {type_.name}"
        case Kind.NATIVE | Kind.RANGE:
            return type_.name or type_.kind.value
        case Kind.ARRAY:
            return f"{type_.item}[]"
        case kind:
            return kind.value


# ------------------------------------------------------------- from the wire to the canonical form


def from_text(type_: DataType, text: str) -> Any:
    """The canonical value that `text` (a filter's value, say) stands for.

    Raises ValueInvalid or ValueOutOfRange; both name the type and the text.
    """
    return _FROM_TEXT[type_.kind](type_, text)


def text_reader(type_: DataType) -> Callable[[DataType, Any], Any]:
    """What reads values of `type_` that are mostly texts: the choice is made once, not per value."""
    text, other = _FROM_TEXT[type_.kind], _FROM_JSON[type_.kind]

    def read(type_: DataType, value: Any) -> Any:
        if isinstance(value, str):
            return text(type_, value)
        return None if value is None else other(type_, value)

    return read


class Document(msgspec.Struct, frozen=True):
    """A JSON value that is there, also where it is null: what a condition compares, beside None for SQL's null."""

    value: Any


def from_json(type_: DataType, value: Any) -> Any:
    """The canonical value of a decoded JSON value, or of the Python value that SQLAlchemy uses for the type.

    None stays None. Raises ValueInvalid or ValueOutOfRange.
    """
    if value is None:
        return None
    return _FROM_JSON[type_.kind](type_, value)


def _invalid(type_: DataType, value: object, reason: str | None = None) -> ValueInvalid:
    return ValueInvalid(type=str(type_), value=_echo(value), reason=reason)


def _beyond(type_: DataType, value: object, reason: str | None = None) -> ValueOutOfRange:
    return ValueOutOfRange(type=str(type_), value=_echo(value), reason=reason)


def _echo(value: object) -> str:
    text = value if isinstance(value, str) else str(value)[:300]
    return text.encode("utf-8", "backslashreplace").decode().replace("\x00", "\\u0000")


def check_text(type_: DataType, text: str) -> str:
    """`text` itself when every database can store it. Raises ValueInvalid for NUL and lone surrogates."""
    if "\x00" in text:
        raise _invalid(type_, text, "NUL characters cannot be stored")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise _invalid(type_, text, "lone surrogates are not text") from None
    return text


def _text(type_: DataType, text: str) -> str:
    check_text(type_, text)
    if type_.length is not None and len(text) > type_.length:
        raise _beyond(type_, text, f"at most {type_.length} characters")
    return text


def _text_json(type_: DataType, value: Any) -> str:
    if isinstance(value, str):
        return _text(type_, value)
    if isinstance(value, bool):
        return _text(type_, "true" if value else "false")
    if isinstance(value, int | Decimal):
        return _text(type_, str(value))
    raise _invalid(type_, value, "a string is needed")


def _integer(type_: DataType, text: str) -> int:
    if len(text) <= (4 if type_.bits == 16 else 9) and text.isascii() and text.isdigit():  # fits for certain
        return int(text)
    stripped = text.strip()
    if not _INTEGER_FORM.fullmatch(stripped):
        raise _invalid(type_, text)
    if len(stripped) > 20:
        raise _beyond(type_, text)
    return _within(type_, int(stripped))


_INTEGER_FORM = re.compile(r"[+-]?[0-9]+", re.ASCII)


def _within(type_: DataType, value: int) -> int:
    bound = 1 << (type_.bits - 1)
    if not -bound <= value < bound:
        raise _beyond(type_, value if abs(value) < 1 << 200 else "a very long number")
    return value


def _integer_json(type_: DataType, value: Any) -> int:
    if isinstance(value, bool):
        raise _invalid(type_, "true" if value else "false")
    if isinstance(value, int):
        return _within(type_, value)
    if isinstance(value, Decimal | float) and math.isfinite(value):
        if math.fabs(value) >= 2.0**64:
            raise _beyond(type_, value)
        if value % 1 == 0:
            return _within(type_, int(value))
    if isinstance(value, str):
        return _integer(type_, value)
    raise _invalid(type_, value)


_EXACT = Context(prec=_MAX_DIGITS + 50, rounding=ROUND_HALF_UP, Emax=999999, Emin=-999999)
_NUMBER_FORM = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]{1,5})?", re.ASCII)


def _numeric(type_: DataType, text: str) -> Decimal:
    stripped = text.strip()
    if len(stripped) > _MAX_DIGITS:
        raise _beyond(type_, "a very long number")
    if not _NUMBER_FORM.fullmatch(stripped):
        raise _invalid(type_, text)
    return round_numeric(type_, Decimal(stripped))


def round_numeric(type_: DataType, value: Decimal) -> Decimal:
    """`value` at the type's scale (half up, as PostgreSQL rounds); without a scale, without trailing zeros.

    Raises ValueOutOfRange where the precision does not hold it, ValueInvalid for NaN and infinities.
    """
    if not value.is_finite():
        raise _invalid(type_, value, "only finite numbers can be stored")
    if abs(value.adjusted()) > _MAX_DIGITS:
        raise _beyond(type_, "a very long number")
    if type_.precision is None and type_.scale is None:
        trimmed = value.normalize(_EXACT)
        return abs(trimmed) if trimmed == 0 else trimmed
    scale = type_.scale or 0
    try:
        rounded = value.quantize(Decimal(1).scaleb(-scale), context=_EXACT)
    except InvalidOperation:
        raise _beyond(type_, value) from None
    if type_.precision is not None and abs(rounded) >= Decimal(10) ** (type_.precision - scale):
        raise _beyond(type_, value, f"at most {type_.precision - scale} digits before the decimal point")
    return abs(rounded) if rounded == 0 else rounded


def _numeric_json(type_: DataType, value: Any) -> Decimal:
    if isinstance(value, bool):
        raise _invalid(type_, "true" if value else "false")
    if isinstance(value, int):
        if abs(value) >= 1 << 3000:
            raise _beyond(type_, "a very long number")
        return round_numeric(type_, Decimal(value))
    if isinstance(value, Decimal):
        return round_numeric(type_, value)
    if isinstance(value, float):
        return round_numeric(type_, Decimal(repr(value)))
    if isinstance(value, str):
        return _numeric(type_, value)
    raise _invalid(type_, value)


def _float(type_: DataType, text: str) -> float:
    stripped = text.strip()
    if len(stripped) > _MAX_DIGITS:
        raise _beyond(type_, "a very long number")
    if not _NUMBER_FORM.fullmatch(stripped):
        raise _invalid(type_, text)
    return _finite(type_, float(stripped), text)


def _finite(type_: DataType, value: float, said: object) -> float:
    if not math.isfinite(value):
        raise _beyond(type_, said, "only finite numbers can be stored")
    return value + 0.0


def _float_json(type_: DataType, value: Any) -> float:
    if isinstance(value, bool):
        raise _invalid(type_, "true" if value else "false")
    if isinstance(value, int | float | Decimal):
        try:
            return _finite(type_, float(value), value)
        except OverflowError:
            raise _beyond(type_, "a very long number") from None
    if isinstance(value, str):
        return _float(type_, value)
    raise _invalid(type_, value)


_BOOLEANS = {
    **dict.fromkeys(("true", "t", "yes", "y", "on", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "off", "0"), False),
}


def _boolean(type_: DataType, text: str) -> bool:
    try:
        return _BOOLEANS[text.strip().lower()]
    except KeyError:
        raise _invalid(type_, text) from None


def _boolean_json(type_: DataType, value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _boolean(type_, value)
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    raise _invalid(type_, value)


def _date(type_: DataType, text: str) -> str:
    try:
        return datetime.fromisoformat(_ascii(text)).date().isoformat()
    except ValueError:
        raise _invalid(type_, text, "ISO 8601 is needed, such as 2026-01-31") from None


def _ascii(text: str) -> str:
    if not text.isascii() or len(text) > 64:
        raise ValueError
    return text.strip()


def _time(type_: DataType, text: str) -> str:
    try:
        return _trim(time.fromisoformat(_ascii(text)).replace(tzinfo=None).isoformat())
    except ValueError:
        raise _invalid(type_, text, "ISO 8601 is needed, such as 13:45:00") from None


def _moment(type_: DataType, text: str) -> datetime:
    try:
        return datetime.fromisoformat(_ascii(text))
    except ValueError:
        raise _invalid(type_, text, "ISO 8601 is needed, such as 2026-01-31T13:45:00+00:00") from None


def _timestamp(type_: DataType, text: str) -> str:
    return _trim(_moment(type_, text).replace(tzinfo=None).isoformat())


def _timestamptz(type_: DataType, text: str) -> str:
    return format_utc(_to_utc(type_, _moment(type_, text)))


def _to_utc(type_: DataType, moment: datetime) -> datetime:
    if moment.tzinfo is None and type_.zone is None:
        return moment.replace(tzinfo=UTC)
    try:
        return moment.astimezone(UTC) if moment.tzinfo else zones.moment(moment, type_.zone or "UTC")
    except OverflowError:
        raise _beyond(type_, moment.isoformat()) from None


def format_utc(moment: datetime) -> str:
    """The canonical text of an aware UTC moment."""
    return _trim(moment.replace(tzinfo=None).isoformat()) + "+00:00"


def _trim(text: str) -> str:
    return text.rstrip("0") if "." in text else text


def _temporal_json(python: type, form: Callable[[DataType, Any], str]) -> Callable[[DataType, Any], Any]:
    def accept(type_: DataType, value: Any) -> Any:
        if isinstance(value, str):
            return _FROM_TEXT[type_.kind](type_, value)
        if isinstance(value, python):
            return form(type_, value)
        raise _invalid(type_, value)

    return accept


_INTERVAL_UNITS = {
    "microsecond": 1,
    "millisecond": 1_000,
    "second": 1_000_000,
    "sec": 1_000_000,
    "minute": 60_000_000,
    "min": 60_000_000,
    "hour": 3_600_000_000,
    "day": 86_400_000_000,
    "week": 7 * 86_400_000_000,
}
_INTERVAL_PART = re.compile(
    r"\s*(?:(?P<sign>[+-]?)(?P<h>\d{1,9}):(?P<m>[0-5]?\d)(?::(?P<s>[0-5]?\d(?:\.\d{1,6})?))?"
    r"|(?P<n>[+-]?\d{1,15}(?:\.\d{1,6})?)\s*(?P<unit>[a-z]+))",
    re.ASCII,
)
_INTERVAL_ISO = re.compile(
    r"(?P<sign>-?)P(?:(?P<week>\d{1,9})W)?(?:(?P<day>\d{1,9})D)?"
    r"(?:T(?:(?P<hour>\d{1,9})H)?(?:(?P<minute>\d{1,9})M)?(?:(?P<second>\d{1,15}(?:\.\d{1,6})?)S)?)?",
    re.ASCII,
)
_INTERVAL_BOUND = 86_400_000_000 * 999_999_999


def _interval(type_: DataType, text: str) -> int:
    stripped = text.strip()
    iso = _INTERVAL_ISO.fullmatch(stripped) if len(stripped) > 2 else None
    total = _interval_iso(iso) if iso else _interval_words(type_, stripped.lower(), text)
    if abs(total) > _INTERVAL_BOUND:
        raise _beyond(type_, text)
    return total


def _interval_iso(match: re.Match[str]) -> int:
    units = ("week", "day", "hour", "minute", "second")
    total = sum(int(Decimal(match[unit]) * _INTERVAL_UNITS[unit]) for unit in units if match[unit])
    return -total if match["sign"] else total


def _interval_words(type_: DataType, words: str, said: str) -> int:
    total, position = 0, 0
    while position < len(words):
        match = _INTERVAL_PART.match(words, position)
        if match is None or match.end() == position:
            raise _invalid(type_, said, "days, hours, minutes and seconds are accepted; months and years are not")
        total += _interval_part(type_, match, said)
        position = match.end()
    if position == 0:
        raise _invalid(type_, said)
    return total


def _interval_part(type_: DataType, match: re.Match[str], said: str) -> int:
    if match["unit"]:
        unit = _INTERVAL_UNITS.get(match["unit"]) or _INTERVAL_UNITS.get(match["unit"].removesuffix("s"))
        if unit is None:
            raise _invalid(type_, said, f"unknown unit {match['unit']}")
        return int(Decimal(match["n"]) * unit)
    seconds = int(Decimal(match["s"] or 0) * 1_000_000)
    clock = int(match["h"]) * 3_600_000_000 + int(match["m"]) * 60_000_000 + seconds
    return -clock if match["sign"] == "-" else clock


def _interval_json(type_: DataType, value: Any) -> int:
    if isinstance(value, str):
        return _interval(type_, value)
    if isinstance(value, timedelta):
        return (value.days * 86_400 + value.seconds) * 1_000_000 + value.microseconds
    raise _invalid(type_, value)


def interval_text(microseconds: int) -> str:
    """PostgreSQL's text of an interval that was given in days and a time of one sign."""
    sign = "-" if microseconds < 0 else ""
    days, rest = divmod(abs(microseconds), 86_400_000_000)
    head = f"{sign}{days} day{'' if days == 1 and not sign else 's'}" if days else ""
    if not rest and head:
        return head
    seconds, fraction = divmod(rest, 1_000_000)
    clock = f"{sign}{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    tail = f"{clock}.{fraction:06}".rstrip("0") if fraction else clock
    return f"{head} {tail}" if head else tail


_UUID_FORM = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


def _uuid(type_: DataType, text: str) -> str:
    if _UUID_FORM.fullmatch(text):
        return text
    try:
        return str(UUID(text))
    except ValueError:
        raise _invalid(type_, text) from None


def _uuid_json(type_: DataType, value: Any) -> str:
    if isinstance(value, str):
        return _uuid(type_, value)
    if isinstance(value, UUID):
        return str(value)
    raise _invalid(type_, value)


def _enum(type_: DataType, text: str) -> str:
    if text not in type_.values:
        raise ValueInvalid(type=str(type_), value=_echo(text), reason=f"one of {', '.join(type_.values)} is needed")
    return text


def _enum_json(type_: DataType, value: Any) -> str:
    name = getattr(value, "name", None)
    if not isinstance(value, str) and isinstance(name, str):
        return _enum(type_, name)
    if isinstance(value, str):
        return _enum(type_, name if isinstance(name, str) and value not in type_.values else str(value))
    raise _invalid(type_, value)


def _bytes(type_: DataType, text: str) -> bytes:
    if not text.startswith("\\x"):
        return check_text(type_, text).encode()
    try:
        return bytes.fromhex(text[2:])
    except ValueError:
        raise _invalid(type_, text, "hexadecimal digits are needed after \\x") from None


def _bytes_json(type_: DataType, value: Any) -> bytes:
    if isinstance(value, str):
        return _bytes(type_, value)
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value)
    raise _invalid(type_, value)


def _json(type_: DataType, text: str) -> Any:
    try:
        return _json_json(type_, msgspec.json.Decoder(float_hook=Decimal).decode(check_text(type_, text)))
    except (msgspec.DecodeError, InvalidOperation):
        raise _invalid(type_, text) from None
    except RecursionError:
        raise LimitExceeded(what="the nesting of a JSON value", limit=_MAX_JSON_DEPTH, unit="levels") from None


def _json_json(type_: DataType, value: Any) -> Any:
    _check_json(type_, value, 0)
    return value


def _check_json(type_: DataType, value: Any, depth: int) -> None:
    """Refuses what not every engine can keep in a JSON value."""
    if depth > _MAX_JSON_DEPTH:
        raise LimitExceeded(what="the nesting of a JSON value", limit=_MAX_JSON_DEPTH, unit="levels")
    match value:
        case str():
            check_text(type_, value)
        case dict():
            for key, item in value.items():
                if not isinstance(key, str):
                    raise _invalid(type_, key, "object keys are strings")
                check_text(type_, key)
                _check_json(type_, item, depth + 1)
        case list() | tuple():
            for item in value:
                _check_json(type_, item, depth + 1)
        case bool() | None:
            pass
        case int():
            _within(BIGINT, value)
        case float() | Decimal():
            _check_json_number(type_, value)
        case _:
            raise _invalid(type_, value, "not a JSON value")


def _check_json_number(type_: DataType, value: float | Decimal) -> None:
    if not math.isfinite(value) or not math.isfinite(float(value)):
        raise _beyond(type_, value, "numbers in JSON must fit a double")


_ARRAY_ITEM = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^",{}]*?))\s*(,|$)', re.DOTALL)


def _array(type_: DataType, text: str) -> list[Any]:
    stripped = text.strip()
    if stripped.startswith("["):
        return _array_json(type_, _json(JSON, stripped))
    if not (stripped.startswith("{") and stripped.endswith("}")):
        raise _invalid(type_, text, 'write {a,b} or ["a","b"]')
    return [_array_item(type_, quoted, bare) for quoted, bare in _array_items(type_, stripped[1:-1], text)]


def _array_items(type_: DataType, inner: str, said: str) -> list[tuple[str | None, str | None]]:
    items: list[tuple[str | None, str | None]] = []
    position = 0
    while inner.strip():
        match = _ARRAY_ITEM.match(inner, position)
        if match is None or (match[1] is None and not match[2]):
            raise _invalid(type_, said, "malformed array literal")
        items.append((match[1], match[2]))
        position = match.end()
        if match[3] == "":
            break
    return items


def _array_item(type_: DataType, quoted: str | None, bare: str | None) -> Any:
    item = type_.item or TEXT
    if quoted is not None:
        return from_text(item, re.sub(r"\\(.)", r"\1", quoted, flags=re.DOTALL))
    return None if bare is not None and bare.upper() == "NULL" else from_text(item, bare or "")


def _array_json(type_: DataType, value: Any) -> list[Any]:
    if isinstance(value, str):
        return _array(type_, value)
    if not isinstance(value, list | tuple):
        raise _invalid(type_, value, "an array is needed")
    return [from_json(type_.item or TEXT, item) for item in value]


_RANGE_BOUND = r'((?:"(?:[^"\\]|\\.|"")*+"|\\.|[^",)\]\\])*+)'
_RANGE_FORM = re.compile(rf"([\[(]){_RANGE_BOUND},{_RANGE_BOUND}([\])])", re.DOTALL)
_RANGE_QUOTED = re.compile(r'\\(.)|"(")|"', re.DOTALL)
_LONGEST_RANGE = 4_000
_STEPPED = frozenset({Kind.INTEGER, Kind.DATE})
"""The kinds whose values have a next one, so that each range of them has one normal form."""

Bounds = tuple[Any, Any, str, str]
"""Lower and upper bound (None: unbounded), the opening and the closing bracket."""


def range_bounds(type_: DataType, text: str) -> Bounds | None:
    """The bounds of a range in its normal form, None when it is empty. Raises ValueInvalid or ValueOutOfRange."""
    stripped = text.strip()
    if stripped.lower() == "empty":
        return None
    if len(stripped) > _LONGEST_RANGE:
        raise _beyond(type_, "a very long range")
    found = _RANGE_FORM.fullmatch(stripped)
    if found is None:
        raise _invalid(type_, text, "malformed range literal: write [from,to) or empty")
    lower, upper = _range_bound(type_, found[2], text), _range_bound(type_, found[3], text)
    return _normal_range(type_, lower, upper, found[1] + found[4], text)


def _range_bound(type_: DataType, said: str, whole: str) -> Any:
    if not said:
        return None
    plain = _RANGE_QUOTED.sub(lambda found: found[1] or found[2] or "", said) if '"' in said or "\\" in said else said
    try:
        return from_text(type_.item or TEXT, plain)
    except ValueInvalid:
        raise _invalid(type_, whole, f"a bound is no {type_.item}") from None


def _normal_range(type_: DataType, lower: Any, upper: Any, brackets: str, said: object) -> Bounds | None:
    opening, closing = "(" if lower is None else brackets[0], ")" if upper is None else brackets[1]
    if lower is not None and upper is not None:
        if lower > upper:
            raise _beyond(type_, said, "the lower bound must be less than or equal to the upper bound")
        if lower == upper and opening + closing != "[]":
            return None
    if type_.item is not None and type_.item.kind in _STEPPED:
        if lower is not None and opening == "(":
            lower, opening = _next(type_, lower), "["
        if upper is not None and closing == "]":
            upper, closing = _next(type_, upper), ")"
        if lower is not None and lower == upper:
            return None
    return lower, upper, opening, closing


def _next(type_: DataType, value: Any) -> Any:
    """The value after `value`."""
    if isinstance(value, int):
        return _within(type_.item or BIGINT, value + 1)
    try:
        return (date.fromisoformat(value) + timedelta(days=1)).isoformat()
    except OverflowError:
        raise _beyond(type_, value) from None


def _range(type_: DataType, text: str) -> str:
    return _range_text(type_, range_bounds(type_, text))


def _range_text(type_: DataType, bounds: Bounds | None) -> str:
    if bounds is None:
        return "empty"
    lower, upper, opening, closing = bounds
    item = replace(type_.item, zone=None) if type_.item and type_.item.zone else type_.item or TEXT
    return f"{opening}{_bound_text(item, lower)},{_bound_text(item, upper)}{closing}"


def _bound_text(item: DataType, value: Any) -> str:
    text = "" if value is None else to_text(item, value) or ""
    return f'"{text}"' if " " in text else text


def range_clock(text: str, zone: str) -> str:
    """A canonical range of moments as it is shown in a time zone."""
    bounds = range_bounds(RANGES["tstzrange"], text)
    if bounds is None:
        return text
    item = replace(TIMESTAMPTZ, zone=zone)
    return f"{bounds[2]}{_bound_text(item, bounds[0])},{_bound_text(item, bounds[1])}{bounds[3]}"


def _range_json(type_: DataType, value: Any) -> str:
    if isinstance(value, str):
        return _range(type_, value)
    brackets = getattr(value, "bounds", None)  # SQLAlchemy's Range
    if not isinstance(brackets, str) or len(brackets) != 2:
        raise _invalid(type_, value, "write [from,to) or empty")
    if value.empty:
        return "empty"
    item = type_.item or TEXT
    lower, upper = from_json(item, value.lower), from_json(item, value.upper)
    return _range_text(type_, _normal_range(type_, lower, upper, brackets, value))


def _isoformat(type_: DataType, value: Any) -> str:
    return _trim(value.replace(tzinfo=None).isoformat())


def _native_json(type_: DataType, value: Any) -> str:
    return _text(type_, value if isinstance(value, str) else json_text(value))


_FROM_TEXT: dict[Kind, Callable[[DataType, str], Any]] = {
    Kind.TEXT: _text,
    Kind.INTEGER: _integer,
    Kind.NUMERIC: _numeric,
    Kind.FLOAT: _float,
    Kind.BOOLEAN: _boolean,
    Kind.DATE: _date,
    Kind.TIME: _time,
    Kind.TIMESTAMP: _timestamp,
    Kind.TIMESTAMPTZ: _timestamptz,
    Kind.INTERVAL: _interval,
    Kind.UUID: _uuid,
    Kind.JSON: _json,
    Kind.BYTES: _bytes,
    Kind.ENUM: _enum,
    Kind.ARRAY: _array,
    Kind.RANGE: _range,
    Kind.NATIVE: _text,
}

_FROM_JSON: dict[Kind, Callable[[DataType, Any], Any]] = {
    Kind.TEXT: _text_json,
    Kind.INTEGER: _integer_json,
    Kind.NUMERIC: _numeric_json,
    Kind.FLOAT: _float_json,
    Kind.BOOLEAN: _boolean_json,
    Kind.DATE: _temporal_json(date, lambda _, value: date(value.year, value.month, value.day).isoformat()),
    Kind.TIME: _temporal_json(time, _isoformat),
    Kind.TIMESTAMP: _temporal_json(datetime, _isoformat),
    Kind.TIMESTAMPTZ: _temporal_json(datetime, lambda type_, value: format_utc(_to_utc(type_, value))),
    Kind.INTERVAL: _interval_json,
    Kind.UUID: _uuid_json,
    Kind.JSON: _json_json,
    Kind.BYTES: _bytes_json,
    Kind.ENUM: _enum_json,
    Kind.ARRAY: _array_json,
    Kind.RANGE: _range_json,
    Kind.NATIVE: _native_json,
}


# ------------------------------------------------------------- from the canonical form to JSON and text


def to_json(type_: DataType, value: Any) -> Any:
    """The canonical `value` as the JSON encoder takes it (Decimals are written as numbers)."""
    if value is None:
        return None
    match type_.kind:
        case Kind.BYTES:
            return "\\x" + value.hex()
        case Kind.INTERVAL:
            return interval_text(value)
        case Kind.FLOAT:
            return int(value) if value.is_integer() and abs(value) < 1e16 else value
        case Kind.NUMERIC:
            return int(value) if value == value.to_integral_value() and not type_.scale else value
        case Kind.ARRAY:
            return [to_json(type_.item or TEXT, item) for item in value]
        case Kind.TIMESTAMPTZ if type_.zone:
            return zones.clock(value, type_.zone)
        case Kind.RANGE if type_.item and type_.item.zone:
            return range_clock(value, type_.item.zone)
        case _:
            return value


def to_text(type_: DataType, value: Any) -> str | None:
    """The canonical `value` as PostgreSQL's `::text` writes it."""
    match type_.kind:
        case _ if value is None:
            return None
        case Kind.BOOLEAN:
            return "true" if value else "false"
        case Kind.FLOAT:
            return float_text(value)
        case Kind.NUMERIC:
            return format(value, "f")
        case Kind.TIMESTAMP:
            return str(value).replace("T", " ")
        case Kind.TIMESTAMPTZ if type_.zone:
            return zones.clock_text(value, type_.zone)
        case Kind.TIMESTAMPTZ:
            return str(value).replace("T", " ").removesuffix(":00")
        case Kind.BYTES | Kind.INTERVAL | Kind.RANGE:
            return str(to_json(type_, value))
        case Kind.JSON:
            return json_text(value)
        case _:
            return str(value)


def float_text(value: float) -> str:
    """The text of a number in PostgreSQL's spelling (1, 0.1, 1e+20), the shortest that is nearer to `value` than to others."""
    if value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    text = _shortest(value)
    return f"{Decimal(text).normalize():e}" if abs(value) >= 1e15 and "e" not in text else text


def _shortest(value: float) -> str:
    """As `repr` has it, unless that lies halfway to a neighbour: rounding to even reads it back, which PostgreSQL avoids."""
    text, size = repr(value), abs(value)
    if size < _SPARSE or not math.isfinite(size):
        return text  # a number halfway between such doubles has more digits than either
    exact, said = int(size), Decimal(text).copy_abs()
    below, above = exact + int(math.nextafter(size, 0)), 2 * exact + int(math.ulp(size))
    for places in range(len(said.as_tuple().digits) - 1, 17):
        if below < 2 * int(said) < above:
            break
        text = f"{value:.{places}e}"
        said = Decimal(text).copy_abs()
    return text


def json_text(value: Any) -> str:
    """A JSON value in the text form of PostgreSQL's jsonb: keys by length then bytes, `, ` and `: ` between."""
    match value:
        case dict():
            keys = sorted(value, key=lambda key: (len(key.encode()), key.encode()))
            return "{" + ", ".join(f"{json_string(key)}: {json_text(value[key])}" for key in keys) + "}"
        case list() | tuple():
            return "[" + ", ".join(json_text(item) for item in value) + "]"
        case True:
            return "true"
        case False:
            return "false"
        case None:
            return "null"
        case str():
            return json_string(value)
        case Decimal():
            return format(value, "f")
        case float():
            return format(Decimal(repr(value)), "f")
        case _:
            return str(value)


_ESCAPES = {'"': '\\"', "\\": "\\\\", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_ESCAPED = re.compile(r'["\\\x00-\x1f]')


def json_string(text: str) -> str:
    """`text` as a JSON string, escaped as PostgreSQL does it."""
    return '"' + _ESCAPED.sub(lambda match: _ESCAPES.get(match[0]) or f"\\u{ord(match[0]):04x}", text) + '"'


def body_position(row: int, column: str) -> str:
    """How messages name a place in a body."""
    return f"row {row + 1}, column {column}"


def decode_body(body: bytes, max_depth: int) -> Any:
    """The JSON value of a body, numbers exact (integers of any size, Decimals otherwise).

    Raises BodyInvalid naming the place, LimitExceeded beyond `max_depth` levels.
    """
    try:
        return msgspec.json.Decoder(float_hook=_decimal).decode(body)
    except msgspec.DecodeError as error:
        raise BodyInvalid(reason="Empty or invalid json", where=str(error)) from None
    except UnicodeDecodeError as error:
        raise BodyInvalid(reason="Empty or invalid json", where=f"not UTF-8 at byte {error.start}") from None
    except RecursionError:
        raise LimitExceeded(what="the nesting of the body", limit=max_depth, unit="levels") from None


def _decimal(text: str) -> Decimal:
    return Decimal(text)
