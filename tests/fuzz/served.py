"""Applications started in this process, asked over bare ASGI: what is sent arrives as it is."""

from __future__ import annotations

import json
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import jwt

from mainspring.app import Mainspring
from mainspring.http.dispatch import Dispatcher
from mainspring.http.headers import Message
from mainspring.observe import EngineFaulted, Observation, RequestFailed
from mainspring.settings import AuthSettings, DatabaseSettings, RestSettings, Secret, Settings
from tests.fuzz.app import CALLER, application
from tests.fuzz.grammar import Request, World
from tests.support import native

SECRET = "a secret that only this fuzzer uses, long enough"
APP_WORLD = World(
    {
        "authors": ["id", "name", "secret", "friend_id"],
        "books": [
            *("id", "author_id", "editor_id", "owner", "title", "price", "weight", "lent", "mood", "data", "printed", "opens"),
            *("sold", "noted", "lasts", "raw", "double", "loud"),
        ],
        "genres": ["id", "name"],
        "book_genres": ["book_id", "genre_id"],
        "vault": ["id"],
    },
    {
        "authors": ["books", "authors", "lent_out"],
        "books": ["authors", "genres", "book_genres"],
        "genres": ["books", "book_genres"],
        "book_genres": ["books", "genres"],
    },
    ["author_id", "editor_id", "friend_id", "books_author_id_fkey", "authors_friend_id_fkey", "book_genres", "inner", "x"],
    {
        "add": ["a", "b"],
        "echo": ["on", "price", "who", "tags", "flag"],
        "books_of": ["author"],
        "points": ["n"],
        "rename": ["book", "title"],
        "whoami": [],
        "refuse": ["why"],
    },
)
NATIVE_WORLD = World(
    {
        "authors": ["id", "name", "born", "secret"],
        "books": [
            *("id", "author_id", "isbn", "title", "price", "weight", "mood", "tags", "during", "data", "at", "printed", "opened"),
            *("lent", "raw", "uid", "size", "words", "label"),
        ],
        "genres": ["id", "name"],
        "book_genres": ["book_id", "genre_id"],
        "titles": ["id", "title"],
        "counted": ["author_id", "books"],
        "vault": ["id"],
        "odd {name}, really": ["a column", "select", "p*ng?"],
    },
    {
        "authors": ["books", "titles", "counted"],
        "books": ["authors", "genres", "book_genres"],
        "genres": ["books", "book_genres", "titles"],
        "book_genres": ["books", "genres"],
        "titles": ["genres"],
    },
    ["author_id", "books_author_id_fkey", "book_genres", "inner", "x"],
    {
        "add": ["a", "b", "c"],
        "total": ["items"],
        "books_of": ["author"],
        "table_of": ["n"],
        "echo": [],
        "read": [],
        "nothing": [],
        "where_is": ["at"],
        "hidden": [],
        "label": [],
    },
)


@dataclass
class Answer:
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    seconds: float

    def header(self, name: bytes) -> bytes | None:
        return next((value for key, value in self.headers if key == name), None)


@dataclass
class Served:
    """A started application: what exists in it, and the headers of each kind of caller."""

    world: World
    app: Dispatcher
    callers: list[list[tuple[bytes, bytes]]]
    observed: list[Observation] = field(default_factory=list)

    async def ask(self, request: Request, caller: int) -> Answer:
        """The answer to a request of one of the callers."""
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request", "body": request.body, "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        scope: dict[str, Any] = {
            "type": "http",
            "method": request.method,
            "path": f"/rest/v1{request.path}",
            "query_string": request.query,
            "headers": [*self.callers[caller], *request.headers],
        }
        begun = time.perf_counter()
        await self.app(scope, receive, send)
        seconds = time.perf_counter() - begun
        body = b"".join(message.get("body", b"") for message in sent[1:])
        return Answer(sent[0]["status"], list(sent[0]["headers"]), body, seconds)

    def faults(self) -> list[str]:
        """What the application itself calls a fault."""
        return [repr(each) for each in self.observed if isinstance(each, EngineFaulted | RequestFailed)]


def wrong(request: Request, answer: Answer, seconds: float) -> str | None:
    """What no answer may be; None when all is well."""
    if answer.status >= 500:
        return f"status {answer.status}: {answer.body[:400]!r}"
    if answer.seconds > seconds:
        return f"took {answer.seconds:.1f} s"
    if any(set(name + value) & set(b"\r\n\x00") for name, value in answer.headers):
        return f"a header that splits the answer: {answer.headers}"
    if request.method != "HEAD" and int(answer.header(b"content-length") or len(answer.body)) != len(answer.body):
        return "a wrong content-length"
    return None if request.method == "HEAD" else _wrong_body(answer)


def _wrong_body(answer: Answer) -> str | None:
    if answer.status == 204 or not answer.body:
        return None if answer.status < 400 else "an error without a body"
    if answer.status >= 300 or b"json" in (answer.header(b"content-type") or b"").partition(b";")[0]:
        try:
            told = json.loads(answer.body)
        except ValueError as error:
            return f"no JSON ({error}): {answer.body[:300]!r}"
        if answer.status >= 300 and not (isinstance(told["code"], str) and isinstance(told["message"], str)):
            return f"an error that names no code and message: {answer.body[:300]!r}"
    return None


def _bearer(**claims: Any) -> list[tuple[bytes, bytes]]:
    return [(b"authorization", b"Bearer " + jwt.encode(claims, SECRET, algorithm="HS256").encode())]


def settings(url: str) -> Settings:
    return Settings(
        database=DatabaseSettings(url=url, tx_end="rollback-allow-override", statement_timeout_seconds=5),
        auth=AuthSettings(jwt_secret=Secret(SECRET), audience="", revocation_seconds=60),  # its looks are statements too
        rest=RestSettings(max_rows=200),
    )


@asynccontextmanager
async def app_mode(url: str) -> AsyncIterator[Served]:
    """The fuzzer's own application on a database; "" is a SQLite file."""
    user = {"role": "authenticated", "sub": CALLER}
    async with _started(application(), settings(url), APP_WORLD, [[], _bearer(**user), _bearer(role="service_role")]) as served:
        yield served


@asynccontextmanager
async def database_mode(url: str) -> AsyncIterator[Served]:
    """The database that `native.make` filled. Nothing that is written stays."""
    whole = native.settings(url, plan_enabled=True, max_rows=200)
    whole = replace(
        whole,
        auth=AuthSettings(jwt_secret=Secret(SECRET), audience=""),
        database=replace(whole.database, statement_timeout_seconds=5),
    )
    async with _started(Mainspring(), whole, NATIVE_WORLD, [[], _bearer(role="member")]) as served:
        yield served


@asynccontextmanager
async def _started(
    app: Mainspring, settings: Settings, world: World, callers: list[list[tuple[bytes, bytes]]]
) -> AsyncIterator[Served]:
    with tempfile.TemporaryDirectory(prefix="mainspring-fuzz-") as folder:
        observed: list[Observation] = []
        dispatcher = app.build(settings, Path(folder), observed.append)
        await dispatcher.start()
        try:
            yield Served(world, dispatcher, callers, observed)
        finally:
            await dispatcher.stop()
