"""The tables and policies on which the engine suite works: every type, every kind of relation, key and default."""

from __future__ import annotations

from typing import Any

from mainspring.catalog.model import Catalog, Check, Column, ForeignKey, Index, Produced, Table, Unique
from mainspring.catalog.relations import relations
from mainspring.datatypes import (
    BIGINT,
    BOOLEAN,
    BYTES,
    DATE,
    FLOAT,
    INTEGER,
    INTERVAL,
    JSON,
    NUMERIC,
    RANGES,
    SMALLINT,
    TEXT,
    TIME,
    TIMESTAMP,
    TIMESTAMPTZ,
    UUID_,
    DataType,
    Kind,
)
from mainspring.policy.registry import Grant, Policy, Registry
from mainspring.query import ast
from mainspring.query.ast import Auth, Const, Now, TableName

LEVEL = DataType(Kind.ENUM, name="level", values=("low", "medium", "high"))
ALICE = "a11ce000-0000-4000-8000-000000000001"
BRUNO = "b4000000-0000-4000-8000-000000000002"


def named(name: str) -> TableName:
    """`name`, or `schema.name`, as a table's place."""
    schema, _, table = name.rpartition(".")
    return TableName(schema or "public", table)


def _table(name: str, *columns: Column, key: tuple[str, ...] = ("id",), **more: Any) -> Table:
    return Table(named(name), {column.name: column for column in columns}, key, **more)


def _id(type_: DataType = BIGINT) -> Column:
    return Column("id", type_, nullable=False, autoincrement=True)


def _refers(name: str, column: str, target: str, ondelete: str | None = None) -> ForeignKey:
    return ForeignKey(name, (column,), named(target), ("id",), ondelete)


SAMPLES = _table(
    "samples",
    Column("id", BIGINT, nullable=False),
    Column("a_text", TEXT),
    Column("a_char", DataType(Kind.TEXT, length=5)),
    Column("small", SMALLINT),
    Column("whole", INTEGER),
    Column("big", BIGINT),
    Column("price", DataType(Kind.NUMERIC, precision=10, scale=2)),
    Column("exact", NUMERIC),
    Column("real", FLOAT),
    Column("flag", BOOLEAN),
    Column("day", DATE),
    Column("clock", TIME),
    Column("moment", TIMESTAMP),
    Column("instant", TIMESTAMPTZ),
    Column("span", INTERVAL),
    Column("code", UUID_),
    Column("doc", JSON),
    Column("raw", BYTES),
    Column("kind", LEVEL),
    Column("words", DataType(Kind.ARRAY, item=TEXT)),
    Column("numbers", DataType(Kind.ARRAY, item=INTEGER)),
    Column("ages", RANGES["int4range"]),
    Column("open", RANGES["daterange"]),
    Column("prices", RANGES["numrange"]),
    Column("stay", RANGES["tstzrange"]),
)
PEOPLE = _table(
    "people",
    _id(),
    Column("name", TEXT, nullable=False),
    Column("boss_id", BIGINT),
    foreign_keys=(_refers("people_boss_fkey", "boss_id", "people", "SET NULL"),),
)
BOOKS = _table(
    "books",
    _id(),
    Column("author_id", BIGINT),
    Column("editor_id", BIGINT),
    Column("title", TEXT, nullable=False),
    Column("price", DataType(Kind.NUMERIC, precision=8, scale=2)),
    Column("isbn", TEXT),
    Column("year", INTEGER),
    Column("month", INTEGER),
    uniques=(Unique("books_isbn_key", ("isbn",)),),
    checks=(Check("books_price_positive", "price >= 0"),),
    indexes=(Index("books_year_month", ("year", "month"), unique=True),),
    foreign_keys=(
        _refers("books_author_fkey", "author_id", "people", "CASCADE"),
        _refers("books_editor_fkey", "editor_id", "people"),
    ),
)
LABELS = _table("labels", _id(INTEGER), Column("word", TEXT), uniques=(Unique("labels_word_key", ("word",)),))
BOOK_LABELS = _table(
    "book_labels",
    Column("book_id", BIGINT, nullable=False),
    Column("label_id", INTEGER, nullable=False),
    key=("book_id", "label_id"),
    foreign_keys=(
        _refers("book_labels_book_fkey", "book_id", "books", "CASCADE"),
        _refers("book_labels_label_fkey", "label_id", "labels", "CASCADE"),
    ),
)
COVERS = _table(
    "covers",
    Column("book_id", BIGINT, nullable=False),
    Column("colour", TEXT),
    key=("book_id",),
    foreign_keys=(_refers("covers_book_fkey", "book_id", "books", "CASCADE"),),
)
DRAFTS = _table(
    "drafts",
    _id(),
    Column("note", TEXT),
    Column("status", TEXT, nullable=False, server_default="'new'"),
    Column("made", TIMESTAMPTZ, nullable=False, server_default=Now()),
    Column("touched", TIMESTAMPTZ, onupdate=Now()),
    Column("token", TEXT, default=Produced(lambda: "made in Python")),
    Column("rank", INTEGER, nullable=False, default=Const(3)),
    Column("owner", UUID_, default=Auth(("uid",))),
)
COMPUTED = _table("computed", _id(), Column("rank", INTEGER), Column("doubled", INTEGER, generated="rank * 2"))
NOTES = _table(
    "notes",
    _id(),
    Column("owner", UUID_, default=Auth(("uid",))),
    Column("body", TEXT, nullable=False, search="english"),
    Column("published", BOOLEAN, nullable=False, default=Const(False)),
    Column("secret", TEXT),
    Column("slug", TEXT),
    uniques=(Unique("notes_slug_key", ("slug",)),),
)
PLACES = _table(
    "geo.places",
    Column("country", TEXT, nullable=False),
    Column("number", INTEGER, nullable=False),
    Column("name", TEXT, search="english"),
    key=("country", "number"),
)
TABLES = (SAMPLES, PEOPLE, BOOKS, LABELS, BOOK_LABELS, COVERS, DRAFTS, NOTES, PLACES)


def catalog(*more: Table, computed: bool = False) -> Catalog:
    """The suite's catalog, with `more` tables (one of the same name replaces it)."""
    tables = {table.name: table for table in (*TABLES, *((COMPUTED,) if computed else ()), *more)}
    return Catalog(tables, relations(tables))


# ---------------------------------------------------------------- policies on notes

_MINE = ast.Compare("eq", ast.Column("owner"), Auth(("uid",)))
_EVERYBODY = frozenset({"anon", "authenticated"})
_USERS = frozenset({"authenticated"})
_POLITE = ast.Compare("neq", ast.Column("body"), Const("forbidden"))


def registry() -> Registry:
    """Who may do what: notes are read when published or one's own, and written by their owners, politely."""
    notes, columns = NOTES.name, frozenset(NOTES.columns)
    return Registry(
        {table.name: frozenset(table.columns) for table in (*TABLES, COMPUTED)},
        (
            Policy(notes, frozenset({"select"}), _EVERYBODY, "suite", ast.Or((ast.Truth(ast.Column("published")), _MINE))),
            Policy(notes, frozenset({"insert", "update", "delete"}), _USERS, "suite", _MINE),
            Policy(notes, frozenset({"insert", "update"}), None, "suite", _POLITE, restrictive=True),
        ),
        (Grant(notes, frozenset({"select"}), frozenset({"anon"}), "suite", columns - {"secret"}),),
    )
