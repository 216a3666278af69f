"""Providers that the service key adds: what may be said of one, and what it is then. Pure."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from mainspring.errors import BodyInvalid
from mainspring.services.identity.people import CustomProvider
from mainspring.services.identity.providers.configured import OPENID, host, safe
from mainspring.services.identity.providers.outline import EITHER, OURS, Outline, Provider
from mainspring.settings import Secret

OAUTH2, OIDC = TYPES = ("oauth2", "oidc")
_IDENTIFIER: Final = re.compile(r"custom:[a-z0-9][a-z0-9:_-]{0,62}\Z")
_ADDRESSES: Final = ("issuer", "discovery_url", "authorization_url", "token_url", "userinfo_url", "jwks_uri")
_NEEDED: Final = {OIDC: ("issuer",), OAUTH2: ("authorization_url", "token_url", "userinfo_url")}
_LISTS: Final = ("acceptable_client_ids", "scopes", "custom_claims_allowlist")
_MAPS: Final = ("attribute_mapping", "authorization_params")
_LONGEST: Final = 2048
_MOST: Final = 50
_PROTECTED: Final = frozenset(
    {
        "id",
        "aud",
        "iss",
        "role",
        "app_metadata",
        "created_at",
        "updated_at",
        "confirmed_at",
        "email_confirmed_at",
        "phone_confirmed_at",
        "email_verified",
        "phone_verified",
        "banned_until",
        "is_super_admin",
        "custom_claims",
        "provider_id",
    }
)


def check(said: Mapping[str, Any], *, private: bool) -> None:
    """Return when a provider may be like this; `private`: its addresses may be ones of this network. Raises BodyInvalid."""
    if said.get("provider_type") not in TYPES:
        raise BodyInvalid("provider_type must be either 'oauth2' or 'oidc'")
    if not _IDENTIFIER.match(said.get("identifier") or ""):
        raise BodyInvalid("identifier must start with 'custom:' prefix, e.g. 'custom:mine', and have 70 characters at most")
    for name in ("name", "client_id", "client_secret", *_NEEDED[said["provider_type"]]):
        if not said.get(name):
            raise BodyInvalid(f"{name} is required")
    texts = [said[name] for name in (*_ADDRESSES, "name", "client_id", "client_secret") if said.get(name)]
    _bound([*texts, *(text for name in _LISTS for text in said.get(name) or [])])
    _bound([text for name in _MAPS for pair in (said.get(name) or {}).items() for text in pair])
    for name in _ADDRESSES:
        _check_address(name, said.get(name) or "", private)
    for name in said.get("authorization_params") or {}:
        if name.lower() in OURS:
            raise BodyInvalid(f"Cannot override reserved OAuth parameter: {name}")
    for target, source in (said.get("attribute_mapping") or {}).items():
        if target in _PROTECTED:
            raise BodyInvalid(f"Cannot map to protected system field: {target}")
        if not source or ">" in source or "+" in source:
            raise BodyInvalid(f"attribute_mapping of {target} is no name of a claim")


def _bound(texts: Sequence[str]) -> None:
    if len(texts) > _MOST * 3 or any(not text.strip() or len(text) > _LONGEST or "\0" in text for text in texts):
        raise BodyInvalid("A text is empty or too long, or there are too many")


def _check_address(name: str, url: str, private: bool) -> None:
    if not url or private:
        if url and not safe(url):
            raise BodyInvalid(f"{name} must use HTTPS")
        return
    if not safe(url) or not url.startswith("https:"):
        raise BodyInvalid(f"{name} must use HTTPS")
    try:
        public = ipaddress.ip_address(host(url)).is_global
    except ValueError:
        public = host(url) != "localhost" and not host(url).endswith(".localhost")
    if not public:
        raise BodyInvalid(f"{name} cannot point to this machine or a private address")


def provider(row: CustomProvider, secret: str, *, private: bool) -> Provider:
    """The provider that a row describes."""
    addresses = [url for name in _ADDRESSES if (url := getattr(row, name))]
    return Provider(
        name=row.identifier,
        outline=_outline(row),
        client_id=row.client_id,
        client_secret=Secret(secret),
        client_ids=tuple(row.acceptable_client_ids),
        discovery=row.discovery_url or "",
        email_optional=row.email_optional,
        skip_nonce=row.skip_nonce_check,
        near=frozenset(map(host, addresses)) if private else frozenset(),
    )


def _outline(row: CustomProvider) -> Outline:
    mapping = {target: source for target, source in row.attribute_mapping.items() if target not in ("sub", "email")}
    oidc = row.provider_type == OIDC
    scopes = tuple(row.scopes) or (OPENID.scopes if oidc else ())
    return Outline(
        authorize=row.authorization_url or "",
        token=row.token_url or "",
        profile=row.userinfo_url or "",
        keys=row.jwks_uri or "",
        issuer=(row.issuer or "") if oidc else "",
        discovers=oidc,
        scopes=("openid", *(each for each in scopes if each != "openid")) if oidc else scopes,
        subject="sub" if oidc else row.attribute_mapping.get("sub", "sub"),
        email=row.attribute_mapping.get("email", "email"),
        verified="email_verified",
        claims=mapping,
        custom=tuple(row.custom_claims_allowlist),
        authenticates=EITHER,
        pkce=row.pkce_enabled,
        parameters=row.authorization_params,
    )
