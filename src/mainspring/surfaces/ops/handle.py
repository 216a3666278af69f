"""The operational endpoints themselves. They touch no data and need no key."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from mainspring.http.headers import JSON, NO_STORE, ASGIApp, Header, Receive, Scope, Send, error_body, respond

_CACHED: Final[Header] = (b"cache-control", b"public, max-age=600")
_ALLOW: Final[Header] = (b"allow", b"GET, HEAD")
_NOT_ALLOWED: Final = error_body("MS0405", "Only GET and HEAD are allowed here")


def health(serving: Callable[[], bool]) -> ASGIApp:
    """200 while requests are served; 503 before, and once the process is stopping."""

    def answer() -> tuple[int, bytes]:
        return (200, b'{"status":"ok"}') if serving() else (503, b'{"status":"stopping"}')

    return _readable(answer, NO_STORE)


def jwks(public_keys: Callable[[], Mapping[str, Any]]) -> ASGIApp:
    """The public keys that tokens can be checked with."""
    return _readable(lambda: (200, json.dumps(public_keys()).encode()), _CACHED)


def _readable(answer: Callable[[], tuple[int, bytes]], caching: Header) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        if method not in ("GET", "HEAD"):
            await respond(send, 405, (JSON, _ALLOW), _NOT_ALLOWED)
            return
        status, body = answer()
        await respond(send, status, (JSON, caching), body, head=method == "HEAD")

    return app
