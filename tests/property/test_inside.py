"""Regular expressions, JSON values and ranges mean what they mean to the real PostgreSQL."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainspring.datatypes import RANGES, Document, from_text
from mainspring.errors import MainspringError
from mainspring.query import documents, regex
from mainspring.query.evaluate import test as compared
from mainspring.query.ops import INSIDE, OPERATORS
from mainspring.query.order import packed
from tests.property.cases import examples, ran, seconds
from tests.property.strategies.values import JSONS, document
from tests.support.servers import PostgresServer

pytestmark = pytest.mark.timeout(seconds())
SYMBOLS = {
    "cs": "@>",
    "cd": "<@",
    "ov": "&&",
    "sl": "<<",
    "sr": ">>",
    "nxr": "&<",
    "nxl": "&>",
    "adj": "-|-",
    "eq": "=",
    "lt": "<",
    "gte": ">=",
}


@pytest.fixture(scope="module")
def ask(server: PostgresServer | None) -> Iterator[Any]:
    """Asks the real PostgreSQL for a row; skips where there is none."""
    if server is None:
        pytest.skip("PostgreSQL could not start")
    import psycopg

    with psycopg.connect(server.url, autocommit=True) as connection:
        yield lambda sql, *values: connection.execute(sql, values).fetchone()


# ---------------------------------------------------------------- regular expressions

PIECES = (
    "a", "b", "A", "Z", "z", ".", "*", "+", "?", "(", ")", "(?:", "|", "[", "[^", "]", "-", "a-z", "A-", "^", "$", "{2}", "{1,3}",
    "{0}", "{2,}", "}", "[[:alpha:]]", "[:punct:]", "é", "\U0001f600", "_", " ", "\n", "0", "=", "#", '"', "'", "~", ",",
    r"\d", r"\w", r"\s", r"\D", r"\W", r"\S", r"\y", r"\Y", r"\A", r"\Z", r"\.", r"\-", r"\\", r"\n", r"\e", r"\u00e9",
)  # fmt: skip
TEXTS = [
    "", "a", "A", "ab", "aB b", "é", "É", "a\nb", "_", "0-9", "a.b", "  ", "zzz", "aaa", "\U0001f600", "\n", "\\", "}", "a_b c",
    "--", "ÀZ", "\t\x0b", "~", "Ab1", "k\u212a",
]  # fmt: skip


@examples(0.1)
@given(st.lists(st.sampled_from(PIECES), max_size=7).map("".join), st.booleans())
def test_patterns_match_as_in_postgresql(ask: Any, pattern: str, fold: bool) -> None:
    ran("operators that look inside")
    try:
        regex.check(pattern)
    except MainspringError:
        return
    spelt = regex.for_re2(pattern, fold)
    sql = 'SELECT array_agg(t COLLATE "C" ~ %s ORDER BY n) FROM unnest(%s::text[]) WITH ORDINALITY AS u(t, n)'
    assert [regex.search(spelt, text) for text in TEXTS] == ask(sql, regex.for_postgres(pattern, fold), TEXTS)[0]


# ---------------------------------------------------------------- JSON

NAMES = st.sampled_from(["a", "b", "aa", "é", "z", ""])
VALUES = st.recursive(
    st.sampled_from([*JSONS, None, Decimal("-1.50"), Decimal("1E-20"), 2**63 - 1, "\x01", "\uffff", "\U0001f600"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=3),
    max_leaves=6,
)


@st.composite
def _pairs(draw: st.DrawFn) -> tuple[Any, Any]:
    """Two values, the second often a part of the first."""
    whole = draw(VALUES)
    if isinstance(whole, dict) and draw(st.booleans()):
        return whole, {name: value for name, value in whole.items() if draw(st.booleans())}
    if isinstance(whole, list) and whole and draw(st.booleans()):
        return whole, draw(st.sampled_from([*whole, whole[1:], whole + whole]))
    return whole, draw(VALUES)


@examples(0.1)
@given(_pairs())
def test_json_compares_as_in_postgresql(ask: Any, pair: tuple[Any, Any]) -> None:
    ran("operators that look inside")
    one, other = map(documents.document_key, pair)
    said = one < other, one == other, OPERATORS["cs"].test(*map(Document, pair))
    assert (packed(one) < packed(other), packed(one) == packed(other)) == said[:2]
    sql = "SELECT a < b, a = b, a @> b FROM (SELECT %s::text::jsonb AS a, %s::text::jsonb AS b) AS pair"
    assert said == ask(sql, *map(document, pair))


# ---------------------------------------------------------------- ranges

BOUNDS = {
    "int4range": ("-1", "0", "1", " 2", '"3"', "2147483647"),
    "int8range": ("0", "1", "2", "9223372036854775807"),
    "numrange": ("0", "1", "1.0", "1.50", "-2.5", "3e1"),
    "daterange": ("2024-02-28", "2024-02-29", "2024-03-01", "0001-01-01"),
    "tsrange": ("2024-02-28", "2024-02-28 12:00:00.50", '"2024-02-28T12:00:00.5"', "2024-03-01"),
    "tstzrange": ("2024-02-28", "2024-02-28 12:00:00.50+02", '"2024-02-28T10:00:00.5+00:00"', "2024-03-01"),
}


@st.composite
def _ranges(draw: st.DrawFn, name: str) -> str:
    low, high = (draw(st.sampled_from(["", *BOUNDS[name]])) for _ in range(2))
    odd = draw(st.integers(0, 30))
    if odd < 3:
        return ("empty", " Empty ", "[1,2")[odd]
    return draw(st.sampled_from("[(")) + low + "," + high + draw(st.sampled_from(")]"))


@examples(0.1)
@given(st.data(), st.sampled_from(sorted(RANGES)))
def test_ranges_compare_as_in_postgresql(ask: Any, data: st.DataObject, name: str) -> None:
    import psycopg

    ran("operators that look inside")
    texts = [data.draw(_ranges(name)) for _ in range(2)]
    for text in texts:
        try:
            from_text(RANGES[name], text)
        except MainspringError:
            with pytest.raises(psycopg.Error):
                ask(f"SELECT %s::{name}", text)
            return
    one, other = (from_text(RANGES[name], text) for text in texts)
    if name != "numrange":  # PostgreSQL keeps the zeros after the point
        assert [one, other] == list(ask(f"SELECT %s::{name}::text, %s::{name}::text", *texts))
    for operator in (*sorted(INSIDE), "eq", "lt", "gte"):
        said = compared(OPERATORS[operator], RANGES[name], one, other)
        assert said == ask(f"SELECT %s::{name} {SYMBOLS[operator]} %s::{name}", *texts)[0], operator
