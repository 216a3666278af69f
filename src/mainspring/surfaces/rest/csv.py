"""CSV in and out: a header line, then one line per row. Knows rows, no table."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Any

import msgspec

from mainspring.errors import BodyInvalid

_LARGEST_FIELD = 131_072_000


def read_csv(body: bytes) -> list[dict[str, Any]]:
    """The rows of a CSV body; a field that is the word NULL is null, every other a text. Raises BodyInvalid."""
    csv.field_size_limit(_LARGEST_FIELD)
    try:
        lines = [line for line in csv.reader(io.StringIO(body.decode("utf-8-sig"), newline=""), strict=True) if line]
    except (csv.Error, UnicodeDecodeError):
        raise BodyInvalid("Invalid CSV") from None
    if not lines:
        raise BodyInvalid("Empty or invalid csv")
    names, *rows = lines
    if len(set(names)) != len(names) or any(len(row) != len(names) for row in rows):
        raise BodyInvalid("All lines must have same number of fields")
    return [{name: None if text == "NULL" else text for name, text in zip(names, row, strict=True)} for row in rows]


def write_csv(body: bytes, names: Iterable[str] = ()) -> bytes:
    """A JSON array of objects as CSV: numbers as they are written there, nested values as JSON, null as nothing.

    `names` are the columns where there is no row to tell them.
    """
    rows = msgspec.json.decode(body, type=list[dict[str, msgspec.Raw]])
    header = list(rows[0]) if rows else list(names)
    lines = [",".join(map(_quoted, header)), *(",".join(_field(bytes(row[name])) for name in header) for row in rows)]
    return "\n".join(lines).encode()


def _field(raw: bytes) -> str:
    if raw == b"null":
        return ""
    if raw.startswith(b'"'):
        return _quoted(msgspec.json.decode(raw, type=str))
    return _quoted(raw.decode())


def _quoted(text: str) -> str:
    if text == "" or any(mark in text for mark in ',"\n\r\\() '):
        return '"' + text.replace("\\", "\\\\").replace('"', '""') + '"'
    return text
