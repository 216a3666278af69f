"""Pages by cursor are the whole, on every engine: of rows and of groups, by any order, with nulls and ties."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import msgspec.structs
import pytest
from hypothesis import assume, event, given, note
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from mainspring.errors import MainspringError, NotSupported, PermissionDenied
from mainspring.query.ast import Cursor, Read, Slot
from tests.property.answers import comparable, declined, parse
from tests.property.cases import DECLINED, REQUESTS, examples, ran, seconds
from tests.property.engines import Answer, Lab, Side
from tests.property.strategies.policies import anyone, registries
from tests.property.strategies.requests import Request, following, reads
from tests.property.strategies.schemas import worlds

decode = msgspec.json.Decoder(list[Any], float_hook=Decimal).decode
pytestmark = pytest.mark.timeout(seconds())


Page = tuple[Request, Answer]


@examples(0.08, REQUESTS)
@given(data=st.data())
def test_pages_by_cursor_are_the_whole(lab: Lab, data: DataObject) -> None:
    schema = lab.schema()
    world = data.draw(worlds()).named(schema)
    registry = data.draw(registries(world.catalog))
    with lab.holding(world, registry, schema) as sides:
        for side in sides.values():
            side.fill(world)
        turned = 0
        for _ in range(REQUESTS):
            request = data.draw(reads(world.catalog, registry, data.draw(anyone())))
            turned += walk(sides, request, data.draw(st.integers(1, 3)))
    assume(turned)  # where no page was turned nothing was shown: too many such examples are a failure


def walk(sides: dict[str, Side], request: Request, size: int) -> bool:
    """Hold the pages of every engine against its whole answer; the memory engine, which declines none, leads.

    Returns whether a page was turned: whether two pages hold rows.
    """
    lead = list(pages(sides["memory"], request, size))
    note(f"{request.query}\n{request.values}\n{request.principal}\n{lead}")
    _, first = lead[0]
    if isinstance(first, MainspringError):
        ran("cursors refused")
        for side in sides.values():
            refused(side, request, size, first)
        return False
    ran("cursors")
    for side in sides.values():
        follow(side, lead, request, size)
    return len(lead) > 2


def pages(side: Side, request: Request, size: int) -> Iterator[Page]:
    """The reads of one page after the other with their answers, until one has no rows."""
    first = page = _asked(request, Cursor(), size)
    while True:
        answer = side.answer(page)
        yield page, answer
        if isinstance(answer, MainspringError) or answer.cursor is None:
            return
        page = following(first, decode(answer.cursor))


def refused(side: Side, request: Request, size: int, refusal: MainspringError) -> None:
    """What has no pages is refused alike by all, the first page and any other; only for its cursor where it has an answer."""
    assert not declined(refusal), "the memory engine has pages of whatever anyone has"
    first = _asked(request, Cursor(), size)
    answer, later = side.answer(first), side.answer(following(first, [1]))
    assert declined(answer) or comparable(answer) == comparable(refusal), side.name
    assert isinstance(later, MainspringError), side.name
    if not isinstance(side.answer(_asked(request, None, None)), MainspringError):
        assert isinstance(answer, NotSupported | PermissionDenied), side.name
    event(f"refused: {type(answer).__name__}")


def follow(side: Side, lead: list[Page], request: Request, size: int) -> None:
    """An engine's pages lead to one another, and are its whole answer. What it declines by name is a page alone: it goes on where
    the lead does, and what it answers is then what the lead answers.
    """
    first, place, found = _asked(request, Cursor(), size), None, []
    whole, wanted = side.answer(_asked(request, None, None)), []
    complete = not declined(whole)
    for page, expected in lead:
        answer = side.answer(page if place is None else following(first, place))
        assert not isinstance(expected, MainspringError), comparable(expected)
        if declined(answer):
            DECLINED[side.name] += 1
            complete, place = False, None
            continue
        assert not isinstance(answer, MainspringError), (side.name, comparable(answer))
        assert answer.count == expected.count <= size
        assert (answer.cursor is None) == (expected.cursor is None)
        found += parse(answer.body or b"[]")
        wanted += parse(expected.body or b"[]")
        place = None if answer.cursor is None else decode(answer.cursor)
    if complete:
        assert not isinstance(whole, MainspringError), (side.name, comparable(whole))
        wanted = parse(whole.body or b"[]")
    assert found == wanted, side.name
    event(f"{side.name}: {min(len(found), 4)} rows, groups: {bool(_distinct(request))}, whole: {complete}")


def _distinct(request: Request) -> bool:
    return isinstance(request.query, Read) and request.query.selection.distinct


def _asked(request: Request, cursor: Cursor | None, size: int | None) -> Request:
    """The request from a cursor on with pages of a size, or of everything."""
    assert isinstance(request.query, Read)
    limit = None if size is None else Slot(len(request.values))
    selection = msgspec.structs.replace(request.query.selection, limit=limit, offset=None)
    values = request.values if size is None else (*request.values, size)
    return replace(request, query=replace(request.query, selection=selection, cursor=cursor), values=values)
