"""SQL functions that compare what SQLite cannot: JSON, arrays and ranges by their reference meaning, texts with patterns.

A type comes as the JSON of its `DataType`, a constant of the statement.
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

_decode = msgspec.json.Decoder(float_hook=Decimal).decode


def _match(spelt: str | None, text: str | None) -> bool | None:
    """Whether a regular expression in RE2's spelling matches."""
    return None if spelt is None or text is None else regex.search(spelt, text)


def _key(value: str | None, spec: str) -> bytes | None:
    """What a stored value of a type orders by."""
    if value is None:
        return None
    type_ = _type(spec)
    return packed(order_key(type_, _canonical(type_, value)))


def _test(operator: str, left: str | None, right: str | None, spec: str) -> bool | None:
    """The reference meaning of an operator on stored values of a type."""
    if left is None or right is None:
        return None
    type_ = _type(spec)
    return test(OPERATORS[operator], type_, _canonical(type_, left), _canonical(type_, right))


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


COMPARISONS: dict[str, tuple[int, Callable[..., Any]]] = {"ms_match": (2, _match), "ms_key": (2, _key), "ms_test": (4, _test)}
"""The functions by name, each with its number of arguments."""
