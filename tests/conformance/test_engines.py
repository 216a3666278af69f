"""The engine suite on every engine there is."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import pytest
from msgspec.structs import replace

from mainspring.catalog.model import Table
from mainspring.datatypes import Kind
from mainspring.engines.base import Engine
from mainspring.engines.registry import open_engine
from mainspring.errors import ConfigError
from mainspring.settings import DatabaseSettings, Secret
from mainspring.testing.engine_suite import EngineSuite
from mainspring.testing.suite import world
from tests.support.needs import missing
from tests.support.servers import PostgresServer

RAW_KEY = "x'" + "5a" * 32 + "'"
"""SQLCipher takes it as it is; from a passphrase it would derive one, which takes a third of a second each time."""


class TestMemory(EngineSuite):
    """Rows in dicts."""

    def make_engine(self, folder: Path) -> Engine:
        return open_engine(DatabaseSettings(url="memory://"), folder)


class TestSqlite(EngineSuite):
    """A SQLite file."""

    def make_engine(self, folder: Path) -> Engine:
        return open_engine(DatabaseSettings(synchronous="NORMAL"), folder)


class TestEncryptedSqlite(EngineSuite):
    """A SQLite file that SQLCipher encrypts."""

    def make_engine(self, folder: Path) -> Engine:
        if find_spec("sqlcipher3") is None:
            missing("sqlcipher3", "pip install 'mainspring[encryption]' (make test does)")
        return open_engine(DatabaseSettings(synchronous="NORMAL", key=Secret(RAW_KEY)), folder)

    async def test_a_passphrase_opens_what_it_closed_and_no_other_does(self, tmp_path: Path) -> None:
        for passphrase in ("it's a pass phrase", "it's a pass phrase"):
            engine = open_engine(DatabaseSettings(key=Secret(passphrase)), tmp_path)
            await engine.start(world.catalog())
            await engine.migrate(world.catalog())
            await engine.stop()
        for other in ("another", ""):
            engine = open_engine(DatabaseSettings(key=Secret(other)), tmp_path)
            with pytest.raises(ConfigError):
                await engine.start(world.catalog())


@pytest.fixture(scope="module")
def suite_database(postgres: PostgresServer) -> str:
    """The address of a database for the suite."""
    return postgres.database("suite")


class TestPostgres(EngineSuite):
    """A database of a real PostgreSQL server, emptied before each test: that is cheaper than a new one."""

    @pytest.fixture(autouse=True)
    def _emptied(self, suite_database: str) -> None:
        import psycopg

        with psycopg.connect(suite_database, autocommit=True) as connection:
            connection.execute("set client_min_messages = error")
            connection.execute("drop schema if exists public, geo cascade")
            connection.execute("create schema public")
        self.url = suite_database

    def make_engine(self, folder: Path) -> Engine:
        return open_engine(DatabaseSettings(url=self.url, pool_size=4), folder)


class TestFoundSqlite(EngineSuite):
    """A SQLite file whose columns are declared as if Mainspring had not made them: what is read with care reads the same."""

    @pytest.fixture(autouse=True)
    def _declared(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(world, "TABLES", tuple(map(declared, world.TABLES)))

    def make_engine(self, folder: Path) -> Engine:
        return open_engine(DatabaseSettings(synchronous="NORMAL"), folder)


def declared(table: Table) -> Table:
    """The table with a type of the file's own for every column that introspection would give one."""
    kinds = (Kind.TEXT, Kind.INTEGER, Kind.NUMERIC, Kind.FLOAT, Kind.BOOLEAN, Kind.DATE, Kind.TIME, Kind.TIMESTAMP)
    kinds += (Kind.TIMESTAMPTZ, Kind.JSON, Kind.BYTES)
    columns = {
        name: replace(column, type=replace(column.type, native=str(column.type)))
        if column.type.kind in kinds and not column.autoincrement
        else column
        for name, column in table.columns.items()
    }
    return replace(table, columns=columns)
