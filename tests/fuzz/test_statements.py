"""What reaches SQL: no value of any request, ever; and requests of one shape are one statement, whatever they look for."""

from __future__ import annotations

import json
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pysqlite3 import dbapi2

from mainspring.engines.postgres.session import Session
from tests.fuzz.grammar import Request
from tests.fuzz.marked import Marked
from tests.fuzz.served import Served, app_mode, database_mode
from tests.support import native
from tests.support.servers import PostgresServer

REQUESTS = 250
statements: list[str] = []


class Recording(dbapi2.Connection):  # type: ignore[misc]  # the module has no types
    """A connection that tells what it is asked to run."""

    def execute(self, sql: str, *arguments: Any) -> Any:
        statements.append(sql)
        return super().execute(sql, *arguments)


@contextmanager
def recorded(patch: pytest.MonkeyPatch) -> Iterator[None]:
    """Whatever the engines have the database run is appended to `statements`."""
    connect, send = dbapi2.connect, Session._send

    def note(session: Session, command: Any) -> None:
        statements.append(command.sql)
        send(session, command)

    patch.setattr(dbapi2, "connect", lambda *args, **more: connect(*args, factory=Recording, **more))
    patch.setattr(Session, "_send", note)
    yield


@pytest.fixture(params=["sqlite", "postgres", "database"])
async def served(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Served]:
    """An application whose statements are recorded."""
    running: AbstractAsyncContextManager[Served]
    if request.param == "sqlite":
        running = app_mode("")
    else:
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.database("statements")
        running = app_mode(url) if request.param == "postgres" else database_mode(native.make(url))
    with recorded(monkeypatch):
        async with running as started:
            yield started


async def run(served: Served, seed: str, base: int) -> tuple[int, list[str], list[str]]:
    """The status of the request, what was run for it, and the values in it."""
    made = Marked(served.world, random.Random(seed), base)
    request = made.request()
    statements.clear()
    answer = await served.ask(request, len(served.callers) - 1)
    return answer.status, list(statements), made.markers


async def test_values_never_reach_a_statement_and_one_shape_is_one_statement(served: Served) -> None:
    ran = compared = 0
    for number in range(REQUESTS):
        first = await run(served, f"statement {number}", 7_000_000)
        second = await run(served, f"statement {number}", 8_500_000)
        for _, texts, markers in (first, second):
            leaked = [(marker, text) for marker in markers for text in texts if marker in text]
            assert not leaked, leaked[0]
            ran += len(texts)
        if first[0] == second[0]:
            assert _of_data(first[1]) == _of_data(second[1])
            compared += bool(first[1])
    assert ran > REQUESTS / 2
    assert compared > REQUESTS / 10


def _of_data(texts: list[str]) -> set[str]:
    """The statements without those that begin and end transactions, which reads of one moment share."""
    return {text for text in texts if not text.startswith(("BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE"))}


NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="'\\\"", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=NAMES.filter(lambda name: name.strip(" ") == name and name.isprintable()))
async def test_names_that_the_client_chooses_come_back_as_they_are(served: Served, name: str) -> None:
    for text in (f'"{name}":title', f'"{name}":data->"{name}"', f'"{name}":genres(id,"{name}":name)'):
        query = "select=" + "".join(f"%{byte:02x}" for byte in text.encode()) + "&limit=1&id=eq.1"
        answer = await served.ask(Request("GET", "/books", query.encode()), 1)
        assert answer.status == 200, answer.body
        assert [list(row) for row in json.loads(answer.body)] == [[name]]
