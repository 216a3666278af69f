"""Companies that sign in their people: which there are, sending people there, and taking them in when they come back.

A company speaks for its own people alone: their accounts are apart, and never join one that was there before.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import secrets
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Final
from uuid import uuid4

import msgspec

from mainspring.errors import (
    AssertionInvalid,
    BodyInvalid,
    ConfigError,
    MainspringError,
    Mistake,
    ProviderFailed,
    RelayStateUnknown,
    SsoDisabled,
    SsoProviderTaken,
    SsoProviderUnknown,
    StateUnknown,
    UniqueViolated,
)
from mainspring.services.identity.accounts import logged, stamp
from mainspring.services.identity.flows.oauth import OAuth
from mainspring.services.identity.flows.verify import Continued
from mainspring.services.identity.opaque import hashed
from mainspring.services.identity.parts import Parts
from mainspring.services.identity.people import Asker, Challenge, Flow, Granted, SsoProvider, now
from mainspring.services.identity.providers.configured import host
from mainspring.services.identity.providers.outline import Account, Outline, Provider
from mainspring.services.identity.saml.formats import FORMATS
from mainspring.services.identity.store import Step

METHOD: Final = "sso/saml"
PREFIX: Final = "sso:"
_DOMAIN: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,}\Z")
_RESOURCE: Final = re.compile(r"[A-Za-z0-9_.:-]{1,200}\Z")
_MOST_DOMAINS: Final = 100
_MOST_ANSWER: Final = 400_000


class Companies(msgspec.Struct, frozen=True):
    """The companies. `place` is where our endpoints for them lie."""

    parts: Parts
    elsewhere: OAuth
    place: str

    @property
    def entity_id(self) -> str:
        """What companies know us by."""
        return f"{self.place}/metadata"

    @property
    def consumer(self) -> str:
        """Where companies send people back."""
        return f"{self.place}/acs"

    def demand(self) -> None:
        """Return when companies may sign in their people. Raises SsoDisabled."""
        if not self.parts.auth.saml:
            raise SsoDisabled

    async def metadata(self) -> bytes:
        """What companies must know of us."""
        return await asyncio.to_thread(self._written)

    def _written(self) -> bytes:
        from mainspring.services.identity.saml.metadata import ours

        return ours(self.entity_id, self.consumer)

    # ------------------------------------------------------------ there and back

    async def begin(self, provider: str | None, domain: str | None, challenge: Challenge | None, redirect_to: str) -> str:
        """Where somebody is to go, by a company's id or domain. Raises SsoProviderUnknown."""
        found = await self._by_domain(domain) if domain else await self.get(provider or "")
        if found.disabled:
            raise SsoProviderUnknown(off=True)
        relay, asked, flow = secrets.token_urlsafe(32), f"_{secrets.token_hex(20)}", str(uuid4())
        challenge = challenge or Challenge("", "")
        row: dict[str, Any] = {
            "id": flow,
            "code_challenge": challenge.text,
            "code_challenge_method": challenge.method,
            "authentication_method": METHOD,
            "state_hash": hashed(relay),
            "provider_type": PREFIX + found.id,
            "referrer": redirect_to,
            "client_state": self.parts.seal.close(asked, f"flow {flow} client_state"),
            "created_at": stamp(),
        }
        await self.parts.store.do(self.parts.store.flows.insert(row))
        return await asyncio.to_thread(self._asking, found, asked, relay)

    def _asking(self, found: SsoProvider, asked: str, relay: str) -> str:
        """The address of a request. Reading what strangers write takes a while, and so does importing what reads it."""
        from mainspring.services.identity.saml import request
        from mainspring.services.identity.saml.metadata import company

        about = company(found.metadata_xml)
        return request.address(about, asked, relay, self.entity_id, self.consumer, found.name_id_format)

    async def recall(self, relay: str) -> Flow:
        """The sign-in to which somebody comes back. Raises RelayStateUnknown."""
        try:
            flow = await self.elsewhere.recall(relay, None)
        except StateUnknown:
            raise RelayStateUnknown from None
        if not (flow.provider_type or "").startswith(PREFIX):
            raise RelayStateUnknown
        return flow

    async def finish(self, flow: Flow, answer: str, asker: Asker) -> Granted | Continued:
        """Sign in who came back with this answer. Raises AssertionInvalid, AssertionSilent and what `Linking` does."""
        try:
            return await self._finish(flow, answer, asker)
        except MainspringError:
            await self.parts.store.do(self.parts.store.flows.clear(id=flow.id))
            raise

    async def _finish(self, flow: Flow, answer: str, asker: Asker) -> Granted | Continued:
        request = self.parts.seal.open(flow.client_state or "", f"flow {flow.id} client_state")
        found = await self.get((flow.provider_type or "").removeprefix(PREFIX))
        if request is None or found.disabled:
            raise SsoProviderUnknown(off=True)
        account, identity = await asyncio.to_thread(self._judged, found, answer, request)
        await self._spend(found, identity)
        return await self.elsewhere.settle(flow, account, asker, {})

    def _judged(self, found: SsoProvider, answer: str, request: str) -> tuple[Account, str]:
        """Who somebody is by an answer, and the id of what says so."""
        from mainspring.services.identity.saml import assertion, signed
        from mainspring.services.identity.saml.metadata import company

        about = company(found.metadata_xml)
        said = signed.assertion(_decoded(answer), about.certificates)
        assertion.check(said, assertion.Expected(about.entity_id, self.entity_id, self.consumer, request), now())
        return assertion.account(said, PREFIX + found.id, about.entity_id, found.attribute_mapping), str(said.get("ID"))

    async def _spend(self, found: SsoProvider, identity: str) -> None:
        """Use an assertion up. Raises AssertionInvalid when somebody has done so before."""
        mark = hashlib.sha256(f"saml {found.entity_id} {identity}".encode()).hexdigest()
        try:
            await self.parts.store.do(self.parts.store.spent.insert({"message_hash": mark, "created_at": stamp()}))
        except UniqueViolated:
            raise AssertionInvalid("it has been used already") from None

    # ------------------------------------------------------------ which there are

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

    async def _by_domain(self, domain: str) -> SsoProvider:
        found = await self.parts.store.sso_domains.find(domain=domain.lower()[:255])
        if found is None:
            raise SsoProviderUnknown
        return await self.get(found.sso_provider_id)

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


def _decoded(answer: str) -> bytes:
    if not answer or len(answer) > _MOST_ANSWER:
        raise AssertionInvalid("there is none, or it is too large")
    try:
        return base64.b64decode("".join(answer.split()), validate=True)
    except ValueError:
        raise AssertionInvalid("it is not in base64") from None


def open_companies(parts: Parts, elsewhere: OAuth, place: str) -> Companies:
    """The companies. Raises ConfigError where their libraries are missing."""
    if parts.auth.saml and not (find_spec("signxml") and find_spec("lxml") and find_spec("httpx2") and find_spec("authlib")):
        raise ConfigError([Mistake("auth.saml", "needs the extra saml", "install it: pip install 'mainspring[saml]'")])
    return Companies(parts, elsewhere, place)
