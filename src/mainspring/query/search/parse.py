"""The four ways to write a query, as PostgreSQL reads them: `to_tsquery` and its plain, phrase and web search forms."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from mainspring.errors import LimitExceeded, SearchInvalid
from mainspring.query.search.configs import lexemes
from mainspring.query.search.trees import Both, Either, Node, Not, Phrase, Stop, Word, without_stops

MOST_WORDS: Final = 256
MOST_NESTED: Final = 64
MOST_WAITING: Final = 32
LONGEST_DISTANCE: Final = 16_384

_PRIORITIES: Final = {"|": 1, "&": 2, "<": 3, "!": 4}
_OPERATORS: Final = frozenset("!&|()<")
_MODIFIERS: Final = re.compile(r":([AaBbCcDd*]*)")
_DISTANCE: Final = re.compile(r"<(-|\d+)>", re.ASCII)
_OR: Final = re.compile(r"or(?=[^\w-]\s*\S)", re.IGNORECASE)


@lru_cache(maxsize=512)
def parse(operator: str, config: str, text: str) -> Node | None:
    """The tree of a query written for `operator` (fts, plfts, phfts or wfts), None when it asks for nothing.

    Raises SearchInvalid where `fts` is not well-formed, LimitExceeded where it is too large.
    """
    return without_stops(_READERS[operator](text, config) or Stop())


def _plain(text: str, config: str) -> Node | None:
    return _operand(text, config, Both)


def _phrase(text: str, config: str) -> Node | None:
    return _operand(text, config, Phrase)


def _operand(
    text: str, config: str, join: Callable[[Node, Node], Node], *, prefix: bool = False, found: bool = True
) -> Node | None:
    """The words of a text joined, stop words between them kept as such; None where there is no word."""
    node: Node | None = None
    stops = count = 0
    for lexeme in lexemes(config, text):
        count += 1
        if count > MOST_WORDS:
            raise LimitExceeded(what="a search query", limit=MOST_WORDS, unit="words")
        if lexeme is None:
            stops += node is not None
            continue
        for _ in range(stops):
            node = join(node, Stop()) if node else None
        word = Word(lexeme, prefix, found)
        node, stops = join(node, word) if node else word, 0
    return node


# ---------------------------------------------------------------- operators


@dataclass
class _Reader:
    """Reads one query from left to right; operators wait until one of no higher priority, or the end, comes."""

    text: str
    config: str
    place: int = 0
    nodes: list[Node] = field(default_factory=list)
    words: int = 0

    def invalid(self, problem: str = "syntax error in tsquery") -> SearchInvalid:
        return SearchInvalid(problem, self.text)

    @property
    def here(self) -> str:
        return self.text[self.place : self.place + 1]

    def push(self, node: Node | None) -> None:
        self.words += 1
        if self.words > MOST_WORDS:
            raise LimitExceeded(what="a search query", limit=MOST_WORDS, unit="words")
        self.nodes.append(node or Stop())

    def operate(self, operator: str, distance: int) -> None:
        right = self.nodes.pop()
        if operator == "!":
            self.nodes.append(Not(right))
            return
        left = self.nodes.pop()
        match operator:
            case "&":
                self.nodes.append(Both(left, right))
            case "|":
                self.nodes.append(Either(left, right))
            case _:
                self.nodes.append(Phrase(left, right, distance))


class _Waiting:
    """The operators of one level of brackets whose right side is not complete yet."""

    def __init__(self, reader: _Reader) -> None:
        self._reader = reader
        self._stack: list[tuple[str, int]] = []

    def add(self, operator: str, distance: int = 0) -> None:
        priority = _PRIORITIES[operator]
        while self._stack and operator != "!" and _PRIORITIES[self._stack[-1][0]] >= priority:
            self._reader.operate(*self._stack.pop())
        if len(self._stack) == MOST_WAITING:
            raise LimitExceeded(what="operators in a row in a search query", limit=MOST_WAITING)
        self._stack.append((operator, distance))

    def finish(self) -> None:
        while self._stack:
            self._reader.operate(*self._stack.pop())


def _tree(text: str, config: str) -> Node | None:
    reader = _Reader(text, config)
    _level(reader, 0)
    return reader.nodes[0] if reader.nodes else None


def _level(reader: _Reader, depth: int) -> None:
    """One level of brackets: operands with operators between them, up to the closing bracket or the end."""
    if depth > MOST_NESTED:
        raise LimitExceeded(what="brackets in a search query", limit=MOST_NESTED, unit="levels")
    waiting = _Waiting(reader)
    while _operand_of(reader, waiting, depth) and _operator_of(reader, waiting, depth):
        pass
    waiting.finish()


def _skip_spaces(reader: _Reader) -> None:
    while reader.here.isspace():
        reader.place += 1


def _operand_of(reader: _Reader, waiting: _Waiting, depth: int) -> bool:
    """Read an operand with what negates it. False when the text ends before its first one."""
    while True:
        _skip_spaces(reader)
        match reader.here:
            case "!":
                reader.place += 1
                waiting.add("!")
            case "(":
                reader.place += 1
                _level(reader, depth + 1)
                return True
            case ":":
                raise reader.invalid()
            case "":
                if reader.text.strip():
                    raise reader.invalid("no operand in tsquery")
                return False
            case _:
                _value_of(reader)
                return True


def _operator_of(reader: _Reader, waiting: _Waiting, depth: int) -> bool:
    """Read an operator. False at the end of the level."""
    _skip_spaces(reader)
    match reader.here:
        case "&" | "|" as operator:
            waiting.add(operator)
            reader.place += 1
        case "<":
            waiting.add("<", _distance_of(reader))
        case ")" if depth:
            reader.place += 1
            return False
        case "" if not depth:
            return False
        case _:
            raise reader.invalid()
    return True


def _distance_of(reader: _Reader) -> int:
    found = _DISTANCE.match(reader.text, reader.place)
    if found is None:
        raise reader.invalid()
    distance = 1 if found[1] == "-" else int(found[1])
    if distance > LONGEST_DISTANCE:
        raise SearchInvalid(f"distance in phrase operator must be an integer value between zero and {LONGEST_DISTANCE} inclusive")
    if found.end() == len(reader.text):
        raise reader.invalid()
    reader.place = found.end()
    return distance


def _value_of(reader: _Reader) -> None:
    text = _quoted_of(reader) if reader.here == "'" else _bare_of(reader)
    modifiers = _MODIFIERS.match(reader.text, reader.place)
    weights = ""
    if modifiers is not None:
        weights, reader.place = modifiers[1].upper(), modifiers.end()
    found = not weights.replace("*", "") or "D" in weights
    reader.push(_operand(text, reader.config, Phrase, prefix="*" in weights, found=found))


def _quoted_of(reader: _Reader) -> str:
    """What stands between quotes; a doubled one is one, a backslash keeps the next character as it is."""
    reader.place += 1
    kept: list[str] = []
    while True:
        character = reader.here
        reader.place += 1
        if character == "'" and reader.here == "'":
            reader.place += 1
        elif character == "'":
            break
        elif character == "\\":
            character = _escaped_of(reader)
        elif character == "":
            raise reader.invalid()
        kept.append(character)
    if not kept:
        raise reader.invalid()
    return "".join(kept)


def _bare_of(reader: _Reader) -> str:
    kept: list[str] = []
    while (character := reader.here) and not character.isspace() and character != ":" and character not in _OPERATORS:
        reader.place += 1
        kept.append(_escaped_of(reader) if character == "\\" else character)
    if not kept:
        raise reader.invalid()
    return "".join(kept)


def _escaped_of(reader: _Reader) -> str:
    character = reader.here
    if not character:
        raise reader.invalid("there is no escaped character")
    reader.place += 1
    return character


# ---------------------------------------------------------------- web search


def _web(text: str, config: str) -> Node | None:
    reader = _Reader(text, config)
    waiting = _Waiting(reader)
    while _web_operand(reader, waiting):
        while reader.here.isspace() or reader.here in _OPERATORS:
            reader.place += 1
        if not reader.here:
            break
        either = _OR.match(text, reader.place)
        waiting.add("|" if either else "&")
        reader.place = either.end() if either else reader.place
    waiting.finish()
    return reader.nodes[0] if reader.nodes else None


def _web_operand(reader: _Reader, waiting: _Waiting) -> bool:
    """Read an operand. False at the end (where something must follow, a stop word stands for it)."""
    started = bool(reader.nodes)
    while character := reader.here:
        if character == "-":
            waiting.add("!")
            started = True
        elif character == '"':
            end = reader.text.find('"', reader.place + 1)
            quoted = reader.text[reader.place + 1 : end if end >= 0 else None]
            reader.place = len(reader.text) if end < 0 else end + 1
            reader.push(_operand(quoted, reader.config, Phrase))
            return True
        elif not character.isspace() and character not in _OPERATORS:
            reader.push(_operand(_web_word(reader), reader.config, Phrase))
            return True
        reader.place += 1
    if started:
        reader.push(None)
    return False


def _web_word(reader: _Reader) -> str:
    start = reader.place
    while (character := reader.here) and not character.isspace() and character not in _OPERATORS and character != '"':
        if character == ":" and reader.place > start:
            break
        reader.place += 1
    return reader.text[start : reader.place]


_READERS: Final[dict[str, Callable[[str, str], Node | None]]] = {"fts": _tree, "plfts": _plain, "phfts": _phrase, "wfts": _web}
