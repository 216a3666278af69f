"""The reference evaluator: three-valued logic, JSON paths, exists, orders and casts as PostgreSQL has them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.shop import KIND, POST_TAGS, POSTS, TAGS

from mainspring import datatypes
from mainspring.datatypes import BOOLEAN, DATE, FLOAT, INTEGER, JSON, NUMERIC, TEXT, TIMESTAMPTZ, UUID_, DataType
from mainspring.query.casts import cast, castable, type_named
from mainspring.query.evaluate import Scope, evaluate
from mainspring.query.expr import (
    TRUE,
    And,
    Compare,
    Condition,
    Exists,
    Is,
    Lookup,
    Not,
    Or,
    Param,
    Ref,
    Source,
    Truth,
)
from mainspring.query.ops import OPERATORS
from mainspring.query.order import Term, ordered

Truths = bool | None
TABLES: dict[str, list[dict[str, Any]]] = {
    "posts": [{"id": 1, "title": "one", "parent_id": None}, {"id": 2, "title": "two", "parent_id": 1}],
    "tags": [{"id": 7, "label": "red"}, {"id": 8, "label": "blue"}],
    "post_tags": [{"post_id": 1, "tag_id": 7}, {"post_id": 1, "tag_id": 8}, {"post_id": 2, "tag_id": 8}],
}


def holds(condition: Condition, row: dict[str, Any] | None = None, params: Sequence[Any] = ()) -> Truths:
    return evaluate(condition, {0: row or {}}, params, lambda source: TABLES[source.table.name.name])


def ref(name: str, alias: int = 0, table: Any = POSTS, **more: Any) -> Ref:
    column = table.columns[name]
    return Ref(alias, column, more.pop("type", column.type), **more)


def compared(op: str, left: Any, right: Any, type_: DataType = TEXT) -> Truths:
    return holds(Compare(OPERATORS[op], Param(0, type_), Param(1, type_)), params=(left, right))


def truth(value: Truths) -> Condition:
    return Truth(Param({True: 0, False: 1, None: 2}[value], BOOLEAN))


def of(condition: Condition) -> Truths:
    return holds(condition, params=(True, False, None))


THREE = st.sampled_from([True, False, None])
LISTS = st.lists(THREE, max_size=4)


@given(LISTS)
def test_de_morgan(truths: list[Truths]) -> None:
    items = tuple(map(truth, truths))
    negated = tuple(map(Not, items))
    assert of(Not(And(items))) == of(Or(negated))
    assert of(Not(Or(items))) == of(And(negated))


@given(LISTS)
def test_three_valued_tables(truths: list[Truths]) -> None:
    items = tuple(map(truth, truths))
    assert of(And(items)) == (False if False in truths else None if None in truths else True)
    assert of(Or(items)) == (True if True in truths else None if None in truths else False)


@given(THREE)
def test_double_negation_and_excluded_middle(value: Truths) -> None:
    assert of(Not(Not(truth(value)))) == value
    assert of(Or((truth(value), Not(truth(value))))) == (None if value is None else True)


@given(st.none() | st.integers(-3, 3), st.lists(st.none() | st.integers(-3, 3), max_size=4))
def test_in_is_a_disjunction_of_equalities(left: int | None, items: list[int | None]) -> None:
    params = (left, items, *items)
    equal = OPERATORS["eq"]
    ors = Or(tuple(Compare(equal, Param(0, INTEGER), Param(2 + place, INTEGER)) for place in range(len(items))))
    within = Compare(OPERATORS["in"], Param(0, INTEGER), Param(1, INTEGER))
    assert holds(within, params=params) == holds(ors, params=params)


@given(st.none() | st.integers(), st.none() | st.integers())
def test_comparisons_partition(left: int | None, right: int | None) -> None:
    answers = [compared(op, left, right, INTEGER) for op in ("lt", "eq", "gt")]
    if left is None or right is None:
        assert answers == [None, None, None]
    else:
        assert answers.count(True) == 1
        assert compared("lte", left, right, INTEGER) == (not answers[2])
        assert compared("neq", left, right, INTEGER) == (not answers[1])


@pytest.mark.parametrize(
    ("op", "left", "right", "type_", "answer"),
    [
        ("lt", "Z", "a", TEXT, True),
        ("lt", "note", "essay", KIND, True),
        ("gt", "book", "essay", KIND, True),
        ("eq", "book", "book", KIND, True),
        ("like", "Hello", "h%", TEXT, False),
        ("ilike", "Hello", "h%", TEXT, True),
        ("ilike", "É", "é", TEXT, False),
        ("eq", 0.1, Decimal("0.1"), FLOAT, True),
        ("like", None, "h%", TEXT, None),
        ("eq", Decimal("1.50"), Decimal("1.5"), NUMERIC, True),
    ],
)
def test_operator(op: str, left: Any, right: Any, type_: DataType, answer: Truths) -> None:
    assert compared(op, left, right, type_) is answer


DOCUMENT: dict[str, Any] = {
    "a": [1, {"b": None}, "x"], "n": Decimal("1.50"), "t": True, "o": {"bb": 1, "a": [None]}, "0": "zero",
}  # fmt: skip


@pytest.mark.parametrize(
    ("path", "place", "text"),
    [
        (("a", 0), 1, "1"),
        (("a", -1), "x", "x"),
        (("a", -4), None, None),
        (("a", 3), None, None),
        (("a", "0"), None, None),
        ((0,), None, None),
        (("0",), "zero", "zero"),
        (("missing",), None, None),
        (("missing", "deeper"), None, None),
        (("a", 1, "b"), None, None),
        (("n",), Decimal("1.50"), "1.50"),
        (("t",), True, "true"),
        (("o",), {"bb": 1, "a": [None]}, '{"a": [null], "bb": 1}'),
        (("a", 2, 0), None, None),
    ],
)
def test_json_path(path: tuple[str | int, ...], place: Any, text: str | None) -> None:
    scope = Scope({0: {"data": DOCUMENT}}, path, lambda source: ())
    steps = tuple(Param(number, TEXT) for number in range(len(path)))
    assert scope.value(ref("data", path=steps, type=JSON)) == place
    assert scope.value(ref("data", path=steps, type=TEXT, as_text=True)) == text


def test_a_json_null_is_a_value_but_has_no_text() -> None:
    inside = ref("data", path=(Param(0, TEXT),), type=JSON)
    text = ref("data", path=(Param(0, TEXT),), type=TEXT, as_text=True)
    row = {"data": {"k": None}}
    assert holds(Is(inside, "null"), row, ["k"]) is False
    assert holds(Is(inside, "null"), row, ["other"]) is True
    assert holds(Is(text, "null"), row, ["k"]) is True
    assert holds(Is(inside, "null"), {"data": None}, ["k"]) is True
    assert holds(Is(ref("data"), "null"), {"data": None}) is True


@pytest.mark.parametrize("value", [True, False, None])
def test_is_never_answers_unknown(value: Truths) -> None:
    row = {"published": value}
    published = ref("published")
    assert holds(Is(published, "null"), row) is (value is None)
    assert holds(Is(published, "not_null"), row) is (value is not None)
    assert holds(Is(published, "true"), row) is (value is True)
    assert holds(Is(published, "false"), row) is (value is False)
    assert holds(Is(published, "unknown"), row) is (value is None)


def same(left: Ref, right: Ref) -> Condition:
    return Compare(OPERATORS["eq"], left, right)


def test_exists_applies_guards_and_joins() -> None:
    red = Compare(OPERATORS["eq"], ref("label", 2, TAGS), Param(0, TEXT))
    junction = Source(2, TAGS, red)
    tagged = Source(1, POST_TAGS, TRUE, (junction,))
    where = And(
        (
            same(ref("post_id", 1, POST_TAGS), ref("id")),
            same(ref("tag_id", 1, POST_TAGS), ref("id", 2, TAGS)),
        )
    )
    assert holds(Exists(tagged, where), {"id": 1}, ["red"]) is True
    assert holds(Exists(tagged, where), {"id": 2}, ["red"]) is False
    assert holds(Exists(tagged, where), {"id": 2}, ["blue"]) is True


def test_lookup_takes_the_row_that_fits_or_null() -> None:
    visible = Compare(OPERATORS["neq"], ref("title", 1), Param(0, TEXT))
    lookup = Lookup(Source(1, POSTS, visible), same(ref("id", 1), ref("parent_id")), ref("title", 1))

    def value(parent: int | None, hidden: str) -> Any:
        return Scope({0: {"parent_id": parent}}, [hidden], lambda source: TABLES["posts"]).value(lookup)

    assert value(1, "") == "one"
    assert value(1, "one") is None
    assert value(None, "") is None


def test_order_places_nulls_and_keeps_ties() -> None:
    items: list[tuple[str | None, int]] = [("essay", 1), (None, 2), ("book", 3), ("note", 4), ("book", 5)]

    def order(descending: bool, nulls_first: bool) -> list[int]:
        return [tie for _, tie in ordered(items, [Term(lambda item: item[0], KIND, descending, nulls_first)])]

    assert order(descending=False, nulls_first=False) == [4, 1, 3, 5, 2]
    assert order(descending=True, nulls_first=True) == [2, 3, 5, 1, 4]
    assert order(descending=True, nulls_first=False) == [3, 5, 1, 4, 2]


def test_order_by_json_goes_by_type_first() -> None:
    items: list[Any] = [{"b": 1}, [1, 2], [3], True, False, 2, Decimal("1.5"), "b", "a", {"a": 2, "b": 1}]
    found = ordered(items, [Term(lambda item: item, JSON, False, False)])
    assert found == ["a", "b", Decimal("1.5"), 2, False, True, [3], [1, 2], {"b": 1}, {"a": 2, "b": 1}]


@pytest.mark.parametrize(
    ("source", "target", "value", "expected"),
    [
        (BOOLEAN, TEXT, True, "true"),
        (BOOLEAN, INTEGER, True, 1),
        (INTEGER, NUMERIC, 3, Decimal(3)),
        (INTEGER, FLOAT, 3, 3.0),
        (NUMERIC, FLOAT, Decimal("1.5"), 1.5),
        (TIMESTAMPTZ, DATE, "2026-01-31T10:00:00+00:00", "2026-01-31"),
        (TIMESTAMPTZ, TEXT, "2026-01-31T10:00:00+00:00", "2026-01-31 10:00:00+00"),
        (JSON, TEXT, {"a": [1]}, '{"a": [1]}'),
        (UUID_, TEXT, None, None),
    ],
)
def test_cast(source: DataType, target: DataType, value: Any, expected: Any) -> None:
    assert castable(source, target)
    result = cast(source, target, value)
    assert result == expected
    assert type(result) is type(expected)


def test_casts_that_could_fail_are_not_offered() -> None:
    assert not castable(TEXT, INTEGER)
    assert not castable(datatypes.BIGINT, INTEGER)
    assert not castable(NUMERIC, INTEGER)
    assert not castable(DataType(datatypes.Kind.ARRAY, item=TEXT), TEXT)


def test_types_are_named_as_postgresql_names_them() -> None:
    assert type_named("INT4") == INTEGER
    assert type_named("double  precision") == FLOAT
    assert type_named("jsonb") == JSON
    assert type_named("money") is None
