"""A database made anew from the models that `mainspring init` wrote of one: the same checks, the same indexes."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest

from mainspring.app import Mainspring
from mainspring.catalog.model import Check, SqlIndex, Table
from mainspring.cli import main
from mainspring.engines.registry import look
from mainspring.query.ast import TableName
from mainspring.settings import AuthSettings, DatabaseSettings, Settings
from mainspring.testing.client import TestClient
from tests.support import constrained
from tests.support.servers import PostgresServer

SELECT, KEYLESS = TableName("public", "select"), TableName("public", "keyless")
QUIET = Settings(auth=AuthSettings(enabled=False))


@dataclass
class Pair:
    """A database that was found, the one made from its models, and what was said on the way."""

    found: str
    made: str
    written: str
    said: str
    service: httpx.AsyncClient

    @property
    def engine(self) -> str:
        return self.found.partition(":")[0]


def in_a_file(folder: Path) -> tuple[str, str]:
    from pysqlite3 import dbapi2

    with closing(dbapi2.connect(str(folder / "found.sqlite"))) as connection:
        connection.executescript(constrained.SQLITE)
    return f"sqlite:///{folder / 'found.sqlite'}", f"sqlite:///{folder / 'made.sqlite'}"


def on_a_server(server: PostgresServer) -> tuple[str, str]:
    import psycopg

    url, anew = server.database("constrained"), server.database("made_anew")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(constrained.POSTGRES.encode())
    with psycopg.connect(anew, autocommit=True) as connection:  # the models say that it must be there first
        connection.execute("".join(constrained.POSTGRES.strip().splitlines()[:2]).encode())
    return url, anew


@pytest.fixture(params=["sqlite", "postgres"])
async def pair(request: pytest.FixtureRequest, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> AsyncIterator[Pair]:
    made = in_a_file(tmp_path) if request.param == "sqlite" else on_a_server(request.getfixturevalue("postgres"))
    file = tmp_path / "app.py"
    assert main(["init", "--from", made[0], "--out", str(file)]) == 0
    async with TestClient(loaded(file), made[1], settings=QUIET) as client:
        yield Pair(*made, file.read_text(encoding="utf-8"), capsys.readouterr().err, client.as_service())


def loaded(file: Path) -> Mainspring:
    name = f"anew_{file.parent.name.replace('-', '_')}"
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    finally:
        del sys.modules[name]
    app = module.app
    assert isinstance(app, Mainspring)
    return app


def tables(url: str) -> dict[TableName, Table]:
    return dict(look(Settings(database=DatabaseSettings(url=url)), Path()).catalog.tables)


def checks(table: Table) -> dict[str, Check]:
    """Those of the models: a file of ours checks the types of columns too."""
    return {check.name: check for check in table.checks if not check.name.endswith("_type")}


def own(table: Table) -> dict[str, SqlIndex]:
    return {index.name: index for index in table.sql_indexes}


async def test_checks_and_indexes_are_the_same(pair: Pair) -> None:
    there, anew = tables(pair.found), tables(pair.made)
    assert there.keys() == anew.keys() == {SELECT, KEYLESS}
    for name, table in there.items():
        assert checks(anew[name]) == checks(table)
        assert own(anew[name]) == own(table)
        assert anew[name].exclusions == table.exclusions
        collations = {column.name: column.collation for column in table.columns.values()}
        assert {column.name: column.collation for column in anew[name].columns.values()} == collations
        indexes = {index.name: index for index in table.indexes if len(index.name) < 64}
        assert {index.name: index for index in anew[name].indexes} == indexes


async def test_all_of_them_are_found(pair: Pair) -> None:
    there = tables(pair.found)
    named = {'it\'s "named" 100%', "first", "from", "select_check", "select_id_check", "select_path_check", "select_nested_check"}
    more = {"select_back`tick_check"} if pair.engine == "sqlite" else {"select_tags_check", "select_email_check"}
    assert checks(there[SELECT]).keys() >= (named | more)
    assert len(checks(there[SELECT])) == len(named | more)
    kinds = {"within", "words", "hashed", "near", "summed", "a, (b"} if pair.engine == "postgresql" else set[str]()
    assert own(there[SELECT]).keys() == {"where", "order", "in order"} | kinds
    assert own(there[KEYLESS]).keys() == {"keyless'index"}
    assert {"plain"} <= {index.name for index in there[SELECT].indexes} <= {"plain", "once", "patterned", "none_twice", LONG}
    assert own(there[SELECT])["where"].unique
    assert "WHERE ''x''" in (own(there[SELECT])["where"].where or "")


LONG = "a name so long that no other database could have it, though this one can have it, long as it is"
SILENT = {
    "sqlite": (
        "public.select.day: COLLATE NOCASE",
        f"public.select: its index {LONG} has a name that is not 1 to 63 bytes long",
        'public.select: its index over needs the column quo"te',
        'public.select: its check select_check1 needs the column quo"te',
    ),
    "postgresql": (
        "public.select.amount: the checks of its domain positive",
        "public.select: its check select_email_check calls fine(text), which must be there first",
        'public.select: its check select_quo"te_check needs the column quo"te',
        'public.select: its index over needs the column quo"te',
        "public.select: its index none_twice is written without NULLS NOT DISTINCT",
        "public.keyless.counted: it counts from 100 by 5",
        "public.keyless: its constraint late is written without DEFERRABLE",
        "public.keyless: its constraint whole is written without DEFERRABLE",
        "public.keyless: its constraint whole is written without MATCH FULL",
        "public.select.label: its collation own_order must be there first",
        "public.select.words: its collation own_order must be there first",
    ),
}


async def test_what_models_cannot_say_is_told_twice(pair: Pair) -> None:
    comments = " ".join(line.removeprefix("#").strip() for line in pair.written.splitlines() if line.startswith("#"))
    for part in SILENT[pair.engine]:
        assert part in pair.said
        assert part in comments
    assert len([line for line in pair.said.splitlines() if line.startswith("not said")]) == len(SILENT[pair.engine])


DEFINITIONS = b"""
SELECT c.relname, pg_get_indexdef(i.indexrelid) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
WHERE c.relnamespace = 'public'::regnamespace AND c.relname NOT IN ('over', 'none_twice')
UNION ALL
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE contype = 'x'
UNION ALL
SELECT a.attname, l.collname FROM pg_attribute a JOIN pg_collation l ON l.oid = a.attcollation
WHERE a.attrelid = 'public.select'::regclass AND l.collname = 'own_order'"""


async def test_the_database_itself_describes_both_alike(pair: Pair) -> None:
    if pair.engine != "postgresql":
        pytest.skip("SQLite keeps the text of its statements")
    described = []
    for url in (pair.found, pair.made):
        with psycopg.connect(url) as connection:
            described.append(sorted(connection.execute(DEFINITIONS).fetchall()))
    assert described[0] == described[1]
    assert len(described[0]) == 21


async def test_what_the_models_say_they_say_in_sqlalchemys_words(pair: Pair) -> None:
    said = "".join(pair.written.split())
    if pair.engine == "sqlite":
        assert 'email:Mapped[str|None]=mapped_column(sa.Text(collation="NOCASE"),unique=True' in said
        assert 'sa.Text(collation="RTRIM")' in said
        return
    for words in (
        'sa.Index("once","path","nested",unique=True,postgresql_include=["id"])',
        'sa.Index("within","tags",postgresql_using="gin")',
        'postgresql_ops={"label":"text_pattern_ops"}',
        'sa.ARRAY(sa.String(9,collation="own_order"))',
        'postgresql.ExcludeConstraint(("room","="),name="select_room_excl",using="btree")',
    ):
        assert words in said


async def test_what_a_collation_or_an_exclusion_constraint_holds_apart_is_held_apart(pair: Pair) -> None:
    post = pair.service.post
    given = {"room": 1} if pair.engine == "postgresql" else {"email": "Ada@b.c"}
    again = {"room": 1} if pair.engine == "postgresql" else {"email": "aDA@b.c"}
    assert (await post("/rest/v1/select", json={"id": 1, **given})).status_code == 201
    taken = await post("/rest/v1/select", json={"id": 2, **again})
    assert (taken.status_code, taken.json()["code"]) == (409, "23505")
    if pair.engine == "postgresql":
        assert "select_room_excl" in taken.json()["message"]
        assert taken.json()["details"] is None


async def test_an_upsert_by_a_key_that_is_checked_late_is_refused_by_name(pair: Pair) -> None:
    if pair.engine != "postgresql":
        pytest.skip("SQLite checks keys at once")
    merge = {"prefer": "resolution=merge-duplicates"}
    async with TestClient(Mainspring(), pair.found) as client:
        answer = await client.as_service().post("/rest/v1/keyless?on_conflict=late", json={"a": 1}, headers=merge)
    assert (answer.status_code, answer.json()["code"]) == (400, "PGRST127")
    assert "DEFERRABLE" in answer.json()["message"] + str(answer.json()["details"])


ROW = {"id": 1, "check": "a", "path": "p", "nested": "nested"}


@pytest.mark.parametrize(
    ("wrong", "name"),
    [
        ({"id": -1}, "select_id_check"),
        ({"check": "100%s"}, 'it\'s "named" 100%'),
        ({"with space": 2, "brack et": 2}, "first"),
        ({"path": "C:\\:temp"}, "select_path_check"),
        ({"path": ":bound"}, "select_path_check"),
        ({"nested": "it's"}, "from"),
        ({"id": 7}, "select_check"),
    ],
)
async def test_a_row_that_a_check_refuses_is_refused_by_its_name(pair: Pair, wrong: dict[str, object], name: str) -> None:
    there = tables(pair.made)[SELECT].columns
    row = {column: value for column, value in (ROW | wrong).items() if column in there}
    answer = await pair.service.post("/rest/v1/select", json=row)
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] == "23514"
    assert name in answer.json()["message"]


async def test_a_row_that_a_part_of_the_rows_has_is_refused_by_its_name(pair: Pair) -> None:
    post = pair.service.post
    assert (await post("/rest/v1/select", json=[ROW, ROW | {"id": 2, "check": "b", "path": "q"}])).status_code == 201
    taken = await post("/rest/v1/select", json=ROW | {"id": 3, "check": "A", "path": "r"})
    assert (taken.status_code, taken.json()["code"]) == (409, "23505")
    assert '"where"' in taken.json()["message"]
    null = [{"id": number, "check": None, "path": "p", "nested": None} for number in (4, 5)]
    assert (await post("/rest/v1/select", json=null)).status_code == 201


async def test_a_part_of_the_rows_identifies_none(pair: Pair) -> None:
    answer = await pair.service.post(
        "/rest/v1/select?on_conflict=path", json=ROW, headers={"prefer": "resolution=merge-duplicates"}
    )
    assert (answer.status_code, answer.json()["code"]) == (400, "42P10")


async def test_the_default_is_what_it_was(pair: Pair) -> None:
    headers = {"prefer": "return=representation"}
    answer = await pair.service.post("/rest/v1/select?select=nested", json={"id": 9}, headers=headers)
    assert answer.json() == [{"nested": "a:b \\: c"}]
