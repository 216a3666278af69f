"""SQL in pieces: what looks like something else in quotes and comments is left alone."""

from __future__ import annotations

import pytest

from mainspring.catalog.pieces import inside, joined, mentions, parted, pieces, quoted


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("a  >\n1 -- odd", "a > 1"),
        ("a /* , ( */ > 1", "a > 1"),
        ("'--' || '/*' || \"--\"", "'--' || '/*' || \"--\""),
        ("'it''s  two'", "'it''s  two'"),
        ("'unclosed", "'unclosed"),
        ("/* unclosed", ""),
        ("a::text[1]", "a::text[1]"),
    ],
)
def test_comments_go_and_texts_stay(sql: str, told: str) -> None:
    assert joined(pieces(sql)) == told
    assert joined(pieces(told)) == told


def test_names_in_sqlite_have_three_forms() -> None:
    assert joined(pieces('[a"b] = `c``d` + "e""f"', sqlite=True)) == '"a""b" = "c`d" + "e""f"'
    assert [each.name for each in pieces("[a b] `c``d` \"e\"\"f\" g 'h''i'", sqlite=True)] == ["a b", "c`d", 'e"f', "g", "h'i"]


def test_commas_part_what_stands_in_no_further_bracket() -> None:
    every = pieces("f(a, ARRAY['b]', ','], (c, d)) e")
    opening = next(place for place, each in enumerate(every) if each.text == "(")
    assert [joined(part) for part in parted(inside(every, opening))] == ["a", "ARRAY['b]', ',']", "(c, d)"]


@pytest.mark.parametrize("name", ["a", 'a"b', "with space", "é"])
def test_a_name_is_mentioned_where_it_is_a_name(name: str) -> None:
    assert mentions(f"lower({quoted(name)}) > 1", name)
    assert not mentions(f"x = '{name}' -- {name}", name)
    assert not mentions(f"{quoted(name + 'x')} > 1", name)
