"""Tables whose columns have SQLite's own names for a row, and tables WITHOUT ROWID: read and written as all others."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from mainspring import Mainspring
from mainspring.catalog.build import build
from mainspring.cli import main
from mainspring.errors import ConfigError
from mainspring.settings import AuthSettings, Settings
from mainspring.testing.client import TestClient
from tests.conformance.test_made_anew import loaded, tables

QUIET = Settings(auth=AuthSettings(enabled=False))
SHOWN = {"prefer": "return=representation"}
KINDS = ("a rowid", "all three", "no rowid", "one key")


def table(kind: str, metadata: sa.MetaData) -> sa.Table:
    """A table `things` whose rows SQLite knows in another way each."""
    word = sa.Column("word", sa.Text, info={"search": "english"})
    parent = (sa.Column("parent", sa.Integer), sa.Column("parent_day", sa.Text))
    match kind:
        case "a rowid":
            keys = [
                sa.Column("rowid", sa.Integer, primary_key=True, autoincrement=False),
                sa.Column("day", sa.Text, primary_key=True),
            ]
        case "all three":
            keys = [
                sa.Column("OID", sa.Integer, primary_key=True, autoincrement=False),
                sa.Column("day", sa.Text, primary_key=True),
            ]
            keys += [sa.Column("RowId", sa.Text), sa.Column("_rowid_", sa.Integer, default=3)]
        case _:
            keys = [
                sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
                sa.Column("day", sa.Text, primary_key=True),
            ]
    own = sa.ForeignKeyConstraint(["parent", "parent_day"], [f"things.{keys[0].name}", "things.day"], ondelete="CASCADE")
    without = {"sqlite_with_rowid": False} if kind == "no rowid" else {}
    if kind == "one key":
        keys = [sa.Column("number", sa.Integer, primary_key=True, autoincrement=False), sa.Column("day", sa.Text)]
        own, without = sa.ForeignKeyConstraint(["parent"], ["things.number"], ondelete="CASCADE"), {"sqlite_with_rowid": False}
    owner = sa.Column("owner", sa.Text)
    return sa.Table("things", metadata, *keys, word, owner, *parent, own, sa.UniqueConstraint("word", "owner"), **without)


def application(kind: str) -> tuple[Mainspring, str]:
    """The app, and the name of its table's number."""
    metadata = sa.MetaData()
    things = table(kind, metadata)
    app = Mainspring(models=metadata)

    @app.policy(things, "select", to="authenticated")
    def seen(row: Any, me: Any) -> Any:
        return row.owner != "hidden"

    @app.policy(things, "insert", "update", "delete", to="authenticated")
    def owned(row: Any, me: Any) -> Any:
        return (row.owner == "ada") & app_exists(things, row)

    return app, str(next(iter(things.columns)).name)


def app_exists(things: sa.Table, row: Any) -> Any:
    """What looks at another table, so that it is verified after the write."""
    from mainspring import exists

    return ~exists(things, lambda other: (other.word == row.word) & (other.owner == "taboo"))


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'rowids.sqlite'}"
    made: str = request.getfixturevalue("postgres").database("rowids") if request.param == "postgres" else "memory://"
    return made


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize("kind", KINDS)
async def test_they_are_written_and_read_as_all_others(kind: str, url: str) -> None:
    app, key = application(kind)
    async with TestClient(app, url, settings=QUIET) as client:
        ask, path = client.as_user("a11ce000-0000-4000-8000-000000000001"), "/rest/v1/things"
        rows = [
            {key: n, "day": "mon", "word": f"running {n}", "owner": "ada", "parent": None, "parent_day": None} for n in (1, 2, 3)
        ]
        rows[0] |= {"parent": 3} | ({} if kind == "one key" else {"parent_day": "mon"})  # one that comes later
        columns = ",".join(rows[0])
        made = await ask.post(f"{path}?select={columns}", json=rows, headers=SHOWN)
        assert (made.status_code, made.json()) == (201, rows)
        service = client.as_service()
        taboo = [
            {key: n, "day": "tue", "word": word, "owner": owner} for n, word, owner in ((8, "no", "taboo"), (9, "h", "hidden"))
        ]
        assert (await service.post(path, json=taboo)).status_code == 201

        denied = {key: 4, "day": "mon", "word": "x", "owner": "bob"}
        assert code(await ask.post(path, json=denied)) == (403, "42501")
        assert code(await ask.post(path, json=denied | {"owner": "ada", "word": "no"})) == (403, "42501")
        assert code(await ask.patch(f"{path}?{key}=eq.1", json={"word": "no"})) == (403, "42501")
        assert code(await ask.patch(f"{path}?{key}=eq.1", json={"owner": "bob"})) == (403, "42501")
        assert code(await ask.post(path, json=rows[1])) == (409, "23505")

        moved = await ask.patch(
            f"{path}?{key}=gte.2&order={key}.desc&limit=1&select={key},day", json={"day": "sun"}, headers=SHOWN
        )
        if kind in ("one key",):
            assert moved.json() == [{key: 3, "day": "sun"}]
        else:  # the row refers to what has moved away
            assert code(moved) == (409, "23503")
            moved = await ask.patch(f"{path}?{key}=eq.2&select={key},day", json={"day": "sun", key: 20}, headers=SHOWN)
            assert moved.json() == [{key: 20, "day": "sun"}]
            await ask.patch(f"{path}?{key}=eq.20", json={"day": "mon", key: 2})

        upsert = {"prefer": "resolution=merge-duplicates, return=representation"}
        changed = [rows[1] | {"word": "swimming"}, rows[2] | {key: 30, "word": "new"}]
        if kind == "one key":
            changed[0]["day"] = "thu"
        for each in changed:
            merged = await ask.post(f"{path}?select={columns}", json=each, headers=upsert)
            assert merged.json() == [each]
        foreign = {key: 8, "day": "tue", "word": "mine", "owner": "ada"}
        assert code(await ask.post(path, json=foreign, headers=upsert)) == (403, "42501")
        ignored = await ask.post(
            f"{path}?select={key}", json=[foreign], headers={"prefer": "resolution=ignore-duplicates, return=representation"}
        )
        assert ignored.json() == []

        found = await ask.get(f"{path}?word=wfts(english).swim&select={key}")
        assert found.json() == [{key: 2}]
        pages, cursor = [], ""
        while len(pages) < 9:
            page = await ask.get(f"{path}?select={key}&order=day.desc,{key}.desc&limit=2&cursor={cursor}")
            pages += [row[key] for row in page.json()]
            if not (cursor := page.headers.get("next-cursor", "")):
                break
        everything = await ask.get(f"{path}?select={key}&order=day.desc,{key}.desc")
        assert pages == [row[key] for row in everything.json()]
        assert sorted(pages) == [1, 2, 3, 8, 30]

        many = await ask.patch(f"{path}?owner=eq.ada", json={"owner": "ada"}, headers={"prefer": "count=exact"})
        assert many.headers["content-range"].endswith("/4")
        gone = await ask.delete(f"{path}?{key}=in.(2,3)&select={key}&order={key}", headers=SHOWN)
        assert [row[key] for row in gone.json()] == [2, 3]
        left = await service.get(f"{path}?select={key}&order={key}")
        assert [row[key] for row in left.json()] == [8, 9, 30]  # the first went along with what it referred to
        assert (await ask.delete(f"{path}?{key}=gte.8", headers={"prefer": "count=exact"})).headers["content-range"] == "*/1"


# ---------------------------------------------------------------- files that were there before

FILE = """
CREATE TABLE keyed (a TEXT, b INT, c REAL, word TEXT, PRIMARY KEY (a, b, c)) WITHOUT ROWID;
CREATE TABLE hidden (id TEXT PRIMARY KEY, rowid TEXT, oid INT, _rowid_ INT);
CREATE TABLE numbered (rowid INTEGER PRIMARY KEY, word TEXT);
CREATE TABLE nameless (rowid INT, oid INT, _rowid_ INT);
CREATE TABLE single (word TEXT PRIMARY KEY, size INT) WITHOUT ROWID;
INSERT INTO keyed VALUES ('x', 1, 0.1, 'w'), ('x', 'one', 0.3, 'w'), (x'00ff', 2, 1, 'w');
INSERT INTO hidden VALUES ('a', 'r', 7, 8), (NULL, 'n', 1, 1);
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    from pysqlite3 import dbapi2

    with closing(dbapi2.connect(str(tmp_path / "found.sqlite"))) as connection:
        connection.executescript(FILE)
    return tmp_path / "found.sqlite"


async def test_those_that_were_found_are_written(file: Path) -> None:
    async with TestClient(Mainspring(), f"sqlite:///{file}", settings=QUIET) as client:
        ask = client.as_service()
        for path, change, shown in (
            ("keyed?c=eq.0.1&select=a,b,c,word", {"word": "v", "c": 0.30000000000000004}, ["x", 1, 0.30000000000000004, "v"]),
            ("keyed?c=eq.0.3&select=a,word", {"word": "v"}, ["x", "v"]),
            ("hidden?id=eq.a&select=rowid,oid", {"rowid": "s"}, ["s", 7]),
        ):
            answer = await ask.patch(f"/rest/v1/{path}", json=change, headers=SHOWN)
            assert [list(row.values()) for row in answer.json()] == [shown]
        for path, row in (
            ("numbered", {"rowid": 5, "word": "a"}),
            ("single", {"word": "a\"\\b", "size": 1}),
            ("single", {"word": "é"}),
        ):
            answer = await ask.post(f"/rest/v1/{path}?select={','.join(row)}", json=row, headers=SHOWN)
            assert (answer.status_code, answer.json()) == (201, [row])
        assert (await ask.delete("/rest/v1/numbered?rowid=eq.5")).status_code == 204


async def test_rows_that_are_not_found_again_by_their_key_are_not_written(file: Path) -> None:
    """Nothing could be verified of them: bytes stand in no JSON, and null is equal to nothing."""
    async with TestClient(Mainspring(), f"sqlite:///{file}", settings=QUIET) as client:
        ask = client.as_service()
        assert (await ask.patch("/rest/v1/keyed?c=eq.1", json={"word": "v"})).status_code == 400
        nobody = await ask.patch("/rest/v1/hidden?rowid=eq.n", json={"oid": 2})
        assert code(nobody) == (400, "PGRST127")
        assert [row["oid"] for row in (await ask.get("/rest/v1/hidden?rowid=eq.n")).json()] == [1]
        assert code(await ask.post("/rest/v1/nameless", json={"oid": 2})) == (400, "PGRST127")


def test_the_models_say_so(file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--from", f"sqlite:///{file}", "--out", str(tmp_path / "app.py")]) == 0
    assert dict(loaded(tmp_path / "app.py").catalog().tables) == tables(f"sqlite:///{file}")


async def test_a_table_is_made_without_a_rowid(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'made.sqlite'}"
    async with TestClient(application("one key")[0], url, settings=QUIET):
        assert not next(iter(tables(url).values())).with_rowid
    metadata = sa.MetaData()
    sa.Table("counted", metadata, sa.Column("id", sa.Integer, primary_key=True), sqlite_with_rowid=False)
    assert not next(iter(build(metadata).tables.values())).with_rowid
    with pytest.raises(ConfigError, match="SQLite counts only in tables with a rowid"):
        async with TestClient(Mainspring(models=metadata), f"sqlite:///{tmp_path / 'counted.sqlite'}", settings=QUIET):
            pass
