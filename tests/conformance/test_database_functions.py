"""`app.database_function`: PostgreSQL's own functions in app mode, and that nobody sees through them what policies hide."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from mainspring import Mainspring
from mainspring.cli import main
from mainspring.errors import ConfigError
from mainspring.settings import AuthSettings, DatabaseSettings, RestSettings, Settings
from mainspring.testing.client import TestClient
from tests.support.servers import PostgresServer

PLAN = "application/vnd.pgrst.plan"
TOO_MANY = "the number of rows that aggregates look at exceeds the limit of 2 rows"
ADA = "a0000000-0000-4000-8000-000000000001"
SQL = """
CREATE TABLE lists (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE tasks (id int PRIMARY KEY, list_id int NOT NULL REFERENCES lists, title text NOT NULL, secret text,
  open bool NOT NULL);
INSERT INTO lists VALUES (1, 'home'), (9, 'hidden');
INSERT INTO tasks VALUES (1, 1, 'water', 'a', true), (2, 1, 'bread', 'b', true), (3, 1, 'hidden', 'c', false),
  (4, 9, 'far', 'd', true);
CREATE TABLE calls (n int);
CREATE FUNCTION every_task() RETURNS SETOF tasks STABLE LANGUAGE sql AS 'SELECT * FROM tasks ORDER BY id';
CREATE FUNCTION one_task(id int) RETURNS tasks STABLE LANGUAGE sql AS 'SELECT * FROM tasks t WHERE t.id = $1';
CREATE FUNCTION touch_tasks() RETURNS SETOF tasks LANGUAGE sql AS 'INSERT INTO calls VALUES (1); SELECT * FROM tasks';
CREATE FUNCTION add(a int, b int DEFAULT 10) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT a + b';
CREATE FUNCTION twin(a int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT a';
CREATE FUNCTION twin(a text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT a';
CREATE FUNCTION add(x int, y int, z int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT x + y + z';
CREATE FUNCTION total(VARIADIC numbers int[]) RETURNS bigint IMMUTABLE LANGUAGE sql AS 'SELECT sum(n) FROM unnest(numbers) n';
CREATE FUNCTION shout(text) RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT upper($1)';
CREATE FUNCTION keys(json) RETURNS SETOF text IMMUTABLE LANGUAGE sql AS 'SELECT json_object_keys($1)';
CREATE FUNCTION pairs() RETURNS TABLE (n int, word text) IMMUTABLE LANGUAGE sql
  AS 'VALUES (1, ''one''), (2, ''two''), (3, ''three'')';
CREATE FUNCTION nothing() RETURNS void LANGUAGE sql AS 'INSERT INTO calls VALUES (2)';
CREATE FUNCTION lies() RETURNS int STABLE LANGUAGE plpgsql AS 'BEGIN INSERT INTO calls VALUES (3); RETURN 1; END';
CREATE FUNCTION whoami() RETURNS text STABLE LANGUAGE sql
  AS $$ SELECT current_setting('request.jwt.claims')::json ->> 'sub' $$;
CREATE FUNCTION refuses() RETURNS int LANGUAGE plpgsql
  AS $$ BEGIN RAISE EXCEPTION 'no' USING errcode = 'P0001', hint = 'ask'; END $$;
CREATE FUNCTION unopened() RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION people() RETURNS text IMMUTABLE LANGUAGE sql AS 'SELECT ''only for editors''';
"""
OPENED = (
    *("every_task", "one_task", "touch_tasks", "add", "total", "shout", "keys", "pairs", "nothing", "lies"),
    *("whoami", "refuses", "twin"),
)


class Base(DeclarativeBase):
    """The base of the models."""


class List(Base):
    __tablename__ = "lists"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Task(Base):
    __tablename__ = "tasks"
    id: Mapped[int] = mapped_column(primary_key=True)
    list_id: Mapped[int] = mapped_column(ForeignKey("lists.id"))
    title: Mapped[str]
    secret: Mapped[str | None]
    open: Mapped[bool]


def application(*more: str) -> Mainspring:
    app = Mainspring(models=Base)

    @app.policy(Task, "select", to="authenticated")
    def opened(row: Any, me: Any) -> Any:
        return row.open

    @app.policy(List, "select", to="authenticated")
    def shown(row: Any, me: Any) -> Any:
        return row.id < 9

    app.grant(Task, "select", to="authenticated", exclude=["secret"])
    for name in (*OPENED, *more):
        app.database_function(f"public.{name}", to=["authenticated"])
    app.database_function("people", to="editor")
    return app


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    url = postgres.database("database_functions")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(SQL.encode())
    return url


@pytest.fixture
async def client(url: str) -> AsyncIterator[TestClient]:
    async with TestClient(application(), url) as opened:
        yield opened


def calls(url: str) -> list[int]:
    with psycopg.connect(url) as connection:
        return [n for (n,) in connection.execute("SELECT n FROM calls")]


async def call(asker: httpx.AsyncClient, name: str, **arguments: Any) -> Any:
    answer = await asker.post(f"/rest/v1/rpc/{name}", json=arguments)
    assert answer.status_code == 200, answer.text
    return answer.json()


# ---------------------------------------------------------------- calls


async def test_functions_are_called_as_postgrest_calls_them(client: TestClient) -> None:
    me = client.as_user(ADA)
    assert await call(me, "add", a=1) == 11
    assert await call(me, "add", a=1, b=2) == 3
    assert await call(me, "add", x=1, y=2, z=3) == 6
    assert (await me.get("/rest/v1/rpc/add?a=1&b=5")).json() == 6
    assert await call(me, "total", numbers=[1, 2, 3]) == 6
    assert (await me.get("/rest/v1/rpc/total?numbers=1&numbers=2")).json() == 3
    shouted = await me.post("/rest/v1/rpc/shout", content="quiet", headers={"content-type": "text/plain"})
    assert shouted.json() == "QUIET"
    assert await call(me, "keys", b=1, a=2) == ["b", "a"]
    assert await call(me, "whoami") == ADA
    ambiguous = await me.post("/rest/v1/rpc/twin", json={"a": 1})
    assert (ambiguous.status_code, ambiguous.json()["code"]) == (300, "PGRST203")


async def test_rows_are_chosen_from(client: TestClient) -> None:
    me = client.as_user(ADA)
    asked = await me.get("/rest/v1/rpc/pairs?n=gte.2&order=n.desc&select=word")
    assert asked.json() == [{"word": "three"}, {"word": "two"}]
    counted = await me.get("/rest/v1/rpc/pairs?limit=1", headers={"prefer": "count=exact"})
    assert (counted.status_code, counted.headers["content-range"]) == (206, "0-0/3")
    table = await me.get("/rest/v1/rpc/pairs?n=eq.1", headers={"accept": "text/csv"})
    assert table.text.splitlines() == ["n,word", "1,one"]
    one = await me.get("/rest/v1/rpc/pairs?n=eq.1", headers={"accept": "application/vnd.pgrst.object+json"})
    assert one.json() == {"n": 1, "word": "one"}


async def test_only_what_promises_to_change_nothing_is_called_by_get(client: TestClient, url: str) -> None:
    me = client.as_user(ADA)
    refused = await me.get("/rest/v1/rpc/nothing")
    assert (refused.status_code, refused.json()["code"]) == (405, "25006")
    lied = await me.get("/rest/v1/rpc/lies")
    assert (lied.status_code, lied.json()["code"]) == (400, "0A000"), "PostgreSQL holds it to its promise"
    assert calls(url) == []
    assert (await me.post("/rest/v1/rpc/nothing")).status_code == 204
    assert calls(url) == [2]


async def test_what_a_function_refuses_is_told(client: TestClient) -> None:
    answer = await client.as_user(ADA).post("/rest/v1/rpc/refuses")
    assert answer.status_code == 400
    assert (answer.json()["message"], answer.json()["hint"]) == ("no", "ask")


# ---------------------------------------------------------------- who may


async def test_nothing_is_open_that_was_not_opened(client: TestClient) -> None:
    for asker in (client.as_user(ADA), client.as_service(), client.as_anon()):
        answer = await asker.post("/rest/v1/rpc/unopened")
        assert (answer.status_code, answer.json()["code"]) == (404, "PGRST202")


async def test_roles_it_is_not_open_to_are_refused(client: TestClient) -> None:
    assert (await client.as_anon().post("/rest/v1/rpc/add", json={"a": 1})).status_code == 401
    assert (await client.as_user(ADA).post("/rest/v1/rpc/people")).status_code == 403
    assert await call(client.as_user(ADA, role="editor"), "people") == "only for editors"
    assert await call(client.as_service(), "people") == "only for editors"


async def test_a_key_with_a_scope_reaches_only_what_it_names(client: TestClient) -> None:
    async def using(*tables: str) -> httpx.AsyncClient:
        commands = {name: ["select"] if name == "public.tasks" else ["execute"] for name in tables}
        asked = {"name": "a service", "role": "authenticated", "tables": commands}
        made = await client.as_service().post("/auth/v1/admin/api-keys", json=asked)
        assert made.status_code == 201, made.text
        asker = client.as_anon()
        asker.headers["authorization"] = f"Bearer {made.json()['key']}"
        return asker

    refused = await (await using("public.tasks")).post("/rest/v1/rpc/add", json={"a": 1})
    assert refused.status_code == 403
    assert await call(await using("public.add"), "add", a=1) == 11
    hidden = await (await using("public.every_task")).post("/rest/v1/rpc/every_task")
    assert hidden.status_code == 403, "its rows are those of a table that the key may not read"
    assert len(await call(await using("public.every_task", "public.tasks"), "every_task")) == 3


# ---------------------------------------------------------------- what policies hide


async def test_rows_and_columns_of_a_table_are_those_of_its_policies(client: TestClient) -> None:
    me = client.as_user(ADA)
    water = {"id": 1, "list_id": 1, "title": "water", "open": True}
    rows = await call(me, "every_task")
    assert rows[0] == water
    assert [row["id"] for row in rows] == [1, 2, 4]
    assert await call(me, "one_task", id=1) == water
    assert await call(me, "one_task", id=3) is None
    assert len((await call(client.as_service(), "every_task"))[2]) == 5


@pytest.mark.parametrize(
    "asked",
    ["select=secret", "secret=eq.a", "order=secret", "select=title,s:secret", "or=(secret.eq.a,id.eq.1)", "select=secret->x"],
)
async def test_a_hidden_column_is_neither_shown_nor_asked(client: TestClient, asked: str) -> None:
    answer = await client.as_user(ADA).get(f"/rest/v1/rpc/every_task?{asked}")
    assert (answer.status_code, answer.json()["code"]) == (403, "42501")


async def test_hidden_rows_are_not_counted(client: TestClient) -> None:
    headers = {"prefer": "count=exact"}
    for asked, said in (("", "0-2/3"), ("?title=eq.hidden", "*/0"), ("?limit=1", "0-0/3")):
        answer = await client.as_user(ADA).get(f"/rest/v1/rpc/every_task{asked}", headers=headers)
        assert answer.headers["content-range"] == said, asked


ASKED = (
    "every_task",
    "every_task?title=like.*d*",
    "every_task?order=title.desc&limit=2&offset=1",
    "every_task?select=title,lists(name,tasks(title))&lists.tasks.order=title",
    "every_task?select=id,lists!inner(id)",
    "every_task?secret=eq.changed",
    "every_task?select=count(),id.max(),title.min()",
    "every_task?select=list_id,title.max()&order=count().desc,list_id",
    "every_task?select=lists(name,tasks(count()))&order=id",
    "one_task?id=3",
    "one_task?id=3&select=count()",
    "one_task?id=5",
)


async def test_what_is_hidden_makes_no_difference(client: TestClient, url: str) -> None:
    async def told() -> list[tuple[int, str, str | None]]:
        me, headers = client.as_user(ADA), {"prefer": "count=exact"}
        answers = [await me.get(f"/rest/v1/rpc/{asked}", headers=headers) for asked in ASKED]
        return [(answer.status_code, answer.text, answer.headers.get("content-range")) for answer in answers]

    before = await told()
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("UPDATE tasks SET secret = 'changed'")
        connection.execute("UPDATE tasks SET title = 'zz dd', list_id = 9 WHERE NOT open")
        connection.execute("UPDATE lists SET name = 'changed' WHERE id = 9")
        connection.execute("INSERT INTO tasks SELECT n, 1, 'dd' || n, 'x', false FROM generate_series(5, 50) n")
    assert await told() == before


async def test_embeds_are_guarded(client: TestClient) -> None:
    me = client.as_user(ADA)
    rows = (await me.get("/rest/v1/rpc/every_task?select=id,lists(name)&order=id.desc")).json()
    assert rows == [{"id": 4, "lists": None}, {"id": 2, "lists": {"name": "home"}}, {"id": 1, "lists": {"name": "home"}}]
    back = await me.get("/rest/v1/rpc/every_task?select=lists!inner(name,tasks(title))&id=eq.1")
    assert back.json() == [{"lists": {"name": "home", "tasks": [{"title": "water"}, {"title": "bread"}]}}]
    assert (await me.get("/rest/v1/rpc/pairs?select=n,tasks(*)")).status_code == 400


async def test_a_function_that_writes_is_called_once(client: TestClient, url: str) -> None:
    asked = "/rest/v1/rpc/touch_tasks?select=id&order=id&limit=1"
    answer = await client.as_user(ADA).post(asked, headers={"prefer": "count=exact"})
    assert answer.json() == [{"id": 1}]
    assert answer.headers["content-range"] == "0-0/3"
    assert calls(url) == [1]


async def test_a_function_that_writes_more_than_the_one_row_asked_for_is_undone(client: TestClient, url: str) -> None:
    one = {"accept": "application/vnd.pgrst.object+json"}
    refused = await client.as_user(ADA).post("/rest/v1/rpc/touch_tasks", headers=one)
    assert (refused.status_code, refused.json()["code"], calls(url)) == (406, "PGRST116", [])
    answer = await client.as_user(ADA).post("/rest/v1/rpc/touch_tasks?id=eq.1&select=id", headers=one)
    assert (answer.json(), calls(url)) == ({"id": 1}, [1])


# ---------------------------------------------------------------- aggregates


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("select=id.max(),count()", [{"max": 4, "count": 3}]),
        ("select=list_id,count()&order=list_id", [{"list_id": 1, "count": 2}, {"list_id": 9, "count": 1}]),
        ("select=list_id,n:id.sum()&order=id.sum().desc&limit=1", [{"list_id": 9, "n": 4}]),
        ("select=id.min()::text,least:id::numeric.min()&title=like.*a*", [{"min": "1", "least": 1}]),
        ("select=title.max()&title=eq.hidden", [{"max": None}]),
        ("select=lists(name),count()&order=count().desc", [{"lists": {"name": "home"}, "count": 2}, {"lists": None, "count": 1}]),
        ("select=lists!inner(tasks(count()))&id=eq.1", [{"lists": {"tasks": [{"count": 2}]}}]),
    ],
)
async def test_what_may_be_seen_of_its_rows_is_aggregated(client: TestClient, asked: str, told: list[Any]) -> None:
    answer = await client.as_user(ADA).get(f"/rest/v1/rpc/every_task?{asked}")
    assert answer.json() == told


async def test_a_hidden_column_is_not_aggregated(client: TestClient) -> None:
    for asked in ("secret.max()", "secret,count()", "id,secret.count()"):
        answer = await client.as_user(ADA).get(f"/rest/v1/rpc/every_task?select={asked}")
        assert (answer.status_code, answer.json()["code"]) == (403, "42501")


async def test_aggregates_take_every_form_and_count(client: TestClient, url: str) -> None:
    me, exact = client.as_user(ADA), {"prefer": "count=exact"}
    asked = "/rest/v1/rpc/every_task?select=list_id,count()&order=list_id"
    page = await me.get(f"{asked}&limit=1", headers=exact)
    assert (page.json(), page.headers["content-range"]) == ([{"list_id": 1, "count": 2}], "0-0/2")
    table = await me.get(asked, headers={"accept": "text/csv"})
    assert table.text.splitlines() == ["list_id,count", "1,2", "9,1"]
    one = await me.get("/rest/v1/rpc/every_task?select=count()", headers={"accept": "application/vnd.pgrst.object+json"})
    assert one.json() == {"count": 3}
    assert (await me.get("/rest/v1/rpc/one_task?id=1&select=title.max()")).json() == {"max": "water"}
    assert (await me.get("/rest/v1/rpc/pairs?select=n.sum()")).json() == [{"sum": 6}]
    assert (await me.post("/rest/v1/rpc/touch_tasks?select=count()")).json() == [{"count": 3}]
    assert calls(url) == [1]


async def test_too_many_rows_are_not_aggregated_and_what_the_function_did_is_undone(url: str) -> None:
    async with TestClient(application(), url, settings=Settings(rest=RestSettings(max_aggregated_rows=2))) as client:
        me = client.as_user(ADA)
        for asked in ("touch_tasks?select=count()", "touch_tasks?select=lists(tasks(count()))"):
            refused = await me.post(f"/rest/v1/rpc/{asked}")
            assert (refused.status_code, refused.json()["message"]) == (400, TOO_MANY), asked
        assert calls(url) == []
        assert (await me.post("/rest/v1/rpc/touch_tasks?select=count()&id=lt.4")).json() == [{"count": 2}]
        assert calls(url) == [1]


# ---------------------------------------------------------------- execution plans


@pytest.fixture
async def explaining(url: str) -> AsyncIterator[TestClient]:
    settings = Settings(rest=RestSettings(plan_enabled=True), database=DatabaseSettings(tx_end="commit-allow-override"))
    async with TestClient(application(), url, settings=settings) as opened:
        yield opened


@pytest.mark.parametrize("name", ["every_task", "one_task?id=1", "pairs?n=gt.1", "add?a=1", "every_task?select=count()"])
async def test_the_plan_of_a_call_can_be_had(explaining: TestClient, name: str) -> None:
    me = explaining.as_user(ADA)
    told = await me.get(f"/rest/v1/rpc/{name}", headers={"accept": f"{PLAN}+json"})
    assert told.headers["content-type"] == f'{PLAN}+json; for="application/json"; charset=utf-8'
    assert "Actual Rows" not in told.text
    assert told.json()[0]["Plan"]["Total Cost"] > 0
    text = await me.get(f"/rest/v1/rpc/{name}", headers={"accept": f"{PLAN}+text; options=analyze"})
    assert text.headers["content-type"] == f'{PLAN}+text; for="application/json"; options=analyze; charset=utf-8'
    assert "actual time" in text.text


async def test_the_plan_shows_the_guard(explaining: TestClient) -> None:
    asked = {"accept": f"{PLAN}+json; options=verbose"}
    mine = await explaining.as_user(ADA).get("/rest/v1/rpc/every_task", headers=asked)
    ours = await explaining.as_service().get("/rest/v1/rpc/every_task", headers=asked)
    assert ["t0.open" in filters(told.json()[0]["Plan"]) for told in (mine, ours)] == [True, False]
    denied = await explaining.as_anon().get("/rest/v1/rpc/every_task", headers=asked)
    assert denied.status_code == 401
    hidden = await explaining.as_user(ADA).get("/rest/v1/rpc/every_task?secret=eq.a", headers=asked)
    assert hidden.status_code == 403


def filters(plan: dict[str, Any]) -> str:
    """What the steps of a plan filter by."""
    return " ".join([plan.get("Filter", ""), *map(filters, plan.get("Plans", ()))])


async def test_a_function_that_writes_is_run_for_its_plan_only_where_that_is_asked_for(explaining: TestClient, url: str) -> None:
    me, path, analyzed = explaining.as_user(ADA), "/rest/v1/rpc/touch_tasks", {"accept": f"{PLAN}+json; options=analyze"}
    assert (await me.post(path, headers={"accept": f"{PLAN}+json"})).status_code == 200
    assert calls(url) == []
    assert (await me.post(path, headers={**analyzed, "prefer": "tx=rollback"})).status_code == 200
    assert calls(url) == []
    assert (await me.post(path, headers=analyzed)).status_code == 200
    assert calls(url) == [1]


async def test_no_plan_is_shown_where_none_may_be(client: TestClient) -> None:
    answer = await client.as_user(ADA).get("/rest/v1/rpc/every_task", headers={"accept": f"{PLAN}+json"})
    assert (answer.status_code, answer.json()["code"]) == (406, "PGRST107")


# ---------------------------------------------------------------- descriptions and mistakes


async def test_they_are_described_to_whom_they_are_open(client: TestClient) -> None:
    for accept in ("application/openapi+json", "application/vnd.oai.openapi+json"):
        headers = {"accept": accept}
        mine = (await client.as_user(ADA).get("/rest/v1/", headers=headers)).json()["paths"]
        assert {f"/rpc/{name}" for name in OPENED} <= set(mine)
        assert not {"/rpc/people", "/rpc/unopened"} & set(mine)
        anybody = (await client.as_anon().get("/rest/v1/", headers=headers)).json()["paths"]
        assert not any(path.startswith("/rpc/") for path in anybody)


async def test_a_function_that_is_not_there_is_a_mistake_at_the_start(url: str) -> None:
    with pytest.raises(ConfigError, match=r"function public\.every_tsk: .*did you mean public\.every_task\?"):
        async with TestClient(application("every_tsk"), url):
            pass


@pytest.mark.parametrize("engine", ["sqlite:///{}/x.sqlite", "memory://"])
def test_other_engines_are_a_mistake_at_the_start(engine: str, tmp_path: Path) -> None:
    settings = Settings(database=DatabaseSettings(url=engine.format(tmp_path)), auth=AuthSettings(enabled=False))
    with pytest.raises(ConfigError, match="functions of the database need PostgreSQL"):
        application().build(settings, tmp_path)


@pytest.mark.parametrize(("name", "problem"), [("elsewhere.f", "its schema is not served"), ("twice", "is one of the app's too")])
def test_functions_that_could_not_be_called_are_mistakes(name: str, problem: str, tmp_path: Path, url: str) -> None:
    app = application()
    app.database_function(name)

    @app.rpc()
    def twice() -> int:
        return 2

    with pytest.raises(ConfigError, match=problem):
        app.build(Settings(database=DatabaseSettings(url=url)), tmp_path)


def test_their_types_are_written(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "app.py"
    file.write_text(
        "from mainspring import Mainspring\nfrom tests.conformance.test_database_functions import Base\n"
        "app = Mainspring(models=Base)\napp.database_function('add')\napp.database_function('every_task')\n"
    )
    assert main(["types", "typescript", str(file), "--database", url]) == 0
    told = capsys.readouterr().out
    assert "add: { Args: { a: number; b?: number }; Returns: number }" in told
    assert "every_task: { Args: Record<PropertyKey, never>; Returns: " in told
    assert "unopened" not in told
