"""`mainspring init --from` a database whose names, texts and keys are awkward: the models load, serve it, and make it anew."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
import sqlalchemy as sa

from mainspring import Mainspring
from mainspring.catalog.model import Table
from mainspring.cli import main
from mainspring.engines.registry import look
from mainspring.errors import ConfigError
from mainspring.query.ast import TableName
from mainspring.settings import AuthSettings, DatabaseSettings, RestSettings, Settings
from mainspring.testing.client import TestClient
from tests.conformance.test_made_anew import loaded
from tests.support import named
from tests.support.servers import PostgresServer

SETTINGS = Settings(auth=AuthSettings(enabled=False), rest=RestSettings(schemas=tuple(named.SCHEMAS.split(","))))


def tables(url: str) -> dict[TableName, Table]:
    return dict(look(Settings(database=DatabaseSettings(url=url), rest=SETTINGS.rest), Path()).catalog.tables)


@pytest.fixture
def url(postgres: PostgresServer) -> str:
    made = postgres.database("named")
    with psycopg.connect(made, autocommit=True) as connection:
        connection.execute(named.POSTGRES.encode())
    return made


@pytest.fixture
def written(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> tuple[Path, str]:
    """The models of the database, and what was said about them."""
    file = tmp_path / "app.py"
    assert main(["init", "--from", url, "--out", str(file), "--rest-schemas", named.SCHEMAS]) == 0
    return file, capsys.readouterr().err


async def test_they_serve_it_and_make_it_anew(url: str, written: tuple[Path, str], postgres: PostgresServer) -> None:
    app, there = loaded(written[0]), tables(url)
    models = app.catalog().tables
    dotted = TableName("public", "dotted")
    assert there.keys() == models.keys()
    assert [name for name in there if models[name] != there[name]] == [dotted]
    assert written[1].splitlines() == [
        "not said by the models: shop.items.mood: its type shop.mood must be there first",
        "not said by the models: public.dotted: its foreign key dotted_x_fkey leads to a name with a dot in it",
    ]
    async with TestClient(app, url, settings=SETTINGS) as client:
        for name in there:
            path = f"/rest/v1/{quote(name.name, safe='')}"
            answer = await client.as_service().get(path, headers={"accept-profile": name.schema})
            assert (answer.status_code, answer.json()) == (200, []), name
    anew = postgres.database("named_anew")
    with psycopg.connect(anew, autocommit=True) as connection:
        connection.execute(b"CREATE SCHEMA shop; CREATE TYPE shop.mood AS ENUM ('x', 'y')")
    async with TestClient(app, anew, settings=SETTINGS):
        pass
    made = tables(anew)
    assert {name for name in there if made[name] != there[name]} == {dotted}


def test_they_are_typed_and_tidy(written: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> None:
    cache = ["--cache-dir", str(tmp_path_factory.getbasetemp() / "mypy")]
    for tool in (["ruff", "check", "--isolated", "--ignore", "I001"], ["mypy", "--strict", *cache, "--follow-imports=silent"]):
        checked = subprocess.run([sys.executable, "-m", *tool, str(written[0])], capture_output=True, text=True)
        assert checked.returncode == 0, checked.stdout + checked.stderr


# ---------------------------------------------------------------- one name in two schemas


def two_schemas() -> Mainspring:
    metadata = sa.MetaData()
    for schema in ("shop", "stock"):
        columns = (
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("code", sa.Text, unique=True),
            sa.Column("size", sa.Text),
        )
        once = sa.Index("once", sa.func.lower(columns[2]), unique=True)
        sa.Table("items", metadata, *columns, sa.Index("by_size", "size", "code"), once, schema=schema)
    return Mainspring(models=metadata)


@pytest.mark.parametrize("engine", ["memory", "sqlite", "postgres"])
async def test_a_name_can_stand_in_two_schemas(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = f"sqlite:///{tmp_path / 'two.sqlite'}" if engine == "sqlite" else "memory://"
    if engine == "postgres":
        url = request.getfixturevalue("postgres").database("two")
    async with TestClient(two_schemas(), url, settings=SETTINGS) as client:
        for schema in ("shop", "stock"):
            profile = {"content-profile": schema}
            post = client.as_service().post
            assert (await post("/rest/v1/items", json={"id": 1, "code": "a", "size": "XL"}, headers=profile)).status_code == 201
            taken = await post("/rest/v1/items", json={"id": 2, "code": "a"}, headers=profile)
            assert (taken.status_code, taken.json()["code"]) == (409, "23505")
            assert "items_code_key" in taken.json()["message"]
            if engine == "memory":  # it evaluates no SQL of the models
                continue
            taken = await post("/rest/v1/items", json={"id": 2, "code": "b", "size": "xl"}, headers=profile)
            assert '"once"' in taken.json()["message"]


async def test_names_that_differ_in_case_only_are_told_apart_but_on_sqlite(tmp_path: Path, postgres: PostgresServer) -> None:
    metadata = sa.MetaData()
    for name in ("Goods", "goods"):
        sa.Table(name, metadata, sa.Column("id", sa.Integer, primary_key=True))
    app = Mainspring(models=metadata)
    for url in ("memory://", postgres.database("cased")):
        async with TestClient(app, url, settings=SETTINGS) as client:
            assert (await client.as_service().post("/rest/v1/Goods", json={"id": 1})).status_code == 201
            assert (await client.as_service().get("/rest/v1/goods")).json() == []
    with pytest.raises(ConfigError, match=r"is already used by public\.Goods: SQLite minds no case"):
        async with TestClient(app, f"sqlite:///{tmp_path / 'cased.sqlite'}", settings=SETTINGS):
            pass
