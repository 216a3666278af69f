"""The body of a write: JSON (or CSV, or a form) into rows, and the columns they name. Knows no table."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qsl

from mainspring.datatypes import decode_body
from mainspring.errors import BodyInvalid, LimitExceeded
from mainspring.surfaces.rest.csv import read_csv
from mainspring.surfaces.rest.errors import Refused

Row = dict[str, Any]

_JSON: Final = (b"application/json", b"application/vnd.pgrst.object+json", b"application/vnd.pgrst.array+json")
_UNEQUAL: Final = "All object keys must match"


def decode_rows(body: bytes, content_type: bytes | None, max_depth: int) -> list[Row]:
    """The rows that a body holds: those of an array, or the one object.

    Raises BodyInvalid, LimitExceeded, and Refused for a Content-Type that is not read.
    """
    kind = (content_type or b"application/json").partition(b";")[0].strip().lower()
    if kind == b"application/x-www-form-urlencoded":
        return [form(body)]
    if kind == b"text/csv":
        return read_csv(body)
    if kind not in _JSON:
        raise unacceptable(kind)
    value = decode_body(body, max_depth)
    rows = value if isinstance(value, list) else [value]
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise BodyInvalid(_UNEQUAL if number else "The body must be an object or an array of objects")
        for item in row.values():
            if isinstance(item, dict | list):
                _check_depth(item, max_depth, max_depth)
    return rows


def unacceptable(kind: bytes) -> Refused:
    """The refusal of a body in a form that is not read."""
    return Refused(400, "PGRST102", f"Content-Type not acceptable: {kind.decode('latin-1')}")


def columns_of(rows: list[Row]) -> tuple[str, ...]:
    """The keys of the rows. Raises BodyInvalid when they differ."""
    if not rows:
        return ()
    keys = rows[0].keys()
    if any(row.keys() != keys for row in rows):
        raise BodyInvalid(_UNEQUAL)
    return tuple(keys)


def single(rows: list[Row]) -> Row:
    """The one row of changes that an update takes; none changes nothing. Raises BodyInvalid for several."""
    if len(rows) > 1:
        raise BodyInvalid("An update takes one object", "The body holds an array of several.")
    return rows[0] if rows else {}


def form(body: bytes) -> Row:
    """The fields of a form. Raises BodyInvalid."""
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=1000))
    except ValueError:
        raise BodyInvalid("Empty or invalid form") from None


def _check_depth(value: Any, levels: int, max_depth: int) -> None:
    if levels <= 0:
        raise LimitExceeded(what="the nesting of the body", limit=max_depth, unit="levels")
    for item in value.values() if isinstance(value, dict) else value:
        if isinstance(item, dict | list):
            _check_depth(item, levels - 1, max_depth)
