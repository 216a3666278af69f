"""Whether a text fits a query."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from mainspring.query.search.configs import Positions, lower, places, positions, seen
from mainspring.query.search.parse import parse
from mainspring.query.search.stems import beginnings
from mainspring.query.search.tokens import is_plain
from mainspring.query.search.trees import Both, Either, Node, Not, Phrase, Stop, Word, words


def matches(operator: str, config: str, query: str, value: Any) -> bool:
    """Whether `value` (a text, or a JSON document whose texts are searched) fits the query that `operator` and `query` make.

    Raises what reading the query raises.
    """
    sought = _sought(operator, config, query)
    if sought is None:
        return False
    if not isinstance(value, str):
        return _holds(sought.tree, positions(config, value))
    text = lower(value)
    if any(not any(beginning in text for beginning in beginnings) for beginnings in sought.needed):
        return False
    if sought.pattern is not None and is_plain(value):
        return _holds(sought.tree, seen(config, text, sought.pattern))
    return _holds(sought.tree, places(config, value, sought.beginnings, sought.last))


@dataclass(frozen=True, slots=True)
class _Sought:
    """A query, how the words that can matter begin, of which some must be there, and the lexeme after which none matters.

    `pattern` finds those words in a plain text, where it does not matter which of them stand side by side.
    """

    tree: Node
    beginnings: tuple[str, ...]
    needed: tuple[tuple[str, ...], ...]
    last: str | None
    pattern: re.Pattern[str] | None


@lru_cache(maxsize=256)
def _sought(operator: str, config: str, query: str) -> _Sought | None:
    tree = parse(operator, config, query)
    if tree is None:
        return None
    looked_for = tuple({beginning for word in words(tree) for beginning in _beginnings(word, config)})
    last = tree.lexeme if isinstance(tree, Word) and not tree.prefix else None
    return _Sought(tree, looked_for, tuple(_needed(tree, config)), last, _pattern(tree, looked_for))


def _pattern(tree: Node, looked_for: tuple[str, ...]) -> re.Pattern[str] | None:
    if _has_phrase(tree) or not looked_for or not all(each.isascii() and each.isalpha() for each in looked_for):
        return None
    return re.compile(rf"(?<![a-z])(?:{'|'.join(looked_for)})[a-z]*+")


def _has_phrase(node: Node) -> bool:
    match node:
        case Phrase():
            return True
        case Both(left, right) | Either(left, right):
            return _has_phrase(left) or _has_phrase(right)
        case Not(item):
            return _has_phrase(item)
        case _:
            return False


def _beginnings(word: Word, config: str) -> tuple[str, ...]:
    return beginnings(word.lexeme, word.prefix) if config == "english" else (word.lexeme,)


def _needed(node: Node, config: str) -> Iterator[tuple[str, ...]]:
    """How words begin of which one must be there, for every word without which nothing fits."""
    match node:
        case Word():
            yield _beginnings(node, config)
        case Both(left, right) | Phrase(left, right):
            yield from _needed(left, config)
            yield from _needed(right, config)
        case _:
            return


def _holds(node: Node, found: Positions) -> bool:
    """Where no phrase is asked for, only whether lexemes are there counts."""
    match node:
        case Word():
            return bool(_places(node, found))
        case Not(item):
            return not _holds(item, found)
        case Both(left, right):
            return _holds(left, found) and _holds(right, found)
        case Either(left, right):
            return _holds(left, found) or _holds(right, found)
        case Phrase():
            return _spans(node, found).somewhere
        case Stop():
            raise AssertionError("stop words are taken out")


def _places(word: Word, found: Positions) -> Collection[int]:
    if not word.found:
        return ()
    if not word.prefix:
        return found.get(word.lexeme, ())
    return {place for lexeme, places in found.items() if lexeme.startswith(word.lexeme) for place in places}


@dataclass(frozen=True, slots=True)
class _Spans:
    """Where a part of a phrase ends: at `places`, or with `elsewhere` everywhere but there; `width` is how far it reaches."""

    places: frozenset[int] = frozenset()
    elsewhere: bool = False
    width: int = 0

    @property
    def somewhere(self) -> bool:
        return self.elsewhere or bool(self.places)

    def moved(self, by: int) -> frozenset[int]:
        return frozenset(place + by for place in self.places) if by else self.places


_NOWHERE = _Spans()


def _spans(node: Node, found: Positions) -> _Spans:
    match node:
        case Word():
            return _Spans(frozenset(_places(node, found)))
        case Not(item):
            spans = _spans(item, found)
            return _Spans(spans.places, not spans.elsewhere, spans.width)
        case Either(left, right):
            return _either(_spans(left, found), _spans(right, found))
        case Both(left, right) | Phrase(left, right):
            first = _spans(left, found)
            second = _spans(right, found) if first.somewhere else _NOWHERE
            if not (first.somewhere and second.somewhere):
                return _NOWHERE
            return _both(first, second, node.distance if isinstance(node, Phrase) else None)
        case Stop():
            raise AssertionError("stop words are taken out")


def _both(left: _Spans, right: _Spans, distance: int | None) -> _Spans:
    """Where both end: right so far behind left, or (without a distance) both at the same place."""
    if distance is None:
        width = max(left.width, right.width)
        first, second = left.moved(width - left.width), right.moved(width - right.width)
    else:
        width = distance + left.width + right.width
        first, second = left.moved(distance + right.width), right.places
    match left.elsewhere, right.elsewhere:
        case True, True:
            return _Spans(first | second, True, width)
        case True, False:
            return _Spans(second - first, False, width)
        case False, True:
            return _Spans(first - second, False, width)
        case _:
            return _Spans(first & second, False, width)


def _either(left: _Spans, right: _Spans) -> _Spans:
    if not (left.somewhere or right.somewhere):
        return _NOWHERE
    left_width, right_width = (spans.width if spans.somewhere else 0 for spans in (left, right))
    width = max(left_width, right_width)
    first, second = left.moved(width - left_width), right.moved(width - right_width)
    match left.elsewhere, right.elsewhere:
        case True, True:
            return _Spans(first & second, True, width)
        case True, False:
            return _Spans(first - second, True, width)
        case False, True:
            return _Spans(second - first, True, width)
        case _:
            return _Spans(first | second, False, width)
