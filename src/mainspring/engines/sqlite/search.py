"""Search indexes: FTS5 tables that triggers keep in step, so that every writer counts, whoever it is.

An index holds the words of a text as `unicode61` tells them apart, not the text. What it finds is a superset of what a query
means: rows are looked at again by the reference function. Where a token may begin within a run of letters and digits, or
characters stand that FTS5 does not know as we do, the text also gets the word `MIXED`, and is found by every query.
A row is known by its key: the integer itself, or a number of its own in a table of keys (rowids do not outlive a dump).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from mainspring.catalog.model import Catalog, Column, Table
from mainspring.datatypes import Kind
from mainspring.engines.sqlite import names
from mainspring.engines.sqlite.names import literal, quote

MIXED: Final = "zzmixedzz"
ORDINARY: Final = (
    "\u00a0-\u012f\u0131-\u0377\u0384-\u038a\u038e-\u03a1\u03a3-\u0527\u0591-\u05c7\u05d0-\u05ea\u0620-\u06ff\u0900-\u0977"
    "\u0e01-\u0e3a\u1e00-\u1eff\u2000-\u2064\u20a0-\u20b9\u2100-\u2189\u2190-\u23f3\u2460-\u26ff\u3000-\u303f\u3041-\u3096\u3099-\u30ff"
    "\u3400-\u9fcb\uac00-\ud7a3\uff01-\uffbe"
)
"""Ranges of characters that FTS5 splits and folds as the reference does; a test looks at each of them."""

_TOKENIZER: Final = "unicode61 remove_diacritics 0 categories 'L* N*'"
_FOREIGN: Final = f"*[^\x01-\x7f{ORDINARY}]*"
_LETTERED: Final = "*[0-9][A-Za-z\u00a1-\U0010fffd]*"
_NUMBERED: Final = ("*[.:+-][0-9]*", "*[0-9][eE][0-9]*")
_PATHLIKE: Final = ("*[./~][A-Za-z0-9_]*", "*[!-~][\u00a1-\U0010fffd]*")

_NUMBER: Final = '"#"'
_PARTS: Final = ("insert", "update", "delete")


def indexed(table: Table) -> Iterator[Column]:
    """The columns of a table that are indexed for search."""
    if not table.view and table.primary_key:
        yield from (column for column in table.columns.values() if column.search is not None)


def candidates(table: Table, column: Column, alias: str, query: str, everything: str) -> str:
    """The condition that a row may fit: `query` is the FTS5 query's placeholder, `everything` that of whether it is none."""
    found = f"SELECT rowid FROM {_index(table, column)} WHERE {_index(table, column)} MATCH {query}"
    keys = ", ".join(map(quote, table.primary_key))
    every = f"SELECT {keys} FROM {names.table(table.name)} WHERE {everything}"
    own = ", ".join(f"{alias}.{quote(name)}" for name in table.primary_key)
    if _by_integer(table):
        return f"{own} IN ({found} UNION ALL {every})"
    return f"({own}) IN (SELECT {keys} FROM {_keys(table, column)} WHERE {_NUMBER} IN ({found}) UNION ALL {every})"


def keep(connection: Any, catalog: Catalog) -> None:
    """Create the indexes that are missing, and those that are not as they should be anew; within a transaction."""
    standing = dict(connection.execute("SELECT name, sql FROM sqlite_schema WHERE sql IS NOT NULL"))
    for table in catalog.tables.values():
        for column in indexed(table):
            wanted = _objects(table, column)
            if any(standing.get(name) != sql for name, sql in wanted.items()):
                for statement in (*_removal(table, column), *wanted.values(), *_filling(table, column)):
                    connection.execute(statement)


# ---------------------------------------------------------------- objects


def _by_integer(table: Table) -> bool:
    return len(table.primary_key) == 1 and table.columns[table.primary_key[0]].type.kind is Kind.INTEGER


def _named(table: Table, column: Column, part: str = "") -> str:
    return f"{names.physical(table.name)}_{column.name}_search{part}"


def _index(table: Table, column: Column) -> str:
    return quote(_named(table, column))


def _keys(table: Table, column: Column) -> str:
    return quote(_named(table, column, "_keys"))


def _objects(table: Table, column: Column) -> dict[str, str]:
    """Every object of an index by its name, with the statement that creates it (and by which SQLite remembers it)."""
    index = _index(table, column)
    options = f"content='', columnsize=0, detail=none, tokenize={literal(_TOKENIZER)}"
    made = {_named(table, column): f"CREATE VIRTUAL TABLE {index} USING fts5(words, {options})"}
    if not _by_integer(table):
        listed = ", ".join(map(quote, table.primary_key))
        columns = ", ".join(f"{quote(name)} NOT NULL" for name in table.primary_key)
        made[_named(table, column, "_keys")] = (
            f"CREATE TABLE {_keys(table, column)} ({_NUMBER} INTEGER PRIMARY KEY, {columns}, UNIQUE ({listed}))"
        )
    changed = " OR ".join(f"old.{quote(name)} IS NOT new.{quote(name)}" for name in (*table.primary_key, column.name))
    for event in _PARTS:
        name = _named(table, column, f"_{event}")
        when = f" WHEN {changed}" if event == "update" else ""
        leaving = list(_leaving(table, column)) if event != "insert" else []
        entering = list(_entering(table, column)) if event != "delete" else []
        body = " ".join(f"{statement};" for statement in (*leaving, *entering))
        made[name] = f"CREATE TRIGGER {quote(name)} AFTER {event.upper()} ON {names.table(table.name)}{when} BEGIN {body} END"
    return made


def _leaving(table: Table, column: Column) -> Iterator[str]:
    """Take the old row's words out. Statements avoid conflicts: the writer's own ON CONFLICT would decide them."""
    index, value = _index(table, column), f"old.{quote(column.name)}"
    words = f"INSERT INTO {index} ({index}, rowid, words)"
    if _by_integer(table):
        yield f"{words} SELECT 'delete', old.{quote(table.primary_key[0])}, {_words(value)} WHERE {value} IS NOT NULL"
        return
    keys, of_row = _keys(table, column), _of_row(table, "old")
    yield f"{words} SELECT 'delete', {_NUMBER}, {_words(value)} FROM {keys} WHERE {of_row} AND {value} IS NOT NULL"
    yield f"DELETE FROM {keys} WHERE {of_row}"


def _entering(table: Table, column: Column) -> Iterator[str]:
    """Put the new row's words in."""
    index, value = _index(table, column), f"new.{quote(column.name)}"
    words = f"INSERT INTO {index} (rowid, words)"
    if _by_integer(table):
        yield f"{words} SELECT new.{quote(table.primary_key[0])}, {_words(value)} WHERE {value} IS NOT NULL"
        return
    keys, of_row = _keys(table, column), _of_row(table, "new")
    listed, given = (", ".join(f"{prefix}{quote(name)}" for name in table.primary_key) for prefix in ("", "new."))
    yield f"INSERT INTO {keys} ({listed}) SELECT {given} WHERE NOT EXISTS (SELECT 1 FROM {keys} WHERE {of_row})"
    yield f"{words} SELECT {_NUMBER}, {_words(value)} FROM {keys} WHERE {of_row} AND {value} IS NOT NULL"


def _of_row(table: Table, row: str) -> str:
    return " AND ".join(f"{quote(name)} = {row}.{quote(name)}" for name in table.primary_key)


def _words(value: str) -> str:
    """What is indexed of a text: the text, and `MIXED` where its words alone could miss it."""
    numbered = " OR ".join(f"{value} GLOB {literal(pattern)}" for pattern in _NUMBERED)
    pathlike = " AND ".join(f"{value} GLOB {literal(pattern)}" for pattern in _PATHLIKE)
    mixed = f"({value} GLOB {literal(_LETTERED)} AND ({numbered})) OR ({pathlike}) OR {value} GLOB {literal(_FOREIGN)}"
    return f"CASE WHEN {mixed} THEN {value} || ' {MIXED}' ELSE {value} END"


def _removal(table: Table, column: Column) -> Iterator[str]:
    for event in _PARTS:
        yield f"DROP TRIGGER IF EXISTS {quote(_named(table, column, f'_{event}'))}"
    for name in (_index(table, column), _keys(table, column)):
        yield f"DROP TABLE IF EXISTS {name}"


def _filling(table: Table, column: Column) -> Iterator[str]:
    """Index the rows that are there."""
    index, value, rows = _index(table, column), f"t.{quote(column.name)}", names.table(table.name)
    words = f"INSERT INTO {index} (rowid, words)"
    if _by_integer(table):
        yield f"{words} SELECT t.{quote(table.primary_key[0])}, {_words(value)} FROM {rows} AS t WHERE {value} IS NOT NULL"
        return
    keys, listed = _keys(table, column), ", ".join(map(quote, table.primary_key))
    same = " AND ".join(f"k.{quote(name)} = t.{quote(name)}" for name in table.primary_key)
    yield f"INSERT INTO {keys} ({listed}) SELECT {listed} FROM {rows}"
    yield f"{words} SELECT k.{_NUMBER}, {_words(value)} FROM {rows} AS t JOIN {keys} AS k ON {same} WHERE {value} IS NOT NULL"
