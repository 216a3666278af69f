"""From a result to the answer: status, headers, body. Knows the shape that was asked, no request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from math import inf
from typing import Any
from urllib.parse import quote

from mainspring.errors import NotSingular
from mainspring.http.headers import Header
from mainspring.query.ast import Aggregate, Call, Count, Field, Insert, MediaForm, Read, Resolution, Update
from mainspring.services.data import Result
from mainspring.surfaces.rest.csv import write_csv
from mainspring.surfaces.rest.cursor import write
from mainspring.surfaces.rest.media import ARRAY, content_type
from mainspring.surfaces.rest.page import content_range, page_status
from mainspring.surfaces.rest.preferences import Return
from mainspring.surfaces.rest.shape import Shape
from mainspring.surfaces.rest.strip import strip_nulls

Answer = tuple[int, list[Header], bytes]

_UNSAFE = re.compile(r"[^A-Za-z0-9\-_.~%&=]")


def render_read(shape: Shape, result: Result, values: Sequence[Any], query: str, max_rows: int) -> Answer:
    """The answer to a read; no page has more than `max_rows` rows (0: no bound). Raises NotSingular, RangeNotSatisfiable."""
    if shape.media.explain is not None:
        return _explained(shape, result)
    body, kind = _document(shape, result)
    count, total = result.count, result.total
    place = shape.page.offset
    offset = 0 if place is None else values[place]
    ranged = content_range(offset, count, total) if shape.cursor is None else content_range(0, 0, total)
    headers = [
        (b"content-type", kind),
        (b"content-length", b"%d" % len(body)),
        (b"content-range", ranged),
        (b"content-location", location(shape, query)),
        *shape.headers,
    ]
    if shape.cursor is not None and result.cursor is not None and count >= _most(shape, values, max_rows):
        headers += _next_page(write(shape.cursor, result.cursor), query)
    if result.media is not None:
        return _decided(result, page_status(offset, count, total), headers, body)
    return 200 if total is None else page_status(offset, count, total), headers, body


def _most(shape: Shape, values: Sequence[Any], max_rows: int) -> float:
    """How many rows a page has, unless it is the last one."""
    place = shape.page.limit
    bounds = [bound for bound in (None if place is None else values[place], max_rows or None) if bound is not None]
    return min(bounds) if bounds else inf


def _next_page(cursor: str, query: str) -> list[Header]:
    """Where the next page begins: the cursor alone, and as a link."""
    kept = [pair for pair in query.split("&") if pair.partition("=")[0] != "cursor"]
    address = _UNSAFE.sub(lambda found: _escaped(found[0]), "&".join([*kept, f"cursor={cursor}"]))
    return [(b"next-cursor", cursor.encode()), (b"link", f'<?{address}>; rel="next"'.encode())]


def _document(shape: Shape, result: Result) -> tuple[bytes, bytes]:
    """The body and its Content-Type: as the database made them, else made of the JSON array. Raises NotSingular."""
    if result.media is not None:
        return result.body or b"", content_type(result.media.decode())
    body, media = result.body or b"[]", shape.media
    if media is ARRAY:
        return body, media.content_type
    if media.singular:
        if result.count != 1:
            raise NotSingular(result.count)
        body = body[1:-1]
    if media.stripped:
        body = strip_nulls(body)
    if media.form is MediaForm.CSV:
        body = write_csv(body, _names(shape))
    return body, media.content_type


def _names(shape: Shape) -> Iterable[str]:
    """The columns that a selection names, for a table without rows."""
    items = shape.query.selection.items if isinstance(shape.query, Read | Call) else ()
    return (_named(item) for item in items if isinstance(item, Field | Aggregate))


def _named(item: Field | Aggregate) -> str:
    return item.alias or (item.function if isinstance(item, Aggregate) else item.column.name)


def _decided(result: Result, status: int, headers: list[Header], body: bytes) -> Answer:
    """The answer with what the database has to say about status and headers."""
    if result.headers:
        said = {name for name, _ in result.headers}
        headers = [header for header in headers if header[0] not in said] + list(result.headers)
    return result.status or status, headers, body


def _explained(shape: Shape, result: Result) -> Answer:
    body = result.body or b""
    kind = shape.media.content_type if result.media is None else content_type(result.media.decode())
    profile = [header for header in shape.headers if header[0] == b"content-profile"]
    return 200, [(b"content-type", kind), (b"content-length", b"%d" % len(body)), *profile], body


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


def render_call(shape: Shape, result: Result, values: Sequence[Any]) -> Answer:
    """The answer to a call. Raises NotSingular, RangeNotSatisfiable."""
    if shape.media.explain is not None:
        return _explained(shape, result)
    place = shape.page.offset
    offset = 0 if place is None else values[place] or 0
    ranged: list[Header] = [(b"content-range", content_range(offset, result.count, result.total))]
    applied = [header for header in shape.headers if header[0] == b"preference-applied"]
    if result.void:
        return _decided(result, 204, ranged + applied, b"")
    body, kind = _document(shape, result)
    headers = [*ranged, *shape.headers, (b"content-type", kind), (b"content-length", b"%d" % len(body))]
    return _decided(result, page_status(offset, result.count, result.total), headers, body)


def render_write(shape: Shape, result: Result) -> Answer:
    """The answer to an insert, update or delete."""
    if shape.media.explain is not None:
        return _explained(shape, result)
    counted = result.count if shape.preferences.count in (Count.EXACT, Count.ESTIMATED) else None
    ranged: list[Header] = [(b"content-range", _written(shape, result.count, counted))]
    headers = ranged if shape.method != "PUT" else []
    creates = isinstance(shape.query, Insert)
    status = _created(shape, result) if creates else 200
    if shape.preferences.returning is Return.ROWS:
        body, kind = _document(shape, result)
        headers += [*shape.headers, (b"content-type", kind), (b"content-length", b"%d" % len(body))]
        return _decided(result, status, headers, body)
    headers += [header for header in shape.headers if header[0] == b"preference-applied"]
    if not creates or shape.method == "PUT":
        return _decided(result, 204, headers, b"")
    headers.append((b"content-length", b"0"))
    if shape.preferences.returning is Return.HEADERS and len(result.keys) == 1:
        headers.append((b"location", _address(shape, result.keys[0])))
    return _decided(result, status, headers, b"")


def _written(shape: Shape, count: int, counted: int | None) -> bytes:
    """PostgREST names the rows of an update only; of an insert or delete just their number, when counted."""
    return content_range(0, count if isinstance(shape.query, Update) else 0, counted)


def _created(shape: Shape, result: Result) -> int:
    """201, or 200 for an upsert that created nothing."""
    merged = shape.preferences.resolution is Resolution.MERGE or shape.method == "PUT"
    if result.inserted is None:
        return 200 if merged and result.media is not None else 201
    return 200 if merged and result.inserted <= 0 else 201


def _address(shape: Shape, key: Mapping[str, Any]) -> bytes:
    """Where one new row is to be found."""
    filters = (f"{quote(name, safe='')}={_equal(value)}" for name, value in key.items())
    return f"{shape.location}?{'&'.join(filters)}".encode()


def _equal(value: Any) -> str:
    if value is None:
        return "is.null"
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return "eq." + quote(text, safe="-_.~")
