"""Which web pages may call, and with what. Answers preflights; knows no surface."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Final

from mainspring.http.headers import Header, Headers

EXPOSED: Final = (
    b"Content-Encoding, Content-Location, Content-Range, Content-Type, Date, Location, Server, "
    b"Transfer-Encoding, Range-Unit, X-Request-Id, Link, Next-Cursor, X-Total-Count, X-Supabase-Api-Version, Retry-After"
)
ALLOWED_BY_NAME: Final = (
    "authorization",
    "x-client-info",
    "apikey",
    "content-type",
    "x-retry-count",
    "x-supabase-api-version",
    "accept-profile",
    "content-profile",
    "prefer",
    "accept",
    "accept-language",
    "content-language",
    "range",
    "range-unit",
    "x-upsert",
    "cache-control",
    "x-metadata",
    "x-region",
    "x-request-id",
    "traceparent",
    "tracestate",
    "baggage",
)
_METHODS: Final = b"GET, POST, PATCH, PUT, DELETE, OPTIONS, HEAD"
_HEADER_NAME: Final = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]{1,100}\Z")
_MOST_REQUESTED: Final = 64

_EXPOSE: Final[Header] = (b"access-control-expose-headers", EXPOSED)
_VARY: Final[Header] = (b"vary", b"Origin")
_CREDENTIALS: Final[Header] = (b"access-control-allow-credentials", b"true")


class Cors:
    """The cross-origin headers. With `*` among the origins they are the same for every page; only pages need them.

    Pages `with_cookies` may send their cookies along, and read what comes of it.
    """

    __slots__ = ("_anyone", "_known", "_unknown", "_with_cookies")

    def __init__(self, origins: Sequence[str] = ("*",), with_cookies: Collection[bytes] = ()) -> None:
        self._anyone: tuple[Header, ...] | None = (*_allow(b"*"), _EXPOSE) if "*" in origins else None
        self._known = {origin: (*_allow(origin), _EXPOSE, _VARY) for origin in (text.rstrip("/").encode() for text in origins)}
        self._unknown: tuple[Header, ...] = (_VARY,)
        self._with_cookies = {each: (*_allow(each), _CREDENTIALS, _EXPOSE, _VARY) for each in with_cookies}

    def headers(self, origin: bytes | None) -> tuple[Header, ...]:
        """What to add to an answer for a page from `origin` (None: no page asks), errors included."""
        if self._with_cookies and origin in self._with_cookies:
            return self._with_cookies[origin]
        if self._anyone is not None:
            return () if origin is None else self._anyone
        return self._known.get(origin or b"", self._unknown)

    def preflight(self, headers: Headers) -> list[Header]:
        """What a preflight is answered with besides `headers()`; nothing for an origin that may not call."""
        asked = dict(headers)
        if self.headers(asked.get(b"origin")) is self._unknown:
            return []
        return [
            (b"access-control-allow-methods", _METHODS),
            (b"access-control-allow-headers", _allowed(asked.get(b"access-control-request-headers", b""))),
            (b"access-control-max-age", b"86400"),
        ]


def _allow(origin: bytes) -> tuple[Header, ...]:
    return ((b"access-control-allow-origin", origin),)


def _allowed(requested: bytes) -> bytes:
    asked = [name.strip().lower() for name in requested.decode("latin-1").split(",")[:_MOST_REQUESTED]]
    extra = [name for name in asked if _HEADER_NAME.match(name)]
    return ", ".join(dict.fromkeys([*ALLOWED_BY_NAME, *extra])).encode()
