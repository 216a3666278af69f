"""Companies that sign in their people: which there are."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

import msgspec

from mainspring.errors import (
    BodyInvalid,
    ProviderFailed,
    SsoDisabled,
    SsoProviderTaken,
    SsoProviderUnknown,
    UniqueViolated,
)
from mainspring.services.identity.accounts import logged, stamp
from mainspring.services.identity.flows.oauth import OAuth
from mainspring.services.identity.parts import Parts
from mainspring.services.identity.people import Asker, SsoProvider
from mainspring.services.identity.providers.configured import host
from mainspring.services.identity.providers.outline import Outline, Provider
from mainspring.services.identity.saml.formats import FORMATS
from mainspring.services.identity.store import Step

_DOMAIN: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}\Z")
_RESOURCE: Final = re.compile(r"[A-Za-z0-9_.:-]{1,200}\Z")
_MOST_DOMAINS: Final = 100


class Companies(msgspec.Struct, frozen=True):
    """The companies."""

    parts: Parts
    elsewhere: OAuth

    def demand(self) -> None:
        """Return when companies may sign in their people. Raises SsoDisabled."""
        if not self.parts.auth.saml:
            raise SsoDisabled

    async def all(self) -> list[SsoProvider]:
        """Every company, the oldest first."""
        return sorted(await self.parts.store.sso_providers.all(), key=lambda each: (each.created_at, each.id))

    async def get(self, identity: str) -> SsoProvider:
        """A company, by its id (or, after `resource_`, its resource id). Raises SsoProviderUnknown."""
        by = {"resource_id": identity.removeprefix("resource_")} if identity.startswith("resource_") else {"id": identity}
        found = await self.parts.store.sso_providers.find(**by)
        if found is None:
            raise SsoProviderUnknown
        return found

    async def by_domain(self, domain: str) -> SsoProvider:
        """The company that has a domain. Raises SsoProviderUnknown."""
        found = await self.parts.store.sso_domains.find(domain=domain.lower()[:255])
        if found is None:
            raise SsoProviderUnknown
        return await self.get(found.sso_provider_id)

    async def by_issuer(self, issuer: str) -> SsoProvider:
        """The company that calls itself so. Raises SsoProviderUnknown."""
        found = await self.parts.store.sso_providers.find(entity_id=issuer)
        if found is None:
            raise SsoProviderUnknown(unasked=True)
        return found

    async def create(self, said: Mapping[str, Any], asker: Asker) -> SsoProvider:
        """Add a company. Raises BodyInvalid, SsoProviderTaken."""
        identity, store = str(uuid4()), self.parts.store
        metadata = await self._metadata(said)
        if metadata is None:
            raise BodyInvalid("Either metadata_xml or metadata_url must be set")
        row = {"id": identity, "disabled": False, "created_at": stamp(), "updated_at": stamp(), **_settings(said), **metadata}
        if await store.sso_providers.find(entity_id=row["entity_id"]) is not None:
            raise SsoProviderTaken(row["entity_id"])
        steps = [store.sso_providers.insert(row), *await self._domains(identity, said.get("domains") or [])]
        await self._change(steps, "created", row["entity_id"], asker)
        return await self.get(identity)

    async def update(self, identity: str, said: Mapping[str, Any], asker: Asker) -> SsoProvider:
        """Change what is said of a company. Raises BodyInvalid, SsoProviderUnknown, SsoProviderTaken."""
        known, metadata = await self.get(identity), await self._metadata(said)
        if metadata is not None and metadata["entity_id"] != known.entity_id:
            raise BodyInvalid("SAML Metadata can be updated only if the EntityID matches for the provider")
        changes = {**_settings(said), **(metadata or {}), "updated_at": stamp()}
        steps = [self.parts.store.sso_providers.update(changes, id=known.id)]
        if said.get("domains") is not None:
            steps += [self.parts.store.sso_domains.clear(sso_provider_id=known.id)]
            steps += await self._domains(known.id, said["domains"])
        await self._change(steps, "updated", known.entity_id, asker)
        return await self.get(known.id)

    async def delete(self, identity: str, asker: Asker) -> SsoProvider:
        """Take a company away; its people keep their accounts, and cannot sign in. Raises SsoProviderUnknown."""
        known = await self.get(identity)
        await self._change([self.parts.store.sso_providers.delete(id=known.id)], "deleted", known.entity_id, asker)
        return known

    async def _change(self, steps: list[Step], what: str, name: str, asker: Asker) -> None:
        noted = logged(self.parts.store, f"sso_provider_{what}", asker, "", name, by="service_role")
        try:
            await self.parts.store.do(*steps, noted)
        except UniqueViolated:
            raise SsoProviderTaken(name) from None

    async def _domains(self, identity: str, domains: list[str]) -> list[Step]:
        steps: list[Step] = []
        for domain in dict.fromkeys(each.strip().lower() for each in domains[: _MOST_DOMAINS + 1]):
            if not _DOMAIN.match(domain) or len(steps) == _MOST_DOMAINS:
                raise BodyInvalid("domains must be names such as example.com, 100 at most")
            known = await self.parts.store.sso_domains.find(domain=domain)
            if known is not None and known.sso_provider_id != identity:
                raise SsoProviderTaken(domain, domain=True)
            row = {"id": str(uuid4()), "sso_provider_id": identity, "domain": domain, "created_at": stamp()}
            steps.append(self.parts.store.sso_domains.insert(row))
        return steps

    async def _metadata(self, said: Mapping[str, Any]) -> dict[str, Any] | None:
        """What metadata is said, fetched where only its address is. Raises BodyInvalid."""
        xml, url = said.get("metadata_xml") or "", said.get("metadata_url") or ""
        if xml and url:
            raise BodyInvalid("Only one of metadata_xml or metadata_url needs to be set")
        if not xml and not url:
            return None
        xml = xml or await self._fetched(url)
        return {"entity_id": await asyncio.to_thread(_entity, xml), "metadata_xml": xml, "metadata_url": url or None}

    async def _fetched(self, url: str) -> str:
        near = frozenset({host(url)}) if self.parts.auth.custom_providers_private else frozenset()
        try:
            return await (await self.elsewhere.providers.elsewhere()).text(Provider("saml", Outline(), "", near=near), url)
        except ProviderFailed as error:
            raise BodyInvalid(f"SAML Metadata could not be fetched: {error.reason}") from None


def _entity(xml: str) -> str:
    from mainspring.services.identity.saml.metadata import company

    return company(xml).entity_id


def _settings(said: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of a company besides its metadata. Raises BodyInvalid."""
    found = {name: said[name] for name in ("disabled", "resource_id", "attribute_mapping", "name_id_format") if name in said}
    if found.get("name_id_format") and found["name_id_format"] not in FORMATS:
        raise BodyInvalid(f"name_id_format must be unspecified or one of {', '.join(FORMATS)}")
    if found.get("resource_id") and not _RESOURCE.match(found["resource_id"]):
        raise BodyInvalid("resource_id must have letters, digits and _.:- only")
    if len(msgspec.json.encode(found.get("attribute_mapping"))) > 16_384:
        raise BodyInvalid("attribute_mapping is too large")
    return {name: value or None if name != "disabled" else bool(value) for name, value in found.items()}
