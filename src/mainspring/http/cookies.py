"""The session cookie of browser apps, in the form in which @supabase/ssr writes it, as a bearer token.

It counts only where the request says itself that a page of ours asks: `Sec-Fetch-Site: same-origin`, or an `Origin` on the list.
Browsers alone write these two, and no page can. So what another site makes a browser send arrives as if there were no cookie,
whatever the method, and reading and writing need no rules of their own. With an `Authorization` header cookies are not looked at.
"""

from __future__ import annotations

import binascii
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote_to_bytes

from mainspring.http.headers import Header, find

_PREFIX: Final = b"base64-"
_CHUNK: Final = 3180
_MOST_CHUNKS: Final = 8
_MOST_BYTES: Final = 32_768
_SECONDS: Final = 400 * 24 * 3600
"""So long a browser keeps a cookie at most."""


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """The cookie: its name, the origins whose pages may use it, and whether it travels encrypted only."""

    name: str
    origins: frozenset[bytes]
    secure: bool

    def trusted(self, headers: Sequence[Header]) -> bool:
        """Whether a page asks that may use the cookie."""
        origin = find(headers, b"origin")
        if origin is not None:
            return origin in self.origins
        return find(headers, b"sec-fetch-site") == b"same-origin"

    def as_bearer(self, headers: list[Header]) -> list[Header]:
        """The headers of a request, with the cookie's access token as the bearer where that is right."""
        names = {name for name, _ in headers}
        if b"cookie" not in names or b"authorization" in names or not self.trusted(headers):
            return headers
        token = self.session(headers).get("access_token")
        if not isinstance(token, str) or not token.isascii():
            return headers
        return [*headers, (b"authorization", b"Bearer " + token.encode())]

    def session(self, headers: Sequence[Header]) -> dict[str, Any]:
        """The session in the cookie; nothing where there is none, or none that can be read."""
        given = dict[bytes, bytes]()
        for name, value in _pairs(value for name, value in headers if name == b"cookie"):
            if name in given and name.startswith(self.name.encode()):
                return {}  # two of a name: one of them was put there by somebody else
            given[name] = value
        return _read(self._joined(given))

    def _joined(self, given: dict[bytes, bytes]) -> bytes:
        whole = given.get(self.name.encode())
        if whole:
            return whole
        parts = []
        for number in range(_MOST_CHUNKS):
            part = given.get(b"%s.%d" % (self.name.encode(), number))
            if not part:
                break
            parts.append(part)
        return b"".join(parts)

    def written(self, session: dict[str, Any]) -> list[Header]:
        """The headers that give a browser the cookie, out of the reach of scripts; parts of an older one are taken away."""
        text = json.dumps(session, separators=(",", ":")).encode()
        value = (_PREFIX + urlsafe_b64encode(text).rstrip(b"=")).decode()
        if len(value) <= _CHUNK:
            return [self._set(self.name, value), *(self._set(f"{self.name}.{number}", "") for number in range(_MOST_CHUNKS))]
        parts = [value[start : start + _CHUNK] for start in range(0, len(value), _CHUNK)]
        parts += [""] * (_MOST_CHUNKS - len(parts))
        return [self._set(self.name, ""), *(self._set(f"{self.name}.{number}", part) for number, part in enumerate(parts))]

    def cleared(self) -> list[Header]:
        """The headers that take the cookie away."""
        return [self._set(self.name, ""), *(self._set(f"{self.name}.{number}", "") for number in range(_MOST_CHUNKS))]

    def _set(self, name: str, value: str) -> Header:
        lasts = _SECONDS if value else 0
        secure = "; Secure" if self.secure else ""
        return b"set-cookie", f"{name}={value}; Path=/; Max-Age={lasts}; HttpOnly; SameSite=Lax{secure}".encode()


def _pairs(texts: Iterable[bytes]) -> Iterator[tuple[bytes, bytes]]:
    for text in texts:
        for part in text[:_MOST_BYTES].split(b";"):
            name, equals, value = part.strip().partition(b"=")
            if equals:
                yield name.strip(), value.strip().strip(b'"')


def _read(value: bytes) -> dict[str, Any]:
    try:
        if value.startswith(_PREFIX):
            text = urlsafe_b64decode(value[len(_PREFIX) :] + b"=" * (-(len(value) - len(_PREFIX)) % 4))
        else:
            text = unquote_to_bytes(value)
        found = json.loads(text) if text else {}
    except (ValueError, RecursionError, binascii.Error):
        return {}
    return found if isinstance(found, dict) else {}
