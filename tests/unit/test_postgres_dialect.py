"""PostgreSQL's spelling: placeholders, comparisons, orders, paths, casts and the text form of arguments."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from mainspring.catalog.model import Column
from mainspring.datatypes import (
    BIGINT,
    BOOLEAN,
    BYTES,
    FLOAT,
    INTEGER,
    INTERVAL,
    JSON,
    NUMERIC,
    TEXT,
    TIMESTAMPTZ,
    DataType,
    Kind,
)
from mainspring.engines.postgres.dialect import PostgresDialect, array, encoder
from mainspring.engines.sql.dialect import Step
from mainspring.engines.sql.statement import Arguments
from mainspring.plan.nodes import ParamSpec
from mainspring.query.ast import Const
from mainspring.query.ops import OPERATORS, Form

DIALECT = PostgresDialect()
MOOD = DataType(Kind.ENUM, name="mood", values=("low", "high"))
SHORT = DataType(Kind.TEXT, length=3)
MONEY = DataType(Kind.NUMERIC, precision=10, scale=2)
WORDS = DataType(Kind.ARRAY, item=TEXT)


@pytest.mark.parametrize(
    ("type_", "form", "text"),
    [
        (BIGINT, Form.SCALAR, "$3::bigint"),
        (SHORT, Form.SCALAR, "$3::text"),  # a cast to varchar(3) would cut silently
        (MONEY, Form.SCALAR, "$3::numeric"),
        (MOOD, Form.LIST, '$3::"public"."mood"[]'),
        (WORDS, Form.SCALAR, "$3::text[]"),
        (TIMESTAMPTZ, Form.SCALAR, "$3::timestamptz"),
        (TEXT, Form.PATTERN, "$3::text"),
    ],
)
def test_placeholders_say_the_type(type_: DataType, form: Form, text: str) -> None:
    assert DIALECT.placeholder(3, type_, form) == text


@pytest.mark.parametrize(
    ("operator", "type_", "text"),
    [
        ("eq", TEXT, "a = b"),
        ("lt", TEXT, 'a COLLATE "C" < b'),
        ("lt", INTEGER, "a < b"),
        ("gte", MOOD, "a >= b"),
        ("like", TEXT, 'a COLLATE "C" LIKE b'),
        ("ilike", TEXT, 'a COLLATE "C" ILIKE b'),
        ("in", INTEGER, "a = ANY(b)"),
    ],
)
def test_text_compares_by_code_point(operator: str, type_: DataType, text: str) -> None:
    assert DIALECT.compare(OPERATORS[operator], "a", "b", type_) == text


@pytest.mark.parametrize(
    ("column", "descending", "nulls_first", "text"),
    [
        (Column("a", TEXT), False, False, 'a COLLATE "C"'),
        (Column("a", INTEGER), False, True, "a NULLS FIRST"),
        (Column("a", INTEGER), True, True, "a DESC"),
        (Column("a", INTEGER), True, False, "a DESC NULLS LAST"),
        (Column("a", INTEGER, nullable=False), True, False, "a DESC"),
    ],
)
def test_nulls_are_placed_only_where_an_index_would_not_serve(
    column: Column, descending: bool, nulls_first: bool, text: str
) -> None:
    assert DIALECT.order("a", column.type, descending, nulls_first, nullable=column.nullable) == text


def test_steps_of_a_path_are_bound() -> None:
    specs = [ParamSpec(Const("it's"), TEXT), ParamSpec(Const(-1), INTEGER)]
    arguments = Arguments(specs)
    path = DIALECT.path("t0.doc", (Step(0, "it's"), Step(1, -1)), True, arguments)
    assert path == (
        "(SELECT v ->> $2::int FROM (SELECT (t0.doc -> $1::text) AS v OFFSET 0) AS j WHERE jsonb_typeof(v) = 'array')"
    )
    assert "it's" not in path


@pytest.mark.parametrize(
    ("source", "target", "text"),
    [
        (INTEGER, TEXT, "a::text"),
        (NUMERIC, TEXT, "trim_scale(a)::text"),
        (BOOLEAN, FLOAT, "a::int::double precision"),
        (BOOLEAN, TEXT, "a::text"),
        (MONEY, NUMERIC, "trim_scale(a::numeric)"),
        (TIMESTAMPTZ, DataType(Kind.DATE), "a::date"),
        (JSON, JSON, "a"),
    ],
)
def test_casts(source: DataType, target: DataType, text: str) -> None:
    assert DIALECT.document_value(*DIALECT.convert("a", source, target)) == text


@pytest.mark.parametrize(
    ("type_", "value", "text"),
    [
        (TEXT, "grüße", "grüße".encode()),
        (BOOLEAN, True, b"t"),
        (NUMERIC, Decimal("1.50"), b"1.50"),
        (FLOAT, 1e300, b"1e+300"),
        (INTERVAL, -93_784_500_000, b"-1 days -02:03:04.5"),
        (BYTES, b"\x00\xff", b"\\x00ff"),
        (JSON, {"a": [Decimal("1.10"), None, "x"]}, b'{"a":[1.10,null,"x"]}'),
        (WORDS, ['say "hi"', "back\\slash", None, ""], b'{"say \\"hi\\"","back\\\\slash",NULL,""}'),
    ],
)
def test_arguments_are_texts(type_: DataType, value: Any, text: bytes) -> None:
    assert encoder(type_)(value) == text


def test_lists_are_arrays_of_their_items() -> None:
    assert DIALECT.encoder(INTEGER, Form.LIST, "in")([1, None]) == b'{"1",NULL}'
    assert array([]) == b"{}"
