"""Keys for services: what they may do is what their role may, and never more than they were made for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import pytest
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from mainspring import Mainspring
from mainspring.http.dispatch import Dispatcher
from mainspring.observe import discard
from mainspring.principal import Principal
from mainspring.services.functions.rows import Rows
from mainspring.services.identity.keys.api_keys import open_api_keys
from mainspring.services.identity.keys.keys import open_keys
from mainspring.services.identity.opaque import new_key, well_formed
from mainspring.settings import Settings
from mainspring.testing.client import ADDRESS, TestClient
from tests.support.people import settings
from tests.support.servers import PostgresServer


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Post(Base):
    __tablename__ = "posts"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("authors.id"))
    title: Mapped[str]
    open: Mapped[bool] = mapped_column(default=True)


app = Mainspring(models=Base)


@app.policy(Post, "select", to=["anon", "authenticated"])
def open_ones(post: Any, me: Any) -> Any:
    return post.open


@app.policy(Post, "all", to="editor")
@app.policy(Author, "all", to="editor")
def all_of_them(row: Any, me: Any) -> Any:
    return True


@app.rpc("editor", read_only=True)
async def titles(rows: Rows, me: Principal) -> list[str]:
    return [row["title"] for row in await rows.select(Post)]


@app.seed
def rows() -> dict[Any, list[dict[str, Any]]]:
    return {
        Author: [{"id": 1, "name": "Ann"}],
        Post: [
            {"id": 1, "author_id": 1, "title": "one", "open": True},
            {"id": 2, "author_id": 1, "title": "two", "open": False},
        ],
    }


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def client(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[TestClient]:
    url = {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path}/keys.sqlite"}.get(request.param)
    if url is None:
        postgres: PostgresServer = request.getfixturevalue("postgres")
        url = postgres.database("keys")
    async with TestClient(app, url, settings=settings(revocation_seconds=0.1)) as opened:
        yield opened


async def made(client: TestClient, **said: Any) -> dict[str, Any]:
    answer = await client.as_service().post("/auth/v1/admin/api-keys", json={"name": "a service", **said})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def using(client: TestClient, key: str, *, bearer: bool = True) -> httpx.AsyncClient:
    asker = client.as_anon()
    del asker.headers["authorization"]
    if bearer:
        asker.headers["authorization"] = f"Bearer {key}"
    else:
        asker.headers["apikey"] = key
    return asker


async def codes(asker: httpx.AsyncClient) -> dict[str, int]:
    """What each command on posts is answered."""
    answers = {
        "select": await asker.get("/rest/v1/posts"),
        "insert": await asker.post("/rest/v1/posts", json={"title": "new"}),
        "update": await asker.patch("/rest/v1/posts?id=eq.1", json={"title": "changed"}),
        "delete": await asker.delete("/rest/v1/posts?id=eq.99"),
    }
    return {name: answer.status_code for name, answer in answers.items()}


ALL = {"select": 200, "insert": 201, "update": 204, "delete": 204}


def allowed(*commands: str) -> dict[str, int]:
    return {name: code if name in commands else 403 for name, code in ALL.items()}


async def test_a_key_of_a_role_may_what_the_role_may(client: TestClient) -> None:
    found = await made(client, role="editor")
    assert well_formed(found["key"], "ms_")
    assert found["hint"] == found["key"][:9]
    for bearer in (True, False):
        asker = using(client, found["key"], bearer=bearer)
        assert await codes(asker) == ALL
        assert (await asker.post("/rest/v1/rpc/titles")).status_code == 200
    service = using(client, (await made(client))["key"])
    assert await codes(service) == ALL
    assert (await service.get("/auth/v1/admin/users")).status_code == 200


@pytest.mark.parametrize("role", ["editor", "service_role"])
@pytest.mark.parametrize("commands", [["select"], ["select", "insert"], ["insert"], ["select", "update"], ["select", "delete"]])
async def test_a_scope_narrows(client: TestClient, role: str, commands: list[str]) -> None:
    key = (await made(client, role=role, tables={"public.posts": commands}))["key"]
    asker = using(client, key)
    assert await codes(asker) == allowed(*commands)
    assert (await asker.get("/rest/v1/authors")).status_code == 403
    assert (await asker.post("/rest/v1/authors", json={"name": "x"})).status_code == 403
    assert (await asker.post("/rest/v1/rpc/titles")).status_code == 403
    assert (await asker.get("/auth/v1/admin/users")).status_code == 403
    hidden = await asker.get("/rest/v1/posts?select=title,authors(name)")
    assert hidden.status_code in (400, 403), "no embed of a table that is not in it"
    assert "Ann" not in hidden.text
    assert (await asker.get("/rest/v1/posts?select=title&authors.name=eq.Ann")).status_code >= 400


async def test_a_scope_never_widens(client: TestClient) -> None:
    everything = {name: ["select", "insert", "update", "delete", "execute"] for name in ("posts", "authors", "titles")}
    asker = using(client, (await made(client, role="anon", tables=everything))["key"])
    assert await codes(asker) == {"select": 200, "insert": 401, "update": 401, "delete": 401}
    assert [row["id"] for row in (await asker.get("/rest/v1/posts")).json()] == [1]
    assert (await asker.get("/rest/v1/authors")).status_code == 401
    assert (await asker.post("/rest/v1/rpc/titles")).status_code == 401
    own = {"auth.users": ["select"], "auth.api_keys": ["select"]}
    for role in ("service_role", "editor"):
        asker = using(client, (await made(client, role=role, tables=own))["key"])
        for profile in ("auth", "public"):
            headers = {"accept-profile": profile}
            assert (await asker.get("/rest/v1/users", headers=headers)).status_code in (404, 406)


async def test_functions_are_in_a_scope_by_name(client: TestClient) -> None:
    asker = using(client, (await made(client, role="editor", tables={"public.titles": ["execute"]}))["key"])
    assert (await asker.post("/rest/v1/rpc/titles")).status_code == 403, "it reads as the key, which may not read posts"
    tables = {"public.titles": ["execute"], "public.posts": ["select"]}
    asker = using(client, (await made(client, role="editor", tables=tables))["key"])
    assert (await asker.post("/rest/v1/rpc/titles")).json() == ["one", "two"]


async def test_two_scopes_do_not_share_what_is_prepared(client: TestClient) -> None:
    reader = using(client, (await made(client, tables={"posts": ["select"]}))["key"])
    writer = using(client, (await made(client, tables={"posts": ["insert"]}))["key"])
    for _ in range(2):
        assert await codes(reader) == allowed("select")
        assert await codes(writer) == allowed("insert")
        assert await codes(client.as_service()) == ALL


async def test_the_description_names_what_a_key_may(client: TestClient) -> None:
    asker = using(client, (await made(client, role="editor", tables={"posts": ["select"]}))["key"])
    paths = (await asker.get("/rest/v1/")).json()["paths"]
    assert "/posts" in paths
    assert "/authors" not in paths
    assert "/rpc/titles" not in paths


async def test_a_key_is_listed_changed_and_revoked(client: TestClient) -> None:
    service = client.as_service()
    found = await made(client, role="editor", tables={"posts": ["select"]}, expires_in="90d")
    path, asker = f"/auth/v1/admin/api-keys/{found['id']}", using(client, found["key"])
    listed = (await service.get("/auth/v1/admin/api-keys")).json()["api_keys"]
    assert [each["id"] for each in listed] == [found["id"]]
    assert listed[0]["tables"] == {"public.posts": ["select"]}
    assert "key" not in listed[0]
    ends = datetime.fromisoformat(found["expires_at"]) - datetime.now(UTC)
    assert timedelta(days=89) < ends <= timedelta(days=90)
    assert await codes(asker) == allowed("select")
    changed = await service.patch(path, json={"tables": {"posts": ["select", "update"]}, "name": "renamed"})
    assert changed.json()["name"] == "renamed"
    assert await codes(asker) == allowed("select", "update")
    assert (await service.patch(path, json={"tables": None})).json()["tables"] is None
    assert await codes(asker) == ALL
    assert (await service.patch(path, json={"role": "service_role"})).status_code == 400
    assert (await service.delete(path)).status_code == 204
    assert set((await codes(asker)).values()) == {401}
    for answer in (await service.delete(path), await service.get(path), await service.patch(path, json={"name": "x"})):
        assert (answer.status_code, answer.headers["x-sb-error-code"]) == (404, "api_key_not_found")


@pytest.mark.alone
async def test_an_expired_key_is_refused(client: TestClient) -> None:
    found = await made(client, expires_at=(datetime.now(UTC) + timedelta(seconds=0.5)).isoformat())
    asker = using(client, found["key"])
    assert (await asker.get("/rest/v1/posts")).status_code == 200
    await asyncio.sleep(0.6)
    answer = await asker.get("/rest/v1/posts")
    assert answer.status_code == 401
    assert "expired" in answer.text


async def test_when_it_was_last_used_is_shown(client: TestClient) -> None:
    found = await made(client)
    assert found["last_used_at"] is None
    await using(client, found["key"]).get("/rest/v1/posts")
    for _ in range(100):
        row = (await client.as_service().get(f"/auth/v1/admin/api-keys/{found['id']}")).json()
        if row["last_used_at"]:
            break
        await asyncio.sleep(0.05)
    used = row["last_used_at"]
    assert abs(datetime.now(UTC) - datetime.fromisoformat(used)) < timedelta(seconds=10)
    for _ in range(3):
        await using(client, found["key"]).get("/rest/v1/posts")
        await asyncio.sleep(0.15)
    row = (await client.as_service().get(f"/auth/v1/admin/api-keys/{found['id']}")).json()
    assert row["last_used_at"] == used, "once a minute"
    assert row["updated_at"] == found["updated_at"]


# ---------------------------------------------------------------- attacks


async def test_only_the_service_key_manages_keys(client: TestClient) -> None:
    found = await made(client)
    uid = str(uuid4())
    askers = {
        "anon": client.as_anon(),
        "a user": client.as_user(uid),
        "an editor": client.as_user(uid, role="editor"),
        "a user who says so": client.as_user(uid, app_metadata={"role": "service_role"}),
        "a key of the service role": using(client, found["key"]),
        "a key with a scope": using(client, (await made(client, tables={"auth.api_keys": ["select", "insert"]}))["key"]),
        "nobody": using(client, "", bearer=True),
    }
    for name, asker in askers.items():
        path = "/auth/v1/admin/api-keys"
        answers = [
            await asker.get(path),
            await asker.post(path, json={"name": "mine"}),
            await asker.patch(f"{path}/{found['id']}", json={"tables": None, "expires_at": None}),
            await asker.delete(f"{path}/{found['id']}"),
        ]
        assert {answer.status_code for answer in answers} <= {401, 403}, name
    assert (await using(client, found["key"]).get("/rest/v1/posts")).status_code == 200


async def test_guessed_keys_are_refused(client: TestClient) -> None:
    found = await made(client)
    key = found["key"]
    other = "A" if key[10] != "A" else "B"
    forged = [key[:10] + other + key[11:], key[:-1], key + "A", key.lower(), "ms_", found["hint"], found["id"], new_key("ms_")]
    forged += ["ms_" + "A" * 20_000, "ms_' OR 1=1 --", f"ms_{found['id']}"]
    for text in forged:
        for bearer in (True, False):
            answer = await using(client, text, bearer=bearer).get("/rest/v1/posts")
            assert answer.status_code in (401, 431), text[:60]
            assert text[:60] not in answer.text or len(text) < 10
    for text in ("ms_é", "ms_\x7f"):
        asker = using(client, key)
        answer = await asker.get("/rest/v1/posts", headers={"authorization": f"Bearer {text}".encode()})
        assert answer.status_code == 401


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"name": ""},
        {"name": " "},
        {"name": "x" * 101},
        {"name": 5},
        {"name": "x", "role": "postgres"},
        {"name": "x", "role": ""},
        {"name": "x", "tables": {}},
        {"name": "x", "tables": {"posts": []}},
        {"name": "x", "tables": {"posts": ["drop"]}},
        {"name": "x", "tables": {"posts": "select"}},
        {"name": "x", "tables": {".": ["select"]}},
        {"name": "x", "tables": {"": ["select"]}},
        {"name": "x", "tables": {"a" * 100: ["select"]}},
        {"name": "x", "tables": {f"t{n}": ["select"] for n in range(501)}},
        {"name": "x", "expires_in": "soon"},
        {"name": "x", "expires_in": "0d"},
        {"name": "x", "expires_in": "999999y"},
        {"name": "x", "expires_in": "90d", "expires_at": "2999-01-01T00:00:00Z"},
        {"name": "x", "expires_at": "2001-01-01T00:00:00Z"},
        {"name": "x", "expires_at": "2999-01-01T00:00:00"},
        {"name": "x", "expires_at": "never"},
    ],
)
async def test_what_makes_no_key(tmp_path: Path, said: dict[str, Any]) -> None:
    async with TestClient(app, settings=settings()) as client:
        answer = await client.as_service().post("/auth/v1/admin/api-keys", json=said)
        assert answer.status_code == 400, answer.text
        assert (await client.as_service().get("/auth/v1/admin/api-keys")).json() == {"api_keys": []}


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ({"tables": {"post": ["select"]}}, 'there is no table or function "public.post"; did you mean "public.posts"?'),
        (
            {"tables": {"public.title": ["execute"]}},
            'there is no table or function "public.title"; did you mean "public.titles"?',
        ),
        ({"tables": {"pubic.posts": ["select"]}}, 'there is no schema "pubic"; did you mean "public"?'),
        ({"tables": {"public.posts": ["select"], "public.zzz": ["select"]}}, 'there is no table or function "public.zzz"'),
        (
            {"tables": {"public.posts.": ["select"]}},
            'there is no table or function "public.posts."; did you mean "public.posts"?',
        ),
        ({"role": "editr"}, 'there is no role "editr"; did you mean "editor"?'),
        ({"role": "Editor"}, 'there is no role "Editor"; did you mean "editor"?'),
        ({"role": "zzz"}, 'there is no role "zzz"'),
    ],
)
async def test_a_key_names_what_there_is(client: TestClient, said: dict[str, Any], told: str) -> None:
    answer = await client.as_service().post("/auth/v1/admin/api-keys", json={"name": "x", **said})
    assert (answer.status_code, answer.json()["msg"]) == (400, told)
    assert (await client.as_service().get("/auth/v1/admin/api-keys")).json() == {"api_keys": []}
    if "tables" in said:
        path = f"/auth/v1/admin/api-keys/{(await made(client))['id']}"
        changed = await client.as_service().patch(path, json=said)
        assert (changed.status_code, changed.json()["msg"]) == (400, told)


async def test_a_key_outlives_its_tables(tmp_path: Path) -> None:
    """What is gone is let be; the rest serves on, and the key can still be changed."""

    class Before(DeclarativeBase):
        pass

    class Kept(Before):
        __tablename__ = "kept"
        id: Mapped[int] = mapped_column(primary_key=True)

    class Gone(Before):
        __tablename__ = "gone"
        id: Mapped[int] = mapped_column(primary_key=True)

    class After(DeclarativeBase):
        pass

    class Left(After):
        __tablename__ = "kept"
        id: Mapped[int] = mapped_column(primary_key=True)

    url, limits = f"sqlite:///{tmp_path}/keys.sqlite", {"public.kept": ["select"], "public.gone": ["select"]}
    async with TestClient(Mainspring(models=Before), url, settings=settings()) as client:
        found = await made(client, tables=limits)
        assert (await using(client, found["key"]).get("/rest/v1/gone")).status_code == 200
    async with TestClient(Mainspring(models=After), url, settings=settings()) as client:
        asker, path = using(client, found["key"]), f"/auth/v1/admin/api-keys/{found['id']}"
        assert (await asker.get("/rest/v1/kept")).status_code == 200
        assert (await asker.get("/rest/v1/gone")).status_code == 404
        more = {"tables": {**limits, "public.kept": ["select", "insert"]}}
        assert (await client.as_service().patch(path, json=more)).json()["tables"] == more["tables"]
        assert (await asker.post("/rest/v1/kept", json={"id": 1})).status_code == 201
        again = await client.as_service().post("/auth/v1/admin/api-keys", json={"name": "x", "tables": limits})
        assert again.status_code == 400, "a new key cannot name it"


async def test_the_key_is_not_stored(tmp_path: Path) -> None:
    async with TestClient(app, f"sqlite:///{tmp_path}/keys.sqlite", settings=settings()) as client:
        key = (await made(client))["key"]
        await using(client, key).get("/rest/v1/posts")
        stored = b"".join(path.read_bytes() for path in tmp_path.glob("keys.sqlite*"))  # noqa: ASYNC240  # small files, nothing else runs
        assert key.encode() not in stored
        assert key[9:].encode() not in stored


# ---------------------------------------------------------------- several workers


def clients(workers: Iterable[Dispatcher], key: str) -> list[httpx.AsyncClient]:
    headers = {"authorization": f"Bearer {key}"}
    return [httpx.AsyncClient(transport=httpx.ASGITransport(each), base_url=ADDRESS, headers=headers) for each in workers]


@pytest.mark.alone
@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
async def test_every_worker_knows_within_the_bound(request: pytest.FixtureRequest, tmp_path: Path, engine: str) -> None:
    url = f"sqlite:///{tmp_path}/shared.sqlite"
    if engine == "postgres":
        postgres: PostgresServer = request.getfixturevalue("postgres")
        url = postgres.database("shared")
    usual: Settings = settings(revocation_seconds=0.2)
    usual = replace(usual, database=replace(usual.database, url=url))
    workers: list[Dispatcher] = []
    try:
        for _ in range(2):
            workers.append(app.build(usual, tmp_path, discard))
            await workers[-1].start()
        service = open_api_keys(tmp_path / "keys", open_keys(tmp_path / "keys", usual.auth)).service.reveal()
        (admin, _) = clients(workers, service)
        found = (await admin.post("/auth/v1/admin/api-keys", json={"name": "x"})).json()
        one, two = clients(workers, found["key"])
        assert (await one.get("/rest/v1/posts")).status_code == 200
        await asyncio.sleep(0.6)
        assert (await two.get("/rest/v1/posts")).status_code == 200
        path = f"/auth/v1/admin/api-keys/{found['id']}"
        assert (await admin.patch(path, json={"tables": {"authors": ["select"]}})).status_code == 200
        await asyncio.sleep(0.6)
        assert (await two.get("/rest/v1/posts")).status_code == 403
        assert (await two.get("/rest/v1/authors")).status_code == 200
        assert (await admin.delete(path)).status_code == 204
        assert (await one.get("/rest/v1/authors")).status_code == 401, "the same worker at once"
        await asyncio.sleep(0.6)
        assert (await two.get("/rest/v1/authors")).status_code == 401
    finally:
        for worker in workers:
            await worker.stop()
