"""The policy language: what expressions build, and how it answers what cannot be said."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from tests.support.shop import CATALOG, PUBLIC

from mainspring.policy.expr import Condition
from mainspring.policy.language import Me, Names, Row, build, exists
from mainspring.policy.mistakes import Misuse, PolicyMistake, UnknownColumn
from mainspring.query import ast
from mainspring.query.ast import And, Auth, Column, Compare, Const, Exists, Is, Not, Or, Truth

NAMES = Names(CATALOG, lambda model: PUBLIC[str(model)], lambda model: {"writer": "author_id"})
AUTHOR = Column("author_id")


def built(function: Callable[[Any, Any], object]) -> ast.Expr:
    return build(function, "posts", NAMES)


CASES: list[tuple[Callable[[Any, Any], object], ast.Expr]] = [
    (lambda row, me: row.author_id == me.uid, Compare("eq", AUTHOR, Auth(("uid",)))),
    (lambda row, me: me.uid == row.author_id, Compare("eq", AUTHOR, Auth(("uid",)))),
    (lambda row, me: row.writer != me.uid, Compare("neq", AUTHOR, Auth(("uid",)))),
    (lambda row, me: row["author_id"] == me.uid, Compare("eq", AUTHOR, Auth(("uid",)))),
    (lambda row, me: row.id > 5, Compare("gt", Column("id"), Const(5))),
    (lambda row, me: row.id <= row.parent_id, Compare("lte", Column("id"), Column("parent_id"))),
    (lambda row, me: row.title == None, Is(Column("title"), "null")),  # noqa: E711 - a policy compares, `is` cannot
    (lambda row, me: row.title.is_not_null(), Is(Column("title"), "not_null")),
    (lambda row, me: row.published, Truth(Column("published"))),
    (lambda row, me: ~row.published, Not(Truth(Column("published")))),
    (lambda row, me: row.published & True, And((Truth(Column("published")), ast.TRUE))),
    (lambda row, me: row.published | (row.id == 1), Or((Truth(Column("published")), Compare("eq", Column("id"), Const(1))))),
    (lambda row, me: row.id.in_([1, 2]), Compare("in", Column("id"), Const((1, 2)))),
    (lambda row, me: row.title.like("a%"), Compare("like", Column("title"), Const("a%"))),
    (lambda row, me: row.title.ilike("a_"), Compare("ilike", Column("title"), Const("a_"))),
    (lambda row, me: row.title.startswith("50%"), Compare("like", Column("title"), Const("50\\%%"))),
    (lambda row, me: row.title.matches("^a|b$"), Compare("match", Column("title"), Const("^a|b$"))),
    (lambda row, me: row.data["a"].imatches("x+"), Compare("imatch", Column("data", ("a",), True), Const("x+"))),
    (lambda row, me: row.data.contains({"a": 1}), Compare("cs", Column("data"), Const({"a": 1}))),
    (lambda row, me: row.data["tags"].contained_by(["x"]), Compare("cd", Column("data", ("tags",)), Const(["x"]))),
    (lambda row, me: row.data["a"].contains(me.claim("b")), Compare("cs", Column("data", ("a",)), Auth(("claims", "b")))),
    (lambda row, me: row.data["a"].contains(row.data), Compare("cs", Column("data", ("a",)), Column("data"))),
    (lambda row, me: row.data == {"a": 1}, Compare("eq", Column("data"), Const({"a": 1}))),
    (lambda row, me: row.data["a"][0] == "x", Compare("eq", Column("data", ("a", 0), True), Const("x"))),
    (lambda row, me: row.data["a"].as_text() == me.role, Compare("eq", Column("data", ("a",), True), Auth(("role",)))),
    (lambda row, me: row.data["on"] == True, Compare("eq", Column("data", ("on",), True), Const("true"))),  # noqa: E712 - a policy compares, `is` cannot
    (lambda row, me: row.data["n"].in_([1, "2"]), Compare("in", Column("data", ("n",), True), Const(("1", "2")))),
    (lambda row, me: me.email.like("%@example.com"), Compare("like", Auth(("email",)), Const("%@example.com"))),
    (lambda row, me: me.claim("app", "org") == 3, Compare("eq", Auth(("claims", "app", "org")), Const(3))),
    (lambda row, me: me.claim("staff"), Truth(Auth(("claims", "staff")))),
    (lambda row, me: me.has_role("staff"), Truth(Auth(("claims", "app_metadata", "roles"), "staff"))),
    (lambda row, me: me.uid.is_not_null(), Is(Auth(("uid",)), "not_null")),
    (lambda row, me: True, ast.TRUE),
    (lambda row, me: False, ast.FALSE),
]


@pytest.mark.parametrize(("function", "expected"), CASES)
def test_expression_builds(function: Callable[[Any, Any], object], expected: ast.Expr) -> None:
    assert built(function) == expected


def test_exists_counts_scopes_from_the_outside() -> None:
    def nested(row: Row, me: Me) -> Condition:
        return exists(
            "users",
            lambda user: (
                (user.id == row.author_id) & exists("posts", lambda other: (other.author_id == user.id) & (other.id == row.id))
            ),
        )

    inner = And(
        (
            Compare("eq", Column("author_id", scope=2), Column("id", scope=1)),
            Compare("eq", Column("id", scope=2), Column("id")),
        )
    )
    outer = And((Compare("eq", Column("id", scope=1), AUTHOR), Exists(PUBLIC["posts"], inner, 2)))
    assert built(nested) == Exists(PUBLIC["users"], outer, 1)


MISTAKES: list[tuple[Callable[[Any, Any], object], str]] = [
    (lambda row, me: row.titel == "x", "did you mean title"),
    (lambda row, me: me.uuid == row.author_id, "did you mean me.uid"),
    (lambda row, me: row.author_id == 5, "uuid"),
    (lambda row, me: row.author_id == "nobody", "uuid"),
    (lambda row, me: row.id == "many", "bigint"),
    (lambda row, me: row.kind == "shout", "one of"),
    (lambda row, me: row.id == row.title, "cannot be compared"),
    (lambda row, me: row.id.like("1%"), "`like` does not take"),
    (lambda row, me: row.title.like("a\\"), "lone backslash"),
    (lambda row, me: row.data.like("a%"), "name a place in it"),
    (lambda row, me: row.data == {"a": {1, 2}}, "not a JSON value"),
    (lambda row, me: row.title.matches("(a"), "is not closed"),
    (lambda row, me: row.id.matches("a"), "`matches` does not take"),
    (lambda row, me: row.title.contains("a"), "`contains` does not take"),
    (lambda row, me: row.data.overlaps(["a"]), "`overlaps` does not take"),
    (lambda row, me: row.data.contains(row.title), "cannot be compared"),
    (lambda row, me: row.data.contains(None), "literal"),
    (lambda row, me: row.title["a"], "only JSON columns"),
    (lambda row, me: row.data["n"] > 5, "compared as text"),
    (lambda row, me: row.title, "no boolean"),
    (lambda row, me: me.uid, "no boolean"),
    (lambda row, me: row.published and row.id == 1, "use & | ~"),
    (lambda row, me: not row.published, "use & | ~"),
    (lambda row, me: 1 < row.id < 5, "use & | ~"),
    (lambda row, me: row.id == 1 or me.role == "x", "use & | ~"),
    (lambda row, me: me.role in row.title, "use & | ~"),
    (lambda row, me: list(row.title), "iterated"),
    (lambda row, me: row.published | row.author_id == me.uid, "parentheses|no boolean"),
    (lambda row, me: row.title in {"a": 1}, "use .in_"),
    (lambda row, me: row.title not in {"a"}, "use .in_"),
    (lambda row, me: str(row.author_id) != me.uid, "no text"),
    (lambda row, me: f"{row.author_id}" != me.uid, "no text"),
    (lambda row, me: row.id.in_([1, None]), "literal"),
    (lambda row, me: row.id.in_(5), "takes a list"),
    (lambda row, me: None, "return"),
    (lambda row, me: "yes", "condition is needed"),
    (lambda row, me: exists("postz", lambda other: True), "did you mean posts"),
]


@pytest.mark.parametrize(("function", "words"), MISTAKES)
def test_mistake_is_told(function: Callable[[Any, Any], object], words: str) -> None:
    with pytest.raises(PolicyMistake, match=words):
        built(function)


def test_mistakes_are_python_errors_of_their_kind() -> None:
    with pytest.raises(AttributeError):
        built(lambda row, me: row.titel)
    with pytest.raises(TypeError):
        bool(NAMES.row("posts").published)
    assert not hasattr(NAMES.row("posts"), "__wrapped__")
    assert issubclass(UnknownColumn, PolicyMistake)
    assert issubclass(Misuse, PolicyMistake)


def test_uuid_constants_are_taken_as_they_are() -> None:
    identifier = UUID("6d0c3b1e-7a47-4f1c-9a55-0e2a8b6d3f10")
    assert built(lambda row, me: row.author_id == identifier) == Compare("eq", AUTHOR, Const(identifier))
    assert built(lambda row, me: me.uid == identifier) == Compare("eq", Auth(("uid",)), Const(str(identifier)))


def test_exists_outside_of_a_policy_is_a_mistake() -> None:
    with pytest.raises(PolicyMistake, match="inside a policy"):
        exists("posts", lambda other: True)
