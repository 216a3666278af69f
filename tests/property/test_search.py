"""The index of a full-text search leaves out no row that fits, and the database itself keeps it in step."""

from __future__ import annotations

import importlib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mainspring.engines.sqlite.ddl import create_statements
from mainspring.engines.sqlite.search import create_indexes, index_name, narrowed
from mainspring.errors import SearchInvalid
from mainspring.query.search.configs import CONFIGS
from mainspring.query.search.match import matches
from mainspring.query.search.parse import SEARCHES
from mainspring.testing.suite import world
from mainspring.testing.suite.world import named
from tests.property.cases import examples, ran, seconds
from tests.property.strategies.searches import queries, texts

pytestmark = pytest.mark.timeout(seconds())


@pytest.fixture(scope="module")
def connection() -> Any:
    """A database as any client of SQLite would have it open: without a function of ours."""
    opened = importlib.import_module("pysqlite3").connect(":memory:", isolation_level=None)
    catalog = world.catalog()
    for statement in (*create_statements(catalog), *create_indexes(catalog, set())):
        opened.execute(statement)
    yield opened
    opened.close()


@examples(0.1)
@given(data=st.data())
def test_the_index_leaves_no_row_out(connection: Any, data: st.DataObject) -> None:
    connection.execute("DELETE FROM essays")
    held = dict(enumerate(data.draw(st.lists(texts(), min_size=1, max_size=8)), 1))
    connection.executemany("INSERT INTO essays (id, body) VALUES (?, ?)", held.items())
    for number in data.draw(st.sets(st.sampled_from(sorted(held)))):
        held[number] = data.draw(texts())
        connection.execute("UPDATE essays SET body = ? WHERE id = ?", (held[number], number))
    operator, config = data.draw(st.sampled_from(sorted(SEARCHES))), data.draw(st.sampled_from(sorted(CONFIGS)))
    query = data.draw(queries(operator))
    ran("full-text indexes")
    try:
        sought = narrowed(operator, config, query)
    except SearchInvalid:
        return
    fitting = {number for number, text in held.items() if matches(operator, config, query, text)}
    if sought is not None:
        index = index_name(named("essays"), "body")
        found = {row[0] for row in connection.execute(f"SELECT rowid FROM {index} WHERE {index} MATCH ?", (sought,))}
        assert fitting <= found


def test_the_index_is_whole_after_all_that(connection: Any) -> None:
    """FTS5 compares what it has with the rows; it raises where they differ."""
    index = index_name(named("essays"), "body")
    connection.execute(f"INSERT INTO {index} ({index}, rank) VALUES ('integrity-check', 1)")
