"""Providers that the service key adds, changes and takes away while the server runs. Their secrets are stored encrypted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import msgspec

from mainspring.errors import (
    BodyInvalid,
    Contended,
    CustomProvidersFull,
    CustomProviderTaken,
    CustomProviderUnknown,
    NotSingular,
    ProviderFailed,
    UniqueViolated,
)
from mainspring.services.identity.accounts import logged, stamp
from mainspring.services.identity.parts import ATTEMPTS, Parts
from mainspring.services.identity.people import Asker, CustomProvider
from mainspring.services.identity.providers import custom
from mainspring.services.identity.providers.configured import installed
from mainspring.services.identity.providers.outline import Provider
from mainspring.services.identity.providers.registry import Providers
from mainspring.services.identity.store import Step


class CustomProviders(msgspec.Struct, frozen=True):
    """The providers that were added."""

    parts: Parts
    providers: Providers

    async def all(self, kind: str = "") -> list[CustomProvider]:
        """Those there are (of a kind), the oldest first."""
        by = {"provider_type": kind} if kind else {}
        found = await self.parts.store.custom_providers.all(**by)
        return sorted(found, key=lambda each: (each.created_at, each.identifier))

    async def get(self, identifier: str) -> CustomProvider:
        """The one of a name. Raises CustomProviderUnknown."""
        found = await self.parts.store.custom_providers.find(identifier=identifier)
        if found is None:
            raise CustomProviderUnknown
        return found

    async def create(self, said: Mapping[str, Any], asker: Asker) -> CustomProvider:
        """Add one. Raises BodyInvalid, CustomProvidersFull, CustomProviderTaken."""
        if not installed():
            raise BodyInvalid("Custom providers need the extra providers: pip install 'mainspring[providers]'")
        custom.check(said, private=self._private)
        if len(await self.all()) >= self.parts.auth.custom_providers:
            raise CustomProvidersFull
        row = {**said, "id": str(uuid4()), "created_at": stamp(), "updated_at": stamp()}
        await self._try_out(row)
        sealed = {**row, "client_secret": self.parts.seal.close(row["client_secret"], _place(row["id"]))}
        table = self.parts.store.custom_providers
        try:
            await self.parts.store.do(table.insert(sealed), self._noted("created", row["identifier"], asker))
        except UniqueViolated:
            raise CustomProviderTaken from None
        return await self.get(row["identifier"])

    async def update(self, identifier: str, said: Mapping[str, Any], asker: Asker) -> CustomProvider:
        """Change what is said of one. Raises BodyInvalid, CustomProviderUnknown."""
        store = self.parts.store
        for _ in range(ATTEMPTS):
            known = await self.get(identifier)
            secret = said.get("client_secret") or self._secret(known)
            row = {**msgspec.structs.asdict(known), **said, "client_secret": secret, "updated_at": stamp()}
            row |= {"id": known.id, "identifier": identifier, "provider_type": known.provider_type}
            custom.check(row, private=self._private)
            await self._try_out(row)
            sealed = {**row, "client_secret": self.parts.seal.close(secret, _place(known.id))}
            changed = store.custom_providers.update(sealed, id=known.id, updated_at=known.updated_at)
            try:
                await store.do(changed, self._noted("updated", identifier, asker))
            except NotSingular:
                continue
            return await self.get(identifier)
        raise Contended

    async def delete(self, identifier: str, asker: Asker) -> None:
        """Take one away; whoever signed in through it keeps their account. Raises CustomProviderUnknown."""
        removed = self.parts.store.custom_providers.delete(identifier=identifier)
        try:
            await self.parts.store.do(removed, self._noted("deleted", identifier, asker))
        except NotSingular:
            raise CustomProviderUnknown from None

    async def find(self, identifier: str) -> Provider | None:
        """The provider through which people sign in, when it is switched on."""
        found = await self.parts.store.custom_providers.find(identifier=identifier) if installed() else None
        if found is None or not found.enabled:
            return None
        return custom.provider(found, self._secret(found), private=self._private)

    @property
    def _private(self) -> bool:
        return self.parts.auth.custom_providers_private

    def _secret(self, row: CustomProvider) -> str:
        return self.parts.seal.open(row.client_secret, _place(row.id)) or ""

    async def _try_out(self, row: Mapping[str, Any]) -> None:
        """Return when one that publishes what it is does so. Raises BodyInvalid."""
        if row["provider_type"] != custom.OIDC:
            return
        tried = custom.provider(msgspec.convert(row, CustomProvider), row["client_secret"], private=self._private)
        try:
            await (await self.providers.elsewhere()).discovery.endpoints(tried)
        except ProviderFailed as error:
            raise BodyInvalid(f"OIDC discovery failed: {error.reason}") from None

    def _noted(self, what: str, identifier: str, asker: Asker) -> Step:
        return logged(self.parts.store, f"custom_provider_{what}", asker, "", identifier, by="service_role")


def _place(row: str) -> str:
    return f"custom_oauth_providers {row} client_secret"
