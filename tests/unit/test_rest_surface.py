"""The REST surface over a door that answers what it is told: statuses, headers, bodies, and what it asks the door."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from mainspring.catalog.model import Table
from mainspring.catalog.routines import Returns, Routine
from mainspring.errors import DatabaseRefused, MainspringError, PermissionDenied, TableUnknown, TokenInvalid
from mainspring.http.headers import Headers, Message
from mainspring.principal import Principal
from mainspring.query.ast import Call, Count, Delete, Insert, Query, Read, TableName, Update
from mainspring.services.data import Request, Result
from mainspring.settings import CacheSettings, RestSettings, Settings
from mainspring.surfaces.rest import RestSurface

ROWS = b'[{"id":1},{"id":2}]'
OBJECT = "application/vnd.pgrst.object+json"


@dataclass
class Door:
    """Answers with `result`, or raises it; remembers what was asked."""

    result: Result | Exception = field(default_factory=lambda: Result(ROWS, 2))
    asked: list[tuple[Query, list[Any]]] = field(default_factory=list)

    async def execute(
        self, query: Query, values: Sequence[Any], principal: Principal, request: Request | None = None
    ) -> Result:
        self.asked.append((query, list(values)))
        if isinstance(self.result, Exception):
            raise self.result
        return self.result

    def require_table(self, name: TableName, principal: Principal) -> Table:
        if isinstance(self.result, Exception):
            raise self.result
        return Table(name, {}, ("id",))

    def require_routine(self, call: Call) -> Routine:
        return Routine(call.routine, (), Returns(TableName("pg_catalog", "void")))

    def prepare(self, query: Query, principal: Principal) -> None:
        """Nothing to prepare."""


@dataclass
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Client:
    """Sends requests to a surface in memory."""

    def __init__(self, door: Door, identify: Any = None, **settings: Any) -> None:
        def nobody(headers: Headers) -> Principal:
            return Principal()

        rest = RestSettings(**settings)
        self.surface = RestSurface(door, identify or nobody, Settings(rest=rest, cache=CacheSettings(shapes=8)))

    async def __call__(
        self, method: str, url: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        path, _, query = url.partition("?")
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "method": method,
            "path": f"/rest/v1{path}",
            "root_path": "/rest/v1",
            "query_string": query.encode(),
            "headers": [(name.encode(), value.encode()) for name, value in (headers or {}).items()],
        }
        await self.surface(scope, receive, send)
        start, end = sent
        told = [(name.decode(), value.decode()) for name, value in start["headers"]]
        assert len(dict(told)) == len(told)
        return Answer(start["status"], dict(told), end["body"])


@pytest.fixture
def door() -> Door:
    return Door()


@pytest.fixture
def client(door: Door) -> Client:
    return Client(door)


async def test_a_read(client: Client, door: Door) -> None:
    answer = await client("GET", "/posts?select=*&id=gt.5")
    assert (answer.status, answer.body) == (200, ROWS)
    assert answer.headers == {
        "content-type": "application/json; charset=utf-8",
        "content-length": str(len(ROWS)),
        "content-range": "0-1/*",
        "content-location": "/posts?id=gt.5&select=%2A",
    }
    query, values = door.asked[0]
    assert isinstance(query, Read)
    assert (query.table, values) == (TableName("public", "posts"), ["5"])


async def test_a_shape_is_parsed_once(client: Client, door: Door) -> None:
    for value in ("1", "2", "a%2Cb"):
        await client("GET", f"/posts?id=eq.{value}")
    first, second, third = door.asked
    assert first[0] is second[0] is third[0]
    assert [values for _, values in door.asked] == [["1"], ["2"], ["a,b"]]


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("/posts?id=eq.1", {"accept": OBJECT}),
        ("/posts?id=eq.1", {"prefer": "count=exact"}),
        ("/posts?id=eq.1", {"accept-profile": "other"}),
        ("/posts?id=eq.1", {"range": "0-1"}),
        ("/users?id=eq.1", {}),
        ("/posts?id=neq.1", {}),
        ("/posts?no=eq.1", {}),
        ("/posts?id=eq.1&select=id", {}),
        ("/posts?id=is.null", {}),
    ],
)
async def test_what_decides_the_answer_decides_the_shape(door: Door, url: str, headers: dict[str, str]) -> None:
    client = Client(door, schemas=("public", "other"))
    await client("GET", "/posts?id=eq.1")
    await client("GET", url, headers)
    if headers.get("accept") != OBJECT:
        assert door.asked[0][0] != door.asked[1][0]


@pytest.mark.parametrize(
    ("url", "result", "status", "content_range"),
    [
        ("/posts", Result(ROWS, 2, 2), 200, "0-1/2"),
        ("/posts?limit=2", Result(ROWS, 2, 10), 206, "0-1/10"),
        ("/posts?limit=2&offset=3", Result(ROWS, 2, 10), 206, "3-4/10"),
        ("/posts?limit=0", Result(b"[]", 0, 10), 206, "*/10"),
        ("/posts", Result(b"[]", 0, 0), 200, "*/0"),
        ("/posts", Result(b"[]", 0), 200, "*/*"),
        ("/posts?offset=7", Result(ROWS, 2), 200, "7-8/*"),
        ("/posts?offset=10", Result(b"[]", 0, 10), 206, "*/10"),
    ],
)
async def test_content_range(door: Door, client: Client, url: str, result: Result, status: int, content_range: str) -> None:
    door.result = result
    answer = await client("GET", url)
    assert (answer.status, answer.headers["content-range"]) == (status, content_range)


async def test_a_page_past_the_end(door: Door, client: Client) -> None:
    door.result = Result(b"[]", 0, 15)
    answer = await client("GET", "/posts?offset=100", {"prefer": "count=exact"})
    assert (answer.status, answer.headers["content-range"]) == (416, "*/15")
    assert answer.json == {
        "code": "PGRST103",
        "details": "An offset of 100 was requested, but there are only 15 rows.",
        "hint": None,
        "message": "Requested range not satisfiable",
    }


@pytest.mark.parametrize(
    ("query", "asked", "values"),
    [
        ("", "0-9", [0, 10]),
        ("", "5-", [5]),
        ("?limit=3", "1-10", [2, 1]),
        ("?limit=3&offset=2", "0-3", [2, 2]),
        ("?limit=3", "1-", [2, 1]),
        ("?limit=0", "5-9", [0, 0]),
        ("", "bytes=0-9", []),
    ],
)
async def test_range_header(door: Door, client: Client, query: str, asked: str, values: list[int]) -> None:
    for _ in range(2):
        await client("GET", f"/posts{query}", {"range": asked, "range-unit": "items"})
    assert [given for _, given in door.asked] == [values, values]


@pytest.mark.parametrize(("asked", "status"), [("1-0", 416), ("x", 400), ("0-1,3-4", 400), ("-5", 400)])
async def test_bad_range_header(client: Client, asked: str, status: int) -> None:
    assert (await client("GET", "/posts", {"range": asked})).status == status


async def test_range_means_nothing_to_other_methods(door: Door, client: Client) -> None:
    await client("HEAD", "/posts", {"range": "0-0"})
    assert door.asked[0][1] == []


async def test_head_is_get_without_the_body(client: Client) -> None:
    answer = await client("HEAD", "/posts")
    assert (answer.status, answer.body, answer.headers["content-range"]) == (200, b"", "0-1/*")
    assert (await client("HEAD", "/posts?id=5")).body == b""


async def test_one_object(door: Door, client: Client) -> None:
    door.result = Result(b'[{"id":1}]', 1)
    answer = await client("GET", "/posts?id=eq.1", {"accept": OBJECT})
    assert (answer.body, answer.headers["content-type"]) == (b'{"id":1}', f"{OBJECT}; charset=utf-8")
    door.result = Result(b"[]", 0)
    answer = await client("GET", "/posts?id=eq.1", {"accept": OBJECT})
    assert (answer.status, answer.json["code"], answer.json["details"]) == (406, "PGRST116", "The result contains 0 rows")


async def test_an_insert(door: Door, client: Client) -> None:
    door.result = Result(None, 2, inserted=2)
    answer = await client("POST", "/posts", body=b'[{"a":1,"b":1.50},{"b":2,"a":3}]')
    assert (answer.status, answer.body) == (201, b"")
    assert answer.headers == {"content-range": "*/*", "content-length": "0"}
    query, values = door.asked[0]
    assert isinstance(query, Insert)
    assert query.columns == ("a", "b")
    assert values == [[{"a": 1, "b": Decimal("1.50")}, {"b": 2, "a": 3}]]


async def test_insert_representation(door: Door, client: Client) -> None:
    prefer = {"prefer": "return=representation, count=exact"}
    answer = await client("POST", "/posts?select=id", prefer, b'{"a":1}')
    assert (answer.status, answer.body, answer.headers["content-range"]) == (201, ROWS, "*/2")
    assert answer.headers["preference-applied"] == "return=representation, count=exact"
    assert answer.headers["content-length"] == str(len(ROWS))


async def test_insert_headers_only_tells_where_the_row_is(door: Door, client: Client) -> None:
    door.result = Result(None, 1, inserted=1, keys=({"k1": 12, "k2": "Rock & R+ll", "k3": None, "k4": True},))
    answer = await client("POST", "/posts", {"prefer": "return=headers-only"}, b'{"a":1}')
    assert answer.headers["location"] == "/posts?k1=eq.12&k2=eq.Rock%20%26%20R%2Bll&k3=is.null&k4=eq.true"
    assert "location" not in (await client("POST", "/posts", body=b'{"a":1}')).headers


async def test_upsert_that_creates_nothing_is_200(door: Door, client: Client) -> None:
    prefer = {"prefer": "resolution=merge-duplicates"}
    door.result = Result(None, 1, inserted=0)
    assert (await client("POST", "/posts", prefer, b'{"a":1}')).status == 200
    door.result = Result(None, 1, inserted=1)
    assert (await client("POST", "/posts", prefer, b'{"a":1}')).status == 201


async def test_an_empty_array_inserts_nothing(door: Door, client: Client) -> None:
    door.result = Result(b"[]", 0, inserted=0)
    answer = await client("POST", "/posts", {"prefer": "return=representation"}, b"[]")
    assert (answer.status, answer.body) == (201, b"[]")
    query, values = door.asked[0]
    assert isinstance(query, Insert)
    assert (query.columns, values) == ((), [[]])


async def test_columns_decide_over_the_body(door: Door, client: Client) -> None:
    await client("POST", "/posts?columns=a,b", body=b'[{"a":1},{"b":2,"x":3}]')
    await client("PATCH", "/posts?columns=a,b", body=b'{"a":1,"x":3}')
    (insert, _), (update, changes) = door.asked
    assert isinstance(insert, Insert)
    assert isinstance(update, Update)
    assert insert.columns == update.columns == ("a", "b")
    assert changes == [{"a": 1, "b": None}]


async def test_an_update_names_the_columns_that_take_their_default(door: Door, client: Client) -> None:
    await client("PATCH", "/posts?columns=a,b", {"prefer": "missing=default"}, b'{"a":1,"c":2}')
    ((update, changes),) = door.asked
    assert isinstance(update, Update)
    assert (update.columns, update.missing_default, changes) == (("a", "b"), True, [{"a": 1}])


async def test_equal_queries_are_one_object(door: Door, client: Client) -> None:
    await client("GET", "/posts?id=eq.1", {"accept": "*/*"})
    await client("GET", "/posts?id=eq.1", {"accept": "application/json"})
    assert door.asked[0][0] is door.asked[1][0]


@pytest.mark.parametrize("body", [b"{}", b"[]", b"[{}]"])
async def test_an_update_without_columns(door: Door, client: Client, body: bytes) -> None:
    door.result = Result(None, 0)
    answer = await client("PATCH", "/posts?id=eq.1", body=body)
    assert (answer.status, answer.headers) == (204, {"content-range": "*/*"})
    query, values = door.asked[0]
    assert isinstance(query, Update)
    assert (query.columns, values) == ((), ["1", {}])


async def test_update_and_delete(door: Door, client: Client) -> None:
    answer = await client("PATCH", "/posts?id=eq.1", {"prefer": "return=minimal"}, b'{"a":1}')
    assert (answer.status, answer.headers["content-range"]) == (204, "0-1/*")
    answer = await client("PATCH", "/posts?id=eq.1", {"prefer": "return=representation,count=exact"}, b'{"a":1}')
    assert (answer.status, answer.body, answer.headers["content-range"]) == (200, ROWS, "0-1/2")
    answer = await client("DELETE", "/posts?id=eq.1", {"prefer": "return=representation, count=exact"})
    assert (answer.status, answer.body, answer.headers["content-range"]) == (200, ROWS, "*/2")
    answer = await client("DELETE", "/posts?id=eq.1")
    assert (answer.status, answer.headers) == (204, {"content-range": "*/*"})
    deleted = door.asked[2][0]
    assert isinstance(deleted, Delete)
    assert deleted.count is Count.EXACT


async def test_write_of_one_object(door: Door, client: Client) -> None:
    door.result = Result(b'[{"id":1}]', 1)
    answer = await client("PATCH", "/posts", {"accept": OBJECT, "prefer": "return=representation"}, b'{"a":1}')
    assert answer.body == b'{"id":1}'
    asked = door.asked[0][0]
    assert isinstance(asked, Update)
    assert asked.singular


@pytest.mark.parametrize(
    ("method", "body", "headers", "status", "code"),
    [
        ("POST", b"", {}, 400, "PGRST102"),
        ("POST", b"}{", {}, 400, "PGRST102"),
        ("POST", b"5", {}, 400, "PGRST102"),
        ("POST", b"null", {}, 400, "PGRST102"),
        ("POST", b'[{"a":1},{"b":1}]', {}, 400, "PGRST102"),
        ("POST", b'[{"a":1},5]', {}, 400, "PGRST102"),
        ("POST", b'{"a":"\xff"}', {}, 400, "PGRST102"),
        ("POST", b'{"\\ud800":1}', {}, 400, "PGRST102"),
        ("POST", b'{"a":' + b"[" * 65 + b"]" * 65 + b"}", {}, 400, "54000"),
        ("POST", b'{"a":' + b"[" * 100_000, {}, 400, None),
        ("POST", b'{"a":"' + b"x" * 2000 + b'"}', {}, 413, "PGRST102"),
        ("POST", b"{}", {"content-length": "5000"}, 413, "PGRST102"),
        ("POST", b"a,b\n1,2\n3", {"content-type": "text/csv"}, 400, "PGRST102"),
        ("POST", b"<a/>", {"content-type": "text/xml"}, 400, "PGRST102"),
        ("PATCH", b'[{"a":1},{"a":2}]', {}, 400, "PGRST102"),
    ],
)
async def test_bad_bodies(
    door: Door, method: str, body: bytes, headers: dict[str, str], status: int, code: str | None
) -> None:
    client = Client(door, max_body_bytes=2000 if len(body) < 50_000 else 1_000_000)
    answer = await client(method, "/posts", headers, body)
    assert answer.status == status
    assert code is None or answer.json["code"] == code
    assert door.asked == []


async def test_a_form(door: Door, client: Client) -> None:
    await client("POST", "/posts", {"content-type": "application/x-www-form-urlencoded"}, b"a=1&b=x+y")
    assert door.asked[0][1] == [[{"a": "1", "b": "x y"}]]


@pytest.mark.parametrize(
    ("method", "url", "headers", "status", "code"),
    [
        ("GET", "/", {}, 404, "PGRST126"),
        ("PATCH", "/rpc/hello", {}, 405, "PGRST101"),
        ("GET", "/rpc/a/b", {}, 404, "PGRST125"),
        ("GET", "/a/b", {}, 404, "PGRST125"),
        ("PUT", "/posts?id=gt.1", {}, 405, "PGRST105"),
        ("TRACE", "/posts", {}, 405, "PGRST117"),
        ("GET", "/posts", {"accept": "text/plain"}, 406, "PGRST107"),
        ("GET", "/posts", {"accept-profile": "secret"}, 406, "PGRST106"),
        ("POST", "/posts", {"content-profile": "secret"}, 406, "PGRST106"),
        ("GET", "/posts?id=5", {}, 400, "PGRST100"),
        ("GET", "/posts?x=eq." + "y" * 20_000, {}, 400, "54000"),
    ],
)
async def test_refusals(
    client: Client, door: Door, method: str, url: str, headers: dict[str, str], status: int, code: str
) -> None:
    answer = await client(method, url, headers)
    assert (answer.status, answer.json["code"]) == (status, code)
    assert answer.headers["content-length"] == str(len(answer.body))
    assert answer.headers["proxy-status"] == f"PostgREST; error={code}"
    assert door.asked == []


async def test_profiles(door: Door) -> None:
    client = Client(door, schemas=("public", "other"))
    assert (await client("GET", "/posts")).headers["content-profile"] == "public"
    wanted = {"content-profile": "other", "accept-profile": "public", "prefer": "return=representation"}
    answer = await client("POST", "/posts", wanted, b"{}")
    assert answer.headers["content-profile"] == "other"
    assert door.asked[1][0].table == TableName("other", "posts")


async def test_options_tells_the_methods(client: Client) -> None:
    answer = await client("OPTIONS", "/posts")
    assert (answer.status, answer.body) == (200, b"")
    assert answer.headers["allow"] == "OPTIONS,GET,HEAD,POST,PUT,PATCH,DELETE"


async def test_options_of_an_unknown_table(door: Door, client: Client) -> None:
    door.result = TableUnknown("public", "postss", "posts")
    answer = await client("OPTIONS", "/postss")
    assert (answer.status, answer.json["code"]) == (404, "PGRST205")


async def test_who_asks_comes_first(door: Door) -> None:
    def refuse(headers: Headers) -> Principal:
        raise TokenInvalid('a "bad"\r\ntoken')

    answer = await Client(door, refuse)("GET", "/posts?id=5")
    assert (answer.status, answer.json["code"]) == (401, "PGRST301")
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token", error_description="a badtoken"'


@pytest.mark.parametrize(("anonymous", "status"), [(True, 401), (False, 403)])
async def test_what_the_door_raises_is_answered(door: Door, client: Client, anonymous: bool, status: int) -> None:
    error: MainspringError = PermissionDenied("posts", anonymous=anonymous)
    door.result = error
    answer = await client("GET", "/posts")
    assert (answer.status, answer.json["code"]) == (status, "42501")
    assert ("www-authenticate" in answer.headers) is anonymous


async def test_an_unexpected_exception_is_left_to_the_front_door(door: Door, client: Client) -> None:
    door.result = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        await client("GET", "/posts")


async def test_a_table_name_cannot_break_out_of_a_header(client: Client) -> None:
    answer = await client("GET", "/po sts\r\nx: é?a=eq.%0D%0A")
    assert answer.headers["content-location"] == "/po%20sts%0D%0Ax%3A%20%C3%A9?a=eq.%0D%0A"


async def test_csv_comes_in_and_goes_out(door: Door, client: Client) -> None:
    await client("POST", "/posts", {"content-type": "text/csv"}, b'id,title\n1,"a, ""b"""\n2,NULL\n')
    assert door.asked[0][1] == [[{"id": "1", "title": 'a, "b"'}, {"id": "2", "title": None}]]
    door.result = Result(b'[{"id":1,"n":1.50,"t":"a, \\"b\\"","j":{"k":[1]}},{"id":2,"n":null,"t":"","j":null}]', 2)
    answer = await client("GET", "/posts", {"accept": "text/csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.body.decode() == 'id,n,t,j\n1,1.50,"a, ""b""","{""k"":[1]}"\n2,,"",'
    door.result = Result(b"[]", 0)
    assert (await client("GET", "/posts?select=id,n:title", {"accept": "text/csv"})).body == b"id,n"


async def test_nulls_are_left_out_when_asked(door: Door, client: Client) -> None:
    door.result = Result(b'[{"a":null,"b":[null,{"c":null,"d":"x, null"}],"e":null},{"a":1}]', 2)
    answer = await client("GET", "/posts", {"accept": "application/vnd.pgrst.array+json;nulls=stripped"})
    assert answer.json == [{"b": [None, {"d": "x, null"}]}, {"a": 1}]


async def test_a_put_writes_the_row_that_it_names(door: Door, client: Client) -> None:
    door.result = Result(None, 1, inserted=1)
    assert (await client("PUT", "/posts?id=eq.1", {}, b'{"id":1,"title":"x"}')).status == 204
    refused = await client("PUT", "/posts?id=eq.1", {}, b'{"id":2,"title":"x"}')
    assert (refused.status, refused.json["code"]) == (400, "PGRST115")
    assert (await client("PUT", "/posts?title=eq.1", {}, b'{"title":1}')).json["code"] == "PGRST105"
    assert len(door.asked) == 1


async def test_errors_can_be_short(door: Door) -> None:
    answer = await Client(door, error_verbosity="minimal")("GET", "/posts?id=5")
    assert answer.json.keys() == {"code", "message"}


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (DatabaseRefused("42501", "no", anonymous=True), 401, "42501"),
        (DatabaseRefused("42501", "no"), 403, "42501"),
        (DatabaseRefused("23505", "twice"), 409, "23505"),
        (DatabaseRefused("PT418", "a teapot"), 418, "PT418"),
        (DatabaseRefused("P0001", "raised"), 400, "P0001"),
        (DatabaseRefused("P0002", "none"), 500, "P0002"),
        (DatabaseRefused("25006", "read only"), 405, "25006"),
        (DatabaseRefused("PGRST", "{}"), 500, "PGRST121"),
    ],
)
async def test_what_a_database_says_has_its_status(door: Door, client: Client, error: Exception, status: int, code: str) -> None:
    door.result = error
    answer = await client("GET", "/posts")
    assert (answer.status, answer.json["code"]) == (status, code)


async def test_a_function_can_say_status_and_headers_of_its_refusal(door: Door, client: Client) -> None:
    door.result = DatabaseRefused(
        "PGRST", '{"code":"123","message":"ABC","hint":"H"}', '{"status":332,"headers":{"X-Header":"str"}}'
    )
    answer = await client("GET", "/posts")
    assert (answer.status, answer.json) == (332, {"code": "123", "message": "ABC", "details": None, "hint": "H"})
    assert answer.headers["x-header"] == "str"
