"""The plain page where people sign in and say what a program may, for projects that have none of their own.

No page may frame it and nothing from elsewhere runs in it; it signs in with a token that it keeps to itself, so that no other
page can answer in a person's name.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import cache
from importlib.resources import files
from typing import Final

from mainspring.errors import FeatureDisabled
from mainspring.http.headers import NO_STORE, Header
from mainspring.settings import AuthSettings
from mainspring.surfaces.auth.asked import Answer, Asked

PATH: Final = "/oauth/consent"
_TYPES: Final = {
    ".html": b"text/html; charset=utf-8",
    ".css": b"text/css; charset=utf-8",
    ".js": b"text/javascript; charset=utf-8",
}
_POLICY: Final = (
    b"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    b"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_HEADERS: Final[tuple[Header, ...]] = (
    (b"content-security-policy", _POLICY),
    (b"x-frame-options", b"DENY"),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    NO_STORE,
)


def part(kind: str, auth: AuthSettings) -> Callable[[Asked], Awaitable[Answer]]:
    """The handler of one file of the page: `.html`, `.css` or `.js`."""

    async def answer(asked: Asked) -> Answer:
        """GET /oauth/consent."""
        if not auth.oauth_server or auth.oauth_path:
            raise FeatureDisabled("The consent page")
        return Answer(200, _read(f"consent{kind}"), [(b"content-type", _TYPES[kind]), *_HEADERS])

    return answer


@cache
def _read(name: str) -> bytes:
    return files("mainspring.surfaces.auth").joinpath(name).read_bytes()
