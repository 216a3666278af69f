"""What programs send to the OAuth endpoints: queries, forms, JSON, and how they prove who they are."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import parse_qsl, unquote_plus, urlsplit

import msgspec

from mainspring.http.headers import find
from mainspring.services.identity.oauth_server.clients import BASIC, NONE, POST
from mainspring.services.identity.oauth_server.grants import Wanted
from mainspring.services.identity.oauth_server.scopes import EMAIL, scopes_of, unsupported
from mainspring.surfaces.auth import parse
from mainspring.surfaces.auth.asked import Asked
from mainspring.surfaces.auth.errors import Refused

_CHALLENGE: Final = re.compile(r"[A-Za-z0-9\-._~]{43,128}\Z")
_LIMITS: Final = {"state": 4096, "nonce": 255, "resource": 2048, "scope": 1024}


class Mistaken(Exception):
    """What a program said wrong, in OAuth's words."""

    def __init__(self, error: str, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.error, self.text, self.status = error, text, status


class Credentials(msgspec.Struct, frozen=True):
    """Who a program says it is, and how it proves it."""

    client_id: str
    secret: str
    method: str


def client_id(text: str, code: str = "oauth_client_not_found") -> str:
    """The id of a program. Raises Refused."""
    try:
        return parse.uuid(text, "client_id")
    except Refused:
        raise Refused(400, code, "invalid client_id format") from None


def wanted(query: Mapping[str, str], allowed: Sequence[str]) -> Wanted:
    """What `/oauth/authorize` is asked for by a program that may ask for some scopes. Raises Mistaken."""
    for name, most in _LIMITS.items():
        if len(query.get(name, "")) > most:
            raise Mistaken("invalid_request", f"{name} is too long")
    if query.get("response_type") not in (None, "", "code"):
        raise Mistaken("invalid_request", "only response_type=code is supported")
    usual = EMAIL if EMAIL in allowed else " ".join(allowed)
    scopes = scopes_of(query.get("scope") or usual)
    if wrong := unsupported(scopes):
        raise Mistaken("invalid_request", f"unsupported scope: {wrong[0]}")
    if wrong := unsupported(scopes, allowed):
        raise Mistaken("invalid_scope", f"this client may not ask for the scope {wrong[0]}")
    method = query.get("code_challenge_method", "").lower()
    challenge = query.get("code_challenge", "")
    if not challenge or not method:
        raise Mistaken("invalid_request", "PKCE flow requires both code_challenge and code_challenge_method")
    if method != "s256":  # a plain one is known to whoever has seen the request, as a code is
        raise Mistaken("invalid_request", "code_challenge_method must be 'S256'")
    if not _CHALLENGE.match(challenge):
        raise Mistaken("invalid_request", "code_challenge must be between 43 and 128 characters")
    return Wanted(
        redirect_uri=query["redirect_uri"],
        scope=" ".join(scopes) or usual,
        state=query.get("state") or None,
        resource=_resource(query.get("resource", "")),
        nonce=query.get("nonce") or None,
        code_challenge=challenge,
        code_challenge_method=method,
    )


def form(asked: Asked) -> dict[str, str]:
    """The parameters of a body, a form's or JSON's, each said once. Raises Mistaken."""
    kind = (find(asked.headers, b"content-type") or b"").lower()
    if b"application/json" in kind:
        try:
            said = msgspec.json.decode(asked.body, type=dict[str, str | int | bool | None])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Mistaken("invalid_request", "Invalid JSON body") from None
        return {name: str(value) for name, value in said.items() if value is not None}
    try:
        pairs = parse_qsl(asked.body.decode("ascii"), keep_blank_values=True, max_num_fields=50)
    except ValueError:
        raise Mistaken("invalid_request", "Failed to parse form data") from None
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Mistaken("invalid_request", "a parameter is said twice")
    return found


def credentials(asked: Asked, said: Mapping[str, str]) -> Credentials:
    """How a program proves who it is: in one way. Raises Mistaken."""
    given = find(asked.headers, b"authorization") or b""
    if given[:6].lower() == b"basic ":
        name, secret = _basic(given[6:])
        if said.get("client_secret") or said.get("client_id", name) != name:
            raise Mistaken("invalid_request", "more than one way of client authentication")
        return Credentials(name, secret, BASIC)
    if not said.get("client_id"):
        raise Mistaken("invalid_client", "client_id is required")
    secret = said.get("client_secret", "")
    return Credentials(said["client_id"], secret, POST if secret else NONE)


def _basic(encoded: bytes) -> tuple[str, str]:
    try:
        name, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode("ascii").partition(":")
    except (binascii.Error, ValueError):
        raise Mistaken("invalid_client", "invalid basic auth encoding", 401) from None
    if not colon:
        raise Mistaken("invalid_client", "invalid basic auth format", 401)
    return unquote_plus(name), unquote_plus(secret)


def _resource(text: str) -> str | None:
    """Whom the tokens are for (RFC 8707). Raises Mistaken."""
    if not text:
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        raise Mistaken("invalid_request", "resource must be a valid URI") from None
    if not parts.scheme or parts.fragment or parts.query or "#" in text:
        raise Mistaken("invalid_request", "resource must be an absolute URI without query and fragment")
    return text
