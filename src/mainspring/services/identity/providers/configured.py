"""Providers as the settings have them. Whatever is missing or contradicts itself is told when the server starts."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import replace
from importlib.util import find_spec
from typing import Final
from urllib.parse import urlsplit

from mainspring.backends.web.urls import is_safe
from mainspring.errors import ConfigError, Mistake
from mainspring.services.identity.providers.known import KNOWN
from mainspring.services.identity.providers.outline import EITHER, Outline, Provider
from mainspring.settings import ProviderSettings

OPENID: Final = Outline(discovers=True, scopes=("openid", "email", "profile"), verified="email_verified", authenticates=EITHER)
"""Any provider that speaks OpenID Connect."""
_ADDRESSES: Final = ("base", "api", "authorize", "token", "profile", "emails", "keys", "issuer")
_NAMED: Final = {"authorization_url": "authorize", "token_url": "token", "userinfo_url": "profile", "jwks_url": "keys"}


def configured(settings: Mapping[str, ProviderSettings]) -> dict[str, Provider]:
    """The providers that are switched on, by their names. Raises ConfigError with every mistake."""
    mistakes: list[Mistake] = []
    found = {name: _provider(name, said, mistakes) for name, said in settings.items() if said.enabled}
    if found and not installed():
        hint = "install it: pip install 'mainspring[providers]'"
        mistakes.append(Mistake(f"auth.providers.{next(iter(found))}", "needs the extra providers", hint))
    if mistakes:
        raise ConfigError(mistakes)
    return found


def installed() -> bool:
    """Whether the libraries are there with which providers are asked."""
    return find_spec("authlib") is not None and find_spec("httpx2") is not None


def _provider(name: str, said: ProviderSettings, mistakes: list[Mistake]) -> Provider:
    where = f"auth.providers.{name}"
    outline = KNOWN.get(name, OPENID)
    if name not in KNOWN and not (said.issuer or (said.authorization_url and said.token_url and said.userinfo_url)):
        close = difflib.get_close_matches(name, KNOWN, n=1, cutoff=0.6)
        hint = f"did you mean {close[0]}?" if close else "set its issuer, or authorization_url, token_url and userinfo_url"
        mistakes.append(Mistake(where, "is no provider that is known", hint))
    if not said.client_id:
        mistakes.append(Mistake(f"{where}.client_id", "is not set"))
    if outline.needs_url and not said.url:
        mistakes.append(Mistake(f"{where}.url", "is not set"))
    if not said.client_secret and not (outline.signs and said.private_key and said.key_id and said.team_id):
        wanted = "client_secret, or team_id, key_id and private_key" if outline.signs else "client_secret"
        mistakes.append(Mistake(where, f"has no {wanted}"))
    named = (said.url, said.issuer, *(getattr(said, key) for key in _NAMED))
    mistakes += [Mistake(where, f"{url} is neither https nor on this machine") for url in named if url and not safe(url)]
    return Provider(
        name=name,
        outline=placed(_told(outline, said), said.url.rstrip("/")),
        client_id=said.client_id,
        client_secret=said.client_secret,
        client_ids=said.client_ids,
        scopes=said.scopes,
        email_optional=said.email_optional,
        trust_email=said.trust_email,
        skip_nonce=said.skip_nonce_check,
        near=frozenset(filter(None, map(host, named))),
        team_id=said.team_id,
        key_id=said.key_id,
        private_key=said.private_key,
    )


def _told(outline: Outline, said: ProviderSettings) -> Outline:
    """The outline with the addresses that are set."""
    given = {field: getattr(said, key) for key, field in _NAMED.items() if getattr(said, key)}
    if said.issuer:
        given |= {"issuer": said.issuer, "issuers": (), "discovers": not ("authorize" in given and "token" in given)}
    elif "authorize" in given and "token" in given:
        given |= {"discovers": False}
    return replace(outline, **given)


def placed(outline: Outline, url: str) -> Outline:
    """The outline with real addresses: of its usual place, or of `url`."""
    base = url or outline.base
    api = (f"{url}/api/v3" if outline.api.endswith("api.github.com") else url) if url else outline.api
    addresses = {name: getattr(outline, name).replace("{base}", base).replace("{api}", api) for name in _ADDRESSES}
    issuers = outline.issuers
    if url and issuers and "{tid}" in issuers[0]:
        issuers = _tenant(url, issuers)
    return replace(outline, **{**addresses, "base": base, "api": api}, issuers=issuers)


def _tenant(url: str, usual: tuple[str, ...]) -> tuple[str, ...]:
    """The issuers of an Azure tenant: itself, or any where the tenant is one of those that stand for several."""
    tenant = urlsplit(url).path.strip("/")
    return usual if tenant in ("", "common", "organizations", "consumers") else (f"{url}/v2.0",)


def host(url: str) -> str:
    """The host of an address."""
    try:
        return (urlsplit(url).hostname or "").lower()
    except ValueError:
        return ""


def safe(url: str) -> bool:
    """Whether an address may be asked with secrets: https, or on this machine."""
    return is_safe(url) and all(character > " " for character in url)
