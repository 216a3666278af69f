"""Ranges beside one another, as PostgreSQL compares them.

A range's key is `(0,)` when it is empty, else `(1, lower, upper)`. Bounds of both sides are ordered among each other: an
exclusive lower bound lies a little above its value, an exclusive upper bound a little below.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from mainspring.datatypes import DataType, range_bounds

Key = tuple[Any, ...]
EMPTY: Key = (0,)
_BELOW: Key = (-1,)
_ABOVE: Key = (1,)


@lru_cache(maxsize=1024)
def range_key(type_: DataType, text: str) -> Key:
    """The key of a canonical range, by which ranges are ordered too."""
    bounds = range_bounds(type_, text)
    if bounds is None:
        return EMPTY
    lower, upper, opening, closing = bounds
    low = _BELOW if lower is None else (0, lower, 0 if opening == "[" else 1)
    high = _ABOVE if upper is None else (0, upper, 0 if closing == "]" else -1)
    return (1, low, high)


def contains(whole: Key, part: Key) -> bool:
    """`@>`: an empty range is part of any."""
    if EMPTY in (whole, part):
        return part == EMPTY
    return bool(whole[1] <= part[1] and part[2] <= whole[2])


def overlap(one: Key, other: Key) -> bool:
    """`&&`: whether they have a point in common."""
    return EMPTY not in (one, other) and bool(one[1] <= other[2] and other[1] <= one[2])


def before(one: Key, other: Key) -> bool:
    """`<<`: strictly left of."""
    return EMPTY not in (one, other) and bool(one[2] < other[1])


def ends_within(one: Key, other: Key) -> bool:
    """`&<`: does not extend to the right of."""
    return EMPTY not in (one, other) and bool(one[2] <= other[2])


def starts_within(one: Key, other: Key) -> bool:
    """`&>`: does not extend to the left of."""
    return EMPTY not in (one, other) and bool(one[1] >= other[1])


def adjacent(one: Key, other: Key) -> bool:
    """`-|-`: nothing between them, nothing in common."""
    return EMPTY not in (one, other) and (_meet(one[2], other[1]) or _meet(other[2], one[1]))


def _meet(upper: Key, lower: Key) -> bool:
    """Whether an upper and a lower bound are of one value, which exactly one of them includes."""
    return len(upper) == len(lower) == 3 and bool(upper[1] == lower[1]) and (upper[2] == 0) != (lower[2] == 0)
