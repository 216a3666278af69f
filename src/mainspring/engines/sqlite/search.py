"""The full-text index of a column: an FTS5 table that SQLite itself keeps in step, and what to look for in it.

The index narrows a search down; the reference function then decides. So what is looked for must be in every row that fits:
a word's stem without the letter by which stems differ from words, as the beginning of a word. FTS5 cuts texts a little
differently (a word right behind a digit is no word of its own there) and folds a few letters differently, so rows that have
such things are marked and always looked at.

Only rowids that stay can be indexed: those of tables whose key is an automatic integer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from mainspring.catalog.model import Catalog, Column, Table
from mainspring.engines.sqlite import names
from mainspring.query.ast import TableName
from mainspring.query.search.parse import parse
from mainspring.query.search.trees import Both, Either, Node, Not, Phrase, Stop, Word

_MARK: Final = "lookhere"
NOTHING: Final = "{mark} : nothing"
"""What no row satisfies."""

_TOKENIZER: Final = "unicode61 remove_diacritics 0 categories ''L* N*''"
_RUN: Final = re.compile(r"[a-z0-9]+")
_ASCII: Final = re.compile(r"[ -~]*")
_ALTERED: Final = ("e", "i", "y", "bl")
"""Ends of stems whose last letter the word need not have: happy, happi; ability, abl."""

_FOLDED_TO_ASCII: Final = (0x130, 0x212A)
"""Letters that are `i` and `k` in lower case."""

_IRREGULAR: Final = {"die": "dying", "lie": "lying", "tie": "tying"}


def indexed(table: Table, column: Column) -> bool:
    """Whether the column has an index."""
    kept = len(table.primary_key) == 1 and table.columns[table.primary_key[0]].autoincrement
    return column.search is not None and kept


def index_name(table: TableName, column: str) -> str:
    """The name of the FTS5 table of a column, quoted."""
    return names.quote(f"{names.physical(table)}_{column}_search")


# ---------------------------------------------------------------- the index


def create_indexes(catalog: Catalog, physical: set[str]) -> Iterator[str]:
    """Statements that make the indexes which are not among the `physical` tables, and fill them."""
    for table in catalog.tables.values():
        for column in table.columns.values():
            if indexed(table, column) and f"{names.physical(table.name)}_{column.name}_search" not in physical:
                yield from _create(table, column)


def _create(table: Table, column: Column) -> Iterator[str]:
    index, source = index_name(table.name, column.name), names.table(table.name)
    view = names.quote(f"{names.physical(table.name)}_{column.name}_searched")
    value = names.quote(column.name)
    yield f"CREATE VIEW {view} AS SELECT rowid AS id, {value} AS body, {_marked(value)} AS mark FROM {source}"
    yield (
        f"CREATE VIRTUAL TABLE {index} USING fts5(body, mark, content={view}, content_rowid='id', tokenize='{_TOKENIZER}')"
    )
    yield f"INSERT INTO {index} ({index}) VALUES ('rebuild')"
    new = f"INSERT INTO {index} (rowid, body, mark) VALUES (new.rowid, new.{value}, {_marked(f'new.{value}')});"
    old = (
        f"INSERT INTO {index} ({index}, rowid, body, mark)"
        f" VALUES ('delete', old.rowid, old.{value}, {_marked(f'old.{value}')});"
    )
    for event, body in (("INSERT", new), ("DELETE", old), ("UPDATE", f"{old} {new}")):
        trigger = names.quote(f"{names.physical(table.name)}_{column.name}_search_{event.lower()}")
        changed = f"UPDATE OF {value}, {names.quote(table.primary_key[0])}" if event == "UPDATE" else event
        yield f"CREATE TRIGGER {trigger} AFTER {changed} ON {source} BEGIN {body} END"


def _marked(value: str) -> str:
    """The mark of a text with such things, in words of SQLite itself, so that any client may write."""
    folded = " OR ".join(f"instr({value}, char({code}))" for code in _FOLDED_TO_ASCII)
    return f"CASE WHEN {value} GLOB '*[0-9][a-zA-Z]*' OR {folded} THEN '{_MARK}' ELSE '' END"


# ---------------------------------------------------------------- what to look for


def narrowed(operator: str, config: str, query: str) -> str | None:
    """The FTS5 query that every row which fits satisfies; NOTHING where none can fit, None where any row could."""
    tree = parse(operator, config, query)
    if tree is None:
        return NOTHING
    terms = _terms(tree)
    return None if terms is None else f"{{body}} : ({terms}) OR {{mark}} : {_MARK}"


def _terms(node: Node) -> str | None:
    match node:
        case Word():
            return _word(node)
        case Both(left, right) | Phrase(left, right):
            found = [terms for terms in (_terms(left), _terms(right)) if terms is not None]
            return " AND ".join(f"({terms})" for terms in found) or None
        case Either(left, right):
            one, other = _terms(left), _terms(right)
            return None if one is None or other is None else f"({one}) OR ({other})"
        case Not() | Stop():
            return None


def _word(word: Word) -> str | None:
    """The ASCII pieces of a lexeme, each as the beginning of a word; None where there is nothing to go by."""
    lexeme = word.lexeme
    plain = (_ASCII.match(lexeme) or lexeme)[0]
    if plain == lexeme and plain.endswith(_ALTERED) and len(plain) > 1:
        plain = plain[:-1]
    pieces = _RUN.findall(plain)
    if not pieces:
        return None
    terms = " AND ".join(f'"{piece}" *' for piece in pieces)
    others = [form for stem, form in _IRREGULAR.items() if stem == lexeme or (word.prefix and stem.startswith(lexeme))]
    return " OR ".join([f"({terms})", *(f'"{other}"' for other in others)])
