"""What providers publish of themselves: where they are asked what, and their public keys; kept for a while, a bounded number."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final, Generic, TypeVar

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt.exceptions import PyJWTError

from mainspring.errors import ProviderFailed, shorten
from mainspring.services.identity.providers.configured import safe
from mainspring.services.identity.providers.fetch import Fetch
from mainspring.services.identity.providers.outline import BASIC, EITHER, POST, Endpoints, Provider

T = TypeVar("T")
ALGORITHMS: Final = frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"})
"""What ID tokens may be signed with; never with a secret, and never with nothing."""
_KEPT_SECONDS: Final = 3600.0
_ANEW_SECONDS: Final = 30.0
_MOST: Final = 128
_MOST_KEYS: Final = 100
_LEAST_RSA_BITS: Final = 2048
_PATH: Final = "/.well-known/openid-configuration"


class Kept(Generic[T]):
    """What was fetched, by its address. Whoever wants what is being fetched waits for it."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._found: dict[str, tuple[float, T]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def get(self, url: str, fetch: Callable[[], Awaitable[T]], seconds: float = _KEPT_SECONDS) -> T:
        """What is at an address, as it was at most so many seconds before it is asked for; 0: as it is now."""
        since = self._clock() - seconds
        if (known := self._fresh(url, since)) is not None:
            return known
        async with self._locks.setdefault(url, asyncio.Lock()):
            if (known := self._fresh(url, since)) is not None:
                return known
            at = self._clock()
            try:
                found = await fetch()
            finally:
                self._locks.pop(url, None)
            while len(self._found) >= _MOST:
                del self._found[next(iter(self._found))]
            self._found[url] = at, found
            return found

    def _fresh(self, url: str, since: float) -> T | None:
        at, found = self._found.get(url, (0.0, None))
        return found if found is not None and at >= since else None


class Discovery:
    """Where providers are asked, and the keys of their ID tokens."""

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._documents: Kept[dict[str, Any]] = Kept()
        self._keys: Kept[list[dict[str, Any]]] = Kept()

    async def endpoints(self, provider: Provider) -> Endpoints:
        """Where a provider is asked. Raises ProviderFailed."""
        outline = provider.outline
        if not outline.discovers:
            proofs = _proofs(outline.authenticates, None)
            return Endpoints(outline.authorize, outline.token, outline.profile, outline.keys, outline.issuer, proofs=proofs)
        found = await self.document(provider)
        said = {name: found.get(f"{name}_endpoint") for name in ("authorization", "token", "userinfo")}
        return Endpoints(
            authorize=outline.authorize or _address(provider, said["authorization"]),
            token=outline.token or _address(provider, said["token"]),
            profile=outline.profile or (_address(provider, said["userinfo"]) if said["userinfo"] else ""),
            keys=outline.keys or _address(provider, found.get("jwks_uri")),
            issuer=outline.issuer,
            names_itself=found.get("authorization_response_iss_parameter_supported") is True,
            proofs=_proofs(outline.authenticates, found.get("token_endpoint_auth_methods_supported")),
        )

    async def document(self, provider: Provider) -> dict[str, Any]:
        """What a provider says of itself, which must be of the issuer that is configured. Raises ProviderFailed."""
        issuer = provider.outline.issuer
        url = provider.discovery or issuer.rstrip("/") + _PATH

        async def fetch() -> dict[str, Any]:
            found = await self._fetch.json(provider, url)
            if not isinstance(found, dict):
                raise ProviderFailed(provider.name, "its answer cannot be read")
            return found

        found = await self._documents.get(url, fetch)
        if found.get("issuer") != issuer:  # letter by letter, as ID tokens are compared with it
            raise ProviderFailed(provider.name, f"it says that its issuer is {shorten(repr(found.get('issuer')), 100)}")
        return found

    async def key(self, provider: Provider, url: str, kid: str | None, algorithm: str, *, handed: bool) -> Any:
        """The public key that a token names; the keys are fetched anew for one that is not known.

        At once where the provider itself has `handed` us the token; else not more often than is good for it, since anybody can
        make tokens that name keys. Raises ProviderFailed.
        """

        async def fetch() -> list[dict[str, Any]]:
            found = await self._fetch.json(provider, url)
            keys = found.get("keys") if isinstance(found, dict) else None
            if not isinstance(keys, list):
                raise ProviderFailed(provider.name, "it has no keys")
            return [each for each in keys[:_MOST_KEYS] if isinstance(each, dict)]

        for seconds in (_KEPT_SECONDS, 0.0 if handed else _ANEW_SECONDS):
            found = _choose(await self._keys.get(url, fetch, seconds), kid, algorithm)
            if found is not None:
                return found
        return None


def _address(provider: Provider, said: Any) -> str:
    if not isinstance(said, str) or not safe(said):
        raise ProviderFailed(provider.name, "what it says of itself is not safe")
    return said


def _proofs(known: str, said: Any) -> tuple[str, ...]:
    """The ways to prove who we are: what is known of a provider, else what it says. It may name several and take one of us."""
    if known != EITHER:
        return (known,)
    listed = tuple(each for each in (POST, BASIC) if isinstance(said, list) and each in said)
    return listed or (POST, BASIC)


def _choose(keys: list[dict[str, Any]], kid: str | None, algorithm: str) -> Any:
    """The key with this id which is for signing with this algorithm, or None."""
    for each in keys:
        if (kid is not None and each.get("kid") != kid) or each.get("use", "sig") != "sig":
            continue
        if each.get("alg", algorithm) != algorithm or each.get("kty") not in ("RSA", "EC", "OKP"):
            continue
        try:
            found = jwt.PyJWK(each, algorithm=algorithm).key
        except (PyJWTError, ValueError, TypeError, KeyError):
            continue
        if not isinstance(found, RSAPublicKey) or found.key_size >= _LEAST_RSA_BITS:
            return found
    return None
