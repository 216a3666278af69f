"""Bad input over HTTP: a 4xx that names the place, never a 5xx, and nothing is written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from tests.faults.wire import Answer, Wire
from tests.support.live import LiveServer
from tests.support.servers import PostgresServer

T = "/rest/v1/things"
DEEP = b"[" * 5_000 + b"]" * 5_000
# method and target, the status, what the answer must name
READS: list[tuple[str, int | None, str]] = [
    ("/rest/v1/thing", 404, "things"),
    ("/rest/v1/THINGS", 404, "things"),
    ("/rest/v1/" + "x" * 300, 404, "xxx"),
    ("/rest/v1/things/1", 404, ""),
    ("/rest/v1/%00", None, ""),
    ("/rest/v1/things%00", 404, "things"),
    ("/nowhere", 404, ""),
    (f"{T}?select=txt", 400, "text"),
    (f"{T}?select=id,", 400, "select"),
    (f"{T}?select=id(", 400, "select"),
    (f"{T}?select=items(key)", 400, "items"),
    (f"{T}?select=id::nothing", 400, "nothing"),
    (f"{T}?select=doc->", 400, "select"),
    (f"{T}?select=id->x", None, ""),
    (f"{T}?select=" + "items(" * 50 + "key" + ")" * 50, 400, ""),
    (f"{T}?idd=eq.1", 400, "id"),
    (f"{T}?id=equals.1", 400, "equals"),
    (f"{T}?id=eg.1", 400, "eq"),
    (f"{T}?id=1", 400, "1"),
    (f"{T}?id=eq.one", 400, "one"),
    (f"{T}?id=eq.1.5", 400, "1.5"),
    (f"{T}?id=eq.9223372036854775808", 400, "9223372036854775808"),
    (f"{T}?small=eq.40000", 400, "40000"),
    (f"{T}?id=eq." + "9" * 5_000, 400, "id"),
    (f"{T}?price=eq.1e999999", 400, "price"),
    (f"{T}?ratio=eq.1e999", 400, "1e999"),
    (f"{T}?ratio=eq.NaN", 400, "NaN"),
    (f"{T}?ratio=eq.Infinity", 400, "Infinity"),
    (f"{T}?flag=eq.maybe", 400, "maybe"),
    (f"{T}?flag=is.maybe", 400, "maybe"),
    (f"{T}?code=eq.123", 400, "123"),
    (f"{T}?id=in.1,2", 400, "("),
    (f"{T}?id=in.(1,x)", 400, "x"),
    (f"{T}?id=in.(1", 400, ""),
    (f"{T}?id=like.*1*", None, "like"),
    (f"{T}?text=eq.a%00b", 400, "text"),
    (f"{T}?text=like.a%00b", 400, "text"),
    (f"{T}?text=eq.%ED%A0%80", 400, ""),
    (f"{T}?text=eq.%FF", 400, ""),
    (f"{T}?text=eq.%C0%80", 400, ""),
    (f"{T}?text=like.abc%5C", 400, "text"),
    (f"{T}?%00=eq.1", 400, ""),
    (f"{T}?doc->%00=eq.1", 400, ""),
    (f"{T}?or=(id.eq.1", 400, "logic tree"),
    (f"{T}?or=()", 400, "or"),
    (f"{T}?or=" + "(or" * 300 + "(id.eq.1)" + ")" * 300, 400, ""),
    (f"{T}?or=(" + ",".join(["id.eq.1"] * 1_000) + ")", 400, ""),
    (f"{T}?order=idd", 400, "id"),
    (f"{T}?order=id.sideways", 400, "sideways"),
    (f"{T}?order=items(key)", 400, "items"),
    (f"{T}?limit=-1", None, ""),
    (f"{T}?limit=ten", 400, "ten"),
    (f"{T}?select=id&x=" + "y" * 20_000, 400, "16384"),
    (f"{T}?columns=nope", 400, "nope"),
    ("/rest/v1/rpc/nothing", None, ""),
]
# what may go as it stands, or be refused: never a 5xx
ODD = [
    f"{T}?",
    f"{T}?&&&",
    f"{T}?=",
    f"{T}?select=",
    f"{T}?limit=",
    f"{T}?limit=99999999999999999999",
    f"{T}?offset=-1",
    f"{T}?offset=99999999999999999999999",
    f"{T}?select=" + ",".join(["id"] * 5_000),
    f"{T}?limit=9223372036854775807",
    f"{T}?offset=9223372036854775807",
    f"{T}?text=eq.%",
    f"{T}?text=eq.%zz",
    f"{T}?text=eq.%e",
    f"{T}?text=ilike.*%25*",
    f"{T}?text=eq.{quote(chr(0x10FFFF))}",
    f"{T}?select=*,*",
    f"{T}?select=id,id",
    f"{T}?id=eq.1&id=eq.2",
    f"{T}?id=not.not.eq.1",
    f"{T}?order=",
    f"{T}?doc->>x=eq.1",
    f"{T}?doc->a->>0=eq.1",
    f"{T}?doc->99999999999999999999=eq.1",
    f'{T}?doc->"a%22b"=eq.1',
    f"{T}?doc=eq.1",
    f"{T}?select=doc->a.b",
    "/rest/v1//things",
    "/rest/v1/things/",
    "/rest/v1/../things",
    "/rest/v1/%2e%2e/things",
    "/rest/v1",
    "/",
    "//",
    "/%",
    "/rest/v1/%zz",
    "/rest/v1/th%69ngs",
]
# body, the status, what the answer must name
BODIES: list[tuple[bytes, int | None, str]] = [
    (b"", 400, ""),
    (b"{", 400, "json"),
    (b"nonsense", 400, "json"),
    (b'{"id":1}}', 400, "json"),
    (b'{"id":1,}', 400, "json"),
    (b"1", 400, ""),
    (b'"text"', 400, ""),
    (b"null", 400, ""),
    (b"[1,2]", 400, ""),
    (b'[{"id":1},null]', 400, ""),
    (b'[{"id":1},{"txt":1}]', 400, ""),
    (b'[{"id":1},{"id":2,"text":"x"}]', 400, "match"),
    (b'{"idd":1}', 400, "id"),
    (b'{"id":"one"}', 400, "one"),
    (b'{"id":1.5}', 400, "1.5"),
    (b'{"id":true}', 400, "true"),
    (b'{"id":[1]}', 400, "id"),
    (b'{"id":{"a":1}}', 400, "id"),
    (b'{"id":9223372036854775808}', 400, "9223372036854775808"),
    (b'{"id":1e400}', 400, "id"),
    (b'{"id":' + b"9" * 10_000 + b"}", 400, ""),
    (b'{"id":1,"small":32768}', 400, "small"),
    (b'{"id":1,"small":-32769}', 400, "small"),
    (b'{"id":1,"price":10000}', 400, "price"),
    (b'{"id":1,"price":"abc"}', 400, "abc"),
    (b'{"id":1,"price":1e1000000}', 400, ""),
    (b'{"id":1,"ratio":1e400}', 400, ""),
    (b'{"id":1,"ratio":NaN}', 400, "json"),
    (b'{"id":1,"ratio":"NaN"}', 400, "NaN"),
    (b'{"id":1,"flag":"maybe"}', 400, "maybe"),
    (b'{"id":1,"flag":2}', 400, "2"),
    (b'{"id":1,"code":"123"}', 400, "123"),
    (b'{"id":1,"short":"abcdef"}', 400, "short"),
    (b'{"id":1,"text":{"a":1}}', 400, "text"),
    (b'{"id":1,"text":"a\\u0000b"}', 400, "text"),
    (b'{"id":1,"text":"\\ud800"}', 400, ""),
    (b'{"id":1,"text":"\xff"}', 400, ""),
    (b'{"id":1,"text":"a\x00b"}', 400, ""),
    (b'{"id":1,"doc":{"a\\u0000":1}}', 400, "doc"),
    (b'{"id":1,"doc":{"a":"\\udfff"}}', 400, ""),
    (b'{"id":1,"doc":123456789012345678901234567890}', 400, "doc"),
    (b'{"id":1,"doc":1e999}', 400, ""),
    (b'{"id":1,"doc":' + DEEP + b"}", 400, ""),
    (DEEP, 400, ""),
    (b'[{"id":1},{"id":2},{"id":1}]', 409, "things_pkey"),
    (b'[{"id":1},{"id":2,"small":null},{"id":"x"}]', 400, ""),
    (b'{"\\u0000":1}', 400, ""),
]
HEADERS: list[tuple[dict[str, str], int | None]] = [
    ({"range": "banana"}, None),
    ({"range": "5-2"}, 416),
    ({"range": "99999999999999999999-"}, None),
    ({"prefer": "count=exact,,,;=;"}, None),
    ({"prefer": "return=everything"}, None),
    ({"accept": "text/html"}, None),
    ({"accept": "application/xml"}, 406),
    ({"accept": ";;;,,,"}, None),
    ({"accept-profile": "nope"}, 406),
    ({"authorization": "Bearer x"}, 401),
    ({"authorization": "Bearer " + "x" * 10_000}, None),
    ({"authorization": "Bearer a.b.c"}, 401),
    ({"apikey": "\xff"}, 401),
    ({"x-request-id": "a b\tc"}, 200),
    ({"x-long": "y" * 4_000}, 200),
]


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def served(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveServer]:
    """One server for all the bad input."""
    database: str | None = None
    if request.param == "postgres":
        postgres: PostgresServer = request.getfixturevalue("postgres")
        database = postgres.database("bad")
    app = Path(__file__).parent / "app.py"
    with LiveServer(app, data=tmp_path_factory.mktemp("bad"), database=database) as server:
        yield server


async def ask(server: LiveServer, method: str, target: str, body: bytes = b"", **headers: str) -> Answer:
    """One request on a connection of its own, as raw as it comes."""
    wire = Wire(server.port)
    try:
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return await wire.ask_raw(f"{method} {target}".encode("latin-1"), body, given)
    finally:
        wire.close()


def refused(answer: Answer, status: int | None, named: str, said: Any) -> None:
    """Assert that an answer is a 4xx with a typed body that names the place."""
    assert 400 <= answer.status < 500, f"{said}: {answer.status} {answer.body.decode()}"
    assert status in (None, answer.status), f"{said}: {answer.status} {answer.body.decode()}"
    if answer.headers.get("content-type", "").startswith("application/json"):
        body = answer.json()
        assert {"code", "message", "details", "hint"} <= set(body), said
        told = json.dumps(body, ensure_ascii=False)
        assert named.lower() in told.lower(), f"{said}: {told} does not name {named}"
        assert len(told) < 2_000, f"{said}: the answer echoes {len(told)} characters"


async def nothing_written(server: LiveServer) -> None:
    """Assert that the tables are empty."""
    assert (await ask(server, "GET", f"{T}?select=id")).json() == []


@pytest.mark.parametrize(("target", "status", "named"), READS, ids=[read[0][:60] for read in READS])
async def test_bad_reads(served: LiveServer, target: str, status: int | None, named: str) -> None:
    method = "POST" if "columns=" in target else "GET"
    refused(await ask(served, method, target, b'{"id":1}' if method == "POST" else b""), status, named, target[:200])


@pytest.mark.parametrize("method", ["GET", "DELETE", "PATCH"])
async def test_odd_but_perhaps_harmless(served: LiveServer, method: str) -> None:
    for target in ODD:
        answer = await ask(served, method, target, b"{}" if method == "PATCH" else b"")
        assert answer.status < 500, f"{target}: {answer.status} {answer.body.decode()}"
        assert answer.status >= 200


@pytest.mark.parametrize(("body", "status", "named"), BODIES, ids=[repr(body[0][:50]) for body in BODIES])
async def test_bad_bodies(served: LiveServer, body: bytes, status: int | None, named: str) -> None:
    refused(await ask(served, "POST", T, body), status, named, body[:200])
    await nothing_written(served)


async def test_bad_upserts_updates_and_methods(served: LiveServer) -> None:
    merge = {"prefer": "resolution=merge-duplicates"}
    refused(await ask(served, "POST", f"{T}?on_conflict=text", b'{"id":1}', **merge), 400, "ON CONFLICT", "on_conflict")
    refused(await ask(served, "POST", f"{T}?on_conflict=nope", b'{"id":1}', **merge), 400, "nope", "on_conflict")
    refused(await ask(served, "POST", T, b'[{"id":1},{"id":1}]', **merge), None, "", "the same key twice")
    refused(await ask(served, "PATCH", f"{T}?id=eq.x", b'{"text":"y"}'), 400, "x", "update")
    refused(await ask(served, "PATCH", T, b'[{"text":"y"},{"text":"z"}]'), 400, "", "update with two rows")
    refused(await ask(served, "DELETE", f"{T}?nope=eq.1"), 400, "nope", "delete")
    refused(await ask(served, "BREW", T), 405, "BREW", "method")
    refused(await ask(served, "POST", T, b"id=1", content_type="text/plain"), None, "", "content type")
    await nothing_written(served)


@pytest.mark.parametrize(("headers", "status"), HEADERS, ids=[str(headers)[:50] for headers, _ in HEADERS])
async def test_bad_headers(served: LiveServer, headers: dict[str, str], status: int | None) -> None:
    wire = Wire(served.port)
    answer = await wire.ask_raw(f"GET {T}".encode(), b"", headers)
    wire.close()
    assert answer.status < 500, answer.body
    assert status in (None, answer.status), answer.body


async def test_a_body_too_large(served: LiveServer) -> None:
    big = b'{"id":1,"text":"' + b"x" * 11_000_000 + b'"}'
    wire = Wire(served.port)
    refused(await wire.ask_raw(f"POST {T}".encode(), big, {}), 413, "10485760", "a large body")
    wire.close()
    await nothing_written(served)
