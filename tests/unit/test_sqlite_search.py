"""Search indexes on SQLite: they find at least what the reference finds, whoever writes, whatever stands in the texts."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest
from pysqlite3 import dbapi2

from mainspring.catalog.model import Catalog, Column, Table
from mainspring.datatypes import BIGINT, TEXT
from mainspring.engines.sqlite import search
from mainspring.engines.sqlite.migrate import migrate
from mainspring.engines.sqlite.narrow import narrowing
from mainspring.errors import MainspringError
from mainspring.query.ast import TableName
from mainspring.query.search.configs import lower
from mainspring.query.search.match import matches
from mainspring.query.search.tokens import is_mark

TEXT_COLUMN = Column("body", TEXT, search="english")
BY_NUMBER = Table(
    TableName("public", "notes"), {"id": Column("id", BIGINT, nullable=False, autoincrement=True), "body": TEXT_COLUMN}, ("id",)
)
BY_TEXT = Table(
    TableName("public", "pages"),
    {"site": Column("site", TEXT, nullable=False), "path": Column("path", TEXT, nullable=False), "body": TEXT_COLUMN},
    ("site", "path"),
)
CATALOG = Catalog({table.name: table for table in (BY_NUMBER, BY_TEXT)})

PIECES = [
    *("a", "foo", "Bar", "cats", "Dying", "ability", "x", "é", "ß", "İ", "1", "12", "0", "e5", "1e5", "1.5", "-3", "v1.2.3"),
    *(" ", " ", " ", " ", "-", "_", ".", "/", "@", ":", "://", "?", "&amp;", "<b>", "'", ",", "\n", "a.com", "x@y.org", "Ω", "ы"),
    *("漢字", "e\u0301", "\u200d", "\U0001f98a", "\U0001f600", "Ა", "½", "²", "\u00ad"),
]
WORDS = [
    *("foo", "bar", "cat", "die", "capable", "x", "é", "1", "1.5", "abc", "foo-bar", "a.com", "e5", "3", "漢字"),
    *("ა", "i", "ω", "5"),
]


@pytest.fixture
def connection() -> Iterator[Any]:
    opened = dbapi2.connect(":memory:", isolation_level=None)
    opened.execute("PRAGMA trusted_schema = OFF")
    migrate(opened, CATALOG)
    yield opened
    opened.close()


def found(connection: Any, table: Table, operator: str, config: str, query: str) -> set[Any]:
    """The keys of the rows that an index finds, before they are looked at again."""
    condition = search.candidates(table, TEXT_COLUMN, "t", "?1", "?2")
    keys = ", ".join(f"t.{name}" for name in table.primary_key)
    arguments = [encode(query) for encode in narrowing(operator, config)]
    return set(connection.execute(f"SELECT {keys} FROM {table.name.name} AS t WHERE {condition}", arguments))


def fitting(connection: Any, table: Table, operator: str, config: str, query: str) -> set[Any]:
    """The keys of the rows that fit."""
    keys = ", ".join(table.primary_key)
    rows = connection.execute(f"SELECT body, {keys} FROM {table.name.name} WHERE body IS NOT NULL")
    return {tuple(key) for body, *key in rows if matches(operator, config, query, body)}


@pytest.mark.parametrize("seed", range(6))
def test_an_index_finds_whatever_fits(connection: Any, seed: int) -> None:
    draw = random.Random(seed)
    texts = ["".join(draw.choice(PIECES) for _ in range(draw.randint(0, 8))) for _ in range(600)]
    connection.executemany("INSERT INTO notes (body) VALUES (?)", [(text,) for text in texts])
    every = 0
    for _ in range(150):
        operator, config = draw.choice(["fts", "plfts", "phfts", "wfts"]), draw.choice(["english", "simple"])
        query = draw.choice([*WORDS, *texts])
        if operator == "fts":
            query = draw.choice([f"'{query}'", f"'{query}':*", f"{draw.choice(WORDS)} | '{query}'", f"!{draw.choice(WORDS)}"])
        try:
            expected = fitting(connection, BY_NUMBER, operator, config, query)
        except MainspringError:
            continue
        every += bool(expected)
        assert expected <= found(connection, BY_NUMBER, operator, config, query), (operator, config, query)
    assert every > 50


def test_an_index_leaves_most_rows_alone(connection: Any) -> None:
    connection.executemany("INSERT INTO notes (body) VALUES (?)", [(f"word{n} common, plain text.",) for n in range(500)])
    assert found(connection, BY_NUMBER, "plfts", "english", "word77") == {(78,)}
    assert len(found(connection, BY_NUMBER, "fts", "english", "common & !word77")) == 500
    assert found(connection, BY_NUMBER, "fts", "english", "") == set()


@pytest.mark.parametrize("table", [BY_NUMBER, BY_TEXT], ids=["number", "text"])
def test_every_kind_of_write_is_followed(connection: Any, table: Table) -> None:
    name, numbered = table.name.name, table is BY_NUMBER
    columns = "id" if numbered else "site, path"

    def key(number: int) -> str:
        return str(number) if numbered else f"'s', 'p{number}'"

    def of(number: int) -> str:
        return f"id = {number}" if numbered else f"path = 'p{number}'"

    def check(word: str, *numbers: int) -> None:
        expected = {(number,) if numbered else ("s", f"p{number}") for number in numbers}
        assert fitting(connection, table, "plfts", "english", word) == expected
        assert found(connection, table, "plfts", "english", word) == expected

    run = connection.execute
    for number in (1, 2, 3):
        run(f"INSERT INTO {name} ({columns}, body) VALUES ({key(number)}, 'cats and dogs')")
    check("cat", 1, 2, 3)
    run(f"INSERT OR REPLACE INTO {name} ({columns}, body) VALUES ({key(1)}, 'birds')")
    run(f"INSERT OR IGNORE INTO {name} ({columns}, body) VALUES ({key(2)}, 'birds'), ({key(4)}, 'birds')")
    run(f"INSERT INTO {name} ({columns}, body) VALUES ({key(3)}, 'x') ON CONFLICT DO UPDATE SET body = 'fish'")
    check("bird", 1, 4)
    check("fish", 3)
    run(f"UPDATE {name} SET body = NULL WHERE {of(2)}")
    run(f"UPDATE {name} SET body = 'cats' WHERE {of(1)}")
    check("cat", 1)
    run(f"UPDATE {name} SET {'id = 9' if numbered else 'path = $$p9$$'.replace('$$', chr(39))} WHERE {of(4)}")
    run(f"INSERT INTO {name} ({columns}, body) VALUES ({key(4)}, 'horses')")
    check("bird", 9)
    check("horse", 4)
    run(f"UPDATE OR REPLACE {name} SET {'id = 4' if numbered else 'path = $$p4$$'.replace('$$', chr(39))} WHERE {of(9)}")
    assert (4 if numbered else "p4") in {row[-1] for row in found(connection, table, "plfts", "english", "bird")}
    run("VACUUM")
    check("fish", 3)
    run(f"DELETE FROM {name}")
    check("fish")
    check("cat")


def test_rows_and_indexes_that_were_there_before(connection: Any) -> None:
    migrated = connection.execute("SELECT name, rootpage FROM sqlite_schema").fetchall()
    migrate(connection, CATALOG)
    assert connection.execute("SELECT name, rootpage FROM sqlite_schema").fetchall() == migrated
    for table, rest in ((BY_NUMBER, "(id, body) VALUES (7, "), (BY_TEXT, "(site, path, body) VALUES ('a', 'b', ")):
        connection.execute(f"DROP TRIGGER {table.name.name}_body_search_insert")
        connection.execute(f"INSERT INTO {table.name.name} {rest}'lazy dogs')")
        migrate(connection, CATALOG)
        assert len(found(connection, table, "plfts", "english", "dog")) == 1


def test_another_library_writes(tmp_path: Any) -> None:
    ours = dbapi2.connect(str(tmp_path / "file"), isolation_level=None)
    migrate(ours, CATALOG)
    with sqlite3.connect(tmp_path / "file") as theirs:
        theirs.execute("INSERT INTO notes (id, body) VALUES (1, 'cats'), (2, 'dogs')")
        theirs.execute("UPDATE notes SET body = 'birds' WHERE id = 2")
    theirs.close()
    assert found(ours, BY_NUMBER, "plfts", "english", "bird") == {(2,)}
    assert found(ours, BY_NUMBER, "plfts", "english", "dog") == set()
    ours.close()


def test_ordinary_characters_are_words_and_fold_as_for_fts5(connection: Any) -> None:
    ranges = [search.ORDINARY[place : place + 3] for place in range(0, len(search.ORDINARY), 3)]
    ordinary = [chr(code) for first, _, last in ranges for code in range(ord(first), ord(last) + 1)]
    connection.execute(f"CREATE VIRTUAL TABLE w USING fts5(x, tokenize={search.names.literal(search._TOKENIZER)})")
    connection.execute("CREATE VIRTUAL TABLE v USING fts5vocab(w, 'instance')")
    numbered = dict(enumerate(sorted({*ordinary, *map(lower, ordinary)}), 1))
    connection.executemany("INSERT INTO w (rowid, x) VALUES (?, ?)", [(n, f"a{c}b") for n, c in numbered.items()])
    seen: dict[str, list[str]] = {}
    for term, number in connection.execute("SELECT term, doc FROM v ORDER BY doc, offset"):
        seen.setdefault(numbered[number], []).append(term)
    for character in ordinary:
        joined = len(seen[character]) == 1
        assert joined <= (character.isalnum() or is_mark(character)), hex(ord(character))
        assert joined or not character.isalnum(), hex(ord(character))
        assert not joined or seen[character] == seen[lower(character)], hex(ord(character))
