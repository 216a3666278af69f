"""Signing in with an ID token that a program got from a provider by itself."""

from __future__ import annotations

import hashlib

import msgspec

from mainspring.errors import IdTokenInvalid, LinkingDisabled, ProviderDisabled, ProviderUnknown
from mainspring.services.identity.flows.linking import Linking
from mainspring.services.identity.flows.oauth import METHOD
from mainspring.services.identity.parts import Parts
from mainspring.services.identity.people import Asker, Granted, User
from mainspring.services.identity.providers.known import KNOWN
from mainspring.services.identity.providers.outline import Provider
from mainspring.services.identity.providers.registry import Providers
from mainspring.services.identity.store import Step


class Shown(msgspec.Struct, frozen=True):
    """What a program shows: the token, of which provider (by its name or its issuer), and what it was asked for with."""

    id_token: str
    access_token: str = ""
    nonce: str = ""
    provider: str = ""
    issuer: str = ""


class IdTokens(msgspec.Struct, frozen=True):
    """Sign-ins with ID tokens."""

    parts: Parts
    providers: Providers
    linking: Linking

    async def sign_in(self, shown: Shown, asker: Asker, to: User | None = None) -> Granted:
        """A session for who the token is of; with `to` the account elsewhere becomes theirs.

        Raises IdTokenInvalid, ProviderUnknown, ProviderDisabled, ProviderFailed, LinkingDisabled and what `Linking` does.
        """
        if to is not None and not self.parts.auth.manual_linking:
            raise LinkingDisabled
        provider = await self._provider(shown)
        nonce = hashlib.sha256(shown.nonce.encode()).hexdigest() if shown.nonce else ""
        expected = None if provider.skip_nonce or not provider.outline.nonces else nonce
        account = await (await self.providers.elsewhere()).told(provider, shown.id_token, shown.access_token, expected)

        async def end(user: User) -> tuple[Granted, list[Step]]:
            return await self.parts.sessions.begin(user, METHOD, asker)

        if to is not None:
            return await self.linking.add(to.id, account, asker, end)
        return await self.linking.enter(account, asker, end)

    async def _provider(self, shown: Shown) -> Provider:
        name = shown.provider.lower() or self.providers.of_issuer(shown.issuer)
        if name in KNOWN and name not in self.providers.names:
            raise ProviderDisabled(KNOWN[name].issuer or name)
        provider = await self.providers.get(name or shown.issuer)
        issuers = (provider.outline.issuer, *provider.outline.issuers)
        if not provider.speaks_oidc:
            raise ProviderUnknown(name)
        if shown.issuer and shown.provider and not any("{tid}" in each or shown.issuer == each for each in issuers):
            raise IdTokenInvalid("Provided issuer does not match ID token issuer")
        return provider
