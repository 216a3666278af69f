"""The parts of the page: files of this package, read once, sent with a policy that forbids everything from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Final

from mainspring.http.headers import JSON, ASGIApp, Header, Receive, Scope, Send, error_body, respond

_TYPES: Final[Mapping[str, bytes]] = {
    "html": b"text/html; charset=utf-8",
    "css": b"text/css; charset=utf-8",
    "js": b"text/javascript; charset=utf-8",
}
_POLICY: Final = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS: Final[tuple[Header, ...]] = (
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-cache"),
)
_NOTHING: Final = error_body("MS0404", "There is nothing at this path")
_NOT_ALLOWED: Final = error_body("MS0405", "Only GET and HEAD are allowed here")


def part(name: str, base: str = "") -> ASGIApp:
    """Answers one file of the page; in it `{base}` is the page's own path."""
    body = files("mainspring.surfaces.docs").joinpath(name).read_bytes().replace(b"{base}", base.encode())
    kind: Header = (b"content-type", _TYPES[name.rpartition(".")[2]])

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        method = scope["method"]
        if method not in ("GET", "HEAD"):
            await respond(send, 405, (JSON, (b"allow", b"GET, HEAD")), _NOT_ALLOWED)
            return
        if scope["path"].removeprefix(scope["root_path"]).strip("/"):
            await respond(send, 404, (JSON,), _NOTHING, head=method == "HEAD")
            return
        await respond(send, 200, (kind, *_HEADERS), body, head=method == "HEAD")

    return app
