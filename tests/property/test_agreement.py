"""Memory, SQLite and PostgreSQL agree: the same rows, counts and errors for the same requests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import event, given, note
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from mainspring.catalog.model import Catalog, Column, Table
from mainspring.datatypes import BIGINT, TEXT, Kind
from mainspring.engines.memory.engine import MemoryEngine
from mainspring.engines.memory.store import State
from mainspring.errors import ConstraintError, MainspringError
from mainspring.policy.registry import Registry
from mainspring.principal import SERVICE_PRINCIPAL
from mainspring.query.ast import Aggregate, Embed, Field, Insert, Read, Selection, Slot, TableName
from tests.property.answers import Comparable, comparable, declined, refused_by_policy, without_constraint
from tests.property.cases import DECLINED, REQUESTS, examples, ran, seconds
from tests.property.engines import Answer, Lab, Side, alone, seeds
from tests.property.strategies.policies import anyone, registries
from tests.property.strategies.requests import Request, following, reads, writes
from tests.property.strategies.schemas import World, catalog_of, worlds

decode = msgspec.json.Decoder(list[Any], float_hook=Decimal).decode
pytestmark = pytest.mark.timeout(seconds())


@examples(0.55, REQUESTS)
@given(data=st.data())
def test_the_engines_agree(lab: Lab, data: DataObject) -> None:
    schema = lab.schema()
    world = data.draw(worlds()).named(schema)
    registry = data.draw(registries(world.catalog))
    with lab.holding(world, registry, schema) as sides:
        for request in seeds(world):
            compare(sides, world.catalog, request, unordered=False)
        for _ in range(REQUESTS):
            request = data.draw(_requests(world, registry))
            compare(sides, world.catalog, request, unordered=touches_keyless(world.catalog, request))
            ran("agreement")
            for page in pages(sides["memory"], request):
                compare(sides, world.catalog, page, unordered=touches_keyless(world.catalog, page))
                ran("agreement")


def pages(side: Side, request: Request) -> Iterator[Request]:
    """The reads of the next two pages, where a request goes by cursor."""
    for _ in range(2):
        if not isinstance(request.query, Read) or request.query.cursor is None:
            return
        answer = side.answer(request)
        if isinstance(answer, MainspringError) or answer.cursor is None:
            return
        after = decode(answer.cursor)
        if request.query.cursor.after is not None:
            request = replace(request, values=request.values[:-1])
        request = following(request, after)
        yield request


@examples(0.01, REQUESTS)
@given(sizes=st.lists(st.integers(1, 4), min_size=2, max_size=REQUESTS))
def test_automatic_keys_count_alike(lab: Lab, sizes: list[int]) -> None:
    """Apart from the rest: after a refused insert, a deleted row or a key given by hand, databases count on differently."""
    schema = lab.schema()
    name = TableName(schema, "counted")
    columns = {"id": Column("id", BIGINT, nullable=False, autoincrement=True), "note": Column("note", TEXT)}
    world = World(catalog_of([Table(name, columns, ("id",))]), {})
    query = Insert(name, ("note",), Slot(0), missing_default=True, returning=Selection())
    with lab.holding(world, Registry({}), schema) as sides:
        for size in sizes:
            rows = [{"note": str(number)} for number in range(size)]
            compare(sides, world.catalog, Request(query, (rows,), SERVICE_PRINCIPAL), unordered=False)
            ran("agreement")


@st.composite
def _requests(draw: st.DrawFn, world: World, registry: Registry) -> Request:
    principal = draw(anyone())
    make = reads if draw(st.integers(0, 9)) < 6 else writes
    return draw(make(world.catalog, registry, principal))


def compare(sides: dict[str, Side], catalog: Catalog, request: Request, *, unordered: bool) -> None:
    """Ask every engine; a write that SQLite declines is asked of none, so that they stay alike."""
    memory = sides["memory"]
    before = memory_state(memory)
    answers: dict[str, Answer] = {}
    for name in sorted(sides, reverse=True):  # SQLite first: it declines; memory last
        answer = sides[name].answer(request)
        if not declined(answer):
            answers[name] = answer
            continue
        DECLINED[name] += 1
        if request.writes and not answers:
            return
    expected = answers.pop("memory")
    event(f"answer: {type(expected).__name__}")
    for name, answer in answers.items():
        said, wanted = _said(answer, name, unordered), _said(expected, name, unordered)
        if said != wanted and isinstance(answer, MainspringError) and isinstance(expected, MainspringError):
            lone = alone(memory, before, catalog, request, answer, named_keys=name != "sqlite")
            wanted = _said(lone, name, unordered)
        upsert = isinstance(request.query, Insert) and request.query.conflict is not None
        if upsert and refused_by_policy(said) and refused_by_policy(wanted):
            continue
        if upsert and name == "sqlite" and isinstance(answer, ConstraintError) and refused_by_policy(wanted):
            # Written row by row, there the constraint of one row comes before the policy for a later one: both must be broken.
            unguarded = replace(request, principal=replace(request.principal, bypass=True))
            wanted = _said(alone(memory, before, catalog, unguarded, answer, named_keys=False), name, unordered)
        if said != wanted:
            note(f"{request.query}\n{request.values}\n{request.principal}\n{getattr(answer, '__cause__', None)!r}")
        assert (name, said) == (name, wanted)


def memory_state(side: Side) -> State:
    """What the memory engine holds; it never changes a state, it makes a new one."""
    assert isinstance(side.engine, MemoryEngine)
    return side.engine._state


def _said(answer: Answer, engine: str, unordered: bool) -> Comparable:
    facts = comparable(answer, unordered=unordered)
    return without_constraint(facts) if engine == "sqlite" else facts


def touches_keyless(catalog: Catalog, request: Request) -> bool:
    """Whether rows of a table without a primary key are answered, or groups made by what has no order: they come in none."""
    selection = request.query.selection if isinstance(request.query, Read) else request.query.returning
    if selection is not None and _unranked(catalog, request.query.table, selection):
        return True
    if any(not table.primary_key for table in catalog.tables.values()):
        own = not catalog.tables[request.query.table].primary_key
        return own or (selection is not None and any(True for _ in _embeds(selection)))
    return False


def _unranked(catalog: Catalog, table: TableName, selection: Selection) -> bool:
    """Whether there are groups made by an embed, an array or (inside an embed, where no type is at hand) anything."""
    embeds = list(_embeds(selection))
    if any(_groups(embed.selection) for embed in embeds) or (_groups(selection) and embeds):
        return True
    keys = {item.column.name for item in selection.items if isinstance(item, Field)}
    arrays = {column.name for column in catalog.tables[table].columns.values() if column.type.kind is Kind.ARRAY}
    return _groups(selection) and bool(keys & arrays)


def _groups(selection: Selection) -> bool:
    aggregated = any(isinstance(item, Aggregate) for item in selection.items)
    return aggregated or selection.distinct or selection.having is not None


def _embeds(selection: Selection) -> Iterator[Embed]:
    for item in selection.items:
        if isinstance(item, Embed):
            yield item
            yield from _embeds(item.selection)
