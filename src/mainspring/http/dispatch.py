"""The ASGI application: picks a surface by path prefix, starts and stops what serves, has the last answer.

Pure ASGI, because this runs for every request; knows surfaces only as ASGI apps under a prefix.
"""

from __future__ import annotations

import asyncio
import itertools
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mainspring.errors import MainspringError
from mainspring.http.body import ClientGone
from mainspring.http.cookies import SessionCookie
from mainspring.http.cors import Cors
from mainspring.http.headers import (
    JSON,
    REQUEST_ID,
    ASGIApp,
    Message,
    Receive,
    Scope,
    Send,
    error_body,
    respond,
)
from mainspring.observe import RequestDone, RequestFailed, Sink, StartFailed, StopFailed, discard

_SANE_ID: Final = re.compile(rb"[A-Za-z0-9._-]{1,64}\Z")
_INTERNAL: Final = error_body("MS0000", "Internal server error", "The log holds more under this answer's x-request-id.")

_PATHS_REMEMBERED: Final = 1024

ROLE: Final = "mainspring.role"
TARGET: Final = "mainspring.target"
ID: Final = "mainspring.request_id"


async def _nothing() -> None:
    """A step that has nothing to do at this end."""


@dataclass(frozen=True, slots=True)
class Step:
    """Something that must run while requests are served. Steps start in order and stop in reverse."""

    name: str
    start: Callable[[], Awaitable[None]] = _nothing
    stop: Callable[[], Awaitable[None]] = _nothing


class Dispatcher:
    """One ASGI application out of many.

    `routes` and `websockets` map a prefix of one or two path segments, or a whole path, to an app. The app
    finds the prefix at the end of `scope["root_path"]` and the request id (bytes) under ID, and may leave its
    ROLE and TARGET in the scope for `on_request`, which is told every answer.
    """

    def __init__(
        self,
        routes: Mapping[str, ASGIApp],
        *,
        websockets: Mapping[str, ASGIApp] | None = None,
        steps: Sequence[Step] = (),
        cors: Cors | None = None,
        cookie: SessionCookie | None = None,
        observe: Sink = discard,
        on_request: Sink | None = None,
    ) -> None:
        self._route = _Routes(routes)
        self._websocket_route = _Routes(websockets or {})
        self._steps = tuple(steps)
        self._started: list[Step] = []
        self._cors = cors or Cors()
        self._cookie = cookie
        self._observe = observe
        self._on_request = on_request
        self._prefix = b"0"
        self._counter = itertools.count(1)
        self.serving = False
        self.stopping = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kind = scope["type"]
        if kind != "http":
            await (self._lifespan(receive, send) if kind == "lifespan" else self._websocket(scope, receive, send))
            return
        if self._cookie is not None:
            scope["headers"] = self._cookie.as_bearer(scope["headers"])
        headers = dict(scope["headers"])
        request_id = headers.get(REQUEST_ID)
        if request_id is None or not _SANE_ID.match(request_id):
            request_id = b"%b-%x" % (self._prefix, next(self._counter))
        scope[ID] = request_id
        extra = (*self._cors.headers(headers.get(b"origin")), (REQUEST_ID, request_id))
        status = 0

        def answer(message: Message) -> Awaitable[None]:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *extra]
            return send(message)

        begun = 0.0 if self._on_request is None else time.perf_counter()
        try:
            app = self._preflight if _is_preflight(scope, headers) else self._route(scope)
            await app(scope, receive, answer)
        except ClientGone:
            return
        except Exception as error:
            self._observe(RequestFailed(scope["method"], scope["path"], request_id.decode(), error))
            if status:
                raise  # part of the answer is out: only a broken connection tells the client
            await respond(answer, 500, (JSON,), _INTERNAL)
        finally:
            if self._on_request is not None:
                self._on_request(_done(scope, status, time.perf_counter() - begun))

    async def _preflight(self, scope: Scope, receive: Receive, send: Send) -> None:
        await respond(send, 200, self._cors.preflight(scope["headers"]))

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        app = self._websocket_route(scope)
        if app is not _not_found:
            scope[ID] = b"%b-%x" % (self._prefix, next(self._counter))
            await app(scope, receive, send)
        elif (await receive())["type"] == "websocket.connect":
            await send({"type": "websocket.close", "code": 1008, "reason": "no such endpoint"})

    def serves(self, prefix: str) -> bool:
        """Whether an app answers at a prefix."""
        return self._route.has(prefix)

    # ------------------------------------------------------------ start and stop

    async def start(self) -> None:
        """Start every step in order; where one raises, stop those before it and let its exception go on."""
        self._prefix = secrets.token_hex(5).encode()  # here and not before, so that forked workers differ
        for step in self._steps:
            try:
                await step.start()
            except BaseException as error:
                if not isinstance(error, MainspringError):
                    self._observe(StartFailed(step.name, error))
                await self.stop()
                raise
            self._started.append(step)
        self.serving = True

    async def stop(self) -> None:
        """Stop every started step, the last first. One that fails is told and does not keep the others."""
        self.stopping, self.serving = True, False
        while self._started:
            step = self._started.pop()
            try:
                await step.stop()
            except (Exception, asyncio.CancelledError) as error:
                self._observe(StopFailed(step.name, error))

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        await receive()
        try:
            await self.start()
        except Exception as error:
            await send({"type": "lifespan.startup.failed", "message": str(error)})
            return
        await send({"type": "lifespan.startup.complete"})
        await receive()
        await self.stop()
        await send({"type": "lifespan.shutdown.complete"})


def _is_preflight(scope: Scope, headers: Mapping[bytes, bytes]) -> bool:
    """Whether a browser asks for permission, rather than a client for what there is."""
    return scope["method"] == "OPTIONS" and b"access-control-request-method" in headers


class _Routes:
    """Finds the app for a path and remembers it: the same few paths are asked for over and over."""

    __slots__ = ("_apps", "_found")

    def __init__(self, apps: Mapping[str, ASGIApp]) -> None:
        self._apps = apps
        self._found: dict[tuple[str, str], tuple[ASGIApp, str]] = {}

    def has(self, prefix: str) -> bool:
        """Whether there is an app for a prefix."""
        return prefix in self._apps

    def __call__(self, scope: Scope) -> ASGIApp:
        """The app; the scope's root path becomes its prefix."""
        root, path = scope.get("root_path") or "", scope["path"]
        found = self._found.get((root, path))
        if found is None:
            if len(self._found) >= _PATHS_REMEMBERED:
                self._found.clear()
            found = self._found[root, path] = _match(self._apps, root, path)
        app, scope["root_path"] = found
        return app


def _match(routes: Mapping[str, ASGIApp], root: str, path: str) -> tuple[ASGIApp, str]:
    """The app for the path and its root path: by its first two segments, else by its first, else as a whole,
    else what serves everything."""
    start = len(root) if root and path.startswith(root) else 0
    first = path.find("/", start + 1)
    second = path.find("/", first + 1) if first > 0 else -1
    prefix = path[start:second] if second > 0 else path[start:]
    app = routes.get(prefix)
    if app is None and first > 0:
        prefix = path[start:first]
        app = routes.get(prefix)
    if app is None:
        prefix = path[start:]
        app = routes.get(prefix)
    if app is None:
        prefix, app = "", routes.get("", _not_found)
    return app, root + prefix if app is not _not_found else root


async def _not_found(scope: Scope, receive: Receive, send: Send) -> None:
    body = error_body("MS0404", "There is nothing at this path", "The data API is at /rest/v1/{table}.")
    await respond(send, 404, (JSON,), body, head=scope["method"] == "HEAD")


def _done(scope: Scope, status: int, seconds: float) -> RequestDone:
    target = scope.get(TARGET) or scope.get("root_path") or "/"
    return RequestDone(scope["method"], target, status, seconds, scope.get(ROLE), scope[ID].decode())
