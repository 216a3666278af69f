"""The shape cache's promise: values never decide a shape, and what is cached equals what is parsed."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import quote_plus

from hypothesis import given
from hypothesis import strategies as st

from mainspring.query.ast import TableName
from mainspring.surfaces.rest.parse import Asked, Grammar, parse
from mainspring.surfaces.rest.shape import Recent, split

TEXT = st.text("ab0 \t\n\x00\"\\'(){},.*:&=%+;/-_é名😀", max_size=10)
TABLE = TableName("public", "posts")
OPERATORS = ("eq", "neq", "gt", "gte", "lt", "lte", "like", "ilike", "not.eq", "not.like")


class Drawn(NamedTuple):
    """A parameter, or a query: its text, what it asks apart from values, the values to be read."""

    text: str
    structure: tuple[str, ...]
    values: tuple[object, ...]


def quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def listed(items: list[str]) -> str:
    return f"({','.join(map(quoted, items))})"


@st.composite
def parameters(draw: st.DrawFn) -> Drawn:
    """A filter, a list, a logic tree or a test without a value."""
    name = draw(st.sampled_from(["a", "b", "c->>k", '"q.q"', "x.a"]))
    operator = draw(st.sampled_from(OPERATORS))
    value, items = draw(TEXT), draw(st.lists(TEXT, max_size=3))
    head = quote_plus(name)
    match draw(st.integers(0, 3)):
        case 0:
            read = value.replace("*", "%") if "like" in operator else value
            return Drawn(f"{head}={operator}.{quote_plus(value)}", (name, operator), (read,))
        case 1:
            return Drawn(f"{head}=in.{quote_plus(listed(items))}", (name, "in"), (items,))
        case 2:
            tree = f"(a.eq.{quoted(value)},not.and(b.in.{listed(items)},c.is.null),d.{operator}.0)"
            return Drawn(
                f"or={quote_plus(tree)}", ("or", operator), (value, items, "0")
            )
        case _:
            test = draw(st.sampled_from(["null", "true", "not_null"]))
            return Drawn(f"{head}=is.{test}", (name, test), ())


@st.composite
def queries(draw: st.DrawFn) -> Drawn:
    """A query string."""
    drawn = [Drawn("select=*,x(id)", ("select",), ()), *draw(st.lists(parameters(), max_size=4))]
    if draw(st.booleans()):
        limit = draw(st.integers(0, 10**6))
        drawn.append(Drawn(f"x.limit={limit}", ("limit",), (limit,)))
    structure = tuple(each for part in drawn for each in part.structure)
    return Drawn("&".join(part.text for part in drawn), structure, tuple(v for part in drawn for v in part.values))


@given(queries())
def test_values_are_cut_out_whole_and_the_skeleton_says_the_rest(drawn: Drawn) -> None:
    skeleton, texts = split(drawn.text)
    shape = parse(Asked("GET", TABLE, skeleton), Grammar())
    assert tuple(shape.read(texts)) == drawn.values


@given(queries())
def test_a_skeleton_is_its_own_skeleton(drawn: Drawn) -> None:
    skeleton, texts = split(drawn.text)
    again, empty = split(skeleton)
    assert again == skeleton
    assert len(empty) == len(texts)


@given(queries(), queries())
def test_two_requests_share_a_skeleton_exactly_when_only_their_values_differ(one: Drawn, two: Drawn) -> None:
    assert (split(one.text)[0] == split(two.text)[0]) == (one.structure == two.structure)


@given(TEXT, TEXT)
def test_a_value_never_enters_the_skeleton(one: str, two: str) -> None:
    for template in ("id=eq.{}", "id=not.ilike.{}&select=*", "name=in.{}", "limit={}", "x.offset={}"):
        assert split(template.format(quote_plus(one)))[0] == split(template.format(quote_plus(two)))[0]
    trees = [split("or=" + quote_plus(f"(id.eq.{quoted(text)},a.is.null)"))[0] for text in (one, two)]
    assert trees[0] == trees[1]


def test_the_least_recently_used_leaves() -> None:
    recent: Recent[int] = Recent(2)
    recent.put("a", 1)
    recent.put("b", 2)
    assert recent.get("a") == 1
    recent.put("c", 3)
    assert (recent.get("a"), recent.get("b"), recent.get("c"), len(recent)) == (1, None, 3, 2)
