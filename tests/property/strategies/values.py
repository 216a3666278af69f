"""Values of every logical type as a client's JSON holds them: mostly edge cases, now and then anything."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

import msgspec
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

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
    from_json,
    to_json,
    to_text,
)
from mainspring.errors import RequestError

SHORT = DataType(Kind.TEXT, length=6)
MONEY = DataType(Kind.NUMERIC, precision=10, scale=2)
WHOLE = DataType(Kind.NUMERIC, precision=9, scale=0)
MOOD = DataType(Kind.ENUM, name="mood", values=("sad", "ok", "happy", "Ok"))
_ITEMS = (TEXT, SHORT, INTEGER, BOOLEAN, UUID_, TIMESTAMPTZ, FLOAT, MONEY, MOOD, BYTES, JSON, INTERVAL, RANGES["daterange"])
ARRAYS = tuple(DataType(Kind.ARRAY, item=item) for item in _ITEMS)
SCALARS = (
    TEXT, SHORT, SMALLINT, INTEGER, BIGINT, NUMERIC, MONEY, WHOLE, FLOAT, BOOLEAN, DATE, TIME, TIMESTAMP,
    TIMESTAMPTZ, INTERVAL, UUID_, MOOD, BYTES,
)  # fmt: skip
TYPES = (*SCALARS, JSON, JSON, *ARRAYS, *RANGES.values())

TEXTS = (
    "", "a", "A", "b", "ab", "aB", " a", "a ", "null", "NULL", "true", "0", "é", "e\u0301", "É", "ß", "İ", "ı", "Ω",
    "\U0001f600", "\U0001f468\u200d\U0001f469", "\uffff", "\ufdd0", "a'b", 'a"b', "a\\b", "\\", "%", "_", "a%b", "a_b", "[a]",
    "*", "?", "a*b?c", "^", "a\nb", "\t", "\r\n", "\x01", "\x7f", "{a,b}", "(a,b)", "a,b", "a.b",
    "--", ";", "$1", "?1", ":x", "\u2028", "the cats are running", "A happy e-mail", "1.5kg of Straße", "cat", "Running",
)  # fmt: skip
SEARCHED = {
    "fts": (
        "b", "!b", "ab", "a & b", "a | ab", "a <-> b", "!a <-> b", "(a | x) <-> !z", "ab:*", "n:*", "t:*", "!a & !b", "'a,b'",
        "'a.b'", "the", "", "true | null", "0", "é", "!É", "x:D", "x:A", "'", "a b", "a <2> b", "zero | x",
    ),
    "plfts": ("b", "A B", "a b c", "null", "the", "", "a.b", "ß", "TRUE", "x", "10", "1.5"),
    "phfts": ("a b", "b a", "ab", "a the b", "", "a.b", "é", "{a,b}"),
    "wfts": ("b", "-b", '"a b"', "a or b", "-a -ab", "or", '"', "null or true", "É"),
}  # fmt: skip
PATTERNS = (
    "%", "_", "", "a%", "%b", "%a%", "A%", "_b", "a_b", "\\%", "\\_", "a\\%b", "\\\\", "%\\\\%", "[a]", "*", "?",
    "a*%", "%É%", "é", "%\n%", "__", "\\a", "%[%", "^%", "\U0001f600%", "_%_",
)  # fmt: skip
REGEXES = (
    "", ".", "a", "^a", "b$", "^$", "^.$", "a|b", "[ab]+", "[^a]", "^[a-z]*$", "[A-Z]", r"\d", r"\D", r"\w", r"^\W+$", r"\s",
    r"\S", "a.b", "(a)(b)?", "(?:a|b){2}", "a{0}", r"\.", r"\ya", r"\Yb", r"\Aa\Z", "[[:upper:]]", "[[:punct:]]", "[^[:alnum:]]",
    "é", "[à-ý]", "É", r"\u00e9", "\U0001f600", r"\n", "a\nb", "[]]", r"[\]\[]", "_", "ss", "ı",
    "(", "a**", r"\1", "(?=a)", r"\b", "[b-a]", "a{256}", "x{1,0}", "\\",
)  # fmt: skip
_NUMBERS = (
    "0", "1", "-1", "0.1", "-0.1", "1.5", "2.5", "-2.5", "0.005", "1.005", "10", "100", "99999.99", "-12345.678", "1e3",
    "0.00001",
)  # fmt: skip
JSONS: tuple[Any, ...] = (
    {}, [], "", "a", 0, -1, True, False, Decimal("1.50"), Decimal("0.1"), 12345678901, {"a": 1}, {"a": None},
    {"a": {"b": [1, "x", None, {"c": True}]}}, {"a": "x", "b": "A", "é": "\U0001f600"}, {"bb": 1, "a": 2},
    [1, [2, [3]]], {"a": [10, 20, 30]}, {"a": Decimal("2.50"), "b": False}, {"a": "1"}, {"a": ""}, {"a": "a'b\"c\\d\n"},
    [None], {"a": {}}, {"a": []}, {"0": "zero"}, {"a": Decimal("1E+2")}, ["a"], [1], [Decimal("1.0"), 1], [[1], [2, 3]],
    [{"a": 1}, {"b": 2}], {"b": 1}, {"aa": 1}, {"a": Decimal("1.0")}, {"a": [1]}, {"a": [None]}, "b", Decimal("-1.5"), -2,
    {"a": {"b": 1, "c": None}}, {"a": {"c": None}}, {"b": "A"}, ["x", None],
)  # fmt: skip
PATHS: tuple[tuple[str | int, ...], ...] = (
    ("a",), ("b",), ("a", "b"), ("a", "b", 0), ("a", "b", -1), ("a", "b", 3, "c"), (0,), (-1,), (1, 1), ("é",), ("0",), ("a", 1),
    ("missing",), ("a", -9), ("it's",), ('a"b',),
)  # fmt: skip
UIDS = tuple(str(UUID(int=number)) for number in range(1, 6))

_BOUNDS: dict[str, tuple[str, ...]] = {
    "int4range": ("1", "2", "5", "-2147483648", "2147483646"),
    "int8range": ("0", "1", "9223372036854775806"),
    "numrange": ("0", "1", "1.0", "1.50", "-2.5", "0.001"),
    "daterange": ("2024-02-28", "2024-02-29", "2024-03-01", "0001-01-01", "9999-12-30"),
    "tsrange": ("2024-02-29", "2024-02-29T12:00:00.50", '"2024-03-01 00:00:00"', "0001-01-01T00:00:00"),
    "tstzrange": ("2024-02-29", "2024-02-29T12:00:00.5+02:00", '"2024-02-29 10:00:00.5+00"', "9999-12-31T23:59:59.999999Z"),
}
_POOLS: dict[Kind, tuple[Any, ...]] = {
    Kind.TEXT: TEXTS,
    Kind.FLOAT: (
        0, 1, -1, Decimal("0.1"), Decimal("-0.5"), Decimal("1e-7"), Decimal("1e300"), Decimal("5e-324"), Decimal("1.5e15"),
        10**15, 123456789012345, Decimal("1e22"), Decimal("-0.0"), Decimal("3.141592653589793"), Decimal("1e-5"),
        Decimal("0.0001"), "2.5",
    ),
    Kind.BOOLEAN: (True, False),
    Kind.DATE: ("0001-01-01", "9999-12-31", "1970-01-01", "2024-02-29", "1999-12-31", "0987-06-05", "20240229"),
    Kind.TIME: ("00:00:00", "23:59:59.999999", "12:00:00.5", "12:00", "01:02:03.040506"),
    Kind.TIMESTAMP: (
        "0001-01-01T00:00:00", "9999-12-31T23:59:59.999999", "2024-02-29 12:00:00.5", "2024-02-29T12:00:00.50",
        "1969-12-31T23:59:59",
    ),
    Kind.TIMESTAMPTZ: (
        "0001-01-01T00:00:00+00:00", "9999-12-31T23:59:59.999999Z", "2024-02-29T12:00:00.5+02:00", "2024-02-29T10:00:00.5Z",
        "2024-02-29 12:00:00-05:30", "1969-12-31T23:59:59",
    ),
    Kind.INTERVAL: (
        "1 day", "-1 day", "01:02:03.5", "-00:00:01", "2 days 03:04:05.000006", "P1DT2H", "0 days", "1000 days", "1 week",
    ),
    Kind.UUID: (*UIDS, "FFFFFFFF-FFFF-4FFF-BFFF-FFFFFFFFFFFF", "00000000-0000-0000-0000-000000000000"),
    Kind.JSON: JSONS,
    Kind.BYTES: ("\\x", "\\x00", "\\xff00ff", "\\xDEADBEEF", "text", "é", "\\x27"),
    Kind.ENUM: MOOD.values,
}  # fmt: skip


def pool(type_: DataType) -> tuple[Any, ...]:
    """The edge values of `type_`, all of which it accepts."""
    match type_.kind:
        case Kind.INTEGER:
            bound = 1 << (type_.bits - 1)
            return (0, 1, -1, 2, 3, 7, -bound, bound - 1, "5", 100)
        case Kind.NUMERIC:
            extra = ("123456789012345", "0.000123456789", "-99999999999999.9") if type_.precision is None else ("999999.994",)
            return (*map(Decimal, _NUMBERS), 3, "4.25", *map(Decimal, extra))
        case Kind.TEXT if type_.length is not None:
            return tuple(text for text in TEXTS if len(text) <= (type_.length or 0))
        case kind:
            return _POOLS[kind]


_FREE: dict[Kind, SearchStrategy[Any]] = {
    Kind.TEXT: st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=6),
    Kind.INTEGER: st.integers(-100, 100),
    Kind.NUMERIC: st.decimals(-99999, 99999, places=3),
    Kind.FLOAT: st.floats(allow_nan=False, allow_infinity=False).map(repr).map(Decimal),
    Kind.DATE: st.dates().map(str),
    Kind.TIME: st.times().map(str),
    Kind.TIMESTAMP: st.datetimes().map(str),
    Kind.TIMESTAMPTZ: st.datetimes().map(str),
    Kind.BYTES: st.binary(max_size=4).map(lambda value: "\\x" + value.hex()),
}


def value(draw: DrawFn, type_: DataType) -> Any:
    """A value that `type_` accepts, as decoded JSON."""
    if type_.kind is Kind.RANGE:
        return _range(draw, type_)
    if type_.kind is Kind.ARRAY:
        items = range(draw(st.integers(0, 3)))
        return [None if draw(st.integers(0, 9)) == 9 else value(draw, type_.item or TEXT) for _ in items]
    free = _FREE.get(type_.kind)
    if free is not None and draw(st.integers(0, 7)) == 7:
        return draw(free)
    return draw(st.sampled_from(pool(type_)))


def _range(draw: DrawFn, type_: DataType) -> str:
    bounds = ["", *_BOUNDS[type_.name or ""]]
    one, other = draw(st.sampled_from(bounds)), draw(st.sampled_from(bounds))
    texts = (f"[{one},{other})", f"[{one},{other}]", f"({one},{other})", f"({one},{other}]")
    fit = [text for text in (*texts, f"[{other},{one})", f"({other},{one}]") if _fits(type_, text)]
    return draw(st.sampled_from([*fit, "empty"]))


def _fits(type_: DataType, text: str) -> bool:
    try:
        from_json(type_, text)
    except RequestError:
        return False
    return True


def said(draw: DrawFn, type_: DataType) -> str:
    """A value of `type_` as a URL says it."""
    return written(type_, value(draw, type_))


def written(type_: DataType, raw: Any) -> str:
    """The text that stands for the JSON value `raw` in a filter."""
    canonical = from_json(type_, raw)
    if type_.kind is Kind.ARRAY:
        return document(to_json(type_, canonical))
    return str(to_text(type_, canonical))


def document(raw: Any) -> str:
    """The JSON text of `raw`."""
    return msgspec.json.Encoder(decimal_format="number").encode(raw).decode()


UNFIT: dict[Kind, tuple[Any, ...]] = {
    Kind.TEXT: ("\x00", "\ud800", [1]),
    Kind.INTEGER: ("x", 2**70, Decimal("1.5"), True),
    Kind.NUMERIC: ("NaN", "1e", "12345678901234567.89", True, Decimal("99999999999.99"), Decimal("12345678901234567.89")),
    Kind.FLOAT: ("inf", "1e999", False),
    Kind.BOOLEAN: ("maybe", 2),
    Kind.DATE: ("2023-02-29", "0000-01-01", 5),
    Kind.TIME: ("24:00:01", "noon"),
    Kind.TIMESTAMP: ("10000-01-01T00:00:00", "yesterday"),
    Kind.TIMESTAMPTZ: ("9999-12-31T23:59:59-05:00", "now"),
    Kind.INTERVAL: ("1 month", ""),
    Kind.UUID: ("no", 1),
    Kind.JSON: ("\x00", 2**70),
    Kind.BYTES: ("\\xzz", 1),
    Kind.ENUM: ("HAPPY", ""),
    Kind.ARRAY: ("{", 5, ["\x00"]),
    Kind.RANGE: ("[1,2", "[2,1]", "1", "[a,b]", "(,)x", 5, ""),
}
