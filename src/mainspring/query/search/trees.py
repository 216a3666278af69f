"""A search query as a tree, and the removal of stop words from it."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from msgspec.structs import replace


class Word(msgspec.Struct, frozen=True):
    """A lexeme that must be there, or with `prefix` one that begins so. Not `found`: it names weights that no text has."""

    lexeme: str
    prefix: bool = False
    found: bool = True


class Stop(msgspec.Struct, frozen=True):
    """Where a stop word stood."""


class Not(msgspec.Struct, frozen=True):
    """The opposite."""

    item: Node


class Both(msgspec.Struct, frozen=True):
    """Left and right."""

    left: Node
    right: Node


class Either(msgspec.Struct, frozen=True):
    """Left or right."""

    left: Node
    right: Node


class Phrase(msgspec.Struct, frozen=True):
    """Right follows left, exactly so many positions later."""

    left: Node
    right: Node
    distance: int = 1


Node = Word | Stop | Not | Both | Either | Phrase


def words(node: Node) -> Iterator[Word]:
    """Every word of a tree."""
    match node:
        case Word():
            yield node
        case Not(item):
            yield from words(item)
        case Both(left, right) | Either(left, right) | Phrase(left, right):
            yield from words(left)
            yield from words(right)
        case Stop():
            return


def without_stops(node: Node) -> Node | None:
    """The tree without stop words, None when nothing is left. Distances of phrases grow by what is taken out."""
    return _cleaned(node)[0]


_Cleaned = tuple[Node | None, int, int]
"""What is left, and by how much a phrase around it must reach further on its left and on its right."""


def _cleaned(node: Node) -> _Cleaned:
    match node:
        case Word():
            return node, 0, 0
        case Stop():
            return None, 0, 0
        case Not(item):
            kept, before, after = _cleaned(item)
            return None if kept is None else Not(kept), before, after
        case Phrase():
            return _cleaned_phrase(node)
        case Both(left, right) | Either(left, right):
            return _cleaned_pair(node, _cleaned(left), _cleaned(right))


def _cleaned_phrase(node: Phrase) -> _Cleaned:
    left, left_before, left_after = _cleaned(node.left)
    right, right_before, right_after = _cleaned(node.right)
    if left is None:
        before = left_before + node.distance + right_before
        return right, before, before if right is None else right_after
    if right is None:
        return left, left_before, left_after + node.distance + right_after
    return Phrase(left, right, node.distance + left_after + right_before), left_before, right_after


def _cleaned_pair(node: Both | Either, left: _Cleaned, right: _Cleaned) -> _Cleaned:
    if left[0] is None and right[0] is None:
        widest = max(left[1], right[1])
        return None, widest, widest
    if left[0] is None:
        return right
    if right[0] is None:
        return left
    return replace(node, left=left[0], right=right[0]), 0, 0
