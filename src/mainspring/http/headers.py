"""Raw ASGI headers: their type, the constant ones, and one way to send a whole answer. Knows no surface."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any, Final

Header = tuple[bytes, bytes]
Headers = Iterable[Header]
Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]

JSON: Final[Header] = (b"content-type", b"application/json; charset=utf-8")
NO_STORE: Final[Header] = (b"cache-control", b"no-store")
REQUEST_ID: Final = b"x-request-id"


def find(headers: Headers, name: bytes) -> bytes | None:
    """The value of the first header called `name` (lower case), or None."""
    for key, value in headers:
        if key == name:
            return value
    return None


async def respond(send: Send, status: int, headers: Iterable[Header], body: bytes = b"", head: bool = False) -> None:
    """Send a whole answer with its length; `head` keeps the body back and the length true."""
    told = [*headers, (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": told})
    await send({"type": "http.response.body", "body": b"" if head else body})


def error_body(code: str, message: str, hint: str | None = None) -> bytes:
    """The JSON of an error that no surface speaks for."""
    return json.dumps({"code": code, "message": message, "details": None, "hint": hint}).encode()
