"""Signing in through a provider: people are sent there, and come back."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Final

from mainspring.errors import CallbackIncomplete, MainspringError, ProviderFailed
from mainspring.http.headers import Header, find
from mainspring.services.identity.flows.oauth import FLOW_SECONDS, Leaving
from mainspring.services.identity.flows.verify import Continued
from mainspring.services.identity.people import Challenge, User
from mainspring.surfaces.auth import parse, render
from mainspring.surfaces.auth.asked import Answer, Asked, Desk, joined, sent
from mainspring.surfaces.auth.errors import error_query, invalid

_COOKIE: Final = "mainspring-flow"
_KNOWN: Final = re.compile(r"[A-Za-z0-9_-]{43}\Z")


class Elsewhere(Desk, frozen=True):
    """The endpoints of accounts elsewhere."""

    async def authorize(self, asked: Asked) -> Answer:
        """GET /authorize."""
        await self.bound(asked, "authorize", self.auth.rate_token)
        browser = _browser(asked, self._secure) or secrets.token_urlsafe(32)
        bound = self.auth.provider_same_browser
        to, answer = await self._leave(asked, browser if bound else None)
        if to and bound:
            answer.headers.extend(_cookies(browser, self._secure))
        return answer

    async def link(self, asked: Asked) -> Answer:
        """GET /user/identities/authorize: somebody adds an account elsewhere to their own."""
        user = await self.identity.unlinking.owner(self.bearer(asked))
        await self.bound(asked, "authorize", self.auth.rate_token)
        to, answer = await self._leave(asked, None, user)
        if to and asked.query.get("skip_http_redirect") == "true":
            return Answer(body=render.json({"url": to}))
        return answer

    async def unlink(self, asked: Asked) -> Answer:
        """DELETE /user/identities/{id}."""
        principal = self.bearer(asked)
        await self.identity.unlinking.remove(principal, parse.uuid(asked.named["id"], "identity_id"), asked.asker)
        return Answer()

    async def callback(self, asked: Asked) -> Answer:
        """GET or POST /callback: a provider sends somebody back."""
        said = parse.query(asked.body) if asked.body else asked.query
        to, oauth = self.identity.parts.redirects.site_url, self.identity.elsewhere
        try:
            await self.bound(asked, "callback", self.auth.rate_token)
            if not said.get("state"):
                raise CallbackIncomplete("state parameter")
            flow = await oauth.recall(said["state"], _browser(asked, self._secure))
            to = flow.referrer or to
            found = await oauth.finish(flow, said, asked.asker)
        except MainspringError as error:
            return failed(to, error)
        if isinstance(found, Continued):
            return sent(joined(to, f"code={found.code}"), status=302)
        return sent(to, render.fragment(found), 302)

    async def _leave(self, asked: Asked, browser: str | None, linking: User | None = None) -> tuple[str, Answer]:
        """Where somebody goes, and the answer that sends them there; or one that says why not."""
        name = asked.query.get("provider", "")
        if not name:
            raise invalid("Unsupported provider: Provider  could not be found")
        to = self.target(asked)
        try:
            address = await self.identity.elsewhere.begin(
                Leaving(
                    name, to, _challenge(asked.query), dict(asked.query), browser, linking, asked.query.get("invite_token", "")
                )
            )
        except ProviderFailed as error:
            if linking is not None:
                raise
            return "", failed(to, error)
        return address, sent(address, status=302)

    @property
    def _secure(self) -> bool:
        return self.identity.elsewhere.providers.callback.startswith("https:")


def _challenge(query: Mapping[str, str]) -> Challenge | None:
    return parse.Pkce(query.get("code_challenge"), query.get("code_challenge_method")).challenge()


def failed(to: str, error: MainspringError) -> Answer:
    """Send a browser back with why somebody is not signed in."""
    told = error_query(error)
    return sent(joined(to, told), f"{told}&sb=", 302)


def _names(secure: bool) -> tuple[str, str]:
    """The cookies by which a browser is known: the second one comes along with a form that another site sends, too."""
    return (f"__Host-{_COOKIE}", f"__Host-{_COOKIE}-post") if secure else (_COOKIE, f"{_COOKIE}-post")


def _browser(asked: Asked, secure: bool) -> str | None:
    """What a browser is known by, where it has come here before."""
    given = (find(asked.headers, b"cookie") or b"").decode("latin-1")
    pairs = dict(part.strip().partition("=")[::2] for part in given.split(";"))
    found = [pairs[name] for name in _names(secure) if _KNOWN.match(pairs.get(name, ""))]
    return found[0] if found else None


def _cookies(browser: str, secure: bool) -> list[Header]:
    usual = f"Path=/; Max-Age={FLOW_SECONDS}; HttpOnly" + ("; Secure" if secure else "")
    first, second = _names(secure)
    cookies = [f"{first}={browser}; {usual}; SameSite=Lax"]
    if secure:  # other sites' forms bring only such cookies, and browsers keep those only over TLS
        cookies.append(f"{second}={browser}; {usual}; SameSite=None")
    return [(b"set-cookie", cookie.encode()) for cookie in cookies]
