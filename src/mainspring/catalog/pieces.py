"""SQL that somebody else wrote, in pieces: words, quoted names, texts, brackets. It understands no statement. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

_FORMS = r"""
   (?P<gap>\s+|--[^\n]*|/\*.*?(?:\*/|\Z))
  |(?P<text>'(?:[^']|'')*')
  |(?P<name>"(?:[^"]|"")*"{more})
  |(?P<word>[^\W\d][\w$]*)
  |(?P<sign>.)"""
_STANDARD = re.compile(_FORMS.format(more=""), re.DOTALL | re.VERBOSE)
_SQLITE = re.compile(_FORMS.format(more=r"|`(?:[^`]|``)*`|\[[^\]]*\]"), re.DOTALL | re.VERBOSE)
_OPENING, _CLOSING = "([{", ")]}"


class Piece(NamedTuple):
    """A piece, whether a gap stands before it, and how many brackets it stands in (a bracket itself: those around it)."""

    kind: str
    text: str
    spaced: bool
    depth: int

    def says(self, word: str) -> bool:
        """Whether it is this word (in capitals), and no quoted name of that spelling."""
        return self.kind == "word" and self.text.upper() == word

    @property
    def name(self) -> str:
        """What it calls by name, without the quotes."""
        first = self.text[0]
        if self.kind == "word" or first not in "\"'`[":
            return self.text
        return self.text[1:-1] if first == "[" else self.text[1:-1].replace(first * 2, first)


def pieces(sql: str, *, sqlite: bool = False) -> list[Piece]:
    """The pieces of `sql`, comments left out; in `sqlite`'s own way names can stand in ` ` and [ ] too."""
    found: list[Piece] = []
    spaced, depth = False, 0
    for match in (_SQLITE if sqlite else _STANDARD).finditer(sql):
        kind, text = str(match.lastgroup), match[0]
        if kind == "gap":
            spaced = True
            continue
        depth -= kind == "sign" and text in _CLOSING
        found.append(Piece(kind, text, spaced, depth))
        depth += kind == "sign" and text in _OPENING
        spaced = False
    return found


def joined(some: Iterable[Piece]) -> str:
    """The pieces as text again, on one line where no text or name breaks it; names in standard quotes."""
    return "".join(f"{' ' if each.spaced else ''}{_spelled(each)}" for each in some).strip()


def _spelled(piece: Piece) -> str:
    if piece.kind != "name" or piece.text[0] == '"':
        return piece.text
    return quoted(piece.name)


def quoted(name: str) -> str:
    """A name in standard quotes."""
    return '"' + name.replace('"', '""') + '"'


def inside(all_: list[Piece], opening: int) -> list[Piece]:
    """What stands in the bracket that opens at a place."""
    depth = all_[opening].depth
    closing = next((n for n in range(opening + 1, len(all_)) if all_[n].depth <= depth), len(all_))
    return all_[opening + 1 : closing]


def parted(some: list[Piece]) -> Iterator[list[Piece]]:
    """What commas part that stand in no further bracket."""
    part: list[Piece] = []
    for each in some:
        if each.text == "," and each.depth == some[0].depth:
            yield part
            part = []
        else:
            part.append(each)
    yield part


def mentions(sql: str, name: str) -> bool:
    """Whether `name` stands in the SQL as a word or name, and not as that of a function."""
    every = pieces(sql)
    called = {place - 1 for place, each in enumerate(every) if each.text == "("}
    return any(each.kind in ("word", "name") and each.name == name and place not in called for place, each in enumerate(every))
