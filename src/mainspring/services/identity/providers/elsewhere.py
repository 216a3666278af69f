"""Signing in at a provider, from its side: the address where people go, and who they are when they come back.

Imported when the first provider is asked: with it come the libraries of the extra `providers`.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

import jwt
import msgspec
from authlib.common.urls import add_params_to_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge

from mainspring.errors import IdTokenInvalid, ProviderFailed, StateUnknown
from mainspring.observe import Sink, discard
from mainspring.services.identity.providers import reading
from mainspring.services.identity.providers.discovery import Discovery
from mainspring.services.identity.providers.fetch import Fetch
from mainspring.services.identity.providers.id_tokens import check_access_token, check_nonce, verified
from mainspring.services.identity.providers.outline import Account, Endpoints, Provider

_APPLE_SECONDS: Final = 300
_MOST_TOKEN: Final = 16_384


class Came(msgspec.Struct, frozen=True):
    """Somebody who has come back: who they are, and the tokens with which the provider is asked further."""

    account: Account
    access_token: str
    refresh_token: str = ""


class Elsewhere:
    """Asks providers. `callback` is where they send people back."""

    def __init__(self, callback: str, observe: Sink = discard) -> None:
        self.callback = callback
        self._fetch = Fetch(observe)
        self.discovery = Discovery(self._fetch)

    async def close(self) -> None:
        """Hang up."""
        await self._fetch.close()

    async def text(self, provider: Provider, url: str) -> str:
        """What is at an address. Raises ProviderFailed."""
        return await self._fetch.text(provider, url)

    async def address(self, provider: Provider, state: str, nonce: str, verifier: str, said: Mapping[str, str]) -> str:
        """Where somebody goes to sign in at a provider; `said` are scopes and further parameters. Raises ProviderFailed."""
        outline, endpoints = provider.outline, await self.discovery.endpoints(provider)
        scopes = [*outline.scopes, *provider.scopes, *said.get("scopes", "").replace(",", " ").split()]
        asked = {name: value for name, value in said.items() if name != "scopes"} | {
            **outline.parameters,
            "client_id": provider.client_id,
            "response_type": "code",
            "redirect_uri": self.callback,
            "state": state,
        }
        if scopes:
            asked["scope"] = " ".join(dict.fromkeys(scopes))
        if outline.pkce:
            asked |= {"code_challenge": create_s256_code_challenge(verifier), "code_challenge_method": "S256"}
        if provider.speaks_oidc and outline.nonces:
            asked["nonce"] = nonce
        return str(add_params_to_uri(endpoints.authorize, list(asked.items())))

    async def came(self, provider: Provider, said: Mapping[str, str], nonce: str, verifier: str) -> Came:
        """Who has come back with a code. Raises ProviderFailed, IdTokenInvalid, StateUnknown."""
        endpoints = await self.discovery.endpoints(provider)
        self._check_sender(endpoints, said.get("iss"))
        secret = signed_secret(provider) if provider.outline.signs and provider.private_key else provider.client_secret.reveal()
        used = verifier if provider.outline.pkce else None
        tokens = await self._fetch.exchange(provider, endpoints, said["code"], used, self.callback, secret)
        access, refresh = _text(tokens.get("access_token")), _text(tokens.get("refresh_token"))
        if not access:
            raise ProviderFailed(provider.name, "it answered no access token")
        account = await self._account(provider, endpoints, tokens, access, nonce)
        if account is None:
            raise ProviderFailed(provider.name, "it does not say who somebody is")
        return Came(_named(account, said.get("user")), access, refresh)

    async def told(self, provider: Provider, id_token: str, access_token: str, nonce: str | None) -> Account:
        """Who an ID token is of, that a program got. `nonce`: what must be in it; None: whatever. Raises IdTokenInvalid."""
        endpoints = await self.discovery.endpoints(provider)
        claims = await verified(self.discovery, provider, endpoints.keys, id_token, strict=False)
        if nonce is not None:
            if bool(nonce) != bool(claims.get("nonce")):
                raise IdTokenInvalid("Passed nonce and nonce in id_token should either both exist or not.")
            if nonce:
                check_nonce(claims, nonce)
        if access_token:
            check_access_token(claims, access_token)
        account = reading.account(provider, claims, token=True)
        if account is None:
            raise IdTokenInvalid
        return account

    async def _account(
        self, provider: Provider, endpoints: Endpoints, tokens: Mapping[str, Any], access: str, nonce: str
    ) -> Account | None:
        """Who somebody is: by the ID token, whose address may have to be asked for, else by their profile."""
        outline, id_token = provider.outline, _text(tokens.get("id_token"))
        if id_token and provider.speaks_oidc and endpoints.keys:
            claims = await verified(self.discovery, provider, endpoints.keys, id_token)
            if outline.nonces:
                check_nonce(claims, nonce)
            check_access_token(claims, access)
            if outline.subject == "sub":
                return await self._completed(provider, endpoints, claims, access)
        elif outline.discovers:
            raise IdTokenInvalid
        if not endpoints.profile:
            return reading.account(provider, dict(tokens))
        profile = await self._fetch.profile(provider, endpoints.profile, access)
        emails = await self._fetch.profile(provider, outline.emails, access) if outline.emails else None
        return reading.account(provider, profile, emails)

    async def _completed(self, provider: Provider, endpoints: Endpoints, claims: dict[str, Any], access: str) -> Account | None:
        account = reading.account(provider, claims, token=True)
        if account is None or account.email or not endpoints.profile:
            return account
        profile = await self._fetch.profile(provider, endpoints.profile, access)
        if not isinstance(profile, dict) or profile.get("sub") != claims["sub"]:
            raise ProviderFailed(provider.name, "it speaks of somebody else")
        return reading.account(provider, {**profile, **claims}, token=True)

    @staticmethod
    def _check_sender(endpoints: Endpoints, said: str | None) -> None:
        """Return when it may be the provider that sent somebody back, and not another one (RFC 9207). Raises StateUnknown."""
        if said is None and not endpoints.names_itself:
            return
        if endpoints.issuer and said != endpoints.issuer:
            raise StateUnknown


def signed_secret(provider: Provider) -> str:
    """The client secret of a provider that wants a token signed with a key (Apple). Raises ProviderFailed."""
    at = int(time.time())
    claims = {
        "iss": provider.team_id,
        "iat": at,
        "exp": at + _APPLE_SECONDS,
        "aud": provider.outline.issuer,
        "sub": provider.client_id,
    }
    try:
        return jwt.encode(claims, provider.private_key.reveal(), algorithm="ES256", headers={"kid": provider.key_id})
    except (ValueError, TypeError, jwt.PyJWTError) as error:
        raise ProviderFailed(provider.name, "private_key is not a key in PEM form") from error


def _named(account: Account, said: str | None) -> Account:
    """With the name that a provider sends along (Apple does so once, and unsigned: it is a name and nothing else)."""
    if not said or len(said) > _MOST_TOKEN:
        return account
    try:
        found = msgspec.json.decode(said)
    except (msgspec.DecodeError, RecursionError):
        return account
    name = reading.text(found, "name>firstName + name>lastName")
    return msgspec.structs.replace(account, claims={**account.claims, "name": name, "full_name": name}) if name else account


def _text(value: Any) -> str:
    return value if isinstance(value, str) and len(value) <= _MOST_TOKEN else ""
