"""Operators that look inside: regular expressions, containment in JSON and arrays, ranges, JSON values in their order."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from mainspring.errors import LimitExceeded, OperatorInvalid, ValueInvalid, ValueOutOfRange
from mainspring.query.ast import Auth, Column, Compare, Const, Expr, Is, Not, Order, Quantifier, Slot
from mainspring.testing.suite.door import ALICE_, Door, Suite, compare

WORDS = ["Straße", "strasse", "ÉCOLE", "école", "a.b", "two\nlines", "", "x1_y 2"]
MATCHES: list[tuple[str, str, list[int]]] = [
    ("match", "^Str", [0]),
    ("imatch", "^Str", [0, 1]),
    ("match", "s{2}", [1]),
    ("match", "a.*e$", [0, 1]),
    ("imatch", "école", [3]),
    ("match", "[É-é]", [0, 2, 3]),
    ("match", "a\\.b", [4]),
    ("match", "o.l", [5]),
    ("match", "^lines", []),
    ("match", "lines$", [5]),
    ("match", "^$", [6]),
    ("match", "", [0, 1, 2, 3, 4, 5, 6, 7]),
    ("match", "\\d", [7]),
    ("match", "^\\w+$", [1]),
    ("match", "\\y2", [7]),
    ("match", "1\\y", []),
    ("match", "[[:space:]]", [5, 7]),
    ("imatch", "[^A-Z]", [0, 2, 3, 4, 5, 7]),
    ("match", "^(?:x|a)(1|.b)", [4, 7]),
    ("match", "\\u00c9", [2]),
]
REFUSED = ["(a)\\1", "(?=a)", "a(?!b)", "(?i)a", "a**", "(a", "a)", "[a", "[b-a]", "a{3,1}", "a{256}", "\\b", "\\ma", "\\", "*"]
TOO_LARGE = ["a" * 1001, "(a{100}){100}", "(" * 60 + ")" * 60]

# what is stored; the filter's value; whether it holds the value, and whether the value holds it
HELD: list[tuple[Any, str, bool, bool]] = [
    ({"a": 1, "b": 2}, '{"a":1}', True, False),
    ({"a": 1}, '{"a":1.0}', True, True),
    ({"a": {"b": 1, "c": [1, 2]}}, '{"a":{"c":[2]}}', True, False),
    ({"a": 1}, "{}", True, False),
    ({"a": None}, '{"a":null}', True, True),
    ({}, '{"a":null}', False, True),
    ([1, 2, 3], "[3,1,1]", True, False),
    ([1, [2, 3]], "[[3]]", True, False),
    ([1, 2], "1", True, False),
    ([], "[]", True, True),
    ("x", '"x"', True, True),
    ("x", '["x"]', False, True),
    ({"a": [1]}, '{"a":1}', False, False),
    ([{"a": 1, "b": 2}, {"c": 3}], '[{"c":3},{"a":1}]', True, False),
    ([True], "[1]", False, False),
]
ARRAYS: list[tuple[str, list[Any] | None, str, list[str]]] = [
    ("words", ["a", "b"], "{a}", ["cs", "ov"]),
    ("words", ["a"], "{a,b}", ["cd", "ov"]),
    ("words", ["a"], "{a,a}", ["cs", "cd", "ov"]),
    ("words", ["a", None], "{a,NULL}", ["ov"]),
    ("words", ["a", None], "{a}", ["cs", "ov"]),
    ("words", [], "{}", ["cs", "cd"]),
    ("words", ["a"], "{}", ["cs"]),
    ("words", ["NULL"], '{"NULL"}', ["cs", "cd", "ov"]),
    ("numbers", [1, 2], "{2,1}", ["cs", "cd", "ov"]),
    ("numbers", [1], "{2}", []),
    ("words", None, "{a}", []),
]
RANGES: list[tuple[str, str, str, list[str]]] = [
    ("ages", "[1,5)", "[2,3]", ["cs", "ov"]),
    ("ages", "[2,4)", "[2,4)", ["cs", "cd", "ov", "nxr", "nxl"]),
    ("ages", "[1,3)", "[3,5]", ["sl", "nxr", "adj"]),
    ("ages", "[5,)", "(,5)", ["sr", "nxl", "adj"]),
    ("ages", "[1,3]", "[3,9)", ["ov", "nxr"]),
    ("ages", "empty", "[1,2)", ["cd"]),
    ("prices", "[1,2)", "[2,3)", ["sl", "nxr", "adj"]),
    ("prices", "[1,2)", "(2,3)", ["sl", "nxr"]),
    ("prices", "[1.0,2.50]", "[1,2.5]", ["cs", "cd", "ov", "nxr", "nxl"]),
    ("stay", "[2026-01-01T02:00:00+02:00,2026-01-02)", "[2026-01-01,2026-01-01T12:00:00)", ["cs", "ov", "nxl"]),
]
INSIDE = ("cs", "cd", "ov", "sl", "sr", "nxr", "nxl", "adj")
IN_NORMAL_FORM: list[tuple[str, str, str]] = [
    ("ages", "(1,5]", "[2,6)"),
    ("ages", "[,5]", "(,6)"),
    ("ages", "(1,2)", "empty"),
    ("ages", " EMPTY ", "empty"),
    ("open", "(2024-02-28,2024-02-29]", "[2024-02-29,2024-03-01)"),
    ("prices", "(1.50,2.0]", "(1.5,2]"),
    ("prices", "[1,1)", "empty"),
    ("stay", '["2026-01-01 02:00:00+02",2026-01-02T00:00:00.50Z]', '["2026-01-01 00:00:00+00","2026-01-02 00:00:00.5+00"]'),
]
# JSON values in their order; equal ones in one list
IN_ORDER: list[list[Any]] = [
    [None],
    ["", ""],
    ["a"],
    ["b"],
    [-2],
    [-1.5],
    [0],
    [1, 1.0],
    [100, 1e2],
    [False],
    [True],
    [[5]],
    [["a", None]],
    [[1, 1]],
    [{}],
    [{"a": 1}, {"a": 1.0}],
    [{"aa": 0}],
    [{"b": 0}],
    [{"a": 1, "b": 1}, {"b": 1, "a": 1}],
]
VALUED = [("null", 0), ('"b"', 3), ("1", 7), ("true", 10), ('["a",null]', 12), ("{}", 14), ('{"b":1.0,"a":1}', 18)]
"""Values as a filter says them, and their places in that order."""


async def fill(door: Door, column: str, values: Sequence[Any]) -> None:
    """Samples numbered from 0, each with a value in `column`."""
    await door.insert("samples", *({"id": number, column: value} for number, value in enumerate(values)))


async def holds(door: Door, condition: Expr, me: Any = None) -> bool | None:
    """What the condition is of the only row there is."""
    more = {} if me is None else {"me": me}
    if await door.ids("samples", condition, **more):
        return True
    return False if await door.ids("samples", Not(condition), **more) else None


class OperatorsSuite(Suite):
    """Which rows they pick."""

    async def test_regular_expressions(self, door: Door) -> None:
        await fill(door, "a_text", [*WORDS, None])
        for operator, pattern, expected in MATCHES:
            condition = compare("a_text", operator, pattern)
            assert await door.ids("samples", condition) == expected, pattern
            others = [number for number in range(len(WORDS)) if number not in expected]
            assert await door.ids("samples", Not(condition)) == others, f"not {pattern}"

    async def test_regular_expressions_that_are_refused(self, door: Door) -> None:
        await fill(door, "a_text", ["a"])
        for operator in ("match", "imatch"):
            for pattern in REFUSED:
                with pytest.raises(ValueInvalid) as told:
                    await door.ids("samples", Compare(operator, Column("a_text"), Slot(0)), values=[pattern])
                assert told.value.reason, pattern
            for pattern in TOO_LARGE:
                with pytest.raises(LimitExceeded):
                    await door.ids("samples", Compare(operator, Column("a_text"), Slot(0)), values=[pattern])

    async def test_any_and_all_of_several_regular_expressions(self, door: Door) -> None:
        await fill(door, "a_text", ["ab", "b", "B", None])
        for op, patterns, quantifier, expected in (
            ("match", '{"^a","b$"}', Quantifier.ANY, [0, 1]),
            ("match", '{"^a","b$"}', Quantifier.ALL, [0]),
            ("imatch", "{^b}", Quantifier.ANY, [1, 2]),
            ("match", "{}", Quantifier.ANY, []),
            ("match", "{NULL,^a}", Quantifier.ANY, [0]),
        ):
            condition = Compare(op, Column("a_text"), Slot(0), quantifier)
            assert await door.ids("samples", condition, values=[patterns]) == expected, patterns

    @pytest.mark.timeout(10)
    async def test_no_regular_expression_takes_long(self, door: Door) -> None:
        await fill(door, "a_text", ["a" * 50_000 + "!"])
        for pattern in ("(a*)*b", "(a|aa)+$", "(.*.*.*)*x", "^(a+)+$"):
            assert await door.ids("samples", compare("a_text", "match", pattern)) == []

    @pytest.mark.parametrize(("stored", "value", "holding", "held"), HELD)
    async def test_containment_in_json(self, door: Door, stored: Any, value: str, holding: bool, held: bool) -> None:
        await fill(door, "doc", [{"in": stored}])
        place = Column("doc", ("in",))
        contains, contained = (Compare(operator, place, Slot(0)) for operator in ("cs", "cd"))
        assert bool(await door.ids("samples", contains, values=[value])) is holding
        assert bool(await door.ids("samples", Not(contains), values=[value])) is not holding
        assert bool(await door.ids("samples", contained, values=[value])) is held
        around = '{"in":' + value + "}"
        if holding and isinstance(stored, dict):
            assert await door.ids("samples", Compare("cs", Column("doc"), Slot(0)), values=[around]) == [0]

    async def test_containment_of_what_is_not_there_is_unknown(self, door: Door) -> None:
        await fill(door, "doc", [None])
        for place in (Column("doc"), Column("doc", ("a",))):
            assert await holds(door, Compare("cs", place, Const({}))) is None
        for column in ("words", "ages"):
            value: Any = ["a"] if column == "words" else "[1,2)"
            assert await holds(door, compare(column, "cs", value)) is None

    @pytest.mark.parametrize(("column", "stored", "value", "operators"), ARRAYS)
    async def test_arrays_as_sets(self, door: Door, column: str, stored: Any, value: str, operators: list[str]) -> None:
        await fill(door, column, [stored])
        found = [
            operator
            for operator in ("cs", "cd", "ov")
            if await door.ids("samples", Compare(operator, Column(column), Slot(0)), values=[value])
        ]
        assert found == operators

    async def test_order_of_arrays(self, door: Door) -> None:
        rising = [[], ["a"], ["a", "Z"], ["a", "b"], ["a", None], ["b"], [None]]
        await fill(door, "words", [*reversed(rising), None])
        last = len(rising) - 1
        assert await door.ids("samples", order=[Order(Column("words"))]) == [*range(last, -1, -1), last + 1]
        assert await door.ids("samples", compare("words", "lt", ["a", "Z"])) == [last - 1, last]
        assert await door.ids("samples", compare("words", "gte", ["a", None])) == [0, 1, 2]
        with pytest.raises(OperatorInvalid):
            await door.ids("samples", compare("words", "in", [["a"]]))

    @pytest.mark.parametrize(("column", "written", "answered"), IN_NORMAL_FORM)
    async def test_ranges_have_one_form(self, door: Door, column: str, written: str, answered: str) -> None:
        await fill(door, column, [written])
        assert await door.rows("samples", column) == [{column: answered}]
        assert await door.ids("samples", compare(column, "eq", written)) == [0]
        assert await door.ids("samples", compare(column, "in", ["empty", written])) == [0]

    @pytest.mark.parametrize("text", ["[1,2", "1", "[1;2]", "[a,2]", "[1,2]x", ""])
    async def test_what_is_no_range(self, door: Door, text: str) -> None:
        with pytest.raises(ValueInvalid):
            await door.ids("samples", Compare("cs", Column("ages"), Slot(0)), values=[text])

    async def test_bounds_out_of_order_or_too_large(self, door: Door) -> None:
        for column, text in (("ages", "[2,1]"), ("ages", "[1,2147483647]"), ("open", "[2024-01-01,9999-12-31]")):
            with pytest.raises(ValueOutOfRange):
                await door.insert("samples", {"id": 1, column: text})

    @pytest.mark.parametrize(("column", "stored", "value", "operators"), RANGES)
    async def test_ranges(self, door: Door, column: str, stored: str, value: str, operators: list[str]) -> None:
        await fill(door, column, [stored])
        found = [
            operator
            for operator in INSIDE
            if await door.ids("samples", Compare(operator, Column(column), Slot(0)), values=[value])
        ]
        assert found == operators

    async def test_order_of_ranges(self, door: Door) -> None:
        rising = ["empty", "(,3)", "(,)", "[1,2)", "[1,5)", "[1,)", "[2,3)"]
        await fill(door, "ages", [*reversed(rising), None])
        assert await door.ids("samples", order=[Order(Column("ages"))]) == [6, 5, 4, 3, 2, 1, 0, 7]
        assert await door.ids("samples", compare("ages", "gt", "[1,5)")) == [0, 1]
        assert await door.ids("samples", compare("ages", "neq", "[1,5)")) == [0, 1, 3, 4, 5, 6]

    async def test_order_and_equality_of_json(self, door: Door) -> None:
        flat = [(rank, value) for rank, values in enumerate(IN_ORDER) for value in values]
        await fill(door, "doc", [{"v": value} for _, value in flat])
        place = Column("doc", ("v",))
        assert await door.ids("samples", order=[Order(place)]) == list(range(len(flat)))
        for value, rank in VALUED:
            for operator, test in (("lt", rank.__gt__), ("gte", rank.__le__), ("eq", rank.__eq__), ("neq", rank.__ne__)):
                found = await door.ids("samples", Compare(operator, place, Slot(0)), values=[value])
                assert found == [number for number, (other, _) in enumerate(flat) if test(other)], (operator, value)

    async def test_json_beside_nothing(self, door: Door) -> None:
        await fill(door, "doc", [{"v": None}, {}, {"v": 1}, None])
        place = Column("doc", ("v",))
        picked: list[tuple[Expr, list[Any], list[int]]] = [
            (Is(place, "null"), [], [1, 3]),
            (Compare("eq", place, Slot(0)), ["null"], [0]),
            (Not(Compare("eq", place, Slot(0))), ["null"], [2]),
            (Compare("isdistinct", place, Slot(0)), ["1"], [0, 1, 3]),
            (Compare("in", place, Slot(0)), [["1.0", "null"]], [0, 2]),
            (Compare("eq", place, Slot(0), Quantifier.ANY), ['{"null",1}'], [0, 2]),
            (Compare("eq", Column("doc"), Slot(0)), ['{"v": 1.0}'], [2]),
            (Compare("eq", Column("doc"), Const({"v": 1})), [], [2]),
        ]
        for condition, values, expected in picked:
            assert await door.ids("samples", condition, values=values) == expected, (condition, values)
        assert await door.ids("samples", order=[Order(place, descending=True)]) == [3, 1, 2, 0]
        for value in ("abc", "", "{", "[1"):
            with pytest.raises(ValueInvalid) as told:
                await door.ids("samples", Compare("eq", place, Slot(0)), values=[value])
            assert told.value.where == "filter on column doc"

    async def test_an_empty_array_comes_before_everything_else(self, door: Door) -> None:
        await fill(door, "doc", [{"v": None}, {"v": []}, {"v": [[], None]}, {"v": [None, []]}])
        assert await door.ids("samples", order=[Order(Column("doc", ("v",)))]) == [1, 0, 3, 2]

    async def test_columns_and_claims_beside_columns(self, door: Door) -> None:
        await door.insert("samples", {"id": 1, "doc": {"a": 1, "b": {"a": 1}}, "words": ["authenticated", "x"], "ages": "[1,2)"})
        assert await door.ids("samples", Compare("cs", Column("doc"), Column("doc", ("b",)))) == [1]
        assert await door.ids("samples", Compare("cd", Column("doc"), Column("doc", ("b",)))) == []
        assert await door.ids("samples", Compare("cs", Column("words"), Column("words"))) == [1]
        assert await door.ids("samples", Compare("ov", Column("ages"), Column("ages"))) == [1]
        unknown = Compare("ov", Column("words"), Auth(("claims", "nothing")))
        assert await holds(door, unknown, ALICE_.__class__("service_role", None, {}, bypass=True)) is None
        with pytest.raises(OperatorInvalid):
            await door.ids("samples", Compare("cs", Column("words"), Column("numbers")))
