"""Pages by cursor are the whole, on every engine: of rows and of groups, by any order, with nulls and ties."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import msgspec.structs
import pytest
from hypothesis import event, given, note
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from mainspring.errors import MainspringError
from mainspring.query.ast import Cursor, Read, Slot
from tests.property.answers import comparable, declined, parse
from tests.property.cases import REQUESTS, examples, ran, seconds
from tests.property.engines import Lab, Side
from tests.property.strategies.policies import anyone, registries
from tests.property.strategies.requests import Request, following, reads
from tests.property.strategies.schemas import worlds

decode = msgspec.json.Decoder(list[Any], float_hook=Decimal).decode
pytestmark = pytest.mark.timeout(seconds())


@examples(0.08, REQUESTS)
@given(data=st.data())
def test_pages_by_cursor_are_the_whole(lab: Lab, data: DataObject) -> None:
    schema = lab.schema()
    world = data.draw(worlds()).named(schema)
    registry = data.draw(registries(world.catalog))
    with lab.holding(world, registry, schema) as sides:
        for side in sides.values():
            side.fill(world)
        for _ in range(REQUESTS):
            request = data.draw(reads(world.catalog, registry, data.draw(anyone())))
            size = data.draw(st.integers(1, 3))
            for side in sides.values():
                walk(side, request, size)
            ran("cursors")


def walk(side: Side, request: Request, size: int) -> None:
    """All pages of so many rows hold what one answer holds, in its order; what has no cursors says so on the first page."""
    assert isinstance(request.query, Read)
    whole = side.answer(_asked(request, None, None))
    found: list[Any] = []
    for page in pages(side, request, size):
        answer = side.answer(page)
        if isinstance(answer, MainspringError):
            event(f"{side.name}: {type(answer).__name__}")
            assert not found or declined(answer), answer
            return
        assert answer.count <= size
        found += parse(answer.body or b"[]")
    if whole != found:
        note(f"{side.name}\n{request.query}\n{request.values}\n{request.principal}")
    assert not isinstance(whole, MainspringError), comparable(whole)
    assert found == parse(whole.body or b"[]")
    event(f"{side.name}: {min(len(found), 4)} rows, groups: {bool(request.query.selection.distinct)}")


def pages(side: Side, request: Request, size: int) -> Iterator[Request]:
    """The reads of one page after the other, until one has no rows."""
    first = _asked(request, Cursor(), size)
    page = first
    while True:
        yield page
        answer = side.answer(page)
        if isinstance(answer, MainspringError) or answer.cursor is None:
            return
        page = following(first, decode(answer.cursor))


def _asked(request: Request, cursor: Cursor | None, size: int | None) -> Request:
    """The request from a cursor on with pages of a size, or of everything."""
    assert isinstance(request.query, Read)
    limit = None if size is None else Slot(len(request.values))
    selection = msgspec.structs.replace(request.query.selection, limit=limit, offset=None)
    values = request.values if size is None else (*request.values, size)
    return replace(request, query=replace(request.query, selection=selection, cursor=cursor), values=values)
