"""Existing databases in app mode: whatever stands in a column, the answer is JSON and no error of ours."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from mainspring.app import Mainspring
from mainspring.catalog.model import Catalog
from mainspring.cli import main
from mainspring.cli.serve import announce
from mainspring.cli.target import find_app, parse
from mainspring.datatypes import Kind
from mainspring.engines.registry import look
from mainspring.errors import ConfigError
from mainspring.observe import LeftOut, Observation
from mainspring.query.ast import TableName
from mainspring.settings import DatabaseSettings, ServerSettings, Settings
from mainspring.testing.client import TestClient
from tests.support import found
from tests.support.servers import PostgresServer

OPEN = Settings(database=DatabaseSettings(open_read=True))
VALUES = (
    "1, 0, -1, 2.5, 1e300, 9e999, 9223372036854775807, '', 'abc', '12', 'true', 'f', '2026-01-31', '2026-01-31 10:20:30',"
    " '2026-01-31T10:20:30.500Z', '2026-01-31 10:20', '10:20:30', '10:20', '{\"a\": {\"b\": 1}}', '{bad', '[1]', x'', x'00ff',"
    " CAST(x'63ff' AS TEXT), 'a' || char(0) || 'b', 'é\"\\'"
)
FORMS = (
    "select={c}&order={c}",
    "select={c}&order={c}.desc.nullslast&limit=3&offset=1",
    "select={c}&{c}=is.null",
    "select={c}&{c}=eq.1",
    "select={c}&{c}=neq.2026-01-31",
    "select={c}&{c}=gt.2026-01-31T10:00:00",
    "select={c}&{c}=in.(1,abc,true)",
    "select={c}&{c}=like.*a*",
    "select={c}&{c}=ilike.*A*",
    "select={c}&{c}=is.true",
    "select={c}&{c}=eq(any).{{1,2}}",
    "select={c}::text",
    "select={c}::date",
    "select={c}::numeric",
    "select={c}->a->b,t:{c}->>a",
    "select={c}&{c}->a->>b=eq.1",
    "select={c},count()",
    "select={c}.sum(),a:{c}.avg(),i:{c}.min(),x:{c}.max(),n:{c}.count()",
    "select={c}&distinct=true",
    "select={c}&order={c}&cursor=&limit=2",
)


def messy(path: Path) -> str:
    """A file whose every column holds a value of every class and form."""
    from pysqlite3 import dbapi2

    with closing(dbapi2.connect(str(path))) as connection:
        connection.executescript(found.SQLITE)
        facts = connection.execute("PRAGMA table_info(everything)").fetchall()
        for name in (row[1] for row in facts if row[1] != "id"):
            connection.execute(f'INSERT INTO everything ("{name}") SELECT column1 FROM (VALUES {rows()})')
        connection.commit()
    return f"sqlite:///{path}"


def rows() -> str:
    """Each of VALUES as a row; commas inside quotes do not part them."""
    return "(" + VALUES.replace(",", "),(").replace('{"a"),(', '{"a",') + ")"


def on_server(server: PostgresServer) -> str:
    url = server.database("found")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(found.POSTGRES.encode())
    return url


@pytest.fixture(params=["sqlite", "postgres"])
async def served(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[tuple[httpx.AsyncClient, Catalog]]:
    url = messy(tmp_path / "found.sqlite") if request.param == "sqlite" else on_server(request.getfixturevalue("postgres"))
    async with TestClient(Mainspring(), url, settings=OPEN) as client:
        yield client.as_anon(), looked(url)


def looked(url: str) -> Catalog:
    return look(Settings(database=DatabaseSettings(url=url)), Path()).catalog


async def test_every_column_answers_everything(served: tuple[httpx.AsyncClient, Catalog]) -> None:
    client, catalog = served
    for table in catalog.tables.values():
        for column in table.columns:
            for form in FORMS:
                path = f"/rest/v1/{table.name.name}?{form.format(c=column)}"
                answer = await client.get(path, headers={"prefer": "timezone=Asia/Kathmandu"})
                assert answer.status_code < 500, (path, answer.text)
                json.loads(answer.content, parse_constant=not_json)


def not_json(constant: str) -> Any:
    raise AssertionError(f"{constant} is not JSON")


async def test_values_are_found_as_they_are_shown(tmp_path: Path) -> None:
    """What is shown of a column can be asked for, and is found where it is shown."""
    url = messy(tmp_path / "found.sqlite")
    kinds = (Kind.TEXT, Kind.TIMESTAMP, Kind.TIMESTAMPTZ, Kind.DATE, Kind.TIME, Kind.BOOLEAN, Kind.INTEGER)
    async with TestClient(Mainspring(), url, settings=OPEN) as client:
        anybody = client.as_anon()
        for column in looked(url).tables[TableName("public", "everything")].columns.values():
            if column.type.kind not in kinds or column.name == "id":
                continue
            shown = [row[column.name] for row in (await anybody.get(f"/rest/v1/everything?select={column.name}")).json()]
            assert len(shown) > 26
            for value in {value for value in shown if readable(value, column.type.kind)}:
                word = str(value).lower() if isinstance(value, bool) else value
                answer = await anybody.get("/rest/v1/everything", params={"select": column.name, column.name: f"eq.{word}"})
                assert answer.status_code == 200, answer.text
                assert [row[column.name] for row in answer.json()] == [value] * shown.count(value), (column.name, value)


def readable(value: Any, kind: Kind) -> bool:
    """Whether it is a value of the kind, which a request can say."""
    match kind:
        case Kind.TEXT:
            return isinstance(value, str) and not (value == "Inf" or "\x00" in value or "\ufffd" in value or value[:2] == "\\x")
        case Kind.INTEGER | Kind.BOOLEAN:
            return isinstance(value, int)
        case _:
            return isinstance(value, str) and value.startswith("10:" if kind is Kind.TIME else "2026")


async def test_a_file_tells_moments_in_their_usual_forms(tmp_path: Path) -> None:
    url = messy(tmp_path / "found.sqlite")
    async with TestClient(Mainspring(), url, settings=OPEN) as client:
        ask = client.as_anon().get
        moments = (await ask("/rest/v1/everything?select=a_datetime&a_datetime=gte.2026-01-31&a_datetime=lt.2026-02-01")).json()
        texts = sorted(row["a_datetime"] for row in moments)
        day = "2026-01-31T"
        assert texts == [f"{day}00:00:00", f"{day}10:20:00", f"{day}10:20:30", f"{day}10:20:30.5"]
        zoned = await ask("/rest/v1/everything?select=a_timestamptz&order=id", headers={"prefer": "timezone=Asia/Kathmandu"})
        assert zoned.status_code == 200, zoned.text
        assert {"a_timestamptz": "2026-01-31T16:05:30.5+05:45"} in zoned.json()
        assert {"a_timestamptz": "abc"} in zoned.json()
        assert (await ask("/rest/v1/everything?select=a_bool&a_bool=is.true&limit=1")).json() == [{"a_bool": True}]
        assert (await ask("/rest/v1/everything?select=a_json&a_json->a->>b=eq.1")).json() == [{"a_json": {"a": {"b": 1}}}]
        assert (await ask("/rest/v1/epoch?made=gte.1769866201")).json() == [{"id": 2, "made": 1769866201.5, "day": None}]
        assert (await ask("/rest/v1/totals?order=word&limit=1")).json() == [
            {"word": "x", "n": 1, "mean": 1, "last": "2026-01-31"}
        ]


async def test_what_has_no_row_identity_is_read_only(served: tuple[httpx.AsyncClient, Catalog], tmp_path: Path) -> None:
    _, catalog = served
    read_only = {name.name for name, table in catalog.tables.items() if not table.insertable}
    assert read_only in ({"totals"}, {"parts", "lines", "counted"})


async def test_writing_to_a_view_is_refused_by_name(tmp_path: Path) -> None:
    url = messy(tmp_path / "found.sqlite")
    async with TestClient(Mainspring(), url) as client:
        service = client.as_service()
        for answer in (
            await service.post("/rest/v1/totals", json={"word": "a"}),
            await service.patch("/rest/v1/totals?word=eq.x", json={"n": 1}),
            await service.delete("/rest/v1/totals?word=eq.x"),
        ):
            assert answer.status_code == 400
            assert answer.json()["code"] == "PGRST127"


async def test_what_only_the_database_knows_is_written_and_read(postgres: PostgresServer) -> None:
    row = {"an_address": "10.0.0.1", "a_range": "[1,5)", "moods": "{ok,sad}", "a_kind": "b", "some_money": "1.50"}
    row |= {"one_char": "x", "a_json": {"b": [1], "a": None}, "a_real": 0.1, "a_char": "ab", "a_name": "it", "an_email": "a@b"}
    row |= {"reals": "{0.5}", "a_host": "10.0.0.2"}
    shown = {**row, "moods": ["ok", "sad"], "some_money": "$1.50", "reals": [0.5]}
    async with TestClient(Mainspring(), on_server(postgres)) as client:
        service, told = client.as_service(), {"prefer": "return=representation"}
        answer = await service.post(f"/rest/v1/everything?select={','.join(row)}", json=row, headers=told)
        assert answer.status_code == 201, answer.text
        assert answer.json() == [shown]
        (found,) = (await service.get("/rest/v1/everything?a_name=eq.it&select=id,a_real,a_char")).json()
        assert (found["a_real"], found["a_char"]) == (0.1, "ab")
        path = f"/rest/v1/everything?id=eq.{found['id']}"
        changed = await service.patch(f"{path}&select=a_real,an_address", json={"a_real": 0.3}, headers=told)
        assert changed.json() == [{"a_real": 0.3, "an_address": "10.0.0.1"}]
        wrong = await service.patch(path, json={"an_address": "nowhere"})
        assert wrong.status_code == 400
        near = await service.get("/rest/v1/everything?an_address=gt.9.255.255.255&id=gt.2&order=an_address&select=an_address")
        assert near.json() == [{"an_address": "10.0.0.1"}]
        refused = await service.get("/rest/v1/everything?order=a_point")
        assert (refused.status_code, refused.json()["code"]) == (400, "PGRST127")


async def test_what_is_left_out_is_told(tmp_path: Path) -> None:
    facts: list[Observation] = []
    async with TestClient(Mainspring(), messy(tmp_path / "found.sqlite"), observe=facts.append):
        (told,) = [fact for fact in facts if isinstance(fact, LeftOut)]
    assert len(told.parts) == 4
    assert "public.broken: no such table: main.not_there" in told.parts


# ---------------------------------------------------------------- mistakes


def test_a_file_that_is_not_there_is_a_mistake(tmp_path: Path) -> None:
    settings = Settings(database=DatabaseSettings(url=f"sqlite:///{tmp_path}/missing.sqlite"))
    with pytest.raises(ConfigError, match=r"there is no file .*missing\.sqlite"):
        Mainspring().build(settings, tmp_path)
    assert not (tmp_path / "missing.sqlite").exists()


def test_a_file_that_is_no_database_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "text.sqlite").write_text("this is no database, but a text that is long enough to be looked at as one" * 20)
    with pytest.raises(ConfigError, match="file is not a database"):
        Mainspring().build(Settings(database=DatabaseSettings(url=f"sqlite:///{tmp_path}/text.sqlite")), tmp_path)


def test_a_server_out_of_reach_is_a_mistake(tmp_path: Path) -> None:
    url = "postgresql://nobody:secret@127.0.0.1:1/nothing"
    with pytest.raises(ConfigError, match="cannot connect") as raised:
        Mainspring().build(Settings(database=DatabaseSettings(url=url)), tmp_path)
    assert "secret" not in str(raised.value)


def test_open_read_is_not_for_apps(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--out", str(tmp_path / "app.py")]) == 0
    assert main(["serve", str(tmp_path / "app.py"), "--open-read", "--data", str(tmp_path)]) == 2
    assert "an app has policies of its own" in capsys.readouterr().err


# ---------------------------------------------------------------- the command line


def test_types_of_a_database_without_an_app(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["types", "typescript", "--database", messy(tmp_path / "found.sqlite")]) == 0
    told = capsys.readouterr().out
    assert "no_rowid: {" in told
    assert "made: number | null" in told


@pytest.mark.parametrize(
    ("host", "who"),
    [("127.0.0.1", "whoever uses this machine"), ("localhost", "whoever uses"), ("0.0.0.0", "ANYONE ON THE NETWORK")],
)
def test_an_open_database_is_announced(tmp_path: Path, host: str, who: str, capsys: pytest.CaptureFixture[str]) -> None:
    announce(Settings(server=ServerSettings(host=host, data=str(tmp_path)), database=DatabaseSettings(open_read=True)))
    (warning,) = [line for line in capsys.readouterr().out.splitlines() if "WARNING" in line]
    assert who in warning


async def test_the_app_to_begin_with_works(tmp_path: Path) -> None:
    assert main(["init", "--out", str(tmp_path / "notes.py")]) == 0
    app = find_app(parse(str(tmp_path / "notes.py")))
    assert isinstance(app, Mainspring)
    uid = "a11ce000-0000-4000-8000-000000000001"
    async with TestClient(app) as client:
        me = client.as_user(uid)
        for note in ({"text": "mine"}, {"text": "for all", "shared": True}):
            assert (await me.post("/rest/v1/notes", json=note)).status_code == 201
        assert len((await me.get("/rest/v1/notes")).json()) == 2
        assert [row["text"] for row in (await client.as_anon().get("/rest/v1/notes")).json()] == ["for all"]


@pytest.mark.parametrize("accept", ["application/openapi+json", "application/vnd.oai.openapi+json"])
async def test_what_was_found_is_described(served: tuple[httpx.AsyncClient, Catalog], accept: str) -> None:
    client, catalog = served
    answer = await client.get("/rest/v1/", headers={"accept": accept})
    assert answer.status_code == 200, answer.text
    assert {f"/{name.name}" for name in catalog.tables} <= set(answer.json()["paths"])


async def test_types_whose_arrays_have_no_commas_are_written_and_listed_several_at_once(postgres: PostgresServer) -> None:
    """PostgreSQL parts the items of an array of boxes by semicolons, PostGIS those of geometries by colons."""
    url = postgres.database("found")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(b"CREATE TABLE areas (id int PRIMARY KEY, area box)")
    small, large = {"id": 1, "area": "(1,1),(0,0)"}, {"id": 2, "area": "(3,3),(0,0)"}
    async with TestClient(Mainspring(), url) as client:
        service = client.as_service()
        rows = [small, large, {"id": 3, "area": None}]
        answer = await service.post("/rest/v1/areas", json=rows, headers={"prefer": "return=representation"})
        assert (answer.status_code, answer.json()) == (201, rows)
        listed = await service.get('/rest/v1/areas?area=in.("(1,1),(0,0)","(9,9),(0,0)")')
        assert listed.json() == [small]
        either = await service.get('/rest/v1/areas?area=eq(any).{"(3,3),(0,0)"}')
        assert either.json() == [large]
