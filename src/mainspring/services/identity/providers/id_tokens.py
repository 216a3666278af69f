"""An ID token in, its claims out, when it is the provider's, for us, for this sign-in, and of now."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

import jwt
from jwt.exceptions import PyJWTError

from mainspring.errors import IdTokenInvalid
from mainspring.services.identity.providers.discovery import ALGORITHMS, Discovery
from mainspring.services.identity.providers.outline import Provider

MAX_BYTES: Final = 16_384
_LEEWAY: Final = 60
_TENANT: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
_REQUIRED: Final = ("iss", "sub", "aud", "exp", "iat")


async def verified(discovery: Discovery, provider: Provider, keys: str, token: str, *, strict: bool = True) -> dict[str, Any]:
    """The claims of an ID token. `keys` is where the provider's keys are; `strict`: it has handed us the token, for us alone.

    Raises IdTokenInvalid, ProviderFailed.
    """
    if len(token) > MAX_BYTES or not token.isascii() or not keys:
        raise IdTokenInvalid
    try:
        header = jwt.get_unverified_header(token)
    except (PyJWTError, ValueError, RecursionError):
        raise IdTokenInvalid from None
    algorithm, kid = header.get("alg"), header.get("kid")
    if algorithm not in ALGORITHMS or "crit" in header or not isinstance(kid, str | None):
        raise IdTokenInvalid
    key = await discovery.key(provider, keys, kid, algorithm, handed=strict)
    if key is None:
        raise IdTokenInvalid
    options: Any = {"require": list(_REQUIRED), "verify_aud": False, "verify_iss": False}
    try:
        claims: dict[str, Any] = jwt.decode(token, key, algorithms=[algorithm], leeway=_LEEWAY, options=options)
    except (PyJWTError, ValueError, TypeError, RecursionError):
        raise IdTokenInvalid from None
    _check_issuer(provider, claims)
    _check_audience(provider, claims, strict)
    if not isinstance(claims["sub"], str) or not 0 < len(claims["sub"]) <= 255:
        raise IdTokenInvalid("Missing sub claim in id_token")
    return claims | {"alg": algorithm}


def _check_issuer(provider: Provider, claims: Mapping[str, Any]) -> None:
    said, tenant = claims["iss"], claims.get("tid")
    tenant = tenant if isinstance(tenant, str) and _TENANT.match(tenant) else None
    accepted = [provider.outline.issuer, *provider.outline.issuers]
    if tenant is None:
        accepted = [issuer for issuer in accepted if "{tid}" not in issuer]
    if not isinstance(said, str) or said not in [issuer.replace("{tid}", tenant or "") for issuer in accepted if issuer]:
        raise IdTokenInvalid


def _check_audience(provider: Provider, claims: Mapping[str, Any], strict: bool) -> None:
    said = claims["aud"]
    audience: Sequence[Any] = said if isinstance(said, list) else [said]
    if not any(each in provider.audiences for each in audience):
        raise IdTokenInvalid("Unacceptable audience in id_token")
    by = claims.get("azp")
    if strict and (claims.get("azp") is not None or len(audience) > 1) and by not in provider.audiences:
        raise IdTokenInvalid("Unacceptable authorized party in id_token")


def check_nonce(claims: Mapping[str, Any], expected: str) -> None:
    """Return when the token was made for the sign-in with this nonce. Raises IdTokenInvalid."""
    said = claims.get("nonce")
    if not isinstance(said, str) or not hmac.compare_digest(said.encode("utf-8", "replace"), expected.encode()):
        raise IdTokenInvalid("Nonces mismatch", nonce=True)


def check_access_token(claims: Mapping[str, Any], access_token: str) -> None:
    """Return when the access token was issued with the ID token, or when that says nothing of it. Raises IdTokenInvalid."""
    said = claims.get("at_hash")
    if said is None:
        return
    name = "sha512" if claims["alg"] == "EdDSA" else f"sha{claims['alg'][2:]}"
    digest = hashlib.new(name, access_token.encode()).digest()
    half = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=")
    if not isinstance(said, str) or not hmac.compare_digest(said.encode("utf-8", "replace"), half):
        raise IdTokenInvalid
