"""Ordering in the one way that every engine must follow: text by code point, enums by declaration, nulls
where they are told to go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from mainspring.datatypes import DataType, Kind
from mainspring.query.ops import sort_key

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Term(Generic[Item]):
    """One ordering term: how to find an item's key (None is null), and which way."""

    key: Callable[[Item], Any]
    type: DataType
    descending: bool
    nulls_first: bool


def ordered(items: Iterable[Item], terms: Sequence[Term[Item]]) -> list[Item]:
    """The items ordered by `terms`, the first one foremost; items that tie stay as they came."""
    result = list(items)
    for term in reversed(terms):
        result = _by(result, term)
    return result


def _by(items: list[Item], term: Term[Item]) -> list[Item]:
    keyed = [(term.key(item), item) for item in items]
    nulls = [item for key, item in keyed if key is None]
    present = [(order_key(term.type, key), item) for key, item in keyed if key is not None]
    present.sort(key=lambda pair: pair[0], reverse=term.descending)
    values = [item for _, item in present]
    return nulls + values if term.nulls_first else values + nulls


def order_key(type_: DataType, value: Any) -> Any:
    """A key by which non-null canonical values of `type_` sort."""
    match type_.kind:
        case Kind.JSON:
            return _json_key(value)
        case Kind.ARRAY if type_.item is not None:
            item = type_.item
            return [(value_ is None, None if value_ is None else order_key(item, value_)) for value_ in value]
        case _:
            return sort_key(type_, value)


def _json_key(value: Any) -> Any:
    """jsonb's order: null, strings, numbers, booleans, arrays (shorter first), objects (fewer keys first)."""
    match value:
        case None:
            return (0,)
        case str():
            return (1, value)
        case bool():
            return (3, value)
        case list() | tuple():
            return (4, len(value), [_json_key(item) for item in value])
        case dict():
            members = sorted((len(key.encode()), key.encode(), _json_key(value[key])) for key in value)
            return (5, len(members), members)
        case _:
            return (2, value)
