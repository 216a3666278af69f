"""Answers in a form in which those of different engines can be compared, and what is deliberately not compared.

Normalised, each for a reason:
- the order of an object's keys inside JSON values: JSON objects have none;
- `1e+20` and `100000000000000000000`: two spellings of one number. Digits after the point are compared as
  written, so 1.50 is not 1.5;
- the columns of a violated foreign key: no text shows them and PostgreSQL does not name them;
- rows of tables without a primary key: without an order they are a set, so lists are compared as multisets.
"""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

from mainspring.engines.base import Result
from mainspring.errors import ForeignKeyViolated, MainspringError, NotSupported, RowCheckViolated, ValueOutOfRange

Comparable = Any


def comparable(answer: Result | MainspringError, *, unordered: bool = False) -> Comparable:
    """What an answer says, equal for equal answers."""
    if isinstance(answer, MainspringError):
        return error_facts(answer)
    body = None if answer.body is None else parse(answer.body, unordered=unordered)
    place = None if answer.cursor is None else parse(answer.cursor)
    return {"body": body, "count": answer.count, "total": answer.total, "inserted": answer.inserted, "cursor": place}


def error_facts(error: MainspringError) -> Comparable:
    """Its class, its texts and every typed fact."""
    silent = ("columns",) if isinstance(error, ForeignKeyViolated) else ()
    facts = {name: value for name, value in error.facts().items() if name not in silent}
    return {"error": type(error).__name__, "message": error.message, "details": error.details, "hint": error.hint, **facts}


def without_constraint(facts: Comparable) -> Comparable:
    """SQLite does not tell which foreign key was violated, nor by which table: there only the class is compared."""
    if isinstance(facts, dict) and facts.get("error") == ForeignKeyViolated.__name__:
        return {"error": facts["error"]}
    return facts


def refused_by_policy(facts: Comparable) -> bool:
    """Whether a policy refused a row.

    Of an upsert's rows one may fail USING and another CHECK: engines meet them in their own order.
    """
    return isinstance(facts, dict) and facts.get("error") == RowCheckViolated.__name__


def declined(answer: Result | MainspringError) -> bool:
    """Whether the engine declares that it cannot: NotSupported by it, or more digits than it keeps."""
    if isinstance(answer, NotSupported):
        return answer.by is not None
    return isinstance(answer, ValueOutOfRange) and "significant digits" in (answer.reason or "")


def parse(body: bytes, *, unordered: bool = False) -> Comparable:
    """The body's value; numbers become their text."""
    value = json.loads(body, parse_float=_number, parse_int=_number)
    return _sorted(value) if unordered else value


def _number(text: str) -> tuple[str]:
    if "e" not in text and "E" not in text:
        return (text,)
    plain = format(Decimal(repr(float(text))), "f")
    return (plain.rstrip("0").rstrip(".") if "." in plain else plain,)


def _sorted(value: Comparable) -> Comparable:
    if isinstance(value, list):
        return sorted((_sorted(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    if isinstance(value, dict):
        return {key: _sorted(item) for key, item in value.items()}
    return value
