"""From a result to the answer: status, headers, body. Knows the shape that was asked, no request."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from mainspring.errors import NotSingular
from mainspring.http.headers import Header
from mainspring.query.ast import Count, Insert, Resolution, Update
from mainspring.services.data import Result
from mainspring.surfaces.rest.page import content_range, page_status
from mainspring.surfaces.rest.preferences import Return
from mainspring.surfaces.rest.shape import Shape

Answer = tuple[int, list[Header], bytes]

_UNSAFE = re.compile(r"[^A-Za-z0-9\-_.~%&=]")


def render_read(shape: Shape, result: Result, values: Sequence[Any], query: str) -> Answer:
    """The answer to a read. Raises NotSingular, RangeNotSatisfiable."""
    body, count, total = result.body or b"[]", result.count, result.total
    if shape.singular:
        if count != 1:
            raise NotSingular(count)
        body = body[1:-1]
    place = shape.page.offset
    offset = 0 if place is None else values[place]
    headers = [
        (b"content-type", shape.content_type),
        (b"content-length", b"%d" % len(body)),
        (b"content-range", content_range(offset, count, total)),
        (b"content-location", location(shape, query)),
        *shape.headers,
    ]
    return 200 if total is None else page_status(offset, count, total), headers, body


def location(shape: Shape, query: str) -> bytes:
    """The canonical address of what was read: the parameters in order of name, percent-encoded."""
    if not query:
        return shape.location.encode()
    if shape.sorting is not None:
        pairs = query.split("&")
        query = "&".join([pairs[place] for place in shape.sorting])
    query = _UNSAFE.sub(lambda found: _escaped(found[0]), query)
    return f"{shape.location}?{query}".encode()


@lru_cache(maxsize=256)
def _escaped(character: str) -> str:
    return "%20" if character == "+" else quote(character, safe="")


def render_write(shape: Shape, result: Result) -> Answer:
    """The answer to an insert, update or delete."""
    counted = result.count if shape.preferences.count is Count.EXACT else None
    headers: list[Header] = [(b"content-range", _written(shape, result.count, counted)), *shape.headers]
    creates = isinstance(shape.query, Insert)
    status = _created(shape, result) if creates else 200
    if shape.preferences.returning is Return.ROWS:
        body = result.body or b"[]"
        body = body[1:-1] if shape.singular else body
        headers += [(b"content-type", shape.content_type), (b"content-length", b"%d" % len(body))]
        return status, headers, body
    if not creates:
        return 204, headers, b""
    headers.append((b"content-length", b"0"))
    if shape.preferences.returning is Return.HEADERS and len(result.keys) == 1:
        headers.append((b"location", _address(shape, result.keys[0])))
    return status, headers, b""


def _written(shape: Shape, count: int, counted: int | None) -> bytes:
    """PostgREST names the rows of an update only; of an insert or delete just their number, when counted."""
    return content_range(0, count if isinstance(shape.query, Update) else 0, counted)


def _created(shape: Shape, result: Result) -> int:
    """201, or 200 for an upsert that created nothing."""
    merged = shape.preferences.resolution is Resolution.MERGE
    return 200 if merged and result.inserted is not None and result.inserted <= 0 else 201


def _address(shape: Shape, key: Mapping[str, Any]) -> bytes:
    """Where one new row is to be found."""
    filters = (f"{quote(name, safe='')}={_equal(value)}" for name, value in key.items())
    return f"{shape.location}?{'&'.join(filters)}".encode()


def _equal(value: Any) -> str:
    if value is None:
        return "is.null"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return "eq." + quote(text, safe="-_.~")
