"""From a search query to an FTS5 query that finds at least the same rows."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from mainspring.engines.sql.statement import Encoder
from mainspring.engines.sqlite.search import MIXED
from mainspring.query.search.parse import parse
from mainspring.query.search.stems import beginnings
from mainspring.query.search.trees import Both, Either, Node, Phrase, Word

_PIECES: Final = re.compile(r"[^\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f]+")
"""What stands between the ASCII characters that end a word."""


@lru_cache(maxsize=64)
def narrowing(operator: str, config: str) -> tuple[Encoder, Encoder]:
    """The makers of two arguments: the FTS5 query, and whether there is none, so that every row must be looked at."""

    def query(text: str) -> str:
        return _narrowed(operator, config, text) or f'"{MIXED}"'

    def everything(text: str) -> int:
        return int(_narrowed(operator, config, text) is None)

    return query, everything


@lru_cache(maxsize=256)
def _narrowed(operator: str, config: str, text: str) -> str | None:
    tree = parse(operator, config, text)
    if tree is None:
        return f'"{MIXED}"'
    narrow = _narrow(tree, config)
    return None if narrow is None else f'({narrow}) OR "{MIXED}"'


def _narrow(node: Node, config: str) -> str | None:
    """What every text that fits has; None where that may be nothing."""
    match node:
        case Word():
            return _joined(" AND ", list(_terms(node, config)))
        case Both(left, right) | Phrase(left, right):
            found = (_narrow(left, config), _narrow(right, config))
            return _joined(" AND ", [each for each in found if each is not None])
        case Either(left, right):
            one, other = _narrow(left, config), _narrow(right, config)
            return None if one is None or other is None else _joined(" OR ", [one, other])
        case _:
            return None


def _joined(word: str, parts: list[str]) -> str | None:
    if not parts:
        return None
    return parts[0] if len(parts) == 1 else f"({word.join(parts)})"


def _terms(word: Word, config: str) -> Iterator[str]:
    """The words that FTS5 sees in a lexeme, as far as it surely sees them as we do."""
    lexeme = word.lexeme
    stemmed = config == "english" and not any("0" <= character <= "9" for character in lexeme)
    for piece in _PIECES.finditer(lexeme):
        sure = _sure(piece[0])
        if not sure:
            continue
        if len(sure) < len(piece[0]):
            yield f'"{sure}" *'
        elif piece.end() < len(lexeme):
            yield f'"{sure}"'
        elif stemmed:
            yield from _stemmed(sure, word.prefix)
        else:
            yield f'"{sure}" *' if word.prefix else f'"{sure}"'


def _stemmed(sure: str, prefix: bool) -> Iterator[str]:
    """The beginnings of all words of a stem (of a hyphenated one's last part)."""
    regular, *others = beginnings(sure, prefix)
    if regular:
        yield _joined(" OR ", [f'"{regular}" *', *(f'"{word}"' for word in others)]) or ""


def _sure(piece: str) -> str:
    """The leading characters that are letters or digits for FTS5, too, whose Unicode is older than Python's."""
    for place, character in enumerate(piece):
        if not character.isascii() and not (character.isalnum() and unicodedata.ucd_3_2_0.category(character)[0] in "LN"):
            return piece[:place]
    return piece
