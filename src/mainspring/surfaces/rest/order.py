"""The `order` parameter: terms with direction and place of nulls, on own columns and on those of an embed."""

from __future__ import annotations

import re

from mainspring.query.ast import Aggregate, Column, Order
from mainspring.surfaces.rest.aggregates import operand
from mainspring.surfaces.rest.scan import Scanner, check_length

_DIRECTION = re.compile(r"\.(asc|desc)")
_NULLS = re.compile(r"\.(nullsfirst|nullslast)")


def parse_order(text: str, *, aggregates: bool = False) -> tuple[Order, ...]:
    """The terms of `text`, with `aggregates` such as `price.sum().desc` among them. Raises SyntaxInvalid, LimitExceeded."""
    check_length("order", text)
    scan = Scanner("order", text)
    terms = [_term(scan, aggregates)]
    while scan.take(","):
        terms.append(_term(scan, aggregates))
    scan.finish()
    return tuple(terms)


def _term(scan: Scanner, aggregates: bool) -> Order:
    scan.spaces()
    name, related = scan.name(), None
    column: Column | Aggregate
    if aggregates and not (scan.sees("(") and not scan.sees("()")):
        column = operand(scan, name)
    elif scan.take("("):
        scan.spaces()
        related, name = name, scan.name()
        column = Column(name, *scan.json_path())
        scan.spaces()
        scan.expect(")")
    else:
        column = Column(name, *scan.json_path())
    direction = scan.match(_DIRECTION)
    nulls = scan.match(_NULLS)
    scan.spaces()
    if scan.sees("."):
        scan.position += 1
        raise scan.fail(_expected(direction is not None, nulls is not None))
    return Order(
        column,
        descending=direction is not None and direction[1] == "desc",
        nulls_first=None if nulls is None else nulls[1] == "nullsfirst",
        related=related,
    )


def _expected(directed: bool, placed: bool) -> str:
    if placed:
        return '"," or end of input'
    return '"nullsfirst" or "nullslast"' if directed else '"asc", "desc", "nullsfirst" or "nullslast"'
