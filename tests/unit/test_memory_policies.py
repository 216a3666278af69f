"""Policies, planner and memory engine together: what a caller sees, and what he is refused."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from tests.support.shop import CATALOG, POSTS, PUBLIC, TAGS, USERS

from mainspring.engines.memory.engine import MemoryEngine
from mainspring.errors import PermissionDenied, RowCheckViolated
from mainspring.plan.planner import Planner
from mainspring.policy.declare import Declarations
from mainspring.policy.language import exists
from mainspring.principal import SERVICE_PRINCIPAL, Principal
from mainspring.query.ast import (
    Column,
    Compare,
    Conflict,
    Delete,
    Field,
    Insert,
    Query,
    Read,
    Resolution,
    Selection,
    Slot,
    Update,
)

ANN, BOB = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
AS_ANN = Principal("authenticated", ANN, {"app_metadata": {"roles": ["editor"], "org": "x"}})
AS_BOB = Principal("authenticated", BOB)
ANON = Principal()


def policies() -> Declarations:
    app = Declarations()
    app.policy("posts", "select")(lambda post, me: post.published | (post.author_id == me.uid) | me.has_role("editor"))
    app.policy("posts", "insert", "update", "delete", to="authenticated")(lambda post, me: post.author_id == me.uid)
    app.policy("users", "select", to="authenticated")(
        lambda user, me: (
            (user.id == me.uid)
            | exists("posts", lambda post: (post.author_id == user.id) & post.published & (post.data["org"] == "x"))
        )
    )
    app.policy("tags", "select")(lambda tag, me: ~(tag.label == me.claim("app_metadata", "org")))
    app.grant("users", "select", to="authenticated", columns=["id", "name"])
    return app


class Server:
    """A planner and an engine."""

    def __init__(self) -> None:
        self.engine = MemoryEngine()
        registry = policies().resolve(CATALOG, lambda model: PUBLIC[str(model)], lambda model: {})
        self.planner = Planner(CATALOG, registry)

    async def ask(self, who: Principal, query: Query, *values: Any) -> Any:
        result = await self.engine.prepare(self.planner.plan(query, who)).run(values, who)
        return json.loads(result.body) if result.body is not None else result.count


def chosen(*names: str) -> Selection:
    return Selection(tuple(Field(Column(name)) for name in names))


def insertion(table: Any, *columns: str, **more: Any) -> Insert:
    return Insert(table.name, columns, Slot(0), **more)


@pytest_asyncio.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    await made.engine.start(CATALOG)
    await made.engine.migrate(CATALOG)
    users = [{"id": ANN, "name": "Ann"}, {"id": BOB, "name": "Bob"}]
    posts = [
        {"title": "draft", "author_id": ANN, "published": False, "data": {"org": "x"}},
        {"title": "out", "author_id": BOB, "published": True, "data": {"org": "x"}},
    ]
    await made.ask(SERVICE_PRINCIPAL, insertion(USERS, "id", "name"), users)
    await made.ask(SERVICE_PRINCIPAL, insertion(POSTS, "title", "author_id", "published", "data"), posts)
    await made.ask(SERVICE_PRINCIPAL, insertion(TAGS, "id", "label"), [{"id": 1, "label": "x"}, {"id": 2, "label": "y"}])
    yield made
    await made.engine.stop()


async def test_rows_are_those_the_policies_let_through(server: Server) -> None:
    titles = Read(POSTS.name, chosen("title"))
    assert await server.ask(ANON, titles) == [{"title": "out"}]
    assert await server.ask(AS_BOB, titles) == [{"title": "out"}]
    assert await server.ask(AS_ANN, titles) == [{"title": "draft"}, {"title": "out"}]
    assert len(await server.ask(SERVICE_PRINCIPAL, titles)) == 2


async def test_exists_looks_past_the_callers_own_policies(server: Server) -> None:
    names = Read(USERS.name, chosen("name"))
    assert await server.ask(AS_ANN, names) == [{"name": "Ann"}, {"name": "Bob"}]
    assert await server.ask(AS_BOB, names) == [{"name": "Bob"}]


async def test_a_negated_claim_that_is_missing_lets_nothing_through(server: Server) -> None:
    labels = Read(TAGS.name, chosen("label"))
    assert await server.ask(AS_ANN, labels) == [{"label": "y"}]
    assert await server.ask(AS_BOB, labels) == []


async def test_columns_without_a_grant_are_refused_and_left_out(server: Server) -> None:
    assert set((await server.ask(AS_ANN, Read(USERS.name, Selection())))[0]) == {"id", "name"}
    with pytest.raises(PermissionDenied):
        await server.ask(AS_ANN, Read(USERS.name, chosen("email")))
    with pytest.raises(PermissionDenied):
        await server.ask(ANON, Read(USERS.name, chosen("name")))


async def test_writes_keep_to_what_the_caller_may_write(server: Server) -> None:
    new = insertion(POSTS, "title", "author_id", returning=chosen("title"), missing_default=True)
    assert await server.ask(AS_BOB, new, [{"title": "mine", "author_id": BOB}]) == [{"title": "mine"}]
    with pytest.raises(RowCheckViolated):
        await server.ask(AS_BOB, new, [{"title": "ok", "author_id": BOB}, {"title": "hers", "author_id": ANN}])
    with pytest.raises(PermissionDenied):
        await server.ask(ANON, new, [{"title": "x"}])
    assert len(await server.ask(SERVICE_PRINCIPAL, Read(POSTS.name, chosen("id")))) == 3


async def test_updates_and_deletes_reach_only_visible_rows(server: Server) -> None:
    renamed = Update(POSTS.name, ("title",), Slot(0), returning=chosen("id"))
    assert await server.ask(AS_BOB, renamed, {"title": "new"}) == [{"id": 2}]
    given = Update(POSTS.name, ("author_id",), Slot(0))
    with pytest.raises(RowCheckViolated):
        await server.ask(AS_BOB, given, {"author_id": ANN})
    first = Delete(POSTS.name, Compare("eq", Column("id"), Slot(0)))
    assert await server.ask(AS_BOB, first, "1") == 0
    assert await server.ask(AS_ANN, first, "1") == 1


async def test_an_upsert_onto_a_row_of_another_is_refused(server: Server) -> None:
    merge = insertion(POSTS, "id", "title", "author_id", conflict=Conflict(Resolution.MERGE))
    with pytest.raises(RowCheckViolated) as caught:
        await server.ask(AS_BOB, merge, [{"id": 1, "title": "stolen", "author_id": BOB}])
    assert caught.value.existing
    assert await server.ask(AS_BOB, merge, [{"id": 2, "title": "again", "author_id": BOB}]) == 1
