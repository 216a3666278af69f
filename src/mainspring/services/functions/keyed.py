"""Rows of a model that a function answers: named by their keys, and read through the door."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from mainspring.catalog.model import Table
from mainspring.errors import NotSupported
from mainspring.query.ast import And, Call, Column, Compare, Order, Position, Read, Slot, Terms
from mainspring.services.data import Result

JSON = b"application/json"


def read_of(table: Table, query: Call, place: int) -> Read:
    """The read of what a function answered: the rows of `table` whose keys stand at `place` among the values."""
    if len(table.primary_key) != 1:
        raise NotSupported("answering rows of a table whose primary key is not one column")
    column, keys = Column(table.primary_key[0]), Slot(place)
    picked = Compare("in", column, keys)
    where = picked if query.selection.where is None else And((picked, query.selection.where))
    order = query.selection.order or (Order(Position(column, keys)),)
    selection = replace(query.selection, where=where, order=order)
    terms = Terms(timezone=query.terms.timezone, explain=query.terms.explain, features=query.terms.features)
    return Read(table.name, selection, query.count, query.rows, terms)


def key_of(row: Any, column: str, attribute: str) -> Any:
    """The key of what a function answered for a row: a mapping, a model or the key itself."""
    if isinstance(row, Mapping):
        return row[column]
    return getattr(row, attribute, row)


def one_of(result: Result) -> Result:
    """The answer of a function that answers one row."""
    return Result((result.body or b"[]")[1:-1] or b"null", result.count, result.total, media=JSON)
