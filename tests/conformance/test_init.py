"""`mainspring init --from`: models that say what introspection finds, and serve it without changing anything."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mainspring.app import Mainspring
from mainspring.catalog.found import Found
from mainspring.catalog.model import Catalog
from mainspring.cli import main
from mainspring.engines.registry import look
from mainspring.settings import AuthSettings, DatabaseSettings, Settings
from mainspring.testing.client import TestClient
from tests.support import chinook, found
from tests.support.servers import PostgresServer

ROOT = Path(__file__).parents[2]


def of_chinook_file(folder: Path, server: PostgresServer) -> str:
    chinook.load_sqlite(folder / "shop.sqlite")
    return f"sqlite:///{folder / 'shop.sqlite'}"


def of_chinook_server(folder: Path, server: PostgresServer) -> str:
    url = server.database("chinook")
    chinook.load_postgres(url)
    return url


def of_everything_in_a_file(folder: Path, server: PostgresServer) -> str:
    from pysqlite3 import dbapi2

    with closing(dbapi2.connect(str(folder / "found.sqlite"))) as connection:
        connection.executescript(found.SQLITE)
    return f"sqlite:///{folder / 'found.sqlite'}"


def of_everything_on_a_server(folder: Path, server: PostgresServer) -> str:
    import psycopg

    url = server.database("found")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(found.POSTGRES.encode())
    return url


EVERY = (of_chinook_file, of_chinook_server, of_everything_in_a_file, of_everything_on_a_server)


@pytest.fixture(scope="module", params=EVERY, ids=lambda make: make.__name__.replace("_", "-"))
def url(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer) -> str:
    made: str = request.param(tmp_path_factory.mktemp("found"), postgres)
    return made


@pytest.fixture(scope="module")
def written(url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("written") / "app.py"
    assert main(["init", "--from", url, "--out", str(file)]) == 0
    return file


@pytest.fixture
def app(written: Path) -> Iterator[Mainspring]:
    name = f"written_{written.parent.name.replace('-', '_')}"
    spec = importlib.util.spec_from_file_location(name, written)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    yield module.app
    del sys.modules[name]


def looked(url: str) -> Found:
    return look(Settings(database=DatabaseSettings(url=url)), Path())


def schema(url: str) -> list[Any]:
    """Everything that a migration could have changed."""
    if url.startswith("sqlite"):
        from pysqlite3 import dbapi2

        with closing(dbapi2.connect(url.removeprefix("sqlite:///"))) as connection:
            return list(connection.execute("SELECT * FROM sqlite_schema"))
    import psycopg

    with psycopg.connect(url) as connection:
        columns = connection.execute("SELECT attrelid, attname, atttypid FROM pg_attribute ORDER BY 1, 2").fetchall()
        return columns + connection.execute("SELECT oid, relname, relkind FROM pg_class ORDER BY 1").fetchall()


def test_the_models_are_what_was_found(url: str, app: Mainspring) -> None:
    models, there = app.catalog(), looked(url).catalog
    assert list(models.tables) == list(there.tables)
    for name, table in there.tables.items():
        assert list(models.tables[name].columns.values()) == list(table.columns.values())
        assert models.tables[name] == table
    assert of_tables(models) == of_tables(there)


def of_tables(catalog: Catalog) -> dict[Any, Any]:
    """The relations that foreign keys tell: views have others, which no model knows."""
    views = {name for name, table in catalog.tables.items() if table.view}
    return {
        name: [way for way in ways if not {way.source, way.target} & views] for name, ways in catalog.relations.items()
    }


async def test_the_app_serves_it_and_changes_nothing(url: str, app: Mainspring) -> None:
    before = schema(url)
    async with TestClient(app, url, settings=Settings(auth=AuthSettings(enabled=False))) as client:
        service = client.as_service()
        for name, table in app.catalog().tables.items():
            answer = await service.get(f"/rest/v1/{name.name}")
            assert answer.status_code == 200, answer.text
            assert all(list(row) == list(table.columns) for row in answer.json())
            assert (await client.as_anon().get(f"/rest/v1/{name.name}")).status_code == 401
    assert schema(url) == before


async def test_where_people_sign_in_their_tables_are_all_that_is_added(url: str, app: Mainspring) -> None:
    before, there = schema(url), looked(url).catalog
    async with TestClient(app, url):
        pass
    after = set(schema(url))
    assert [fact for fact in before if fact not in after] == []
    added = looked(url).catalog.tables.keys() - there.tables.keys()
    assert all(name.name.startswith("auth_") for name in added)  # on PostgreSQL they stand in a schema of their own


async def test_the_app_answers_as_the_database_without_one(url: str, app: Mainspring) -> None:
    answers = []
    for served in (app, Mainspring()):
        async with TestClient(served, url) as client:
            service = client.as_service()
            answers.append([(await service.get(f"/rest/v1/{name.name}")).text for name in app.catalog().tables])
    assert answers[0] == answers[1]


def test_the_module_is_typed_and_tidy(written: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    for rules in (["--isolated"], ["--config", str(ROOT / "pyproject.toml"), "--ignore", "I001"]):  # here mainspring is our own
        checked = [sys.executable, "-m", "ruff", "check", *rules, str(written)]
        tidy = subprocess.run(checked, capture_output=True, text=True, cwd=tmp_path)
        assert tidy.returncode == 0, tidy.stdout + tidy.stderr
    cache = ["--cache-dir", str(tmp_path_factory.getbasetemp() / "mypy")]
    checked = [sys.executable, "-m", "mypy", "--strict", *cache, "--follow-imports=silent", str(written)]
    typed = subprocess.run(checked, capture_output=True, text=True, cwd=ROOT)
    assert typed.returncode == 0, typed.stdout + typed.stderr


def test_nothing_is_overwritten(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "app.py").write_text("mine")
    assert main(["init", "--from", url, "--out", str(tmp_path / "app.py")]) == 2
    assert "is there already" in capsys.readouterr().err
    assert (tmp_path / "app.py").read_text() == "mine"
