"""Filters: the wire's operators, the conditions they become, how their values are read. Knows no column's type."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from mainspring.catalog.names import nearest
from mainspring.errors import NotSupported, OperatorInvalid, SyntaxInvalid
from mainspring.query.ast import Column, Compare, Expr, Is, Not, Slot
from mainspring.query.ops import IS_TESTS, OPERATORS, Form
from mainspring.surfaces.rest.errors import EXPECTED_OPERATOR
from mainspring.surfaces.rest.scan import unescape

Reader = Callable[[str], Any]

VALUED: Final = frozenset(OPERATORS) | {f"not.{name}" for name in OPERATORS}
"""The operators (negated ones included) whose value is a slot."""

_LISTED: Final = r'(?>"(?:[^"\\]|\\.)*+"(?=[,)])|[^,)]*+)'
LIST: Final = re.compile(rf"[ \t]*\({_LISTED}(?>,{_LISTED})*+\)[ \t]*", re.DOTALL)
"""A whole list: `(a,"b,c")`. Possessive throughout, so that no text makes it backtrack."""

_OFFERED_LATER: Final = (
    *("match", "imatch", "isdistinct", "fts", "plfts", "phfts", "wfts"),
    *("cs", "cd", "ov", "sl", "sr", "nxr", "nxl", "adj"),
)
_ITEM = re.compile(r'"((?:[^"\\]|\\.)*+)"(?=[,)])|([^,)]*+)', re.DOTALL)
_OPERATION = re.compile(r"(?:not\.)?([a-z]+)(\([a-z_]*\))?\.")


class Slots:
    """Hands out the places of a request's values, in their order, and keeps how each is read."""

    __slots__ = ("readers",)

    def __init__(self) -> None:
        self.readers: list[Reader | None] = []

    def new(self, reader: Reader | None = None) -> Slot:
        """The next place."""
        self.readers.append(reader)
        return Slot(len(self.readers) - 1)


def comparison(column: Column, operation: str, slots: Slots) -> Expr:
    """The condition for an operation of `VALUED`. Raises NotSupported for a comparison of JSON as JSON."""
    name = operation.removeprefix("not.")
    if column.path and not column.as_text:
        raise NotSupported("comparing a JSON value (->)", instead="Compare its text with ->> instead of ->.")
    compared = Compare(name, column, slots.new(_READERS[OPERATORS[name].form]))
    return compared if name == operation else Not(compared)


def is_test(column: Column, text: str) -> Expr | None:
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
    name, modifier = found[1], found[2]
    if name in _OFFERED_LATER:
        return NotSupported(f"the operator {name}")
    if name in OPERATORS and modifier:
        return NotSupported(f"the modifier {modifier} of the operator {name}")
    return OperatorInvalid(name, suggestion=nearest(name, (*OPERATORS, "is")))


def read_list(text: str) -> list[str]:
    """The items of `(a,"b,c",)`; `()` has none. Raises SyntaxInvalid."""
    text = text.strip(" \t")
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


_READERS: Final[dict[Form, Reader | None]] = {
    Form.SCALAR: None,
    Form.LIST: read_list,
    Form.PATTERN: read_pattern,
}
