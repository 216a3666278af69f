"""Declarations become a registry, or a list of every mistake with its place; the registry answers as PostgreSQL would."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.support.shop import CATALOG, POSTS, PUBLIC, USERS

from mainspring.errors import ConfigError
from mainspring.policy.audit import audit
from mainspring.policy.declare import Declarations
from mainspring.policy.registry import Registry
from mainspring.query.ast import FALSE, TRUE, And, Auth, Column, Compare, Or, TableName, Truth

PUBLISHED = Truth(Column("published"))
MINE = Compare("eq", Column("author_id"), Auth(("uid",)))


class Post:
    """Stands for a mapped class."""


class User:
    """Another one."""


def table_of(model: object) -> TableName:
    models: dict[Any, TableName] = {Post: POSTS.name, User: USERS.name, **PUBLIC}
    return models[model]


def attributes(model: object) -> Mapping[str, str]:
    return {"writer": "author_id"}


def resolved(app: Declarations) -> Registry:
    return app.resolve(CATALOG, table_of, attributes)


def problems(app: Declarations) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        resolved(app)
    return [str(mistake) for mistake in caught.value.mistakes]


def test_without_a_policy_everything_is_denied() -> None:
    registry = resolved(Declarations())
    for command in ("select", "insert", "update", "delete"):
        assert registry.using(POSTS.name, "anon", command) == FALSE
        assert registry.check(POSTS.name, "anon", command) == FALSE
        assert registry.columns(POSTS.name, "anon", command) == frozenset()
        assert not registry.may(POSTS.name, "anon", command)
    assert registry.unreachable(CATALOG) == tuple(sorted(CATALOG.tables))


def test_permissive_policies_are_ored_and_restrictive_ones_anded() -> None:
    app = Declarations()
    app.policy(Post, "select", to=["anon", "authenticated"])(lambda post, me: post.published)
    app.policy(Post, "all", to="authenticated")(lambda post, me: post.writer == me.uid)
    app.policy("posts", "select", restrictive=True)(lambda post, me: post.kind == "note")
    registry = resolved(app)
    note = registry.policies[2].using
    assert registry.using(POSTS.name, "anon", "select") == And((PUBLISHED, note))
    assert registry.using(POSTS.name, "authenticated", "select") == And((Or((PUBLISHED, MINE)), note))
    assert registry.using(POSTS.name, "authenticated", "delete") == MINE
    assert registry.check(POSTS.name, "authenticated", "insert") == MINE
    assert registry.using(POSTS.name, "authenticated", "insert") == FALSE
    assert registry.check(POSTS.name, "authenticated", "delete") == FALSE
    assert registry.using(POSTS.name, "other", "select") == FALSE


def test_check_stands_in_for_using_on_what_is_written() -> None:
    app = Declarations()
    app.policy(Post, "update", check=lambda post, me: post.writer == me.uid)(lambda post, me: True)
    registry = resolved(app)
    assert registry.using(POSTS.name, "anyone", "update") == TRUE
    assert registry.check(POSTS.name, "anyone", "update") == MINE


def test_true_and_false_absorb() -> None:
    app = Declarations()
    app.policy(Post, "select")(lambda post, me: post.published)
    app.policy(Post, "select", to="authenticated")(lambda post, me: True)
    app.policy(Post, "select", to="banned", restrictive=True)(lambda post, me: False)
    registry = resolved(app)
    assert registry.using(POSTS.name, "authenticated", "select") == TRUE
    assert registry.using(POSTS.name, "banned", "select") == FALSE


def test_grants_narrow_columns_and_add_up() -> None:
    app = Declarations()
    app.policy(Post, "select", "insert", "delete")(lambda post, me: True)
    app.grant(Post, "select", to="anon", columns=["id", "title"])
    app.grant("posts", "select", to="anon", columns=["writer"])
    app.grant(Post, "insert", to="anon", exclude=["price"])

    @app.grant("select", to="editor", columns=["data"])
    class Decorated(Post):
        pass

    registry = app.resolve(CATALOG, lambda model: POSTS.name, attributes)
    everything = frozenset(POSTS.columns)
    assert registry.columns(POSTS.name, "anon", "select") == {"id", "title", "author_id"}
    assert registry.columns(POSTS.name, "anon", "insert") == everything - {"price"}
    assert registry.columns(POSTS.name, "anon", "delete") == everything
    assert registry.columns(POSTS.name, "editor", "select") == {"data"}
    assert registry.columns(POSTS.name, "authenticated", "select") == everything
    assert registry.columns(POSTS.name, "anon", "update") == frozenset()
    assert registry.roles == {"anon", "authenticated", "service_role", "editor"}


def test_all_mistakes_are_listed_with_their_places() -> None:
    app = Declarations()

    @app.policy(Post, "slect")
    def misspelt(post: Any, me: Any) -> object:
        return True

    @app.policy(Post, "select")
    def unknown(post: Any, me: Any) -> object:
        return post.titel == "x"

    @app.policy(Post, "select")
    def raising(post: Any, me: Any) -> object:
        raise RuntimeError("boom")

    @app.policy(Post, "select")
    async def waiting(post: Any, me: Any) -> object:
        return True

    @app.policy(Post, "select")
    def identity(post: Any, me: Any) -> object:
        return me.uid is not None

    @app.policy(Post, "select")
    def branching(post: Any, me: Any) -> object:
        condition = post.published
        if me.uid is None:
            condition = False
        return condition

    app.policy("nowhere", "select")(lambda row, me: True)
    app.policy(Post)(lambda row, me: True)
    app.grant(Post, "select", columns=["titel"], to="anon")
    app.grant("selct", to="anon")
    app.policy(Post, "select", to=[])(lambda row, me: True)
    app.policy(Post, "select", to=[3])(lambda row, me: True)  # type: ignore[list-item]  # what is wrong is tested
    app.policy(Post, "select")(lambda row: True)
    told = problems(app)
    expected = [
        "did you mean select", "did you mean title", "RuntimeError: boom", "cannot be async", "`is` cannot", "`is` cannot",
        "nowhere is no table", "no command is named", "names no role", "a role is a name", "TypeError",
        "did you mean title", "names no table",
    ]  # fmt: skip
    for words in expected:
        assert any(words in line for line in told), (words, told)
    assert all(Path(__file__).name in line for line in told)
    assert len(told) == len(expected) + 1, told
    line = next(number for number, text in enumerate(Path(__file__).read_text().splitlines(), 1) if "titel ==" in text)
    assert any(line_.startswith(f"{__file__}:{line}:") for line_ in told)


def test_grant_place_is_the_line_of_the_application() -> None:
    app = Declarations()
    app.grant(Post, "select", columns=["nope"])
    line = next(number for number, text in enumerate(Path(__file__).read_text().splitlines(), 1) if '"nope"' in text)
    assert problems(app)[0].startswith(f"{__file__}:{line}:")


def test_audit_finds_what_is_valid_but_odd() -> None:
    app = Declarations()
    app.policy(Post, "insert", "select")(lambda post, me: True)
    app.policy(User, "update", to="authenticted")(lambda user, me: user.id == me.uid)
    app.policy(Post, "delete")(lambda post, me: ~(me.claim("user_metadata", "admin") == True))  # noqa: E712 - a policy compares, `is` cannot
    app.policy("tags", "select", restrictive=True)(lambda tag, me: True)
    app.grant("tags", "select", to="anon", columns=["id"])
    findings = audit(resolved(app), CATALOG)
    found = {(finding.code, finding.table.name) for finding in findings}
    assert found == {
        ("unreachable", "tags"),
        ("unreachable", "post_tags"),
        ("open_write", "posts"),
        ("blind_write", "users"),
        ("only_restrictive", "tags"),
        ("idle_grant", "tags"),
        ("unusual_role", "users"),
        ("trusts_user", "posts"),
    }
    assert any("test_policy_declare.py" in str(finding) for finding in findings)
