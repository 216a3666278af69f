"""A request, an answer, and what every endpoint works with: who asks, how often, where they are to be sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from mainspring.backends.counters.base import Rate
from mainspring.errors import AdministratorRequired, BearerMissing, FeatureDisabled, ProgramRefused, TooManyRequests
from mainspring.http.headers import JSON, NO_STORE, Header, find
from mainspring.principal import Principal
from mainspring.services.identity.oauth_server.oauth_server import OAuthServer
from mainspring.services.identity.people import Asker, Granted
from mainspring.services.identity.service import Identity
from mainspring.services.identity.tokens.tokens import TokenVerifier
from mainspring.settings import AuthSettings
from mainspring.surfaces.auth import render

FIVE_MINUTES: Final = 300.0
HOUR: Final = 3600.0
_SECRET: Final = b"sb_secret_"  # clients send it as apikey only; elsewhere a gateway turns it into a bearer


class Asked(msgspec.Struct, frozen=True):
    """A request: its headers, its parameters, what its path names, its body, and where it comes from."""

    headers: list[Header]
    query: Mapping[str, str]
    named: Mapping[str, str]
    body: bytes
    asker: Asker
    here: str = ""


class Answer(msgspec.Struct, frozen=True):
    """A status, a body and headers beyond the usual."""

    status: int = 200
    body: bytes = b"{}"
    headers: list[Header] = msgspec.field(default_factory=list)


class Desk(msgspec.Struct, frozen=True):
    """The base of the endpoints."""

    identity: Identity
    verifier: TokenVerifier
    auth: AuthSettings

    def bearer(self, asked: Asked, *, programs: bool = False) -> Principal:
        """Who asks. An apikey is nobody, but for a secret one. `programs`: one that acts for a person may ask as well.

        Raises BearerMissing, TokenInvalid, TokenExpired, ProgramRefused.
        """
        given = find(asked.headers, b"authorization") or b""
        apikey = find(asked.headers, b"apikey") or b""
        if not given and apikey.startswith(_SECRET):
            return self.verifier(apikey)
        if given[:7].lower() != b"bearer " or not given[7:].strip():
            raise BearerMissing
        principal = self.verifier(given[7:].strip())
        if not programs and principal.claim("client_id") is not None:
            raise ProgramRefused
        return principal

    def administrator(self, asked: Asked) -> None:
        """Return when the service key asks, or a key of the service role without limits."""
        principal = self.bearer(asked)
        if not principal.bypass or principal.scope is not None:
            raise AdministratorRequired

    @property
    def oauth_server(self) -> OAuthServer:
        """What programs are served by. Raises FeatureDisabled where it is switched off."""
        if not self.auth.oauth_server:
            raise FeatureDisabled("OAuth server")
        return self.identity.oauth

    async def bound(self, asked: Asked, what: str, times: int, seconds: float = FIVE_MINUTES) -> None:
        """Return when the address may ask so now. Raises TooManyRequests."""
        wait = await self.identity.parts.counters.take(f"{what} {asked.asker.ip}", Rate(times, seconds))
        if wait:
            raise TooManyRequests("request", wait)

    def target(self, asked: Asked) -> str:
        """Where a person is to be sent."""
        said = [find(asked.headers, b"redirect_to"), find(asked.headers, b"referer")]
        header, referer = (value.decode("latin-1") if value else None for value in said)
        return self.identity.parts.redirects.choose(header or asked.query.get("redirect_to") or referer)


def session_of(granted: Granted) -> Answer:
    """A session as an answer."""
    return Answer(body=render.json(render.session(granted)), headers=[NO_STORE, *told_of(granted)])


def told_of(granted: Granted) -> list[Header]:
    """The headers that tell about a session, for whoever looks at what clients do."""
    told = {
        b"sb-auth-user-id": granted.user.id,
        b"sb-auth-session-id": granted.session.id,
        b"sb-auth-refresh-token-counter": str(granted.session.refresh_token_counter),
    }
    if granted.reused is not None:
        told[b"sb-auth-refresh-token-reuse"] = "true" if granted.reused else "false"
    if granted.reused:
        told[b"sb-auth-refresh-token-reuse-cause"] = ",".join(granted.reused)
    return [(name, value.encode()) for name, value in told.items()]


def unkept(body: dict[str, Any]) -> Answer:
    """An answer that nothing between here and there may keep."""
    return Answer(body=render.json(body), headers=[NO_STORE])


def posted(text: str | None) -> Answer:
    """That a message is on its way; the id of a text."""
    return Answer(body=render.json({"message_id": text} if text else {}))


def pages(here: str, number: int, size: int, total: int, asked: Mapping[str, str] | None = None) -> list[Header]:
    """The headers that tell where the other pages of a list are; what else was asked for goes with them."""
    last = max(1, -(-total // size))
    links = [(number + 1, "next")] if number < last else []
    links.append((last, "last"))
    kept = "".join(f"&{urlencode({name: said})}" for name, said in (asked or {}).items() if name not in ("page", "per_page"))
    told = ", ".join(f'<{here}?page={page}&per_page={size}{kept}>; rel="{name}"' for page, name in links)
    return [(b"link", told.encode()), (b"x-total-count", b"%d" % total)]


def joined(to: str, query: str) -> str:
    """An address with more parameters."""
    bare, mark, fragment = to.partition("#")
    return f"{bare}{'&' if '?' in bare else '?'}{query}{mark}{fragment}"


def sent(to: str, fragment: str = "", status: int = 303) -> Answer:
    """Send a browser somewhere."""
    target = f"{to.partition('#')[0]}#{fragment}" if fragment else to
    return Answer(status, b"", [(b"location", target.encode("utf-8", "ignore")), NO_STORE, JSON])
