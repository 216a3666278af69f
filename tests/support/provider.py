"""An OpenID Connect provider on a thread of its own, with keys and signatures that are real, and ways to misbehave.

It is asked by the server over HTTP, and by the tests for the place where a browser would be sent.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import hmac
import json
import secrets
import threading
import time
from collections.abc import Callable
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote_plus, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "our-client", "our-secret"


@cache
def key(which: str = "k1") -> rsa.RSAPrivateKey:
    """A signing key by its id, made once."""
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_pem() -> bytes:
    """The published key, as whoever confuses algorithms takes it for a secret."""
    return key().public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


class FakeProvider:
    """A provider. `person` is who signs in there next; `wrong` is what is wrong with it, nothing being right.

    `kid` is the key with which it signs, `takes` how applications prove who they are, `lists` what it says of that.
    """

    def __init__(self) -> None:
        self.person: dict[str, Any] = {}
        self.wrong = ""
        self.kid = "k1"
        self.takes = "client_secret_post"
        self.lists: list[str] | None = None
        self.asked: list[str] = []
        self.seen: list[dict[str, Any]] = []
        self.secrets: Callable[[str], bool] = lambda secret: secret == SECRET
        self._codes: dict[str, dict[str, Any]] = {}
        self._tokens: dict[str, dict[str, Any]] = {}
        key()  # once, and not on several threads
        handler = type("Handler", (_Handler,), {"provider": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    def __enter__(self) -> FakeProvider:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def signs_in(self, sub: str, email: str | None = None, verified: Any = True, **more: Any) -> None:
        """From now on whoever comes is this person."""
        said = {} if email is None else {"email": email, "email_verified": verified}
        self.person = {"sub": sub, **said, **more}
        self.wrong = ""
        self.kid, self.takes, self.lists = "k1", "client_secret_post", None
        self.secrets = lambda secret: secret == SECRET

    def consent(self, url: str) -> str:
        """Where a browser is sent that follows an address of ours and consents: with a code and the state."""
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        assert url.startswith(f"{self.url}/"), url
        self.seen.append(asked)
        code = secrets.token_urlsafe(16)
        person = hinted(asked["login_hint"]) if "login_hint" in asked else dict(self.person)
        self._codes[code] = {**asked, "person": person}
        said = {"code": code, "state": asked["state"]}
        if self.wrong == "mix-up":
            said["iss"] = "https://honest.example"
        elif self.wrong != "nameless":
            said["iss"] = self.url
        return f"{asked['redirect_uri']}?{urlencode(said)}"

    # ------------------------------------------------------------ what it answers

    def document(self) -> dict[str, Any]:
        """The discovery document."""
        elsewhere = {"private": "https://169.254.169.254/token", "plain": "http://provider.example/token"}
        listed = {} if self.lists is None else {"token_endpoint_auth_methods_supported": self.lists}
        return {
            **listed,
            "issuer": "https://another.example" if self.wrong == "issuer-of-document" else self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": elsewhere.get(self.wrong, f"{self.url}/token"),
            "userinfo_endpoint": f"{self.url}/userinfo",
            "jwks_uri": f"{self.url}/jwks",
            "authorization_response_iss_parameter_supported": True,
        }

    def keys(self) -> dict[str, Any]:
        """Its public keys."""
        jwk = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(key(self.kid).public_key()))
        return {"keys": [{**jwk, "kid": self.kid, "use": "sig", "alg": "RS256"}]}

    def tokens(self, form: dict[str, str]) -> tuple[int, dict[str, Any]]:
        """What a code is good for."""
        proven = form.get("proof") == self.takes and self.secrets(form.get("client_secret", ""))
        if not proven or form.get("client_id") != CLIENT:
            return 401, {"error": "invalid_client"}
        given = self._codes.pop(form.get("code", ""), None)
        if given is None or given["redirect_uri"] != form.get("redirect_uri"):
            return 400, {"error": "invalid_grant"}
        challenge = base64.urlsafe_b64encode(hashlib.sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=")
        if "code_challenge" in given and given["code_challenge"] != challenge.decode():
            return 400, {"error": "invalid_grant", "error_description": "wrong verifier"}
        access = secrets.token_urlsafe(16)
        self._tokens[access] = given["person"]
        answer = {"access_token": access, "refresh_token": f"refresh-{access}", "token_type": "Bearer", "expires_in": 3600}
        if self.wrong != "no-id-token":
            answer["id_token"] = self.id_token(given.get("nonce"), access, given["person"])
        return 200, answer

    def id_token(
        self, nonce: str | None = None, access: str | None = None, person: dict[str, Any] | None = None, **more: Any
    ) -> str:
        """An ID token about a person, or about who signs in next."""
        at = int(time.time())
        claims: dict[str, Any] = {"iss": self.url, "aud": CLIENT, "iat": at, "exp": at + 300, **(person or self.person)}
        if nonce is not None:
            claims["nonce"] = nonce
        if access is not None:
            half = hashlib.sha256(access.encode()).digest()[:16]
            claims["at_hash"] = base64.urlsafe_b64encode(half).rstrip(b"=").decode()
        claims |= {
            "nonce": {"nonce": "another"},
            "no-nonce": {"nonce": None},
            "audience": {"aud": "another-client"},
            "azp": {"aud": [CLIENT, "another-client"], "azp": "another-client"},
            "azp-missing": {"aud": [CLIENT, "another-client"]},
            "issuer": {"iss": "https://another.example"},
            "expired": {"exp": at - 3600, "iat": at - 7200},
            "future": {"iat": at + 3600, "exp": at + 7200, "nbf": at + 3600},
            "no-expiry": {"exp": None},
            "at_hash": {"at_hash": "AAAAAAAAAAAAAAAAAAAAAA"},
            "no-sub": {"sub": None},
        }.get(self.wrong, {})
        claims = {name: value for name, value in {**claims, **more}.items() if value is not None}
        if self.wrong == "none":
            return jwt.encode(claims, None, algorithm="none")
        if self.wrong == "hs256":
            return _with_secret(claims, public_pem())
        if self.wrong == "other-key":
            return jwt.encode(claims, key("other"), algorithm="RS256", headers={"kid": "k1"})
        kid = "unknown" if self.wrong == "kid" else self.kid
        return jwt.encode(claims, key(self.kid), algorithm="RS256", headers={"kid": kid})

    def profile(self, access: str) -> dict[str, Any] | None:
        """Who an access token is of."""
        return self._tokens.get(access)


def hinted(email: str) -> dict[str, Any]:
    """Who signs in where a program says who will."""
    return {"sub": f"sub-{email}", "email": email, "email_verified": True, "name": "Hinted"}


def _with_secret(claims: dict[str, Any], secret: bytes) -> str:
    """A token that PyJWT would refuse to make: HS256 with a public key."""
    parts = [{"alg": "HS256", "typ": "JWT", "kid": "k1"}, claims]
    text = b".".join(base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=") for part in parts)
    return (text + b"." + base64.urlsafe_b64encode(hmac.digest(secret, text, "sha256")).rstrip(b"=")).decode()


class _Handler(BaseHTTPRequestHandler):
    provider: FakeProvider
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path, provider = urlsplit(self.path).path, self.provider
        provider.asked.append(path)
        access = self.headers.get("authorization", "").removeprefix("Bearer ")
        person = provider.profile(access)
        if path == "/authorize":
            self._raw(302, b"", {"location": provider.consent(f"{provider.url}{self.path}")})
        elif path == "/.well-known/openid-configuration":
            self._answer(200, provider.document())
        elif path == "/jwks":
            self._answer(200, {"keys": "none"} if provider.wrong == "no-keys" else provider.keys())
        elif path == "/userinfo" and person:
            self._answer(200, {**person, "sub": "somebody-else"} if provider.wrong == "userinfo" else person)
        elif path == "/api/v3/user" and person:
            self._answer(200, {"id": int(person["sub"]), "login": "octo", "name": "Octo", "email": "public@example.com"})
        elif path == "/api/v3/user/emails" and person:
            self._answer(200, person["emails"])
        elif path == "/issued":
            asked = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
            self._answer(200, {"id_token": provider.id_token(asked.get("nonce"), None, hinted(asked["login_hint"]))})
        elif path == "/secret":
            self._answer(200, {"issuer": provider.url})
        else:
            self._answer(404, {})

    def do_POST(self) -> None:
        provider = self.provider
        provider.asked.append(urlsplit(self.path).path)
        body = self.rfile.read(int(self.headers.get("content-length") or 0)).decode()
        form = {name: values[0] for name, values in parse_qs(body).items()} | self._proof()
        status, answer = provider.tokens(form)
        if provider.wrong == "slow":
            time.sleep(2)
        spoiled: dict[str, tuple[int, bytes, dict[str, str]]] = {
            "status-500": (500, b"{}", {}),
            "garbage": (200, b"\xff\xfe<html>", {}),
            "list": (200, b"[1, 2]", {}),
            "huge": (200, b'{"access_token": "' + b"x" * 2_000_000 + b'"}', {}),
            "deep": (200, b"[" * 100_000, {}),
            "compressed": (200, gzip.compress(json.dumps(answer).encode()), {"content-encoding": "gzip"}),
            "redirect": (307, b"", {"location": f"{provider.url}/secret"}),
            "error": (200, b'{"error": "incorrect_client_credentials"}', {}),
            "empty": (200, b"{}", {}),
            "numbers": (200, b'{"access_token": 1, "id_token": 2, "expires_in": "soon"}', {}),
        }
        self._raw(*spoiled.get(provider.wrong, (status, json.dumps(answer).encode(), {})))

    def _proof(self) -> dict[str, str]:
        """How a program proves who it is, with what is in the header."""
        given = self.headers.get("authorization", "")
        if not given:
            return {"proof": "client_secret_post"}
        name, _, secret = base64.b64decode(given.removeprefix("Basic ")).decode().partition(":")
        return {"proof": "client_secret_basic", "client_id": unquote_plus(name), "client_secret": unquote_plus(secret)}

    def _answer(self, status: int, body: Any) -> None:
        self._raw(status, json.dumps(body).encode(), {})

    def _raw(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        try:
            self.send_response(status)
            for name, value in {"content-type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        except ConnectionError:
            self.close_connection = True  # whoever asked has had enough

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # the base class's name
        pass
