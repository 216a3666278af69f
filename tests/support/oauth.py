"""A program that people sign in to, and what a test does as one: ask, be allowed, get tokens."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from tests.support.people import People, Session

BACK = "https://program.example/back"


def query_of(url: str) -> dict[str, str]:
    """The parameters of an address."""
    return {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}


@dataclass
class Program:
    """A registered program. `client` is what the server said of it."""

    people: People
    client: dict[str, Any]
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def id(self) -> str:
        return str(self.client["client_id"])

    @property
    def challenge(self) -> str:
        return base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()

    async def authorize(self, **said: Any) -> httpx.Response:
        """Send a browser to the server; a parameter that is None is left out."""
        usual = {
            "client_id": self.id,
            "redirect_uri": BACK,
            "response_type": "code",
            "scope": "openid email",
            "state": "s1",
            "code_challenge": self.challenge,
            "code_challenge_method": "S256",
        }
        query = urlencode({name: value for name, value in {**usual, **said}.items() if value is not None})
        return await self.people.anon.get(f"/auth/v1/oauth/authorize?{query}")

    async def ask(self, **said: Any) -> str:
        """A request that waits for an answer; its id."""
        answer = await self.authorize(**said)
        assert answer.status_code == 302, answer.text
        return query_of(answer.headers["location"])["authorization_id"]

    async def allowed(self, person: Session, **said: Any) -> str:
        """The code for what a person allows."""
        id_ = await self.ask(**said)
        seen = await person.ask("GET", f"/auth/v1/oauth/authorizations/{id_}")
        assert seen.status_code == 200, seen.text
        target = seen.json().get("redirect_url")
        if target is None:
            answer = await person.ask("POST", f"/auth/v1/oauth/authorizations/{id_}/consent", json={"action": "approve"})
            assert answer.status_code == 200, answer.text
            target = answer.json()["redirect_url"]
        return query_of(target)["code"]

    async def token(self, auth: tuple[str, str] | None = None, to: str = "token", **form: Any) -> httpx.Response:
        """Ask for tokens (or `to` do something else with them), proving who it is in the way it is registered for."""
        method, more = self.client["token_endpoint_auth_method"], dict[str, Any]()
        if auth is None and method == "client_secret_basic":
            auth = (self.id, self.client["client_secret"])
        elif auth is None:
            more = {"client_id": self.id, **({"client_secret": self.client["client_secret"]} if method != "none" else {})}
        data = {name: value for name, value in {**more, **form}.items() if value is not None}
        request = self.people.anon.build_request("POST", f"/auth/v1/oauth/{to}", data=data)
        del request.headers["authorization"]
        if auth is not None:
            request.headers["authorization"] = "Basic " + base64.b64encode(":".join(auth).encode()).decode()
        return await self.people.anon.send(request)

    async def exchange(self, code: str, **form: Any) -> httpx.Response:
        """Tokens for a code."""
        usual = {"grant_type": "authorization_code", "code": code, "code_verifier": self.verifier, "redirect_uri": BACK}
        return await self.token(**{**usual, **form})

    async def refresh(self, token: str, **form: Any) -> httpx.Response:
        return await self.token(**{"grant_type": "refresh_token", "refresh_token": token, **form})

    async def revoke(self, token: str | None, **form: Any) -> httpx.Response:
        return await self.token(**{"to": "revoke", "token": token, **form})

    async def introspect(self, token: str | None, **form: Any) -> httpx.Response:
        return await self.token(**{"to": "introspect", "token": token, **form})

    async def tokens(self, person: Session, **said: Any) -> dict[str, Any]:
        """What it is given in the end."""
        answer = await self.exchange(await self.allowed(person, **said))
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


async def registered(people: People, **said: Any) -> Program:
    """A program, registered by hand."""
    body = {"redirect_uris": [BACK], "client_name": "Program", **said}
    answer = await people.service.post("/auth/v1/admin/oauth/clients", json=body)
    assert answer.status_code == 201, answer.text
    return Program(people, answer.json())


def as_program(person: Session, tokens: dict[str, Any]) -> Session:
    """The person's name, with a program's token."""
    return Session(person.client, {**person.body, **tokens})
