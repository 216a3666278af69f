"""What the fuzzer has found, each once and for all: requests that were failures of ours, and the answers they get now."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from tests.fuzz.grammar import Request
from tests.fuzz.served import Served, app_mode, database_mode
from tests.support import native
from tests.support.servers import PostgresServer

JSON = (b"content-type", b"application/json")
SERVICE, MEMBER = 2, 1
FOUND = [
    # more digits than Python's decimals divide by default
    (Request("PATCH", "/authors", b"id=eq.1", [JSON], b'{"friend_id": 1e300}'), 400, "22003"),
    (Request("POST", "/genres", b"", [JSON], b'[{"id": 1e300}]'), 400, "22003"),
    # a write has no embeds to ask about
    (Request("DELETE", "/book_genres", b"genres=not.is.null&select=genres()"), 400, "PGRST127"),
    (Request("PATCH", "/book_genres", b"genres=is.null&select=genres()", [JSON], b'{"book_id": 2}'), 400, "PGRST127"),
    # an upsert of nothing but defaults
    (Request("POST", "/book_genres", b"", [(b"prefer", b"resolution=merge-duplicates"), JSON], b"[{}]"), 400, "23502"),
    (Request("POST", "/book_genres", b"", [(b"prefer", b"resolution=ignore-duplicates"), JSON], b"[{}]"), 400, "23502"),
    # an argument that a column cannot hold
    (Request("GET", "/rpc/books_of", b"author=9223372036854775808"), 400, "22003"),
    # lists that no database takes
    (Request("GET", "/books", b"select=" + b",".join([b"id"] * 1700)), 400, "54000"),
    (Request("GET", "/books", b"order=" + b",".join(b"data->a%d" % number for number in range(1100))), 400, "54000"),
]
FOUND_IN_DATABASES = [
    (Request("DELETE", "/counted"), 405, "55000"),
    (Request("POST", "/counted", b"", [JSON], b'{"author_id": 1}'), 405, "55000"),
    (Request("GET", "/books", b"select=" + b",".join([b"id"] * 1700)), 400, "54000"),
    (
        Request("POST", "/books", b"columns=data", [JSON], b'{"data":' * 20_000 + b"1" + b"}" * 20_000),
        400,
        "PGRST102",
    ),
]


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def served(request: pytest.FixtureRequest) -> AsyncIterator[Served]:
    url = {"memory": "memory://", "sqlite": ""}.get(request.param)
    if url is None:
        server: PostgresServer = request.getfixturevalue("postgres")
        url = server.database("found")
    async with app_mode(url) as running:
        yield running


async def told(served: Served, request: Request, caller: int) -> tuple[int, str]:
    answer = await served.ask(request, caller)
    return answer.status, json.loads(answer.body)["code"]


async def test_what_was_found_in_app_mode_is_refused_by_name(served: Served) -> None:
    for request, status, code in FOUND:
        assert await told(served, request, SERVICE) == (status, code), request
    assert served.faults() == []


async def test_what_was_found_in_database_mode_is_refused_by_name(postgres: PostgresServer) -> None:
    async with database_mode(native.make(postgres.database("found"))) as served:
        for request, status, code in FOUND_IN_DATABASES:
            assert await told(served, request, MEMBER) == (status, code), request


async def test_a_pattern_of_many_wildcards_is_soon_answered(served: Served) -> None:
    many = b"%25a" * 200 + b"b"
    body = json.dumps([{"id": 100, "name": "a" * 2000}]).encode()
    made = await served.ask(Request("POST", "/authors", b"", [JSON, (b"prefer", b"tx=commit")], body), SERVICE)
    assert made.status == 201
    for operator in (b"like", b"ilike"):
        answer = await served.ask(Request("GET", "/authors", b"select=id&name=" + operator + b"." + many), SERVICE)
        assert (answer.status, answer.body) == (200, b"[]")
        assert answer.seconds < 5
