"""The front door: which app answers, what every answer carries, how it starts and stops."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import pytest

from mainspring.errors import BodyInvalid, ConfigError, LimitExceeded, Mistake
from mainspring.http.body import ClientGone, read_body
from mainspring.http.cors import Cors
from mainspring.http.dispatch import ID, ROLE, TARGET, Dispatcher, Step
from mainspring.http.headers import JSON, ASGIApp, Header, Message, Receive, Scope, Send, respond
from mainspring.observe import Fanout, Observation, RequestDone, RequestFailed, StartFailed, StopFailed, log_sink
from mainspring.surfaces.ops.routes import routes as ops_routes

Answer = tuple[int, dict[bytes, bytes], bytes]


def named(name: str) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        told = {"app": name, "root_path": scope["root_path"], "path": scope["path"], "id": scope[ID].decode()}
        await respond(send, 200, (JSON,), json.dumps(told).encode())

    return app


async def ask(
    app: ASGIApp,
    path: str,
    method: str = "GET",
    headers: Iterable[Header] = ((b"origin", b"https://page.example"),),
    root_path: str = "",
    messages: Iterable[Message] = (),
) -> Answer:
    sent: list[Message] = []
    inbox = [*messages, {"type": "http.disconnect"}]

    async def receive() -> Message:
        return inbox.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "root_path": root_path, "headers": list(headers)}
    await app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in sent[1:])
    return sent[0]["status"], dict(sent[0]["headers"]), body


def dispatcher(**options: Any) -> Dispatcher:
    return Dispatcher({"/rest/v1": named("rest"), "/admin": named("admin"), "/auth/v1/keys": named("keys")}, **options)


async def test_only_pages_are_told_who_may_call() -> None:
    """A client that is no page has no use for CORS headers."""
    _, headers, _ = await ask(dispatcher(), "/rest/v1/posts", headers=())
    assert b"access-control-allow-origin" not in headers


# ---------------------------------------------------------------- which app


@pytest.mark.parametrize(
    ("path", "app", "root"),
    [
        ("/rest/v1/posts", "rest", "/rest/v1"),
        ("/rest/v1/posts/", "rest", "/rest/v1"),
        ("/rest/v1/", "rest", "/rest/v1"),
        ("/rest/v1", "rest", "/rest/v1"),
        ("/admin", "admin", "/admin"),
        ("/admin/a/b", "admin", "/admin"),
        ("/auth/v1/keys", "keys", "/auth/v1/keys"),
    ],
)
async def test_the_prefix_picks_the_app(path: str, app: str, root: str) -> None:
    status, _, body = await ask(dispatcher(), path)
    assert status == 200
    told = json.loads(body)
    assert (told["app"], told["root_path"], told["path"]) == (app, root, path)


@pytest.mark.parametrize("path", ["/", "", "/rest", "/rest/v2/posts", "/rest/v1x/posts", "//rest/v1/posts", "/REST/v1"])
async def test_no_app_no_answer(path: str) -> None:
    status, headers, body = await ask(dispatcher(), path)
    assert status == 404
    assert json.loads(body)["code"] == "MS0404"
    assert headers[b"access-control-allow-origin"] == b"*"


async def test_it_can_be_mounted_below_a_path() -> None:
    _, _, body = await ask(dispatcher(), "/base/rest/v1/posts", root_path="/base")
    assert json.loads(body)["root_path"] == "/base/rest/v1"


async def test_a_websocket_nobody_serves_is_closed() -> None:
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "websocket.connect"}

    async def send(message: Message) -> None:
        sent.append(message)

    await dispatcher()({"type": "websocket", "path": "/realtime/v1", "headers": []}, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"]


# ---------------------------------------------------------------- what every answer carries


async def test_a_sane_request_id_is_kept() -> None:
    _, headers, body = await ask(dispatcher(), "/admin", headers=[(b"x-request-id", b"a-1.B_2")])
    assert headers[b"x-request-id"] == b"a-1.B_2"
    assert json.loads(body)["id"] == "a-1.B_2"


@pytest.mark.parametrize("given", [b"", b"a b", b"x" * 65, b"a\nb", b"\xff", b"a\n", b"<script>"])
async def test_another_request_id_is_replaced(given: bytes) -> None:
    app = dispatcher()
    answers = [await ask(app, "/admin", headers=[(b"x-request-id", given)]) for _ in range(3)]
    ids = {headers[b"x-request-id"] for _, headers, _ in answers}
    assert len(ids) == 3
    assert given not in ids


async def test_every_page_may_call_by_default() -> None:
    _, headers, _ = await ask(dispatcher(), "/admin", headers=[(b"origin", b"https://a.example")])
    assert headers[b"access-control-allow-origin"] == b"*"
    assert b"Content-Range" in headers[b"access-control-expose-headers"]


async def test_a_preflight_allows_what_was_asked_for() -> None:
    asked = [
        (b"origin", b"https://a.example"),
        (b"access-control-request-method", b"PATCH"),
        (b"access-control-request-headers", b"X-Mine, apikey, bad name, \xff"),
    ]
    status, headers, body = await ask(dispatcher(), "/rest/v1/posts", "OPTIONS", asked)
    assert (status, body) == (200, b"")
    assert b"PATCH" in headers[b"access-control-allow-methods"]
    allowed = headers[b"access-control-allow-headers"].split(b", ")
    assert {b"authorization", b"apikey", b"content-type", b"x-client-info", b"prefer", b"x-mine"} <= {*allowed}
    assert not [name for name in allowed if b" " in name or b"\xff" in name]
    assert headers[b"access-control-max-age"] == b"86400"


async def test_options_without_a_preflight_reaches_the_app() -> None:
    _, _, body = await ask(dispatcher(), "/rest/v1/posts", "OPTIONS")
    assert json.loads(body)["app"] == "rest"


async def test_only_listed_origins_may_call() -> None:
    app = dispatcher(cors=Cors(["https://a.example/"]))
    asked: list[Header] = [(b"access-control-request-method", b"GET")]
    for origin, permitted in ((b"https://a.example", True), (b"https://evil.example", False)):
        for method, extra in (("GET", []), ("OPTIONS", asked)):
            _, headers, _ = await ask(app, "/admin", method, [(b"origin", origin), *extra])
            assert (headers.get(b"access-control-allow-origin") == origin) is permitted
            assert (b"access-control-allow-methods" in headers) is (permitted and method == "OPTIONS")
            assert headers[b"vary"] == b"Origin"


# ---------------------------------------------------------------- when all else fails


async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    raise RuntimeError("password=hunter2")


async def half(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    raise RuntimeError("half")


async def gone(scope: Scope, receive: Receive, send: Send) -> None:
    await read_body(receive, scope["headers"], 10)


async def test_a_defect_answers_500_without_its_inside() -> None:
    seen: list[Observation] = []
    app = Dispatcher({"/x": broken}, observe=seen.append)
    status, headers, body = await ask(app, "/x")
    assert status == 500
    assert b"hunter2" not in body
    assert headers[b"access-control-allow-origin"] == b"*"
    (fact,) = seen
    assert isinstance(fact, RequestFailed)
    assert fact.request_id.encode() == headers[b"x-request-id"]
    assert str(fact.cause) == "password=hunter2"


async def test_a_defect_after_the_start_breaks_the_connection() -> None:
    seen: list[Observation] = []
    with pytest.raises(RuntimeError, match="half"):
        await ask(Dispatcher({"/x": half}, observe=seen.append), "/x")
    assert len(seen) == 1


async def test_a_client_that_has_gone_is_no_defect() -> None:
    seen: list[Observation] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        raise AssertionError("there is nobody to answer")

    scope = {"type": "http", "method": "POST", "path": "/x", "root_path": "", "headers": []}
    await Dispatcher({"/x": gone}, observe=seen.append)(scope, receive, send)
    assert seen == []


async def test_answers_are_told_to_whoever_asks() -> None:
    seen: list[Any] = []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        scope[ROLE], scope[TARGET] = "anon", "public.posts"
        await respond(send, 206, ())

    await ask(Dispatcher({"/x": app}, on_request=seen.append), "/x/7?secret", headers=[(b"x-request-id", b"r")])
    (fact,) = seen
    assert isinstance(fact, RequestDone)
    assert (fact.target, fact.status, fact.role, fact.request_id) == ("public.posts", 206, "anon", "r")


# ---------------------------------------------------------------- start and stop


def recorded(log: list[str], name: str, fails: str = "", error: Exception | None = None) -> Step:
    async def act(what: str) -> None:
        log.append(f"{what} {name}")
        if what == fails:
            raise error or RuntimeError(name)

    return Step(name, lambda: act("start"), lambda: act("stop"))


async def lifespan(app: Dispatcher) -> list[Message]:
    sent: list[Message] = []
    inbox: list[Message] = [{"type": "lifespan.startup"}, {"type": "lifespan.shutdown"}]

    async def receive() -> Message:
        return inbox.pop(0)

    async def send(message: Message) -> None:
        sent.append(message)

    await app({"type": "lifespan"}, receive, send)
    return sent


async def test_steps_start_in_order_and_stop_in_reverse() -> None:
    log: list[str] = []
    app = dispatcher(steps=[recorded(log, "a"), recorded(log, "b")])
    sent = await lifespan(app)
    assert log == ["start a", "start b", "stop b", "stop a"]
    assert [message["type"] for message in sent] == ["lifespan.startup.complete", "lifespan.shutdown.complete"]


async def test_a_failed_start_stops_what_had_started() -> None:
    log: list[str] = []
    seen: list[Observation] = []
    steps = [recorded(log, "a"), recorded(log, "b", fails="start"), recorded(log, "c")]
    app = dispatcher(steps=steps, observe=seen.append)
    sent = await lifespan(app)
    assert log == ["start a", "start b", "stop a"]
    assert [message["type"] for message in sent] == ["lifespan.startup.failed"]
    assert [type(fact) for fact in seen] == [StartFailed]
    assert not app.serving


async def test_a_mistake_at_the_start_is_told_whole() -> None:
    error = ConfigError([Mistake("database.url", "no such host"), Mistake("b", "wrong", "right")])
    (sent,) = await lifespan(dispatcher(steps=[recorded([], "a", fails="start", error=error)]))
    assert sent["message"] == "database.url: no such host\nb: wrong (right)"


async def test_a_failed_stop_does_not_keep_the_others() -> None:
    log: list[str] = []
    seen: list[Observation] = []
    app = dispatcher(steps=[recorded(log, "a"), recorded(log, "b", fails="stop")], observe=seen.append)
    await lifespan(app)
    assert log[2:] == ["stop b", "stop a"]
    assert [type(fact) for fact in seen] == [StopFailed]


# ---------------------------------------------------------------- probes


async def test_health_follows_the_server() -> None:
    app: Dispatcher
    app = Dispatcher(ops_routes(lambda: app.serving, lambda: {"keys": []}))
    assert (await ask(app, "/healthz"))[0] == 503
    await app.start()
    assert (await ask(app, "/healthz"))[0] == 200
    status, headers, body = await ask(app, "/healthz", "HEAD")
    assert (status, headers[b"content-length"], body) == (200, b"15", b"")
    assert (await ask(app, "/healthz", "POST"))[0] == 405
    await app.stop()
    assert (await ask(app, "/healthz"))[0] == 503


@pytest.mark.parametrize("path", ["/.well-known/jwks.json", "/auth/v1/.well-known/jwks.json"])
async def test_the_public_keys_are_published(path: str) -> None:
    app = Dispatcher(ops_routes(lambda: True, lambda: {"keys": [{"kid": "k"}]}))
    status, headers, body = await ask(app, path)
    assert (status, json.loads(body)) == (200, {"keys": [{"kid": "k"}]})
    assert headers[b"cache-control"] == b"public, max-age=600"


# ---------------------------------------------------------------- bodies


async def body_of(*chunks: bytes, limit: int = 10, headers: Iterable[Header] = ()) -> bytes:
    inbox: list[Message] = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks[:-1]]
    inbox.append({"type": "http.request", "body": chunks[-1]} if chunks else {"type": "http.disconnect"})

    async def receive() -> Message:
        return inbox.pop(0)

    return await read_body(receive, headers, limit)


async def test_a_body_is_read_whole() -> None:
    assert await body_of(b"") == b""
    assert await body_of(b"12345", b"", b"67890") == b"1234567890"


@pytest.mark.parametrize("chunks", [(b"x" * 11,), (b"x" * 6, b"x" * 5), (b"x" * 11, b"never read")])
async def test_a_body_beyond_its_bound_is_refused(chunks: tuple[bytes, ...]) -> None:
    with pytest.raises(LimitExceeded) as caught:
        await body_of(*chunks)
    assert caught.value.too_large_body


@pytest.mark.parametrize("length", [b"11", b"9" * 30])
async def test_an_announced_length_is_enough_to_refuse(length: bytes) -> None:
    with pytest.raises(LimitExceeded):
        await body_of(b"x", headers=[(b"content-length", length)])


@pytest.mark.parametrize("length", [b"-1", b"x", b"", b"1.0"])
async def test_a_length_is_a_number(length: bytes) -> None:
    with pytest.raises(BodyInvalid):
        await body_of(b"x", headers=[(b"content-length", length)])


async def test_a_client_may_hang_up() -> None:
    with pytest.raises(ClientGone):
        await body_of()


# ---------------------------------------------------------------- what is told


def test_a_line_per_fact_of_the_level_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    fact = StartFailed("database", ValueError("no"))
    quiet = RequestDone("GET", "a b", 200, 0.25, None, "r")
    sink = Fanout([log_sink("info"), log_sink("debug", "json")])
    sink(fact)
    sink(quiet)
    text, trace, parsed, other = capsys.readouterr().err.splitlines()
    assert text.endswith("error   StartFailed step=database")
    assert trace == "ValueError: no"
    assert json.loads(parsed)["cause"] == "ValueError: no"
    assert json.loads(other)["event"] == "RequestDone"


def test_a_sink_that_fails_does_not_rob_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    seen: list[Observation] = []

    def failing(_: Observation) -> None:
        raise RuntimeError("sink")

    Fanout([failing, seen.append])(Observation())
    assert len(seen) == 1
    assert "RuntimeError: sink" in capsys.readouterr().err
