"""A standard OpenID Connect client, Authlib, signs people in against a live process: all it knows is the issuer's address."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import OAuth2Client
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.jwk import KeySet

from tests.support.live import LiveServer
from tests.support.people import PASSWORD
from tests.support.servers import PostgresServer

APP = Path(__file__).parents[1] / "support" / "people.py"
BACK = "http://localhost:9999/back"
SETTINGS = {
    "MAINSPRING_AUTH__OAUTH_SERVER": "true",
    "MAINSPRING_AUTH__OAUTH_REGISTRATION": "true",
    "MAINSPRING_AUTH__AUTOCONFIRM": "true",
    "MAINSPRING_AUTH__JWT_ALGORITHM": "ES256",
}


@dataclass
class Place:
    """A server, what it says about itself, and somebody who is signed in there."""

    server: LiveServer
    issuer: dict[str, Any]
    person: dict[str, Any]

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        headers = {"authorization": f"Bearer {self.person['access_token']}"}
        return httpx.request(method, f"{self.server.url}/auth/v1{path}", headers=headers, trust_env=False, **more)


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    database: str | None = None
    if request.param == "postgres":
        postgres: PostgresServer = request.getfixturevalue("postgres")
        database = postgres.database("oidc")
    data = tmp_path_factory.mktemp("oidc")
    with LiveServer(APP, data=data, database=database, env=SETTINGS) as server:
        # Its address is known only now: what follows reads it from the discovery document alone.
        env = {**SETTINGS, "MAINSPRING_AUTH__EXTERNAL_URL": server.url}
        server.stop()
        server._env.update(env)
        server.start()
        base = f"{server.url}/auth/v1"
        issuer = httpx.get(f"{base}/.well-known/openid-configuration", trust_env=False).json()
        signed = httpx.post(f"{base}/signup", json={"email": "jo@example.com", "password": PASSWORD}, trust_env=False)
        yield Place(server, issuer, signed.json())


def register(place: Place, method: str) -> dict[str, Any]:
    """Dynamic registration."""
    body = {"redirect_uris": [BACK], "client_name": "Shop", "token_endpoint_auth_method": method}
    answer = httpx.post(place.issuer["registration_endpoint"], json=body, trust_env=False)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def client_of(registered: dict[str, Any], scope: str = "openid profile email offline_access") -> OAuth2Client:
    return OAuth2Client(
        client_id=registered["client_id"],
        client_secret=registered.get("client_secret"),
        token_endpoint_auth_method=registered["token_endpoint_auth_method"],
        scope=scope,
        redirect_uri=BACK,
        code_challenge_method="S256",
        trust_env=False,
    )


def consent(place: Place, url: str) -> str:
    """What the browser and the page of the app do: the address to which the person is sent back."""
    sent = httpx.get(url, trust_env=False)
    assert sent.status_code == 302, sent.text
    id_ = parse_qs(urlsplit(sent.headers["location"]).query)["authorization_id"][0]
    seen = place.ask("GET", f"/oauth/authorizations/{id_}").json()
    if "redirect_url" in seen:
        return str(seen["redirect_url"])
    return str(place.ask("POST", f"/oauth/authorizations/{id_}/consent", json={"action": "approve"}).json()["redirect_url"])


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
def test_authlib_signs_people_in(place: Place, method: str) -> None:
    registered, nonce, verifier = register(place, method), secrets.token_urlsafe(16), secrets.token_urlsafe(48)
    with client_of(registered) as client:
        url, state = client.create_authorization_url(place.issuer["authorization_endpoint"], nonce=nonce, code_verifier=verifier)
        back = consent(place, url)
        tokens = client.fetch_token(
            place.issuer["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier
        )
        jwks = KeySet.import_key_set(httpx.get(place.issuer["jwks_uri"], trust_env=False).json())
        found = jwt.decode(tokens["id_token"], jwks, algorithms=["ES256"])
        said = CodeIDToken(
            found.claims,
            found.header,
            {
                "iss": {"essential": True, "value": place.issuer["issuer"]},
                "aud": {"essential": True, "value": registered["client_id"]},
            },
            {"nonce": nonce, "client_id": registered["client_id"], "access_token": tokens["access_token"]},
        )
        said.validate()
        assert (said["sub"], said["email"]) == (place.person["user"]["id"], "jo@example.com")
        info = client.get(place.issuer["userinfo_endpoint"]).json()
        assert (info["sub"], info["email"], info["email_verified"]) == (said["sub"], "jo@example.com", True)
        renewed = client.refresh_token(place.issuer["token_endpoint"], refresh_token=tokens["refresh_token"])
        assert renewed["refresh_token"] != tokens["refresh_token"]
        assert client.get(place.issuer["userinfo_endpoint"]).json()["sub"] == said["sub"]
        with pytest.raises(OAuthError, match="invalid_grant"):
            client.fetch_token(place.issuer["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier)
        assert client.get(place.issuer["userinfo_endpoint"]).status_code == 403, "a code used twice ends its tokens"


def test_authlib_is_told_what_was_refused(place: Place) -> None:
    registered = register(place, "client_secret_basic")
    with client_of({**registered, "client_secret": "wrong"}) as client:
        url, state = client.create_authorization_url(place.issuer["authorization_endpoint"], code_verifier="v" * 43)
        back = consent(place, url)
        with pytest.raises(OAuthError, match="invalid_client"):
            client.fetch_token(place.issuer["token_endpoint"], authorization_response=back, state=state, code_verifier="v" * 43)


@pytest.mark.parametrize("which", ["refresh_token", "access_token"])
def test_authlib_asks_whether_a_token_is_good(place: Place, which: str) -> None:
    registered, verifier = register(place, "client_secret_basic"), "v" * 43
    with client_of(registered) as client:
        url, state = client.create_authorization_url(place.issuer["authorization_endpoint"], code_verifier=verifier)
        back = consent(place, url)
        tokens = client.fetch_token(
            place.issuer["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier
        )
        there = place.issuer["introspection_endpoint"]
        said = client.introspect_token(there, token=tokens[which], token_type_hint=which).json()
        assert (said["active"], said["client_id"], said["sub"]) == (True, registered["client_id"], place.person["user"]["id"])
        client.revoke_token(place.issuer["revocation_endpoint"], token=tokens["refresh_token"])
        assert client.introspect_token(there, token=tokens[which], token_type_hint=which).json() == {"active": False}


@pytest.mark.parametrize("which", ["refresh_token", "access_token"])
def test_authlib_gives_back_what_it_was_given(place: Place, which: str) -> None:
    registered, verifier = register(place, "client_secret_basic"), "v" * 43
    with client_of(registered) as client:
        url, state = client.create_authorization_url(place.issuer["authorization_endpoint"], code_verifier=verifier)
        back = consent(place, url)
        tokens = client.fetch_token(
            place.issuer["token_endpoint"], authorization_response=back, state=state, code_verifier=verifier
        )
        answer = client.revoke_token(place.issuer["revocation_endpoint"], token=tokens[which], token_type_hint=which)
        assert answer.status_code == 200, answer.text
        with pytest.raises(OAuthError, match="invalid_grant"):
            client.refresh_token(place.issuer["token_endpoint"], refresh_token=tokens["refresh_token"])
        headers = {"authorization": f"Bearer {tokens['access_token']}"}
        notes = httpx.get(f"{place.server.url}/rest/v1/notes", headers=headers, trust_env=False)
        assert notes.status_code == 401, "its access to the data has ended as well"
