"""JSON values beside one another, as PostgreSQL's jsonb compares them: one order, one equality, containment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any

from mainspring.errors import LimitExceeded

MAX_WORK = 200_000
"""The most pairs of objects and arrays that one containment test looks at: twenty in one list and ten thousand in another."""

Key = tuple[Any, ...]


def document_key(value: Any) -> Key:
    """A key by which JSON values are ordered, and which equal ones share.

    null, strings, numbers, booleans, arrays (shorter first), objects (fewer keys first); but an empty array that is the whole
    value comes first of all, as in PostgreSQL.
    """
    return (-1,) if isinstance(value, list | tuple) and not value else _key(value)


def _key(value: Any) -> Key:
    match value:
        case None:
            return (0,)
        case str():
            return (1, value)
        case bool():
            return (3, value)
        case list() | tuple():
            return (4, len(value), tuple(map(_key, value)))
        case dict():
            return (5, len(value), tuple(map(_member, sorted(value.items(), key=_by_length))))
        case float():
            return (2, Decimal(repr(value)))
        case _:
            return (2, value)


def _by_length(member: tuple[str, Any]) -> tuple[int, bytes]:
    """jsonb keeps keys by length, then by their bytes; values are compared in that order."""
    name = member[0].encode()
    return len(name), name


def _member(member: tuple[str, Any]) -> Key:
    return member[0], _key(member[1])


def contains(whole: Any, part: Any) -> bool:
    """Whether `whole` holds all of `part`: objects by key, arrays as sets; an array also holds a bare scalar.

    Raises LimitExceeded when too many combinations would have to be tried.
    """
    if isinstance(whole, list | tuple) and not isinstance(part, dict | list | tuple):
        part = [part]
    return _Search().contains(whole, part)


class _Search:
    """One containment test; counts its work."""

    __slots__ = ("work",)

    def __init__(self) -> None:
        self.work = 0

    def contains(self, whole: Any, part: Any) -> bool:
        """One call deeper for each level of `part`, so that deep documents do not exhaust the stack."""
        self.work += 1 + (len(whole) // 16 if isinstance(whole, list | tuple) else 0)
        if self.work > MAX_WORK:
            raise too_much()
        match part:
            case dict():
                found = isinstance(whole, dict) and len(whole) >= len(part)
                for name in part if found else ():
                    found = found and name in whole and self.contains(whole[name], part[name])
                return found
            case list() | tuple():
                if not isinstance(whole, list | tuple) or not _scalars(part) <= _scalars(whole):
                    return False
                nested = _nested(whole)
                for item in _nested(part):
                    for candidate in nested:
                        if self.contains(candidate, item):
                            break
                    else:
                        return False
                return True
            case _:
                return not isinstance(whole, dict | list | tuple) and _key(whole) == _key(part)


def _nested(items: Sequence[Any]) -> list[Any]:
    return [item for item in items if isinstance(item, dict | list | tuple)]


def _scalars(items: Iterable[Any]) -> set[Key]:
    return {_key(item) for item in items if not isinstance(item, dict | list | tuple)}


def too_much() -> LimitExceeded:
    """The refusal of a containment test that would take too long."""
    return LimitExceeded(what="the work of one containment test", limit=MAX_WORK, unit="comparisons")
