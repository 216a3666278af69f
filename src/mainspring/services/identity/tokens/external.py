"""Tokens of an existing project (database mode): its own keys, its own role claim, its roles whatever they are.

The rules and the texts of refusals are PostgREST's.
"""

from __future__ import annotations

import base64
import binascii
import json
import math
import operator
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import jwt
import msgspec
from jwt.exceptions import InvalidTokenError, PyJWTError

from mainspring.errors import ConfigError, Mistake, TokenExpired, TokenInvalid, TokenKeyMissing, TokenRequired
from mainspring.principal import Principal
from mainspring.settings import AuthSettings

SKEW_SECONDS: Final = 30
_ALGORITHMS: Final = {
    "oct": ("HS256", "HS384", "HS512"),
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "EC": ("ES256", "ES384", "ES512"),
    "OKP": ("EdDSA",),
}
_STEP = re.compile(r'\.([A-Za-z_][\w-]*)|\["([^"]*)"\]|\[\'([^\']*)\'\]|\.?"([^"]*)"|\[(-?\d+)\]')
_FILTER = re.compile(r'\[\?\(@\s*(==\^|\^==|\*==|==|!=)\s*"([^"]*)"\)\]')
_FITS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "^==": str.startswith,
    "==^": str.endswith,
    "*==": operator.contains,
}
_NO_KEY: Final = "No suitable key or wrong key type"
_NONE_FITS: Final = "None of the keys was able to decode the JWT"


class Key(msgspec.Struct, frozen=True):
    """A key that tokens are checked with, and the algorithms it serves."""

    material: Any
    algorithms: Sequence[str]
    kid: str | None = None


def open_keys(auth: AuthSettings) -> list[Key]:
    """The keys of `auth.jwks` and `auth.jwt_secret`, which may itself be a JWK or a JWK set. Raises ConfigError."""
    texts = [text for text in (auth.jwks.reveal(), auth.jwt_secret.reveal()) if text]
    return [key for text in texts for key in _keys(text, auth.jwt_secret_is_base64)]


def _keys(text: str, is_base64: bool) -> list[Key]:
    try:
        found = json.loads(text)
        members = found.get("keys", [found])
        return [_jwk(member) for member in members]
    except (ValueError, AttributeError):
        return [Key(_secret(text, is_base64), _ALGORITHMS["oct"])]
    except PyJWTError as error:
        raise ConfigError([Mistake("auth.jwks", f"is no key that can be used: {error}")]) from error


def _jwk(member: dict[str, Any]) -> Key:
    return Key(jwt.PyJWK(member).key, _ALGORITHMS.get(member.get("kty", ""), ()), member.get("kid"))


def _secret(text: str, is_base64: bool) -> bytes:
    if not is_base64:
        return text.encode()
    padded = text.replace("-", "+").replace("_", "/").replace(".", "=")
    try:
        return base64.b64decode(padded + "=" * (-len(padded) % 4))
    except binascii.Error as error:
        raise ConfigError([Mistake("auth.jwt_secret", "is not base64")]) from error


class ExternalTokens:
    """Who asks, by the headers of a request. A token is verified once and remembered while it holds."""

    def __init__(self, auth: AuthSettings, anonymous: str, clock: Callable[[], float] = time.time) -> None:
        self._keys, self._auth, self._clock = open_keys(auth), auth, clock
        self._anonymous = Principal(anonymous) if anonymous else None
        self._path = _path(auth.role_claim)
        self._known: dict[bytes, dict[str, Any]] = {}

    def __call__(self, headers: Sequence[tuple[bytes, bytes]]) -> Principal:
        """The principal. Raises TokenInvalid, TokenExpired, TokenRequired, TokenKeyMissing."""
        given = next((value for name, value in headers if name == b"authorization"), None)
        if given is None or given[:7].lower() != b"bearer ":
            if self._anonymous is None:
                raise TokenRequired
            return self._anonymous
        return self._principal(given[7:].strip())

    def _principal(self, token: bytes) -> Principal:
        if not self._keys:
            raise TokenKeyMissing
        claims = self._known.get(token)
        if claims is None:
            claims = self._remember(token, self._decode(token))
        self._check(claims)
        role = _walk(claims, self._path)
        if role is None:
            if self._anonymous is None:
                raise TokenRequired
            role = self._anonymous.role
        role = role if isinstance(role, str) else json.dumps(role, separators=(",", ":"))
        uid = claims.get("sub")
        return Principal(role, uid if isinstance(uid, str) else None, claims)

    def _remember(self, token: bytes, claims: dict[str, Any]) -> dict[str, Any]:
        if len(self._known) >= self._auth.token_cache_size:
            self._known.clear()
        self._known[token] = claims
        return claims

    def _decode(self, token: bytes) -> dict[str, Any]:
        if not token:
            raise TokenInvalid("Empty JWT is sent in Authorization header")
        parts = token.count(b".") + 1
        if parts != 3:
            raise TokenInvalid(f"Expected 3 parts in JWT; got {parts}")
        try:
            header = jwt.get_unverified_header(token)
        except InvalidTokenError:
            raise TokenInvalid("JWT cryptographic operation failed") from None
        return _claims(self._verified(token, header))

    def _verified(self, token: bytes, header: dict[str, Any]) -> bytes:
        algorithm, kid = str(header.get("alg")), header.get("kid")
        if algorithm == "none":
            raise TokenInvalid("Wrong or unsupported encoding algorithm", "JWT is unsecured but expected 'alg' was not 'none'")
        for key in self._keys:
            if algorithm not in key.algorithms or (kid is not None and key.kid not in (None, kid)):
                continue
            try:
                found: bytes = jwt.PyJWS(algorithms=[algorithm]).decode(token, key.material, algorithms=[algorithm])
            except (PyJWTError, ValueError, TypeError):
                continue
            return found
        raise TokenInvalid(_NO_KEY, _NONE_FITS)

    def _check(self, claims: dict[str, Any]) -> None:
        now = math.floor(self._clock())
        ends = _number(claims, "exp")
        if ends is not None and now - SKEW_SECONDS > ends:
            raise TokenExpired
        for name, told in (("nbf", "JWT not yet valid"), ("iat", "JWT issued at future")):
            begins = _number(claims, name)
            if begins is not None and now + SKEW_SECONDS < begins:
                raise TokenInvalid(told, claims=True)
        self._check_audience(claims.get("aud"))

    def _check_audience(self, said: Any) -> None:
        if said is None:
            return
        if not isinstance(said, str) and not (isinstance(said, list) and all(isinstance(each, str) for each in said)):
            raise TokenInvalid("The JWT 'aud' claim must be a string or an array of strings", claims=True)
        named = [said] if isinstance(said, str) else said
        wanted = self._auth.audience
        if wanted and named and not any(re.fullmatch(wanted, each) for each in named):
            raise TokenInvalid("JWT not in audience", claims=True)


def _claims(payload: bytes) -> dict[str, Any]:
    try:
        found = json.loads(payload)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise TokenInvalid("Parsing claims failed", claims=True)
    return found


def _number(claims: dict[str, Any], name: str) -> float | None:
    value = claims.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenInvalid(f"The JWT '{name}' claim must be a number", claims=True)
    return value


class Picked(msgspec.Struct, frozen=True):
    """The last step of a path into a list: its first text for which `fits(text, word)` holds."""

    fits: Callable[[str, str], bool]
    word: str

    def of(self, value: Any) -> str | None:
        """The text picked; None of what is no list, or of one without such a text."""
        items = value if isinstance(value, list) else ()
        return next((item for item in items if isinstance(item, str) and self.fits(item, self.word)), None)


Step = str | int | Picked


def _path(text: str) -> tuple[Step, ...]:
    """The steps of `.role`, `$.app_metadata.role`, `.roles[0]` or `.roles[?(@ ^== "app_")]`. Raises ConfigError."""
    rest, steps = text.removeprefix("$"), list[Step]()
    while rest:
        found = _STEP.match(rest)
        if found is None:
            return (*steps, _picked(rest))
        key = next((group for group in found.groups()[:4] if group is not None), None)
        steps.append(int(found[5]) if key is None else key)
        rest = rest[found.end() :]
    return tuple(steps)


def _picked(text: str) -> Picked:
    """The filter that ends a path. Raises ConfigError."""
    found = _FILTER.fullmatch(text)
    if found is None:
        cure = 'a path such as .role or .roles[0], at its end perhaps a filter such as [?(@ == "editor")]'
        raise ConfigError([Mistake("auth.role_claim", f'cannot be read at "{text[:40]}"', cure)])
    return Picked(_FITS[found[1]], found[2])


def _walk(value: Any, path: Sequence[Step]) -> Any:
    for step in path:
        if isinstance(step, Picked):
            value = step.of(value)
        elif isinstance(step, int) and isinstance(value, list) and -len(value) <= step < len(value):
            value = value[step]
        elif isinstance(step, str) and isinstance(value, dict):
            value = value.get(step)
        else:
            return None
    return value
