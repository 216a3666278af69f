"""Logical types: canonical forms are fixed points, their text orders as the moments do, and PostgreSQL says the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from mainspring.datatypes import (
    FLOAT,
    INTERVAL,
    JSON,
    TIMESTAMP,
    TIMESTAMPTZ,
    DataType,
    Kind,
    decode_body,
    float_text,
    format_utc,
    from_json,
    from_text,
    interval_text,
    json_text,
    round_numeric,
    to_json,
    to_text,
)
from mainspring.engines.memory.read import encode
from mainspring.errors import RequestError, ValueOutOfRange
from tests.property.cases import examples, ran, seconds
from tests.property.strategies.values import JSONS, TYPES, UNFIT, value, written
from tests.support.servers import PostgresServer

pytestmark = pytest.mark.timeout(seconds())
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
DAYS = 86_400_000_000


@pytest.fixture(scope="module")
def ask(server: PostgresServer | None) -> Iterator[Any]:
    """Asks the real PostgreSQL for one value; skips where there is none."""
    if server is None:
        pytest.skip("PostgreSQL could not start")
    import psycopg

    with psycopg.connect(server.url, autocommit=True, prepare_threshold=1) as connection:
        yield lambda sql, *values: connection.execute(sql, values).fetchone()[0]  # type: ignore[index]  # there is a row


@examples(0.04)
@given(data=st.data(), type_=st.sampled_from(TYPES))
def test_canonical_forms_are_fixed_points(data: DataObject, type_: DataType) -> None:
    ran("datatypes")
    canonical = from_json(type_, data.draw(st.composite(lambda draw: value(draw, type_))()))
    assert from_json(type_, _through_json(type_, canonical)) == canonical
    if type_.kind is not Kind.JSON:
        assert from_text(type_, written(type_, to_json(type_, canonical))) == canonical


def _through_json(type_: DataType, canonical: Any) -> Any:
    (row,) = decode_body(encode([{"value": to_json(type_, canonical)}]), 300)
    return row["value"]


@examples(0.02)
@given(data=st.data(), type_=st.sampled_from(TYPES))
def test_what_does_not_fit_is_refused_by_name(data: DataObject, type_: DataType) -> None:
    ran("datatypes")
    raw = data.draw(st.sampled_from(UNFIT[type_.kind]))
    assert _message(type_, raw).isprintable()


def _message(type_: DataType, raw: Any) -> str:
    """What is said about a value; nothing for one that fits after all."""
    try:
        from_json(type_, raw)
    except RequestError as error:
        return error.message
    return ""


@examples(0.02)
@given(moments=st.lists(st.datetimes(), min_size=2, max_size=2))
def test_the_order_of_canonical_text_is_the_order_of_moments(moments: list[datetime]) -> None:
    ran("datatypes")
    texts = [from_json(TIMESTAMP, moment) for moment in moments]
    assert (texts[0] < texts[1], texts[0] == texts[1]) == (moments[0] < moments[1], moments[0] == moments[1])
    zoned = [format_utc(moment.replace(tzinfo=UTC)) for moment in moments]
    assert (zoned[0] == zoned[1]) == (moments[0] == moments[1])
    assert (zoned[0].removesuffix("+00:00") < zoned[1].removesuffix("+00:00")) == (moments[0] < moments[1])


@examples(0.02)
@given(moments=st.lists(st.datetimes(), min_size=2, max_size=2))
def test_zoned_moments_order_as_their_text(moments: list[datetime]) -> None:
    ran("datatypes")
    texts = [from_json(TIMESTAMPTZ, moment.replace(tzinfo=UTC)) for moment in moments]
    assert (texts[0] < texts[1]) == (moments[0] < moments[1])


@examples(0.02)
@given(st.integers(-(10**9 - 1) * DAYS, (10**9 - 1) * DAYS) | st.integers(-3 * DAYS, 3 * DAYS))
def test_intervals_read_back(ask: Any, microseconds: int) -> None:
    ran("datatypes")
    text = interval_text(microseconds)
    assert from_text(INTERVAL, text) == microseconds
    days, rest = divmod(abs(microseconds), DAYS)
    sign = -1 if microseconds < 0 else 1
    if days < 2_000_000:
        said = "select (make_interval(days => %s) + %s * interval '1 microsecond')::text"
        assert ask(said, sign * days, sign * rest) == text


@examples(0.02)
@given(FLOATS)
def test_floats_are_written_as_in_postgresql(ask: Any, number: float) -> None:
    ran("datatypes")
    canonical = from_json(FLOAT, number)
    text = float_text(canonical)
    assert float(text) == number
    assert ask("select %s::float8::text", text) == text


@examples(0.02)
@given(st.decimals(-(10**12), 10**12, places=7), st.integers(0, 6))
def test_numerics_round_as_in_postgresql(ask: Any, number: Decimal, scale: int) -> None:
    ran("datatypes")
    type_ = DataType(Kind.NUMERIC, precision=12, scale=scale)
    try:
        rounded = round_numeric(type_, number)
    except ValueOutOfRange:
        with localcontext() as context:
            context.prec = 60
            assert abs(number.quantize(Decimal(1).scaleb(-scale), ROUND_HALF_UP)) >= Decimal(10) ** (12 - scale)
        return
    assert to_text(type_, rounded) == ask(f"select %s::numeric(12,{scale})::text", number)


@examples(0.01)
@given(st.datetimes(), st.integers(-840, 840))
def test_zones_are_taken_off_as_in_postgresql(ask: Any, moment: datetime, minutes: int) -> None:
    ran("datatypes")
    sign = "-" if minutes < 0 else "+"
    said = f"{moment.isoformat()}{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"
    try:
        canonical = from_text(TIMESTAMPTZ, said)
    except ValueOutOfRange:
        assert not datetime.min + timedelta(days=1) <= moment <= datetime.max - timedelta(days=1)
        return
    assert to_text(TIMESTAMPTZ, canonical) == ask("select %s::timestamptz::text", said)


@examples(0.01)
@given(st.sampled_from(JSONS) | st.dictionaries(st.text("ab\\\"'\n\x01é", max_size=3), st.integers() | st.booleans()))
def test_json_is_written_as_in_postgresql(ask: Any, document: Any) -> None:
    ran("datatypes")
    try:
        canonical = from_json(JSON, document)
    except RequestError:
        return
    assert json_text(canonical) == ask("select %s::text::jsonb::text", encode([document])[1:-1].decode())
