"""What a browser and a program do that sign in through a provider."""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from mainspring.settings import ProviderSettings, Secret
from tests.support.people import Open, People, Session, relative
from tests.support.provider import CLIENT, SECRET, FakeProvider

SITE = "http://127.0.0.1:8000"
VERIFIER = "v" * 64
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
PKCE = {"code_challenge": CHALLENGE, "code_challenge_method": "s256"}


def provider_settings(provider: FakeProvider, **said: Any) -> ProviderSettings:
    """The settings of a fake provider that speaks OpenID Connect."""
    return ProviderSettings(**{"issuer": provider.url, "client_id": CLIENT, "client_secret": Secret(SECRET), **said})


@dataclass
class Browser:
    """A browser: it has cookies of its own, and goes where it is sent."""

    people: People
    provider: FakeProvider
    cookies: dict[str, str] = field(default_factory=dict)

    async def get(self, path: str, **more: Any) -> httpx.Response:
        headers = {"cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())} if self.cookies else {}
        answer = await self.people.test.as_anon().get(path, headers={**headers, **more.pop("headers", {})}, **more)
        for cookie in answer.headers.get_list("set-cookie"):
            name, _, value = cookie.partition(";")[0].partition("=")
            self.cookies[name] = value
        return answer

    async def leave(self, name: str = "fake", **query: str) -> str:
        """Where the browser is sent by /authorize."""
        answer = await self.get(f"/auth/v1/authorize?{urlencode({'provider': name, **query})}")
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    async def back(self, url: str) -> dict[str, str]:
        """What the page is told to which the browser comes back from a provider's address."""
        return told(await self.get(relative(url)))

    async def sign_in(self, name: str = "fake", **query: str) -> dict[str, str]:
        """Go there, consent, and come back."""
        return await self.back(self.provider.consent(await self.leave(name, **query)))

    async def session(self, name: str = "fake", **query: str) -> Session:
        """Sign in, by the implicit flow."""
        found = await self.sign_in(name, **query)
        assert "access_token" in found, found
        session = Session(self.people.anon, {**found})
        answer = await session.ask("GET", "/auth/v1/user")
        session.body["user"] = answer.json()
        return session


def told(answer: httpx.Response) -> dict[str, str]:
    """What an address tells in its query and its fragment, and where it is."""
    assert answer.status_code == 302, (answer.status_code, answer.text)
    parts = urlsplit(answer.headers["location"])
    said = {**parse_qs(parts.query, keep_blank_values=True), **parse_qs(parts.fragment, keep_blank_values=True)}
    return {"to": f"{parts.scheme}://{parts.netloc}{parts.path}", **{name: values[0] for name, values in said.items()}}


def with_providers(opened: Open, provider: FakeProvider) -> Open:
    """Opens the application with the fake provider under several names."""
    ours = {"client_id": CLIENT, "client_secret": Secret(SECRET)}
    providers = {
        "fake": provider_settings(provider),
        "second": provider_settings(provider, email_optional=True),
        "github": ProviderSettings(**ours, url=provider.url, token_url=f"{provider.url}/token"),
    }
    return partial(opened, providers=providers, manual_linking=True)


async def exchange(people: People, code: str, verifier: str = VERIFIER) -> Any:
    return await people.post("/token?grant_type=pkce", {"auth_code": code, "code_verifier": verifier})


async def user_of(people: People, uid: str) -> dict[str, Any]:
    return dict((await people.service.get(f"/auth/v1/admin/users/{uid}")).json())


async def link(session: Session, browser: Browser, name: str = "fake", **query: str) -> dict[str, str]:
    """Go and add an account elsewhere, in somebody's name."""
    asked = {"provider": name, "skip_http_redirect": "true", **query}
    answer = await session.ask("GET", "/auth/v1/user/identities/authorize", params=asked)
    assert answer.status_code == 200, answer.text
    return await browser.back(browser.provider.consent(answer.json()["url"]))
