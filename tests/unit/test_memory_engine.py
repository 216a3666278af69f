"""The memory engine on hand-built plans: documents, pages, writes that are whole or nothing, constraints, upserts."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

import pytest
import pytest_asyncio
from tests.support.shop import CATALOG, POST_TAGS, POSTS, TAGS, USERS

from mainspring.catalog.model import Produced, Table
from mainspring.datatypes import BIGINT, JSON, TEXT, UUID_
from mainspring.engines.base import Engine, Result
from mainspring.engines.memory.engine import MemoryEngine
from mainspring.errors import (
    EngineUnavailable,
    ForeignKeyViolated,
    NotNullViolated,
    NotSingular,
    RowCheckViolated,
    UniqueViolated,
)
from mainspring.plan.nodes import (
    DeletePlan,
    InsertPlan,
    Kept,
    OrderBy,
    OutColumn,
    OutEmbed,
    Output,
    ParamSpec,
    Plan,
    ReadPlan,
    Rows,
    UpdatePlan,
    Upsert,
    Write,
)
from mainspring.principal import Principal
from mainspring.query.ast import Auth, Const, Resolution, Slot
from mainspring.query.expr import TRUE, And, Compare, Condition, Exists, Is, Lookup, Not, Param, Ref, Source, Truth
from mainspring.query.ops import OPERATORS, Form

ANN, BOB = "11111111-1111-4111-8111-111111111111", "22222222-2222-4222-8222-222222222222"
ANYONE, AS_ANN = Principal(), Principal(role="authenticated", uid=ANN)


@pytest_asyncio.fixture
async def engine() -> AsyncIterator[MemoryEngine]:
    memory = MemoryEngine()
    await memory.start(CATALOG)
    await memory.migrate(CATALOG)
    await fill(memory, USERS, {"id": ANN, "name": "Ann", "email": "ann@x"}, {"id": BOB, "name": "Bob"})
    yield memory
    await memory.stop()


def ref(table: Table, name: str, alias: int = 0) -> Ref:
    return Ref(alias, table.columns[name], table.columns[name].type)


def compare(op: str, left: Ref, right: Ref | Param) -> Condition:
    return Compare(OPERATORS[op], left, right)


def outputs(table: Table, *names: str, alias: int = 0) -> tuple[Output, ...]:
    return tuple(OutColumn(name, ref(table, name, alias)) for name in names)


def rows(table: Table, *names: str, alias: int = 0, guard: Condition = TRUE, where: Condition = TRUE, **more: Any) -> Rows:
    return Rows(Source(alias, table, guard), more.pop("outputs", outputs(table, *names, alias=alias)), where, **more)


def writes(table: Table, *names: str) -> tuple[Write, ...]:
    return tuple(Write(table.name.name, name, table.columns[name].type) for name in names)


def insertion(table: Table, names: Sequence[str], **more: Any) -> InsertPlan:
    check, params = more.pop("check", TRUE), more.pop("params", ())
    return InsertPlan(Source(0, table, TRUE), more.pop("writes", writes(table, *names)), 0, check, params, **more)


async def run(engine: Engine, plan: Plan, *values: Any, who: Principal = ANYONE) -> Result:
    return await engine.prepare(plan).run(values, who)


async def fill(engine: Engine, table: Table, *items: Mapping[str, Any]) -> None:
    for item in items:
        await run(engine, insertion(table, list(item)), [item])


async def read(engine: Engine, table: Table, *names: str, **more: Any) -> Any:
    params = more.pop("params", ())
    return decoded(await run(engine, ReadPlan(rows(table, *names, **more), params)))


def decoded(result: Result) -> Any:
    assert result.body is not None
    return json.loads(result.body)


# ---------------------------------------------------------------- reads


async def test_body_is_compact_json_in_canonical_forms(engine: MemoryEngine) -> None:
    item = {"title": "é", "price": "1.50", "data": {"b": [1, 2.5, None]}, "author_id": ANN, "published": True}
    await fill(engine, POSTS, item)
    result = await run(engine, ReadPlan(rows(POSTS, "id", "title", "price", "data", "published", "kind"), ()))
    expected = '[{"id":1,"title":"é","price":1.5,"data":{"b":[1,2.5,null]},"published":true,"kind":null}]'
    assert result.body == expected.encode()
    assert (result.count, result.total) == (1, None)


async def test_guard_where_order_page_and_count(engine: MemoryEngine) -> None:
    await fill(engine, TAGS, *({"id": number, "label": label} for number, label in enumerate(["b", None, "a", "c", "B"])))
    order = (OrderBy(ref(TAGS, "label"), descending=True, nulls_first=False),)
    limit, offset = Param(0, BIGINT), Param(1, BIGINT)
    params = (ParamSpec(Slot(0), BIGINT), ParamSpec(Slot(1), BIGINT), ParamSpec(Slot(2), TEXT))
    guard = Not(And((compare("eq", ref(TAGS, "label"), Param(2, TEXT)), Is(ref(TAGS, "label"), "not_null"))))
    plan = ReadPlan(rows(TAGS, "label", order=order, limit=limit, offset=offset, guard=guard), params, count=True)
    result = await run(engine, plan, 2, 1, "c")
    assert [item["label"] for item in decoded(result)] == ["a", "B"]
    assert (result.count, result.total) == (2, 4)
    capped = await run(engine, ReadPlan(plan.rows, params, max_rows=1), 2, 0, "c")
    assert capped.count == 1


async def test_hidden_rows_stay_hidden_when_the_guard_is_unknown(engine: MemoryEngine) -> None:
    await fill(engine, POSTS, {"title": "a", "author_id": ANN}, {"title": "b", "author_id": BOB}, {"title": "c"})
    mine = compare("eq", ref(POSTS, "author_id"), Param(0, UUID_))
    plan = ReadPlan(rows(POSTS, "title", guard=mine), (ParamSpec(Auth(("uid",)), UUID_),))
    assert decoded(await run(engine, plan, who=AS_ANN)) == [{"title": "a"}]
    assert decoded(await run(engine, plan)) == []
    others = ReadPlan(rows(POSTS, "title", guard=Not(mine)), plan.params)
    assert decoded(await run(engine, others)) == []


async def test_lists_and_patterns(engine: MemoryEngine) -> None:
    await fill(engine, TAGS, {"id": 1, "label": "red"}, {"id": 2, "label": "Rose"}, {"id": 3, "label": "blue"})
    within = compare("in", ref(TAGS, "id"), Param(0, BIGINT))
    params = (ParamSpec(Slot(0), BIGINT, Form.LIST),)
    plan = ReadPlan(rows(TAGS, "id", where=within), params)
    assert decoded(await run(engine, plan, ["1", "3"])) == [{"id": 1}, {"id": 3}]
    like = compare("ilike", ref(TAGS, "label"), Param(0, TEXT))
    plan = ReadPlan(rows(TAGS, "id", where=like), (ParamSpec(Slot(0), TEXT, Form.PATTERN),))
    assert decoded(await run(engine, plan, "R%")) == [{"id": 1}, {"id": 2}]


async def test_embeds_to_one_to_many_and_through_a_junction(engine: MemoryEngine) -> None:
    await fill(engine, POSTS, {"title": "a", "author_id": ANN}, {"title": "b", "parent_id": 1})
    await fill(engine, TAGS, {"id": 1, "label": "red"}, {"id": 2, "label": "blue"})
    await fill(engine, POST_TAGS, {"post_id": 1, "tag_id": 1}, {"post_id": 1, "tag_id": 2}, {"post_id": 2, "tag_id": 2})
    author = rows(USERS, "name", alias=1, where=compare("eq", ref(USERS, "id", 1), ref(POSTS, "author_id")))
    replies = rows(POSTS, "title", alias=2, where=compare("eq", ref(POSTS, "parent_id", 2), ref(POSTS, "id")))
    junction = Source(4, POST_TAGS, TRUE)
    joined = And(
        (
            compare("eq", ref(POST_TAGS, "post_id", 4), ref(POSTS, "id")),
            compare("eq", ref(POST_TAGS, "tag_id", 4), ref(TAGS, "id", 3)),
        )
    )
    order = (OrderBy(ref(TAGS, "label", 3), descending=False, nulls_first=False),)
    tags = Rows(Source(3, TAGS, TRUE, (junction,)), outputs(TAGS, "label", alias=3), joined, order)
    embeds = (OutEmbed("author", author, True), OutEmbed("replies", replies, False), OutEmbed("tags", tags, False))
    found = await read(engine, POSTS, outputs=(*outputs(POSTS, "id"), *embeds))
    assert found == [
        {"id": 1, "author": {"name": "Ann"}, "replies": [{"title": "b"}], "tags": [{"label": "blue"}, {"label": "red"}]},
        {"id": 2, "author": None, "replies": [], "tags": [{"label": "blue"}]},
    ]


async def test_order_by_a_looked_up_column(engine: MemoryEngine) -> None:
    await fill(engine, POSTS, {"title": "none"}, {"title": "bob's", "author_id": BOB}, {"title": "ann's", "author_id": ANN})
    fits = compare("eq", ref(USERS, "id", 1), ref(POSTS, "author_id"))
    lookup = Lookup(Source(1, USERS, TRUE), fits, ref(USERS, "name", 1))
    found = await read(engine, POSTS, "title", order=(OrderBy(lookup, descending=False, nulls_first=True),))
    assert [item["title"] for item in found] == ["none", "ann's", "bob's"]


async def test_casts_and_json_paths_of_outputs(engine: MemoryEngine) -> None:
    await fill(engine, POSTS, {"title": "a", "published": True, "data": {"k": None, "n": 5}})
    params = (ParamSpec(Const("k"), TEXT), ParamSpec(Const("n"), TEXT), ParamSpec(Const("z"), TEXT))
    data = POSTS.columns["data"]
    place = [Ref(0, data, JSON, (Param(number, TEXT),)) for number in range(3)]
    columns = (
        OutColumn("id", ref(POSTS, "id"), TEXT),
        OutColumn("published", ref(POSTS, "published"), TEXT),
        OutColumn("k", place[0]),
        OutColumn("k_text", place[0], TEXT),
        OutColumn("n", place[1]),
        OutColumn("n_text", Ref(0, data, TEXT, (Param(1, TEXT),), as_text=True)),
        OutColumn("z", place[2], TEXT),
    )
    found = await read(engine, POSTS, outputs=columns, params=params)
    assert found == [{"id": "1", "published": "true", "k": None, "k_text": "null", "n": 5, "n_text": "5", "z": None}]


# ---------------------------------------------------------------- inserts


async def test_defaults_of_mainspring_and_of_the_database(engine: MemoryEngine) -> None:
    counter = iter(range(100, 200))
    columns = (
        Write("posts", "title", TEXT, database=True),
        Write("posts", "author_id", UUID_, default=Auth(("uid",))),
        Write("posts", "parent_id", BIGINT, given=False),
        Write("posts", "price", POSTS.columns["price"].type, default=Produced(lambda: next(counter))),
    )
    returning = rows(POSTS, "id", "title", "author_id", "price", "published", "created_at", alias=1)
    plan = insertion(POSTS, (), writes=columns, returning=returning)
    result = await run(engine, plan, [{"title": "x", "parent_id": 9}, {"price": 1}, {"title": "y"}], who=AS_ANN)
    found = decoded(result)
    assert [item.pop("created_at")[-6:] for item in found] == ["+00:00"] * 3
    assert found == [
        {"id": 1, "title": "x", "author_id": ANN, "price": 100, "published": False},
        {"id": 2, "title": "untitled", "author_id": ANN, "price": 1, "published": False},
        {"id": 3, "title": "y", "author_id": ANN, "price": 101, "published": False},
    ]
    assert result.keys == [{"id": 1}, {"id": 2}, {"id": 3}]
    assert (result.count, result.inserted) == (3, 3)


async def test_automatic_keys_go_on_above_given_ones(engine: MemoryEngine) -> None:
    await fill(engine, POSTS, {"id": 41, "title": "a"}, {"title": "b"})
    assert await read(engine, POSTS, "id") == [{"id": 41}, {"id": 42}]


async def test_a_refused_row_undoes_the_whole_statement(engine: MemoryEngine) -> None:
    check = compare("neq", ref(TAGS, "label"), Param(0, TEXT))
    params = (ParamSpec(Const("bad"), TEXT),)
    plan = insertion(TAGS, ("id", "label"), check=check, params=params)
    with pytest.raises(RowCheckViolated) as refused:
        await run(engine, plan, [{"id": 1, "label": "ok"}, {"id": 2, "label": "bad"}])
    assert not refused.value.existing
    with pytest.raises(RowCheckViolated):
        await run(engine, plan, [{"id": 1, "label": None}])
    assert await read(engine, TAGS, "id") == []


async def test_check_sees_the_state_after_the_write(engine: MemoryEngine) -> None:
    check = Exists(Source(1, POSTS, TRUE), compare("eq", ref(POSTS, "id", 1), ref(POSTS, "id")))
    await run(engine, insertion(POSTS, ("title",), check=check), [{"title": "a"}])
    assert len(await read(engine, POSTS, "id")) == 1


@pytest.mark.parametrize(
    ("table", "items", "error", "constraint"),
    [
        (USERS, [{"id": ANN, "name": "again"}], UniqueViolated, "users_pkey"),
        (USERS, [{"id": BOB[:-1] + "3", "name": "x", "email": "ann@x"}], UniqueViolated, "users_email_key"),
        (USERS, [{"id": BOB[:-1] + "3", "name": None}], NotNullViolated, None),
        (USERS, [{"id": None, "name": "x"}], NotNullViolated, None),
        (POSTS, [{"title": "x", "author_id": BOB[:-1] + "9"}], ForeignKeyViolated, "posts_author_fkey"),
        (POSTS, [{"title": "x", "author_id": ANN}, {"title": "x", "author_id": ANN}], UniqueViolated, "posts_author_title"),
    ],
)
async def test_constraints(
    engine: MemoryEngine, table: Table, items: list[dict[str, Any]], error: type[Exception], constraint: str | None
) -> None:
    with pytest.raises(error) as caught:
        await run(engine, insertion(table, list(items[0])), items)
    assert getattr(caught.value, "constraint", None) == constraint
    assert getattr(caught.value, "table", None) == table.name.name
    assert len(await read(engine, table, "id")) == (2 if table is USERS else 0)


async def test_nulls_are_distinct_in_unique_keys(engine: MemoryEngine) -> None:
    await fill(engine, POSTS, {"title": "x"}, {"title": "x"})
    assert len(await read(engine, POSTS, "id")) == 2


async def test_singular_writes_one_row_or_none(engine: MemoryEngine) -> None:
    plan = insertion(TAGS, ("id",), returning=rows(TAGS, "id", alias=1), kept=Kept(singular=True))
    with pytest.raises(NotSingular) as caught:
        await run(engine, plan, [{"id": 1}, {"id": 2}])
    assert caught.value.count == 2
    assert await read(engine, TAGS, "id") == []
    assert decoded(await run(engine, plan, [{"id": 1}])) == [{"id": 1}]


async def test_returning_shows_only_what_the_caller_may_see(engine: MemoryEngine) -> None:
    shown = Truth(ref(POSTS, "published", 1))
    plan = insertion(POSTS, ("title", "published"), returning=rows(POSTS, "title", alias=1, guard=shown))
    result = await run(engine, plan, [{"title": "a", "published": True}, {"title": "b", "published": False}])
    assert decoded(result) == [{"title": "a"}]
    assert (result.count, result.inserted) == (1, 2)


# ---------------------------------------------------------------- upserts


def upsert(resolution: Resolution, existing: Condition = TRUE, updated: Condition = TRUE, **more: Any) -> InsertPlan:
    clause = Upsert(("id",), resolution, ("label",), existing, updated)
    return insertion(TAGS, ("id", "label"), upsert=clause, returning=rows(TAGS, "id", "label", alias=1), **more)


async def test_merge_overwrites_and_ignore_skips(engine: MemoryEngine) -> None:
    await fill(engine, TAGS, {"id": 1, "label": "old"})
    body = [{"id": 1, "label": "new"}, {"id": 2, "label": "two"}]
    ignored = await run(engine, upsert(Resolution.IGNORE), body)
    assert decoded(ignored) == [{"id": 2, "label": "two"}]
    assert ignored.inserted == 1
    merged = await run(engine, upsert(Resolution.MERGE), body)
    assert decoded(merged) == [{"id": 1, "label": "new"}, {"id": 2, "label": "two"}]
    assert (merged.count, merged.inserted) == (2, 0)


async def test_merge_respects_the_policies_of_update(engine: MemoryEngine) -> None:
    await fill(engine, TAGS, {"id": 1, "label": "theirs"})
    mine = compare("eq", ref(TAGS, "label"), Param(0, TEXT))
    params = (ParamSpec(Const("mine"), TEXT),)
    with pytest.raises(RowCheckViolated) as hidden:
        await run(engine, upsert(Resolution.MERGE, existing=mine, params=params), [{"id": 1, "label": "mine"}])
    assert hidden.value.existing
    with pytest.raises(RowCheckViolated) as becoming:
        await run(engine, upsert(Resolution.MERGE, updated=mine, params=params), [{"id": 1, "label": "other"}])
    assert not becoming.value.existing
    assert await read(engine, TAGS, "label") == [{"label": "theirs"}]


# ---------------------------------------------------------------- updates and deletes


async def test_update_changes_what_it_picked(engine: MemoryEngine) -> None:
    await fill(engine, TAGS, {"id": 1, "label": "a"}, {"id": 2, "label": "a"}, {"id": 3, "label": "b"})
    picked = rows(TAGS, where=compare("eq", ref(TAGS, "label"), Param(0, TEXT)))
    params = (ParamSpec(Slot(1), TEXT),)
    plan = UpdatePlan(picked, writes(TAGS, "label"), 0, TRUE, params, returning=rows(TAGS, "id", alias=1))
    result = await run(engine, plan, {"label": "z"}, "a")
    assert decoded(result) == [{"id": 1}, {"id": 2}]
    assert await read(engine, TAGS, "label") == [{"label": "z"}, {"label": "z"}, {"label": "b"}]


async def test_update_is_checked_afterwards(engine: MemoryEngine) -> None:
    await fill(engine, POSTS, {"title": "a", "published": True})
    plan = UpdatePlan(rows(POSTS), writes(POSTS, "published"), 0, Truth(ref(POSTS, "published")), ())
    with pytest.raises(RowCheckViolated):
        await run(engine, plan, {"published": False})
    assert await read(engine, POSTS, "published") == [{"published": True}]
    assert (await run(engine, plan, {"published": True})).count == 1


async def test_singular_update_of_none_or_many_changes_nothing(engine: MemoryEngine) -> None:
    await fill(engine, TAGS, {"id": 1}, {"id": 2})
    one = Kept(singular=True)
    plan = UpdatePlan(rows(TAGS), writes(TAGS, "label"), 0, TRUE, (), returning=rows(TAGS, "id", alias=1), kept=one)
    with pytest.raises(NotSingular):
        await run(engine, plan, {"label": "x"})
    assert await read(engine, TAGS, "label") == [{"label": None}, {"label": None}]


async def test_delete_follows_foreign_keys(engine: MemoryEngine) -> None:
    await fill(engine, POSTS, {"title": "a", "author_id": ANN}, {"title": "b", "parent_id": 1}, {"title": "c", "parent_id": 2})
    await fill(engine, TAGS, {"id": 1})
    await fill(engine, POST_TAGS, {"post_id": 3, "tag_id": 1})
    with pytest.raises(ForeignKeyViolated) as caught:
        await run(engine, DeletePlan(rows(TAGS), ()))
    assert caught.value.constraint == "post_tags_tag_fkey"
    await run(engine, DeletePlan(rows(USERS), ()))
    assert await read(engine, POSTS, "author_id") == [{"author_id": None}] * 3
    first = rows(POSTS, where=Is(ref(POSTS, "parent_id"), "null"))
    result = await run(engine, DeletePlan(first, (), returning=rows(POSTS, "title", alias=1)))
    assert decoded(result) == [{"title": "a"}]
    assert await read(engine, POSTS, "id") == []
    assert await read(engine, POST_TAGS, "post_id") == []


async def test_a_changed_key_may_not_leave_references_behind(engine: MemoryEngine) -> None:
    await fill(engine, POSTS, {"title": "a", "author_id": ANN})
    where = compare("eq", ref(USERS, "id"), Param(0, UUID_))
    plan = UpdatePlan(rows(USERS, where=where), writes(USERS, "id"), 0, TRUE, (ParamSpec(Const(ANN), UUID_),))
    with pytest.raises(ForeignKeyViolated):
        await run(engine, plan, {"id": BOB[:-1] + "7"})
    assert {item["id"] for item in await read(engine, USERS, "id")} == {ANN, BOB}


# ---------------------------------------------------------------- life


async def test_life_of_the_engine() -> None:
    memory = MemoryEngine()
    with pytest.raises(EngineUnavailable):
        await memory.ping()
    await memory.start(CATALOG)
    assert set(await memory.migrate(CATALOG)) == set(CATALOG.tables)
    assert await memory.migrate(CATALOG) == ()
    await memory.ping()
    await memory.stop()
    with pytest.raises(EngineUnavailable):
        await run(memory, ReadPlan(rows(TAGS, "id"), ()))
