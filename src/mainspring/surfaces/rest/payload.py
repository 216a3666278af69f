"""The body of a write or call as JSON text for a database that reads it itself (database mode)."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec

from mainspring.errors import BodyInvalid
from mainspring.query.ast import Given
from mainspring.surfaces.rest.body import form, unacceptable
from mainspring.surfaces.rest.csv import read_csv

_UNEQUAL: Final = "All object keys must match"
_INVALID: Final = "Empty or invalid json"
_SHALLOW: Final = 500
_RAW: Final = {b"text/plain": Given.TEXT, b"text/xml": Given.XML, b"application/octet-stream": Given.BYTES}


def kind_of(content_type: bytes | None) -> bytes:
    """The media type of a body, without parameters; JSON where none is said."""
    return (content_type or b"application/json").partition(b";")[0].strip().lower()


def rows_text(body: bytes, content_type: bytes | None, columns: tuple[str, ...] | None) -> tuple[tuple[str, ...], bytes]:
    """The columns that rows name (or `columns`, which spares looking), and the rows as JSON. Raises BodyInvalid, Refused."""
    match kind_of(content_type):
        case b"application/json":
            if columns is not None:
                _check_nesting(body)
                return columns, body
            return _looked_at(body)
        case b"text/csv":
            rows = read_csv(body)
            return columns or tuple(rows[0] if rows else ()), msgspec.json.encode(rows)
        case b"application/x-www-form-urlencoded":
            row = form(body)
            return columns or tuple(row), msgspec.json.encode(row)
        case kind:
            raise unacceptable(kind)


def _check_nesting(body: bytes) -> None:
    """A body that nobody looks at otherwise must not exhaust the database's stack. Raises BodyInvalid."""
    if body.count(b"[") + body.count(b"{") > _SHALLOW:
        try:
            msgspec.json.decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return
        except RecursionError:
            raise BodyInvalid(_INVALID) from None


def _looked_at(body: bytes) -> tuple[tuple[str, ...], bytes]:
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BodyInvalid(_INVALID) from None
    if isinstance(value, dict):
        return tuple(value), body
    if not isinstance(value, list) or not value:
        return (), b"[]"
    keys = value[0].keys() if isinstance(value[0], dict) else None
    if keys is None or any(not isinstance(row, dict) or row.keys() != keys for row in value):
        raise BodyInvalid(_UNEQUAL)
    return tuple(keys), body


def arguments_text(
    body: bytes, content_type: bytes | None, columns: tuple[str, ...] | None
) -> tuple[tuple[str, ...], Given, Any]:
    """The names of a call's arguments, in which form they come, and they: JSON text, a form's fields, or the bare body."""
    kind = kind_of(content_type)
    if kind in _RAW:
        return (), _RAW[kind], body
    if kind == b"application/x-www-form-urlencoded":
        fields = gathered(_fields(body))
        return tuple(fields), Given.NAMED, fields
    form_ = Given.JSON if kind == b"application/json" else Given.NAMED
    if form_ is Given.JSON and columns is None and not body.strip():
        return (), form_, b"{}"
    names, text = rows_text(body, content_type, columns)
    return names, form_, text


def arguments(body: bytes, content_type: bytes | None, columns: tuple[str, ...] | None) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The names of a call's arguments and they, decoded. Raises BodyInvalid, Refused."""
    names, form_, given = arguments_text(body, content_type, columns)
    if form_ not in (Given.NAMED, Given.JSON):
        raise unacceptable(kind_of(content_type))
    if not isinstance(given, bytes):
        return names, given
    try:
        value = msgspec.json.decode(given)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BodyInvalid(_INVALID) from None
    if not isinstance(value, dict):
        raise BodyInvalid("The arguments of a function are one object")
    return names, {name: value[name] for name in names if name in value}


def _fields(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode(), keep_blank_values=True, errors="strict", max_num_fields=1000)
    except ValueError:
        raise BodyInvalid("Empty or invalid form") from None


def gathered(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Values by name; those of one name said several times are a list."""
    found: dict[str, Any] = {}
    for name, text in pairs:
        if name not in found:
            found[name] = text
        elif isinstance(found[name], list):
            found[name].append(text)
        else:
            found[name] = [found[name], text]
    return found
