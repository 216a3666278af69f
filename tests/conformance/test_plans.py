"""Execution plans over HTTP on every engine: of reads, of writes and of functions that answer rows of a model."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from urllib.parse import quote

import httpx
import psycopg
import pytest
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from mainspring import Mainspring, Rows
from mainspring.settings import DatabaseSettings, RestSettings, Settings
from mainspring.testing.client import TestClient
from tests.support.servers import PostgresServer

API = "/rest/v1"
PLAN = "application/vnd.pgrst.plan"
EXPLAINED = Settings(rest=RestSettings(plan_enabled=True), database=DatabaseSettings(tx_end="commit-allow-override"))
JSON = {"accept": f"{PLAN}+json"}
ANALYZED = {"accept": f"{PLAN}+json; options=analyze"}


class Base(DeclarativeBase):
    """The base of the models."""


class Task(Base):
    __tablename__ = "tasks"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str] = mapped_column(unique=True)
    note: Mapped[str | None]


class Free(Base):
    """A table whose writes have nothing to verify."""

    __tablename__ = "free"
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]


def application() -> Mainspring:
    app = Mainspring(models=Base)

    @app.policy(Free, "all", to="anon")
    def free(row: Any, me: Any) -> bool:
        return True

    @app.policy(Task, "all", to="anon")
    def open_ones(row: Any, me: Any) -> Any:
        return row.title != "secret"

    @app.seed
    def rows() -> dict[Any, list[dict[str, Any]]]:
        tasks = [{"id": 1, "title": "water", "note": None}, {"id": 2, "title": "secret", "note": None}]
        return {Task: tasks, Free: [{"id": 1, "title": "water"}]}

    @app.rpc(to="anon", read_only=True)
    async def number(db: Rows) -> int:
        return len(await db.select(Task))

    @app.rpc(to="anon", read_only=True)
    async def every_task() -> list[Task]:
        keys: Any = [1, 2]
        return keys

    @app.rpc(to="anon")
    async def emptied(db: Rows) -> list[Free]:
        await db.delete(Free, where=lambda row: row.id > 0)
        return []

    return app


Serve = Callable[[Settings], AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def engine(request: pytest.FixtureRequest) -> str:
    """The engine's name."""
    name: str = request.param
    return name


@pytest.fixture
def serve(engine: str, request: pytest.FixtureRequest) -> Serve:
    """Opens a client of the application with settings of a test's own."""
    url = {"memory": "memory://", "sqlite": ""}.get(engine)
    if url is None:
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.database("plans")

    @asynccontextmanager
    async def opened(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
        async with TestClient(application(), url, settings=settings) as client:
            yield client.as_anon()

    return opened


async def titles(client: httpx.AsyncClient, table: str = "tasks") -> list[str]:
    return [row["title"] for row in (await client.get(f"{API}/{table}?select=title&order=id")).json()]


def refused(answer: httpx.Response) -> bool:
    """Whether it names what cannot be had."""
    return (answer.status_code, answer.json()["code"]) == (400, "PGRST127")


def plan(answer: httpx.Response) -> dict[str, Any]:
    """The one plan of an answer."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith(f"{PLAN}+json; for=")
    (told,) = answer.json()
    found: dict[str, Any] = told["Plan"]
    return found


# ---------------------------------------------------------------- reads


async def test_an_execution_plan_is_of_the_statement_with_its_policies(serve: Serve, engine: str) -> None:
    async with serve(EXPLAINED) as client:
        text = await client.get(f"{API}/tasks?id=eq.1&note=eq.water", headers={"accept": f"{PLAN}+text"})
        json = await client.get(f"{API}/tasks?id=gt.1", headers={"accept": f'{PLAN}+json; for="text/csv"'})
        if engine == "memory":
            assert refused(text)
            return
        assert text.status_code == json.status_code == 200
        assert text.headers["content-type"] == f'{PLAN}+text; for="application/json"; charset=utf-8'
        assert json.headers["content-type"] == f'{PLAN}+json; for="text/csv"; charset=utf-8'
        if engine == "postgres":
            assert "tasks_pkey" in text.text
            assert "secret" in text.text
            assert json.json()[0]["Plan"]["Node Type"] == "Aggregate"
        else:
            assert text.text.startswith("SEARCH t0 USING INTEGER PRIMARY KEY (rowid=?)")
            assert json.json()[0]["Plans"][0]["Detail"].startswith("SEARCH")
        options = await client.get(f"{API}/tasks", headers={"accept": f"{PLAN}+json; options=analyze|verbose"})
        if engine == "postgres":
            assert options.json()[0]["Plan"]["Actual Rows"] == 1
            assert "Output" in options.json()[0]["Plan"]
        else:
            assert refused(options)


async def test_no_execution_plan_is_told_unless_the_settings_say_so(serve: Serve) -> None:
    async with serve(Settings()) as client:
        for answer in (
            await client.get(f"{API}/tasks", headers=JSON),
            await client.post(f"{API}/tasks", json={"id": 3, "title": "new"}, headers=ANALYZED),
            await client.patch(f"{API}/tasks?id=eq.1", json={"title": "x"}, headers=ANALYZED),
            await client.delete(f"{API}/tasks?id=eq.1", headers=ANALYZED),
            await client.get(f"{API}/rpc/every_task", headers=JSON),
            await client.get(f"{API}/tasks", headers={"accept": "application/geo+json"}),
        ):
            assert (answer.status_code, answer.json()["code"]) == (406, "PGRST107")
        assert await titles(client) == ["water"]


# ---------------------------------------------------------------- writes


@pytest.mark.parametrize("table", ["tasks", "free"])
async def test_the_plan_of_a_write_changes_nothing(serve: Serve, engine: str, table: str) -> None:
    async with serve(EXPLAINED) as client:
        path, row = f"{API}/{table}", {"id": 3, "title": "new"}
        for prefer in ("return=minimal", "return=representation"):
            headers = {**JSON, "prefer": prefer}
            merging = {**JSON, "prefer": f"{prefer}, resolution=merge-duplicates"}
            asked = {
                "Insert": await client.post(path, json=row, headers=headers),
                "Upsert": await client.post(path, json={"id": 1, "title": "new"}, headers=merging),
                "Put": await client.put(f"{path}?id=eq.1", json={"id": 1, "title": "new"}, headers=headers),
                "Update": await client.patch(f"{path}?id=eq.1", json={"title": "x"}, headers=headers),
                "Delete": await client.delete(f"{path}?id=eq.1", headers=headers),
            }
            for operation, answer in asked.items():
                if engine != "postgres":
                    assert refused(answer)
                    continue
                told = plan(answer)
                assert told["Operation"] == {"Upsert": "Insert", "Put": "Insert"}.get(operation, operation)
                assert "Actual Rows" not in told
                assert ("Conflict Resolution" in told) == (operation in ("Upsert", "Put"))
        assert await titles(client, table) == ["water"]


async def test_the_plan_of_a_write_is_that_of_its_filters_and_policies(serve: Serve, engine: str) -> None:
    async with serve(EXPLAINED) as client:
        headers = {"accept": f"{PLAN}+text", "prefer": "return=representation"}
        for answer in (
            await client.patch(f"{API}/tasks?id=eq.1", json={"note": "x"}, headers=headers),
            await client.delete(f"{API}/tasks?id=eq.1", headers=headers),
        ):
            if engine != "postgres":
                assert refused(answer)
                continue
            assert answer.headers["content-type"] == f'{PLAN}+text; for="application/json"; charset=utf-8'
            assert "Index Cond" in answer.text
            assert "secret" in answer.text


@pytest.mark.parametrize("table", ["tasks", "free"])
async def test_analyze_carries_a_write_out(serve: Serve, engine: str, table: str) -> None:
    async with serve(EXPLAINED) as client:
        path = f"{API}/{table}"
        answers = [
            await client.post(path, json=[{"id": 3, "title": "c"}, {"id": 4, "title": "d"}], headers=ANALYZED),
            await client.patch(f"{path}?id=eq.3", json={"title": "C"}, headers={**ANALYZED, "prefer": "return=representation"}),
            await client.put(f"{path}?id=eq.1", json={"id": 1, "title": "a"}, headers=ANALYZED),
            await client.delete(f"{path}?id=eq.4", headers=ANALYZED),
        ]
        if engine != "postgres":
            assert all(map(refused, answers))
            assert await titles(client, table) == ["water"]
            return
        assert [plan(answer)["Operation"] for answer in answers] == ["Insert", "Update", "Insert", "Delete"]
        assert all("Actual Rows" in plan(answer) for answer in answers)
        assert await titles(client, table) == ["a", "C"]


COUNTED = """CREATE SEQUENCE IF NOT EXISTS runs;
CREATE FUNCTION run() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM nextval(''runs''); RETURN NULL; END';
CREATE TRIGGER run AFTER INSERT OR UPDATE OR DELETE ON tasks FOR EACH ROW EXECUTE FUNCTION run();
CREATE TRIGGER run AFTER INSERT OR UPDATE OR DELETE ON free FOR EACH ROW EXECUTE FUNCTION run()"""
"""Counts changes of rows in a sequence: no rollback takes that back."""


@pytest.mark.parametrize("prefer", ["return=minimal", "return=representation", "tx=rollback", "handling=strict, max-affected=1"])
@pytest.mark.parametrize("table", ["tasks", "free"])
async def test_an_analyzed_write_is_run_once(postgres: PostgresServer, table: str, prefer: str) -> None:
    url = postgres.database("plans")
    async with TestClient(application(), url, settings=EXPLAINED) as opened:
        client, path, headers = opened.as_anon(), f"{API}/{table}", {**ANALYZED, "prefer": prefer}
        merging = {**ANALYZED, "prefer": f"{prefer}, resolution=merge-duplicates"}
        before = (await client.get(f"{path}?order=id")).json()
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute(COUNTED.encode())
            for number, answer in enumerate(
                [
                    await client.patch(f"{path}?id=eq.1", json={"title": "x"}, headers=headers),
                    await client.post(path, json={"id": 1, "title": "y"}, headers=merging),
                    await client.post(path, json={"id": 3, "title": "c"}, headers=headers),
                    await client.delete(f"{path}?title=eq.{'water' if 'rollback' in prefer else 'y'}", headers=headers),
                ],
                1,
            ):
                told = plan(answer)
                assert told["Operation"] == {1: "Update", 4: "Delete"}.get(number, "Insert")
                assert not {"Subplan Name", "Parent Relationship"} & set(told)
            (runs,) = connection.execute("SELECT last_value FROM runs").fetchone() or (0,)
        after = (await client.get(f"{path}?order=id")).json()
    assert runs == 4
    assert [row["title"] for row in after] == ["c"] if "rollback" not in prefer else after == before


OPTIONS = "options=analyze|verbose|settings|buffers|wal"


@pytest.mark.parametrize("table", ["tasks", "free"])
async def test_the_plan_of_an_analyzed_write_is_that_of_the_change_alone(postgres: PostgresServer, table: str) -> None:
    async with TestClient(application(), postgres.database("plans"), settings=EXPLAINED) as opened:
        client = opened.as_anon()
        path, note = f"{API}/{table}", "\n  CTE ms_changed\n  ->  CTE Scan on ms_changed\nx"
        text = {"accept": f"{PLAN}+text; {OPTIONS}"}
        added = await client.post(path, json={"id": 3, "title": note}, headers=text)
        changed = await client.patch(f"{path}?title=neq.{quote(note)}", json={"title": note + "y"}, headers=text)
        for answer, operation in ((added, "Insert"), (changed, "Update")):
            first, second, *_ = answer.text.splitlines()
            assert first.startswith(f"{operation} on public.{table} "), answer.text
            assert second.startswith("  ")
            assert "Execution Time: " in answer.text
            assert "set_config" not in answer.text
        assert f"'{note}'" in changed.text
        json = plan(await client.delete(path, headers={"accept": f"{PLAN}+json; {OPTIONS}"}))
        assert (json["Node Type"], json["Operation"], json["Actual Rows"] >= 0) == ("ModifyTable", "Delete", True)
        assert await titles(client, table) == []


async def test_an_analyzed_write_can_be_undone(serve: Serve, engine: str) -> None:
    async with serve(EXPLAINED) as client:
        undone = {**ANALYZED, "prefer": "tx=rollback"}
        for answer in (
            await client.patch(f"{API}/tasks?id=eq.1", json={"title": "x"}, headers=undone),
            await client.delete(f"{API}/free?id=eq.1", headers=undone),
        ):
            assert refused(answer) if engine != "postgres" else "Actual Rows" in plan(answer)
        assert await titles(client) == await titles(client, "free") == ["water"]


async def test_an_analyzed_write_that_is_refused_tells_no_plan(serve: Serve, engine: str) -> None:
    if engine != "postgres":
        pytest.skip("it has no plans of writes")
    async with serve(EXPLAINED) as client:
        merging = {**ANALYZED, "prefer": "resolution=merge-duplicates"}
        bounded = {**ANALYZED, "prefer": "handling=strict, max-affected=1"}
        for answer, status in (
            (await client.post(f"{API}/tasks", json={"id": 3, "title": "secret"}, headers=ANALYZED), 409),
            (await client.patch(f"{API}/tasks?id=eq.1", json={"title": "secret"}, headers=ANALYZED), 409),
            (await client.post(f"{API}/tasks", json={"id": 2, "title": "mine"}, headers=merging), 401),
        ):
            assert answer.status_code == status
            assert "Plan" not in answer.text
        await client.post(f"{API}/free", json={"id": 2, "title": "b"})
        answer = await client.delete(f"{API}/free?id=gt.0", headers=bounded)
        assert (answer.status_code, answer.json()["code"]) == (400, "PGRST124")
        assert await titles(client) == ["water"]
        assert await titles(client, "free") == ["water", "b"]


async def test_rows_that_name_different_columns_have_a_plan_each(serve: Serve, engine: str) -> None:
    if engine != "postgres":
        pytest.skip("it has no plans of writes")
    async with serve(EXPLAINED) as client:
        rows = [{"id": 3, "title": "c"}, {"title": "d"}]
        columns = {"prefer": "missing=default"}
        json = await client.post(f"{API}/tasks?columns=id,title", json=rows, headers={**JSON, **columns})
        assert [each["Plan"]["Operation"] for each in json.json()] == ["Insert", "Insert"]
        text = await client.post(f"{API}/tasks?columns=id,title", json=rows, headers={"accept": f"{PLAN}+text", **columns})
        assert text.text.count("Insert on tasks") == 2
        nothing = await client.patch(f"{API}/tasks?id=eq.1", json={}, headers=JSON)
        assert (nothing.status_code, nothing.json()) == (200, [])
        assert await titles(client) == ["water"]


# ---------------------------------------------------------------- functions


async def test_the_plan_of_a_function_is_that_of_the_read_of_its_rows(serve: Serve, engine: str) -> None:
    async with serve(EXPLAINED) as client:
        answer = await client.get(f"{API}/rpc/every_task?id=gt.0&select=title", headers={"accept": f"{PLAN}+text"})
        if engine == "memory":
            assert refused(answer)
            return
        assert answer.status_code == 200
        assert ("tasks" if engine == "postgres" else "SEARCH t0 USING INTEGER PRIMARY KEY (rowid=?)") in answer.text


async def test_a_function_without_a_read_has_no_plan(serve: Serve) -> None:
    async with serve(EXPLAINED) as client:
        answer = await client.get(f"{API}/rpc/number", headers=JSON)
        assert refused(answer)
        assert "not read from a table" in answer.json()["details"]


async def test_a_function_that_may_write_is_run_only_with_analyze(serve: Serve, engine: str) -> None:
    async with serve(EXPLAINED) as client:
        answer = await client.post(f"{API}/rpc/emptied", headers=JSON)
        assert refused(answer)
        assert "options=analyze" in answer.json()["hint"]
        assert await titles(client, "free") == ["water"]
        answer = await client.post(f"{API}/rpc/emptied", headers=ANALYZED)
        if engine == "postgres":
            assert plan(answer)["Actual Rows"] == 1
            assert await titles(client, "free") == []
        else:
            assert refused(answer)
            assert await titles(client, "free") == ["water"]
