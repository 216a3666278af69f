"""Types: every value comes back as it went in, in its one JSON form; casts and JSON paths."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from mainspring.datatypes import decode_body
from mainspring.errors import ValueOutOfRange
from mainspring.query.ast import Column, Compare, Const, Field, Is
from mainspring.testing.suite.door import Door, Suite, compare, raw_rows

# column, what is written, the exact JSON text that is answered
EXACT: list[tuple[str, Any, str]] = [
    ("small", -32768, "-32768"),
    ("small", "32767", "32767"),
    ("whole", -(2**31), "-2147483648"),
    ("whole", 2**31 - 1, "2147483647"),
    ("big", -(2**63), "-9223372036854775808"),
    ("big", 2**63 - 1, "9223372036854775807"),
    ("big", 9007199254740993, "9007199254740993"),
    ("price", "1.5", "1.50"),
    ("price", 0, "0.00"),
    ("price", "-0.001", "0.00"),
    ("price", "2.345", "2.35"),
    ("price", "-2.345", "-2.35"),
    ("price", "1.005", "1.01"),
    ("price", "99999999.99", "99999999.99"),
    ("price", "1e2", "100.00"),
    ("exact", "0.1", "0.1"),
    ("exact", "1.500", "1.5"),
    ("exact", 1000, "1000"),
    ("exact", "1e14", "100000000000000"),
    ("exact", "-123456789.012345", "-123456789.012345"),
    ("exact", "0.0000001", "0.0000001"),
    ("exact", "0.00000000012", "0.00000000012"),
    ("real", 1, "1"),
    ("real", 0.1, "0.1"),
    ("real", -2.5, "-2.5"),
    ("real", "-0", "0"),
    ("flag", True, "true"),
    ("flag", "off", "false"),
    ("day", "0001-01-01", '"0001-01-01"'),
    ("day", "9999-12-31", '"9999-12-31"'),
    ("day", "2024-02-29", '"2024-02-29"'),
    ("clock", "00:00", '"00:00:00"'),
    ("clock", "23:59:59.999999", '"23:59:59.999999"'),
    ("clock", "12:00:00.500", '"12:00:00.5"'),
    ("moment", "2026-01-31 13:45:00.120", '"2026-01-31T13:45:00.12"'),
    ("moment", "0001-01-01T00:00:00", '"0001-01-01T00:00:00"'),
    ("moment", "9999-12-31T23:59:59.999999", '"9999-12-31T23:59:59.999999"'),
    ("instant", "2026-01-31T13:45:00+05:30", '"2026-01-31T08:15:00+00:00"'),
    ("instant", "2026-01-31T13:45:00.250Z", '"2026-01-31T13:45:00.25+00:00"'),
    ("instant", "2026-01-31T13:45:00", '"2026-01-31T13:45:00+00:00"'),
    ("instant", "0001-01-01T00:00:00Z", '"0001-01-01T00:00:00+00:00"'),
    ("span", "1 day 02:03:04.5", '"1 day 02:03:04.5"'),
    ("span", "PT36H", '"1 day 12:00:00"'),
    ("span", "-1 day", '"-1 days"'),
    ("span", "-90 minutes", '"-01:30:00"'),
    ("span", "00:00", '"00:00:00"'),
    ("code", "A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11", '"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"'),
    ("raw", "\\x", '"\\\\x"'),
    ("raw", "\\x00FFab", '"\\\\x00ffab"'),
    ("kind", "medium", '"medium"'),
]
TEXTS = [
    *("", "NULL", "\\", '"', "'; drop table samples; --", "\t\n\r\b\f\x01\x1f", "\x7f\u2028"),
    *("é", "e\u0301", "😀", "x" * 10_000),
]
FLOATS = [0.1 + 0.2, 1e20, 1e15, 123456789012345680.0, 5e-324, 1.7976931348623157e308, -1e-7, 2**53 + 2.0]
DOCUMENTS: list[str] = [
    "{}",
    "[]",
    '"text"',
    "0",
    "true",
    '{"b":1,"a":[1.10,true,null,"x"],"é":{"😀":"\\u0001"}}',
    '{"big":9223372036854775807,"small":-9223372036854775808,"fraction":0.1}',
    "[[[[[[]]]]]]",
]
LISTS: list[tuple[str, list[Any]]] = [
    ("words", []),
    ("words", ["a", None, 'b"c', "{,}", "", "NULL", "\\"]),
    ("numbers", [1, None, -(2**31)]),
]
# column, value, cast, the JSON text
CASTS: list[tuple[str, Any, str, str]] = [
    ("whole", 42, "text", '"42"'),
    ("whole", 42, "bigint", "42"),
    ("whole", 42, "numeric", "42"),
    ("whole", 42, "float8", "42"),
    ("real", 1593043486358626.5, "text", '"1.5930434863586265e+15"'),
    ("real", 5.0762356228493904e16, "text", '"5.0762356228493904e+16"'),  # halfway: shorter texts are read as it by rounding
    ("real", 2.0**53, "text", '"9.007199254740992e+15"'),
    ("price", "1.5", "text", '"1.50"'),
    ("price", "1.5", "numeric", "1.5"),
    ("exact", "0.0000001", "text", '"0.0000001"'),
    ("real", 0.1, "text", '"0.1"'),
    ("real", 100, "text", '"100"'),
    ("real", 1e20, "text", '"1e+20"'),
    ("flag", True, "text", '"true"'),
    ("flag", False, "integer", "0"),
    ("day", "2026-01-31", "text", '"2026-01-31"'),
    ("moment", "2026-01-31T01:02:03.5", "text", '"2026-01-31 01:02:03.5"'),
    ("moment", "2026-01-31T01:02:03.5", "date", '"2026-01-31"'),
    ("instant", "2026-01-31T01:02:03+01:00", "text", '"2026-01-31 00:02:03+00"'),
    ("instant", "2026-01-31T00:30:00+01:00", "date", '"2026-01-30"'),
    ("span", "1 day 02:00", "text", '"1 day 02:00:00"'),
    ("code", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "text", '"a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11"'),
    ("raw", "\\x00ff", "text", '"\\\\x00ff"'),
    ("kind", "high", "text", '"high"'),
    ("doc", {"bb": 1, "a": [True, None]}, "text", r'"{\"a\": [true, null], \"bb\": 1}"'),
    ("a_text", "x", "text", '"x"'),
]
DOC = {"n": 1, "f": 1.5, "s": "x", "l": [10, 20], "o": {"k": None, "d e": "y"}, "t": True}
# path, `->`, `->>`
PATHS: list[tuple[tuple[str | int, ...], Any, str | None]] = [
    (("n",), 1, "1"),
    (("f",), Decimal("1.5"), "1.5"),
    (("s",), "x", "x"),
    (("l",), [10, 20], "[10, 20]"),
    (("l", 0), 10, "10"),
    (("l", -1), 20, "20"),
    (("l", 2), None, None),
    (("o", "k"), None, None),
    (("o", "d e"), "y", "y"),
    (("t",), True, "true"),
    (("missing",), None, None),
    (("s", "deeper"), None, None),
    (("n", 0), None, None),
]


class TypesSuite(Suite):
    """Values of every type."""

    @pytest.mark.parametrize(("column", "written", "answered"), EXACT)
    async def test_a_value_has_one_json_form(self, door: Door, column: str, written: Any, answered: str) -> None:
        await door.insert("samples", {"id": 1, column: written})
        (row,) = raw_rows(await door.read("samples", column))
        assert row[column] == answered

    async def test_null_is_null_in_every_column(self, door: Door) -> None:
        await door.insert("samples", {"id": 1})
        (row,) = raw_rows(await door.read("samples"))
        assert row.pop("id") == "1"
        assert set(row.values()) == {"null"}

    async def test_text_is_kept_to_the_character(self, door: Door) -> None:
        await door.insert("samples", *({"id": number, "a_text": text} for number, text in enumerate(TEXTS)))
        assert [row["a_text"] for row in await door.rows("samples", "id", "a_text")] == TEXTS

    async def test_a_length_counts_characters(self, door: Door) -> None:
        await door.insert("samples", {"id": 1, "a_char": "😀éxyz"})
        with pytest.raises(ValueOutOfRange):
            await door.insert("samples", {"id": 2, "a_char": "abcdef"})
        assert await door.rows("samples", "a_char") == [{"a_char": "😀éxyz"}]

    async def test_a_float_reads_back_the_same(self, door: Door) -> None:
        await door.insert("samples", *({"id": number, "real": value} for number, value in enumerate(FLOATS)))
        rows = raw_rows(await door.read("samples", "id", "real"))
        assert [float(row["real"]) for row in rows] == FLOATS

    async def test_json_is_kept(self, door: Door) -> None:
        documents = [decode_body(text.encode(), 50) for text in DOCUMENTS]
        await door.insert("samples", *({"id": number, "doc": item} for number, item in enumerate(documents)))
        assert [row["doc"] for row in await door.rows("samples", "id", "doc")] == documents

    @pytest.mark.parametrize(("column", "value"), LISTS)
    async def test_arrays_are_kept(self, door: Door, column: str, value: list[Any]) -> None:
        await door.insert("samples", {"id": 1, column: value})
        assert await door.rows("samples", column) == [{column: value}]

    async def test_digits_that_cannot_be_kept_are_refused(self, door: Door) -> None:
        digits = "12345678901234567890.123456789"
        if door.engine.capabilities.numeric_digits is None:
            await door.insert("samples", {"id": 1, "exact": digits})
            (row,) = raw_rows(await door.read("samples", "exact"))
            assert row["exact"] == digits
        else:
            with pytest.raises(ValueOutOfRange):
                await door.insert("samples", {"id": 1, "exact": digits})

    @pytest.mark.parametrize(("column", "written", "cast", "answered"), CASTS)
    async def test_casts(self, door: Door, column: str, written: Any, cast: str, answered: str) -> None:
        await door.insert("samples", {"id": 1, column: written}, {"id": 2, column: None})
        rows = raw_rows(await door.read("samples", Field(Column(column), "out", cast)))
        assert [row["out"] for row in rows] == [answered, "null"]

    @pytest.mark.parametrize(("path", "value", "text"), PATHS)
    async def test_json_paths(self, door: Door, path: tuple[str | int, ...], value: Any, text: str | None) -> None:
        await door.insert("samples", {"id": 1, "doc": DOC}, {"id": 2, "doc": None})
        inside, as_text = Column("doc", path), Column("doc", path, as_text=True)
        rows = await door.rows("samples", Field(inside, "value"), Field(as_text, "text"))
        assert rows == [{"value": value, "text": text}, {"value": None, "text": None}]

    async def test_conditions_on_json_paths(self, door: Door) -> None:
        await door.insert("samples", {"id": 1, "doc": DOC}, {"id": 2, "doc": {"n": 2}}, {"id": 3, "doc": None})
        number = Column("doc", ("n",), as_text=True)
        assert await door.ids("samples", _inside(number, "eq", "1")) == [1]
        assert await door.ids("samples", _inside(number, "gt", "1")) == [2]
        assert await door.ids("samples", _inside(number, "in", ["1", "2"])) == [1, 2]
        assert await door.ids("samples", Is(Column("doc", ("o", "k")), "null")) == [2, 3]
        assert await door.ids("samples", Is(Column("doc", ("o", "k"), as_text=True), "null")) == [1, 2, 3]
        assert await door.ids("samples", Is(Column("doc", ("n",)), "not_null")) == [1, 2]

    async def test_a_key_with_odd_characters_is_only_a_key(self, door: Door) -> None:
        keys = ["a.b", "a'b", "$", "[0]", "%", "é"]
        await door.insert("samples", {"id": 1, "doc": dict.fromkeys(keys, "here")})
        for key in keys:
            out = Field(Column("doc", (key,), as_text=True), "out")
            assert await door.rows("samples", out) == [{"out": "here"}], key

    async def test_answers_are_valid_json(self, door: Door) -> None:
        await door.insert("samples", {"id": 1, "a_text": "".join(map(chr, range(1, 0x100)))})
        result = await door.read("samples", where=compare("id", "eq", 1))
        assert result.body is not None
        assert json.loads(result.body)[0]["id"] == 1


def _inside(column: Column, op: str, value: Any) -> Compare:
    """A comparison with a place in a JSON document."""
    return Compare(op, column, Const(value))
