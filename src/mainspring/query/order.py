"""Ordering in the one way that every engine must follow: by `ops.order_key`, nulls where they are told to go.

`packed` turns such keys into bytes for databases that only know how to order those.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Generic, TypeVar

from mainspring.datatypes import DataType
from mainspring.query.ops import order_key

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


def packed(key: Any) -> bytes:
    """The key of a value as bytes: they order as the keys of values of one type do, and equal keys have equal ones."""
    parts: list[bytes] = []
    stack = [key]
    while stack:  # not by recursion: documents are deep
        match stack.pop():
            case _Raw(mark):
                parts.append(mark)
            case tuple() as items:
                stack.append(_END)
                for item in reversed(items):
                    stack += (item, _ITEM)
            case scalar:
                parts.append(_scalar(scalar))
    return b"".join(parts)


@dataclass(frozen=True, slots=True)
class _Raw:
    """Bytes that stand between items."""

    mark: bytes


_ITEM, _END = _Raw(b"\x01"), _Raw(b"\x00")


def _scalar(value: Any) -> bytes:
    match value:
        case None:
            return b""
        case bool():
            return b"\x01" if value else b"\x00"
        case str():
            return value.encode() + b"\x00"
        case bytes():
            return value.replace(b"\x00", b"\x00\xff") + b"\x00\x00"
        case float():
            return _number(Decimal(repr(value)))
        case _:
            return _number(Decimal(value))


_INVERTED = bytes(range(255, -1, -1))


def _number(value: Decimal) -> bytes:
    """Sign, magnitude, digits; of negative numbers turned round."""
    if not value:
        return b"\x80"
    sign, digits, _ = value.as_tuple()
    written = bytes(digits).rstrip(b"\x00")  # 1.50 is 1.5
    body = (value.adjusted() + (1 << 31)).to_bytes(4) + bytes(digit + 1 for digit in written) + b"\x00"
    return b"\x7f" + body.translate(_INVERTED) if sign else b"\x81" + body
