"""Views answer as tables of their rows would: SQLite and PostgreSQL, compared with memory, which has such tables instead."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from mainspring.errors import MainspringError
from tests.property.cases import REQUESTS, examples, ran, seconds
from tests.property.engines import Lab
from tests.property.strategies.policies import anyone, registries
from tests.property.strategies.requests import reads
from tests.property.strategies.schemas import worlds
from tests.property.test_agreement import compare, pages, touches_keyless

pytestmark = pytest.mark.timeout(seconds())


@examples(0.1, REQUESTS)
@given(data=st.data())
def test_views_agree_with_tables_of_their_rows(lab: Lab, data: DataObject) -> None:
    schema = lab.schema()
    world = data.draw(worlds(views=True)).named(schema)
    registry = data.draw(registries(world.catalog))
    with lab.holding(world, registry, schema) as sides:
        databases = [side for name, side in sides.items() if name != "memory"]
        if any(isinstance(answer, MainspringError) for side in databases for answer in side.fill(world)):
            return  # a row that an engine declines
        sides["memory"] = lab.memory(world.plain(), registry, schema)
        for _ in range(REQUESTS):
            request = data.draw(reads(world.catalog, registry, data.draw(anyone())))
            for asked in (request, *pages(sides["memory"], request)):
                compare(sides, world.catalog, asked, unordered=touches_keyless(world.catalog, asked))
                ran("views")
