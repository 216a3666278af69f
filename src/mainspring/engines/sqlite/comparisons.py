"""SQL functions that compare what SQLite cannot: JSON, arrays and ranges by their reference meaning, texts with patterns.

A type comes as `spec` writes it, a constant of the statement.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

from mainspring.datatypes import DataType, Document, Kind, from_json
from mainspring.query import regex
from mainspring.query.evaluate import test
from mainspring.query.ops import OPERATORS, order_key
from mainspring.query.order import packed
from mainspring.query.search import matches

_decode = msgspec.json.Decoder(float_hook=Decimal).decode


def _match(spelt: str | None, text: Any) -> bool | None:
    """Whether a regular expression in RE2's spelling matches. Bytes, which a found database may hold as text, match as shown."""
    if spelt is None or text is None:
        return None
    return regex.search(spelt, text if isinstance(text, str) else f"\\x{text.hex()}" if isinstance(text, bytes) else str(text))


def _key(value: str | None, spec: str) -> bytes | None:
    """What a stored value of a type orders by."""
    if value is None:
        return None
    return _recent_key(value, spec) if len(value) <= _SHORT else _made_key(value, spec)


def _made_key(value: str, spec: str) -> bytes:
    type_ = _type(spec)
    return packed(order_key(type_, _canonical(type_, value)))


_SHORT = 100
_recent_key = lru_cache(maxsize=1024)(_made_key)


def _test(operator: str, left: str | None, right: str | None, spec: str) -> bool | None:
    """The reference meaning of an operator on stored values of a type."""
    if left is None or right is None:
        return None
    type_ = _type(spec)
    sought = _remembered(right, spec) if len(right) <= _LONGEST_REMEMBERED else _canonical(type_, right)
    return test(OPERATORS[operator], type_, _canonical(type_, left), sought)


_LONGEST_REMEMBERED = 4_000


@lru_cache(maxsize=64)
def _remembered(stored: str, spec: str) -> Any:
    """A value that is compared with row after row."""
    return _canonical(_type(spec), stored)


def spec(type_: DataType) -> str:
    """A type as JSON, without what all types have."""
    return msgspec.json.encode(_given(type_)).decode()


def _given(type_: DataType) -> dict[str, Any]:
    plain = DataType(type_.kind)
    found = {name: getattr(type_, name) for name in type_.__struct_fields__ if getattr(type_, name) != getattr(plain, name)}
    return {"kind": type_.kind, **found, **({"item": _given(type_.item)} if type_.item else {})}


@lru_cache(maxsize=256)
def _type(spec: str) -> DataType:
    return msgspec.json.decode(spec, type=DataType)


def _canonical(type_: DataType, stored: str) -> Any:
    match type_.kind:
        case Kind.JSON:
            return Document(_decode(stored))
        case Kind.ARRAY:
            return from_json(type_, _decode(stored))
        case _:
            return stored


def _search(text: str | None, operator: str, config: str, query: str | None) -> bool | None:
    """Whether a text fits a search query."""
    return None if text is None or query is None else matches(operator, config, query, text)


def _search_document(document: str | None, operator: str, config: str, query: str | None) -> bool | None:
    """Whether the texts in a JSON document fit a search query."""
    return None if document is None or query is None else matches(operator, config, query, _decode(document))


COMPARISONS: dict[str, tuple[int, Callable[..., Any]]] = {
    "ms_match": (2, _match),
    "ms_key": (2, _key),
    "ms_test": (4, _test),
    "ms_search": (4, _search),
    "ms_search_document": (4, _search_document),
}
"""The functions by name, each with its number of arguments."""
