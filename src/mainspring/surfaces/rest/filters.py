"""Filters: the wire's operators, the conditions they become, how their values are read. Knows no column's type."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from mainspring.catalog.names import nearest
from mainspring.errors import OperatorInvalid, SyntaxInvalid
from mainspring.query.ast import Aggregate, Column, Compare, Expr, Is, Not, Quantifier, Slot
from mainspring.query.ops import IS_TESTS
from mainspring.surfaces.rest.errors import EXPECTED_OPERATOR
from mainspring.surfaces.rest.scan import unescape

Reader = Callable[[str], Any]

QUANTIFIED: Final = ("eq", "gt", "gte", "lt", "lte", "like", "ilike", "match", "imatch")
SEARCHES: Final = ("fts", "plfts", "phfts", "wfts")
OPERATORS: Final = (
    *QUANTIFIED,
    *SEARCHES,
    *("neq", "in", "isdistinct", "cs", "cd", "ov", "sl", "sr", "nxr", "nxl", "adj"),
)
"""Every operator whose value is a slot."""

_PLAIN = (*OPERATORS, *(f"{name}({quantifier})" for name in QUANTIFIED for quantifier in Quantifier))
VALUED: Final = frozenset(_PLAIN) | {f"not.{name}" for name in _PLAIN}
"""The operators as they are written, quantified and negated ones included; searches may also name a configuration."""

_SEARCH = re.compile(r"(?:not\.)?(?:pl|ph|w)?fts\([\w $]+\)")

_LISTED: Final = r'(?>"(?:[^"\\]|\\.)*+"(?=[,)])|[^,)]*+)'
LIST: Final = re.compile(rf"[ \t]*\({_LISTED}(?>,{_LISTED})*+\)[ \t]*", re.DOTALL)
"""A whole list: `(a,"b,c")`. Possessive throughout, so that no text makes it backtrack."""

_ITEM = re.compile(r'"((?:[^"\\]|\\.)*+)"(?=[,)])|([^,)]*+)', re.DOTALL)
_OPERATION = re.compile(r"(?:not\.)?([a-z]+)(?:\([^)]*\))?\.")
_PARTS = re.compile(r"(?:not\.)?([a-z]+)(?:\(([^)]*)\))?")


class Slots:
    """Hands out the places of a request's values, in their order, and keeps how each is read."""

    __slots__ = ("readers",)

    def __init__(self) -> None:
        self.readers: list[Reader | None] = []

    def new(self, reader: Reader | None = None) -> Slot:
        """The next place."""
        self.readers.append(reader)
        return Slot(len(self.readers) - 1)


def valued(operator: str) -> bool:
    """Whether an operator, as it is written, takes a value that is a slot."""
    return operator in VALUED or (operator.endswith(")") and _SEARCH.fullmatch(operator) is not None)


def comparison(column: Column | Aggregate, operation: str, slots: Slots) -> Expr:
    """The condition for an operation that is `valued`."""
    parts = _PARTS.fullmatch(operation)
    assert parts is not None
    name, modifier = parts[1], parts[2]
    quantifier = Quantifier(modifier) if modifier and name in QUANTIFIED else None
    config = modifier if modifier and name in SEARCHES else None
    compared = Compare(name, column, slots.new(_READERS.get(name)), quantifier, config.strip() if config else None)
    return Not(compared) if operation.startswith("not.") else compared


def is_test(column: Column | Aggregate, text: str) -> Expr | None:
    """The condition for `is.null` and its like (perhaps negated), None when `text` is none of them."""
    name = text.removeprefix("not.")
    what = name.removeprefix("is.")
    if what == name:
        return None
    if what.lower() not in IS_TESTS:
        raise SyntaxInvalid("filter", text, len(text) - len(what), f"isVal: ({', '.join(IS_TESTS)})")
    test = Is(column, what.lower())
    return test if name == text else Not(test)


def refusal(text: str, position: int = 0) -> Exception:
    """Why `text` is no operation that can be done here."""
    found = _OPERATION.match(text, position)
    if found is None:
        return SyntaxInvalid("filter", text, position, EXPECTED_OPERATOR)
    return OperatorInvalid(found[1], suggestion=nearest(found[1], (*OPERATORS, "is")))


def read_list(text: str) -> list[str]:
    """The items of `(a,"b,c",)`; `()` has none. Raises SyntaxInvalid."""
    text = text.strip(" \t")
    if text[:1] == "(":
        text = "(" + text[1:].lstrip(" \t")
    if text == "()":
        return []
    if '"' not in text and text[:1] == "(" and text.find(")") == len(text) - 1:
        return text[1:-1].split(",")
    if not LIST.fullmatch(text):
        raise SyntaxInvalid("filter", f"in.{text}", 3, 'a list: "(", values separated by commas, ")"')
    return _items(text)


def _items(text: str) -> list[str]:
    position = text.index("(") + 1
    items: list[str] = []
    while True:
        found = _ITEM.match(text, position)
        assert found is not None  # LIST has matched the whole
        items.append(found[2] if found[1] is None else unescape(found[1]))
        position = found.end()
        if text[position] == ")":
            return items
        position += 1


def read_pattern(text: str) -> str:
    """A pattern with PostgREST's `*` as `%`."""
    return text.replace("*", "%")


_READERS: Final[dict[str, Reader]] = {"in": read_list, "like": read_pattern, "ilike": read_pattern}
