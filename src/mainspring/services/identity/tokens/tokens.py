"""A token in, a Principal out; verified once, remembered until it expires.

The token chooses nothing: the algorithm must fit a key we hold, and no address or key in it is ever followed.
"""

from __future__ import annotations

import json
import math
import re
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Final

from jwt import PyJWS
from jwt.exceptions import PyJWTError

from mainspring.errors import TokenExpired, TokenInvalid, shorten
from mainspring.principal import ANON, AUTHENTICATED, SERVICE, Principal
from mainspring.services.identity.keys.api_files import PREFIXES
from mainspring.services.identity.keys.keys import KeySet
from mainspring.services.identity.opaque import digest
from mainspring.settings import AuthSettings

MAX_TOKEN_BYTES: Final = 16_384
BUILT_IN_ROLES: Final = frozenset({ANON, AUTHENTICATED, SERVICE})
_SHAPE: Final = re.compile(rb"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\Z")
_LATEST: Final = 253_402_300_800  # the end of the year 9999
ISSUED: Final = b"ms_"
_UNKNOWN: Final = "Unknown API key"
_PLAIN: Final = tuple(prefix.encode() for prefix in PREFIXES.values())
_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")

_Entry = tuple[Principal, float]
Revoked = tuple[int, str | None]
"""Tokens issued before the first (seconds since 1970) are refused, but not those of the session named second."""
_NOT: Final[Revoked] = (0, None)


class TokenVerifier:
    """Turns tokens into principals. One per worker; call it with the token's bytes.

    `roles` are those the app declares besides the three that always are.
    """

    __slots__ = ("_audience", "_clock", "_half", "_issued", "_jws", "_keys", "_leeway", "_old", "_revoked", "_roles", "_young")

    def __init__(
        self,
        keys: KeySet,
        auth: AuthSettings,
        roles: Iterable[str] = (),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._keys = keys
        self._roles = BUILT_IN_ROLES.union(roles)
        self._audience = auth.audience
        self._leeway = auth.leeway_seconds
        self._clock = clock
        self._half = max(1, auth.token_cache_size // 2)
        # Two generations make an LRU of sorts: a hit costs one look-up and moves nothing.
        self._young: dict[bytes, _Entry] = {}
        self._old: dict[bytes, _Entry] = {}
        self._revoked: dict[str, Revoked] = {}
        self._issued: Callable[[bytes], Principal] = _unknown
        self._jws = PyJWS(algorithms=["ES256", "RS256", "HS256"])

    def __call__(self, token: bytes) -> Principal:
        """The principal `token` stands for. Raises TokenInvalid or TokenExpired."""
        entry = self._young.get(token)
        if entry is not None and self._clock() < entry[1]:
            return entry[0]
        return self._look_further(token)

    def revoke(self, subjects: Mapping[str, Revoked], *, only: bool = False) -> None:
        """From now on refuse the tokens of these users, sessions and programs, those verified before as well; `only` these."""
        if only:
            self._revoked = {subject: how for subject, how in self._revoked.items() if subject in subjects}
        if all(self._revoked.get(subject) == how for subject, how in subjects.items()):
            return
        self._revoked |= subjects
        for known in (self._young, self._old):
            for token in [token for token, (principal, _) in known.items() if self._is_revoked(principal.claims)]:
                del known[token]

    @property
    def roles(self) -> frozenset[str]:
        """Every role that a token may name."""
        return self._roles

    def issues(self, find: Callable[[bytes], Principal]) -> None:
        """From now on ask `find` for keys that begin with ISSUED. It raises TokenInvalid; what it answers is not remembered."""
        self._issued = find

    def forget(self) -> None:
        """Verify every token anew: other keys verify than before."""
        self._young, self._old = {}, {}

    def _is_revoked(self, claims: Mapping[str, Any]) -> bool:
        session = claims.get("session_id")
        for subject in (claims.get("sub"), session, claims.get("client_id")):
            valid_from, kept = self._revoked.get(subject, _NOT) if isinstance(subject, str) else _NOT
            if (claims.get("iat") or 0) < valid_from and (kept is None or kept != session):
                return True
        return False

    def _look_further(self, token: bytes) -> Principal:
        if token.startswith(ISSUED):
            return self._issued(token)
        entry = self._old.pop(token, None) or self._young.pop(token, None)
        if entry is None or self._clock() >= entry[1]:
            entry = self._verify(token)
        if len(self._young) >= self._half:
            self._old, self._young = self._young, {}
        self._young[token] = entry
        return entry[0]

    def _verify(self, token: bytes) -> _Entry:
        if len(token) > MAX_TOKEN_BYTES:
            raise TokenInvalid(f"The JWT is longer than {MAX_TOKEN_BYTES} bytes")
        if not token:
            raise TokenInvalid("Empty JWT is sent in Authorization header")
        if token.startswith(_PLAIN):
            return self._plain(token)
        parts = token.count(b".") + 1
        if parts != 3:
            raise TokenInvalid(f"Expected 3 parts in JWT; got {parts}")
        if not _SHAPE.match(token):
            raise TokenInvalid("The JWT is not base64url encoded")
        payload, until = self._payload(token)
        claims = _parse_object(payload, "payload")
        entry = self._principal(claims), min(self._lifetime(claims), until)
        if self._revoked and self._is_revoked(claims):
            raise TokenInvalid("The session of this JWT has ended", claims=True)
        return entry

    def _payload(self, token: bytes) -> tuple[bytes, float]:
        """What a token says that is one of ours, and until when its key verifies."""
        header = _read_object(token[: token.index(b".")], "header")
        chosen = self._choose_key(header)
        if chosen is None and isinstance(header.get("kid"), str):
            if self._keys.missed():
                chosen = self._choose_key(header)
            if chosen is None and digest(token) in self._keys.known:
                return _decoded(token[token.index(b".") + 1 : token.rindex(b".")], "payload"), math.inf
        if chosen is None:
            raise TokenInvalid("No suitable key or wrong key type")
        key, algorithm, until = chosen
        try:
            return self._jws.decode_complete(token, key, algorithms=[algorithm])["payload"], until
        except (PyJWTError, ValueError) as error:
            raise TokenInvalid("JWT cryptographic operation failed") from error

    def _choose_key(self, header: dict[str, Any]) -> tuple[Any, str, float] | None:
        """The one key for the header's algorithm. `jku`, `x5u`, `jwk` and `x5c` are not even looked at."""
        if "crit" in header or "b64" in header:
            raise TokenInvalid("The JWT header asks for extensions that are not supported")
        algorithm, kid = header.get("alg"), header.get("kid")
        if kid is not None and not isinstance(kid, str):
            raise TokenInvalid("The JWT header's kid is not a string")
        if algorithm == "HS256" and self._keys.secret:
            return self._keys.secret.reveal(), "HS256", math.inf
        if algorithm not in ("ES256", "RS256"):
            return None
        found = self._keys.verifies(algorithm, kid)
        return None if found is None else (found[0], algorithm, found[1])

    def _plain(self, key: bytes) -> _Entry:
        """Whom an API key stands for that is no token."""
        role = self._keys.known.get(digest(key))
        if role is None and self._keys.missed():
            role = self._keys.known.get(digest(key))
        if role is None:
            raise TokenInvalid(_UNKNOWN)
        return self._principal({"role": role}), math.inf

    def _lifetime(self, claims: dict[str, Any]) -> float:
        """Until when the token holds, by our clock. Raises when that is past or has not begun."""
        now = self._clock()
        ends = _seconds(claims, "exp")
        if ends is not None and now >= ends + self._leeway:
            raise TokenExpired
        for claim, reason in (("nbf", "JWT not yet valid"), ("iat", "JWT issued at future")):
            begins = _seconds(claims, claim)
            if begins is not None and now + self._leeway < begins:
                raise TokenInvalid(reason)
        return math.inf if ends is None else ends + self._leeway

    def _principal(self, claims: dict[str, Any]) -> Principal:
        self._check_audience(claims)
        role = claims.get("role", ANON)
        if not isinstance(role, str):
            raise TokenInvalid("The JWT's role claim is not a string")
        if role not in self._roles:
            raise TokenInvalid(f'role "{shorten(role, 63)}" does not exist')
        return Principal(role, _user_id(claims), MappingProxyType(claims), bypass=role == SERVICE)

    def _check_audience(self, claims: dict[str, Any]) -> None:
        if "aud" not in claims:
            return
        named = claims["aud"] if isinstance(claims["aud"], list) else [claims["aud"]]
        if not all(isinstance(name, str) for name in named):
            raise TokenInvalid("The JWT's aud claim must be a string or an array of strings")
        if self._audience not in named:
            raise TokenInvalid("JWT not in audience")


def _unknown(key: bytes) -> Principal:
    """Nobody has issued keys."""
    raise TokenInvalid(_UNKNOWN)


def _user_id(claims: dict[str, Any]) -> str | None:
    sub = claims.get("sub")
    if sub is None:
        return None
    if not isinstance(sub, str) or not _UUID.match(sub.lower()):
        raise TokenInvalid("invalid claim: sub claim must be a UUID")
    return sub.lower()


def _seconds(claims: dict[str, Any], claim: str) -> float | None:
    value = claims.get(claim)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenInvalid(f"The JWT's {claim} claim is not a number")
    if abs(value) > _LATEST:
        raise TokenInvalid(f"The JWT's {claim} claim is out of range")
    return float(value)


def _read_object(segment: bytes, part: str) -> dict[str, Any]:
    return _parse_object(_decoded(segment, part), part)


def _decoded(segment: bytes, part: str) -> bytes:
    try:
        return urlsafe_b64decode(segment + b"=" * (-len(segment) % 4))
    except ValueError as error:
        raise TokenInvalid(f"The JWT {part} is not base64url encoded") from error


def _parse_object(text: bytes, part: str) -> dict[str, Any]:
    """The JSON object in `text`, with no member said twice and no text that is not valid Unicode."""
    try:
        value = json.loads(text.decode(), object_pairs_hook=_once_each, parse_constant=_no_constant, parse_float=_finite)
        if b"\\u" in text:
            json.dumps(value, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise TokenInvalid(f"The JWT {part} is not valid JSON") from error
    if not isinstance(value, dict):
        raise TokenInvalid(f"The JWT {part} is not a JSON object")
    return value


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is said twice")
    return members


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is not JSON")


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is out of range")
    return number
