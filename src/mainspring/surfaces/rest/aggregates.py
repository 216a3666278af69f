"""Aggregates as they are written: `count()`, `price.sum()`, `id::text.max()`; in `select`, `order` and `having` alike."""

from __future__ import annotations

import re

from mainspring.query.ast import Aggregate, Column
from mainspring.surfaces.rest.scan import Scanner

_CAST = re.compile(r"[\w $]+")
_FUNCTION = re.compile(r"\.(sum|avg|count|max|min)\(\)")


def operand(scan: Scanner, name: str) -> Aggregate | Column:
    """What begins with `name`: an aggregate, or a column (perhaps with a JSON path). Raises SyntaxInvalid."""
    if name == "count" and scan.take("()"):
        return Aggregate("count")
    column = Column(name, *scan.json_path())
    start = scan.position
    cast = read_cast(scan) if scan.sees("::") else None
    function = scan.match(_FUNCTION)
    if function is None:
        scan.position = start
        return column
    return Aggregate(function[1], column, input=cast)


def read_cast(scan: Scanner) -> str | None:
    """The type of a cast that comes next, None when there is none. Raises SyntaxInvalid."""
    if not scan.take("::"):
        return None
    found = scan.match(_CAST)
    if found is None or not found[0].strip():
        raise scan.fail("letter or digit")
    return found[0].strip()
