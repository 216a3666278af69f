"""The catalog's tables on real databases: they are created, hold what belongs in them and refuse what does not."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import psycopg
import pysqlite3
import pytest
from sqlalchemy import (
    ARRAY,
    JSON,
    Boolean,
    Column,
    Computed,
    DateTime,
    Enum,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Interval,
    LargeBinary,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint

from mainspring.catalog.build import build
from mainspring.catalog.model import Catalog
from mainspring.datatypes import from_text
from mainspring.engines.memory.engine import MemoryEngine
from mainspring.engines.postgres import ddl as postgres_ddl
from mainspring.engines.sqlite import ddl as sqlite_ddl
from mainspring.errors import ConfigError
from mainspring.query.ast import TableName
from tests.support.every_type import Base
from tests.support.servers import PostgresServer

CATALOG = build(Base)
EVERYTHING = CATALOG.tables[TableName("public", "everything")]
GIVEN = (
    "INSERT INTO everything (a_numeric, a_float, a_text, an_enum, a_made_moment{more})"
    " VALUES (3, 1, 'x', 'happy', '2026-01-31T00:00:00+00:00'{values})"
)


@pytest.fixture
def sqlite() -> Iterator[Any]:
    connection = pysqlite3.connect(":memory:", isolation_level=None)
    connection.execute("PRAGMA foreign_keys = ON")
    yield connection
    connection.close()


@pytest.fixture
def server(postgres: PostgresServer) -> Iterator[psycopg.Connection[Any]]:
    with psycopg.connect(postgres.database("ddl"), autocommit=True) as connection:
        yield connection


def run(connection: Any, *statements: str) -> None:
    for statement in statements:
        connection.execute(statement)


def given(**more: str) -> str:
    """An insert of the columns that are required, and `more`, as SQL."""
    return GIVEN.format(more="".join(f", {name}" for name in more), values="".join(f", {sql}" for sql in more.values()))


def small(*items: Any) -> Catalog:
    metadata = MetaData()
    Table("t", metadata, Column("id", Integer, primary_key=True), *items)
    return build(metadata)


def refusals(engine: Any, *items: Any) -> str:
    with pytest.raises(ConfigError) as caught:
        engine.create_statements(small(*items))
    return caught.value.message


# ---------------------------------------------------------------- both


def test_sqlite_creates_everything(sqlite: Any) -> None:
    run(sqlite, *sqlite_ddl.create_statements(CATALOG))
    names = {row[0] for row in sqlite.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert names == {"everything", "auth_users", "geo_places", "visits", "trips"}
    assert sqlite_ddl.create_statements(CATALOG, CATALOG.tables.keys()) == []
    assert all(row[5] for row in sqlite.execute("PRAGMA table_list") if row[1] in names)  # STRICT


def test_postgres_creates_everything(server: psycopg.Connection[Any]) -> None:
    run(server, *postgres_ddl.create_statements(CATALOG))
    rows = server.execute("SELECT table_schema || '.' || table_name FROM information_schema.tables").fetchall()
    assert {str(name) for name in CATALOG.tables} <= {row[0] for row in rows}
    assert postgres_ddl.create_statements(CATALOG, CATALOG.tables.keys()) == []


def test_both_compute_the_same(sqlite: Any, server: psycopg.Connection[Any]) -> None:
    for connection, ddl in ((sqlite, sqlite_ddl), (server, postgres_ddl)):
        run(connection, *ddl.create_statements(CATALOG), given(an_integer="21"))
        [(doubled, taxed)] = connection.execute("SELECT doubled, taxed FROM everything").fetchall()
        assert (doubled, float(taxed)) == (42, 3.57)


# ---------------------------------------------------------------- SQLite


def test_sqlite_defaults_are_canonical(sqlite: Any) -> None:
    run(sqlite, *sqlite_ddl.create_statements(CATALOG), given())
    names = [name for name, column in EVERYTHING.columns.items() if column.server_default is not None]
    values = sqlite.execute(f"SELECT {', '.join(names)} FROM everything").fetchone()
    row = dict(zip(names, values, strict=True))
    assert (row["an_integer"], row["a_smallint"], row["a_boolean"], row["a_varchar"]) == (7, 3, 1, "it's")
    assert (row["a_json"], row["an_array"], row["a_word"]) == ("{}", '["a","b"]', "one")
    for name in ("a_date", "a_time", "a_timestamp", "a_timestamptz", "a_uuid"):
        assert from_text(EVERYTHING.columns[name].type, row[name]) == row[name]
    assert re.fullmatch(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", row["a_uuid"])


@pytest.mark.parametrize(
    ("moment", "canonical"),
    [
        ("2026-01-31 10:00:00.000", "2026-01-31T10:00:00+00:00"),
        ("2026-01-31 10:20:30.120", "2026-01-31T10:20:30.12+00:00"),
        ("2026-01-31 10:20:30.007", "2026-01-31T10:20:30.007+00:00"),
    ],
)
def test_sqlite_now_has_no_trailing_zeros(sqlite: Any, moment: str, canonical: str) -> None:
    statement = next(iter(sqlite_ddl.create_statements(small(Column("a", DateTime(True), server_default=func.now())))))
    expression = statement.partition("DEFAULT ")[2].partition("\n")[0].rstrip(",").replace("'now'", f"'{moment}'")
    assert sqlite.execute(f"SELECT {expression}").fetchone()[0] == canonical


@pytest.mark.parametrize(
    "wrong",
    [
        {"a_boolean": "2"},
        {"a_varchar": "'123456789012345678901'"},
        {"a_word": "'three'"},
        {"a_json": "'{'"},
        {"an_array": "'{}'"},
        {"an_integer": "0"},
        {"an_integer": "'many'"},
        {"owner": "'00000000-0000-4000-8000-000000000000'"},
    ],
)
def test_sqlite_refuses_what_does_not_belong(sqlite: Any, wrong: dict[str, str]) -> None:
    run(sqlite, *sqlite_ddl.create_statements(CATALOG))
    with pytest.raises(pysqlite3.IntegrityError):
        sqlite.execute(given(**wrong))


def test_sqlite_fills_only_keys_it_may_fill(sqlite: Any) -> None:
    run(sqlite, *sqlite_ddl.create_statements(CATALOG), given(), "INSERT INTO visits DEFAULT VALUES")
    assert sqlite.execute("SELECT id FROM visits").fetchall() == [(1,)]
    with pytest.raises(pysqlite3.IntegrityError):
        sqlite.execute("INSERT INTO trips (id) VALUES (NULL)")


def test_sqlite_says_what_it_cannot_hold() -> None:
    message = refusals(
        sqlite_ddl,
        Column("a", Integer, server_default=text("nextval('s')")),
        Column("b", Integer, server_default=func.now()),
        Column("c", Integer, Identity()),
        Column("d", Integer, server_default="many"),
    )
    assert message.splitlines() == [
        "public.t.a: SQLite has no word for the default nextval('s') (use a literal, func.now() or gen_random_uuid())",
        "public.t.b: now() is no default for a column of type integer (use it for dates and times only)",
        "public.t.c: SQLite counts only in a primary key of one column (make it the primary key)",
        'public.t.d: the default does not fit the column: invalid input syntax for type integer: "many" (change the default)',
    ]


def excluded() -> ExcludeConstraint:
    return ExcludeConstraint(("id", "="), name="alone", using="btree")


def test_sqlite_says_which_collations_and_constraints_it_has_not() -> None:
    texts = {"a": Text(collation="de-x-icu"), "b": ARRAY(Text(collation="NOCASE")), "c": Text(collation="rtrim")}
    assert refusals(sqlite_ddl, *(Column(name, type_) for name, type_ in texts.items()), excluded()).splitlines() == [
        "public.t: SQLite has no exclusion constraints, such as alone (use PostgreSQL)",
        'public.t.a: SQLite has no collation "de-x-icu" for it (text can have NOCASE or RTRIM there)',
        'public.t.b: SQLite has no collation "NOCASE" for it (text can have NOCASE or RTRIM there)',
    ]


async def test_memory_says_that_it_has_neither() -> None:
    with pytest.raises(ConfigError) as caught:
        await MemoryEngine().migrate(small(Column("a", Text(collation="NOCASE")), excluded()))
    assert caught.value.message.splitlines() == [
        'public.t.a: the memory engine has no collation "NOCASE" (run it on the database that has it)',
        "public.t: the memory engine has no exclusion constraints, such as alone (run it on the database that has it)",
    ]


def test_sqlite_leaves_out_what_only_makes_postgresql_fast(sqlite: Any) -> None:
    options = {"postgresql_include": ["id"], "postgresql_ops": {"a": "text_pattern_ops"}}
    catalog = small(Column("a", Text), Index("kept", "a", **options), Index("left", "a", postgresql_using="hash"))
    run(sqlite, *sqlite_ddl.create_statements(catalog))
    assert [row[0] for row in sqlite.execute("SELECT sql FROM sqlite_schema WHERE type = 'index'")] == [
        'CREATE INDEX "kept" ON "t" ("a")'
    ]


@pytest.mark.parametrize(
    ("column", "stored"),
    [
        (Column("a", Boolean, server_default="false"), 0),
        (Column("a", Numeric(6, 2), server_default=text("(-1.5)")), -1.5),
        (Column("a", Text, server_default=text("CAST('it''s' AS TEXT)")), "it's"),
        (Column("a", JSON, server_default=text("'{\"a\": [1.5]}'::jsonb")), '{"a":[1.5]}'),
        (Column("a", Interval, server_default="1 hour"), 3_600_000_000),
        (Column("a", LargeBinary, server_default=r"\x00ff"), b"\x00\xff"),
        (Column("a", Text, server_default=text("NULL")), None),
    ],
)
def test_sqlite_stores_literal_defaults_in_canonical_form(sqlite: Any, column: Any, stored: object) -> None:
    run(sqlite, *sqlite_ddl.create_statements(small(column)), "INSERT INTO t DEFAULT VALUES")
    assert sqlite.execute("SELECT a FROM t").fetchone()[0] == stored


# ---------------------------------------------------------------- PostgreSQL


def test_postgres_keeps_the_defaults(server: psycopg.Connection[Any]) -> None:
    run(server, *postgres_ddl.create_statements(CATALOG), given())
    row = server.execute("SELECT an_integer, a_boolean, a_varchar, a_json, an_array, a_free_numeric FROM everything")
    assert row.fetchone() == (7, True, "it's", {}, ["a", "b"], pytest.approx(1.25))


def test_postgres_sorts_text_by_code_point(server: psycopg.Connection[Any]) -> None:
    run(server, *postgres_ddl.create_statements(small(Column("a", Text, index=True))))
    run(server, "INSERT INTO t (a) VALUES ('b'), ('B'), ('é'), ('a')")
    assert [row[0] for row in server.execute("SELECT a FROM t ORDER BY a")] == ["B", "a", "b", "é"]
    run(server, "SET enable_seqscan = off")
    plan = "\n".join(row[0] for row in server.execute("EXPLAIN SELECT a FROM t ORDER BY a"))
    assert "ix_t_a" in plan
    assert "Sort" not in plan


def test_postgres_counts_on_after_rows_with_keys_of_their_own(server: psycopg.Connection[Any]) -> None:
    run(server, *postgres_ddl.create_statements(CATALOG), given(id="7"))
    run(server, *postgres_ddl.advance_identities(CATALOG))
    run(server, given(a_varchar="'other'"))
    assert server.execute("SELECT id FROM everything ORDER BY id").fetchall() == [(7,), (8,)]
    run(server, "INSERT INTO visits DEFAULT VALUES")
    assert server.execute("SELECT id FROM visits").fetchall() == [(1,)]


def test_postgres_keeps_comments(server: psycopg.Connection[Any]) -> None:
    run(server, *postgres_ddl.create_statements(CATALOG))
    comment = server.execute("SELECT col_description('everything'::regclass, 9)").fetchone()
    assert comment == ("some text; it's free",)


def test_a_foreign_key_may_refer_to_a_unique_index(sqlite: Any, server: psycopg.Connection[Any]) -> None:
    metadata = MetaData()
    Table("a", metadata, Column("b", ForeignKey("c.d")), Column("e", Integer, ForeignKey("a.f")), Column("f", Integer))
    Index("once", metadata.tables["a"].c.f, unique=True)
    Table("c", metadata, Column("d", Integer), Index("d_once", "d", unique=True))
    for connection, ddl in ((sqlite, sqlite_ddl), (server, postgres_ddl)):
        run(connection, *ddl.create_statements(build(metadata)), "INSERT INTO c VALUES (1)", "INSERT INTO a (b) VALUES (1)")


def test_a_part_of_the_rows_is_unique(sqlite: Any, server: psycopg.Connection[Any]) -> None:
    metadata = MetaData()
    columns = [Column("id", Integer, primary_key=True), Column("mail", Text), Column("gone", Boolean)]
    Table("t", metadata, *columns, Index("once", func.lower(columns[1]), unique=True, sqlite_where=columns[2].is_(None)))
    for connection, ddl in ((sqlite, sqlite_ddl), (server, postgres_ddl)):
        run(connection, *ddl.create_statements(build(metadata)), "INSERT INTO t (id, mail) VALUES (1, 'A')")
        with pytest.raises((pysqlite3.IntegrityError, psycopg.errors.UniqueViolation), match="once"):
            run(connection, "INSERT INTO t (id, mail) VALUES (2, 'a')")
    run(sqlite, "INSERT INTO t VALUES (3, 'a', 1)")
    run(server, "INSERT INTO t VALUES (3, 'a', true)")


def test_an_index_over_an_added_column_is_added(sqlite: Any, server: psycopg.Connection[Any]) -> None:
    index = Index("once", text("lower(code)"), unique=True, sqlite_where=text("id > 1"))
    catalog, present = small(Column("code", Text), index, Index("other", text("abs(id)"))), {TableName("public", "t"): {"id"}}
    for connection, ddl in ((sqlite, sqlite_ddl), (server, postgres_ddl)):
        run(connection, "CREATE TABLE t (id integer PRIMARY KEY)", *ddl.missing_columns(catalog, present))
        run(connection, "INSERT INTO t VALUES (1, 'A'), (2, 'a')")
        with pytest.raises((pysqlite3.IntegrityError, psycopg.errors.UniqueViolation), match="once"):
            run(connection, "INSERT INTO t VALUES (3, 'A')")
        run(connection, "CREATE INDEX other ON t (id)")  # it is not there, since nothing asked for it


def test_quotes_in_names_are_names(sqlite: Any, server: psycopg.Connection[Any]) -> None:
    metadata = MetaData()
    odd = Table('a "b" %s', metadata, Column("x'y", Integer, primary_key=True), Column('select "', Text, unique=True))
    odd.comment = "100% '\\"
    for connection, ddl in ((sqlite, sqlite_ddl), (server, postgres_ddl)):
        run(connection, *ddl.create_statements(build(metadata)))
        run(connection, 'INSERT INTO "a ""b"" %s" ("x\'y", "select """) VALUES (1, 2)')


# ---------------------------------------------------------------- additions


def grown() -> tuple[Catalog, dict[TableName, set[str]]]:
    """A table that has its key only, and a catalog in which it has more."""
    catalog = small(
        Column("note", Text, comment="a note"),
        Column("done", Boolean, default=False, nullable=False),
        Column("size", Integer, server_default="3", nullable=False),
        Column("code", String(3), unique=True),
        Column("parent", Integer, ForeignKey("t.id", ondelete="CASCADE")),
        Column("mood", Enum("good", "bad", name="mood"), default="good", nullable=False),
        Column("tags", ARRAY(Text), default=lambda: ["x"]),
        Column("fixed", ARRAY(Text), default=["a,b", 'c"\\', "null"], nullable=False),
        Column("data", JSON, default={"a": ["b'"]}, nullable=False),
        Column("twice", Integer, Computed("id * 2")),
    )
    return catalog, {TableName("public", "t"): {"id"}}


def test_columns_are_added_to_rows_that_stand(sqlite: Any, server: psycopg.Connection[Any]) -> None:
    catalog, present = grown()
    for connection, ddl in ((sqlite, sqlite_ddl), (server, postgres_ddl)):
        run(connection, *ddl.create_statements(small()), "INSERT INTO t (id) VALUES (1)")
        run(connection, *ddl.missing_columns(catalog, present))
        row = connection.execute("SELECT note, done, size, mood, tags, twice FROM t").fetchone()
        assert row == (None, False, 3, "good", None, 2)
        run(connection, "INSERT INTO t (id, code, parent) VALUES (2, 'a', 1)")
        with pytest.raises((pysqlite3.IntegrityError, psycopg.IntegrityError)):
            run(connection, "INSERT INTO t (id, code) VALUES (3, 'a')")
        with pytest.raises((pysqlite3.IntegrityError, psycopg.IntegrityError)):
            run(connection, "INSERT INTO t (id, parent) VALUES (3, 9)")
    assert sqlite.execute("SELECT fixed, data FROM t").fetchone() == ('["a,b","c\\"\\\\","null"]', '{"a":["b\'"]}')
    assert server.execute("SELECT fixed, data FROM t").fetchone() == (["a,b", 'c"\\', "null"], {"a": ["b'"]})


def test_added_columns_bring_collations_kinds_of_indexes_and_exclusions(sqlite: Any, server: psycopg.Connection[Any]) -> None:
    present = {TableName("public", "t"): {"id"}}
    collated = sqlite_ddl.missing_columns(small(Column("a", Text(collation="NOCASE"))), present)
    run(sqlite, "CREATE TABLE t (id integer PRIMARY KEY)", *collated, "INSERT INTO t VALUES (1, 'A')")
    assert sqlite.execute("SELECT id FROM t WHERE a = 'a'").fetchall() == [(1,)]
    more = (
        Column("room", Integer),
        Column("tags", ARRAY(Text)),
        Column("word", Text(collation="POSIX")),
        Index("within", "tags", postgresql_using="gin"),
        Index("like", "word", postgresql_ops={"word": "text_pattern_ops"}, postgresql_include=["room"]),
        ExcludeConstraint(("room", "="), name="alone", using="btree", where=text("room > 0")),
    )
    run(server, "CREATE TABLE t (id integer PRIMARY KEY)", *postgres_ddl.missing_columns(small(*more), present))
    made = dict(server.execute("SELECT indexname, indexdef FROM pg_indexes WHERE tablename = 't'").fetchall())
    assert made["within"] == "CREATE INDEX within ON public.t USING gin (tags)"
    assert made["like"] == 'CREATE INDEX "like" ON public.t USING btree (word text_pattern_ops) INCLUDE (room)'
    run(server, "INSERT INTO t (id, room) VALUES (1, 0), (2, 0), (3, 1)")
    with pytest.raises(psycopg.errors.ExclusionViolation):
        run(server, "INSERT INTO t (id, room) VALUES (4, 1)")


def test_nothing_is_added_where_nothing_is_missing() -> None:
    catalog, _ = grown()
    complete = {name: set(table.columns) for name, table in catalog.tables.items()}
    for ddl in (sqlite_ddl, postgres_ddl):
        assert ddl.missing_columns(catalog, complete) == []


@pytest.mark.parametrize("ddl", [sqlite_ddl, postgres_ddl])
def test_what_rows_that_stand_could_not_have_is_refused(ddl: Any) -> None:
    catalog = small(
        Column("required", Text, nullable=False),
        Column("made", Text, nullable=False, default=lambda: "x"),
        Column("once", Integer, nullable=False, unique=True, default=1),
        Column("key", Integer, primary_key=True),
    )
    with pytest.raises(ConfigError) as caught:
        ddl.missing_columns(catalog, {TableName("public", "t"): {"id"}})
    sources = {mistake.source for mistake in caught.value.mistakes}
    assert sources == {"public.t.required", "public.t.made", "public.t.once", "public.t.key"}


def test_sqlite_adds_no_moving_default() -> None:
    catalog = small(Column("at", DateTime(True), server_default=func.now()))
    with pytest.raises(ConfigError, match="constant default"):
        sqlite_ddl.missing_columns(catalog, {TableName("public", "t"): {"id"}})
