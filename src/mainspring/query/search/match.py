"""Whether a text fits a query."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from mainspring.query.search.configs import Positions, positions
from mainspring.query.search.parse import parse
from mainspring.query.search.trees import Both, Either, Node, Not, Phrase, Stop, Word


def matches(operator: str, config: str, query: str, value: Any) -> bool:
    """Whether `value` (a text, or a JSON document whose texts are searched) fits the query that `operator` and `query` make.

    Raises what reading the query raises.
    """
    tree = parse(operator, config, query)
    return tree is not None and _holds(tree, positions(config, value))


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
