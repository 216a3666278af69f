"""Signing in through a company: somebody is sent there, comes back, and is who the company says; or comes from there unasked.

A company speaks for its own people alone: their accounts are apart, and never join one that was there before.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import secrets
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final
from uuid import uuid4

import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from mainspring.errors import (
    AssertionInvalid,
    ConfigError,
    MainspringError,
    Mistake,
    RelayStateUnknown,
    SsoProviderUnknown,
    StateUnknown,
    UniqueViolated,
)
from mainspring.services.identity.accounts import stamp
from mainspring.services.identity.flows.oauth import OAuth
from mainspring.services.identity.flows.verify import Continued
from mainspring.services.identity.opaque import hashed
from mainspring.services.identity.parts import Parts
from mainspring.services.identity.people import Asker, Challenge, Flow, Granted, SsoProvider, now
from mainspring.services.identity.providers.outline import Account
from mainspring.services.identity.saml.companies import Companies

METHOD: Final = "sso/saml"
PREFIX: Final = "sso:"
_MOST_ANSWER: Final = 400_000


class CompanySignIn(msgspec.Struct, frozen=True):
    """Sign-ins through companies. `place` is where our endpoints for them lie; of our keys, `private`, the first one signs."""

    parts: Parts
    elsewhere: OAuth
    companies: Companies
    place: str
    private: tuple[RSAPrivateKey, ...] = ()

    @property
    def entity_id(self) -> str:
        """What companies know us by."""
        return f"{self.place}/metadata"

    @property
    def consumer(self) -> str:
        """Where companies send people back."""
        return f"{self.place}/acs"

    async def metadata(self) -> bytes:
        """What companies must know of us."""
        return await asyncio.to_thread(self._written)

    def _written(self) -> bytes:
        from mainspring.services.identity.saml.metadata import ours

        return ours(self.entity_id, self.consumer, self.private, encrypted=self.parts.auth.saml_encryption)

    # ------------------------------------------------------------ there and back

    async def begin(self, provider: str | None, domain: str | None, challenge: Challenge | None, redirect_to: str) -> str:
        """Where somebody is to go, by a company's id or domain. Raises SsoProviderUnknown."""
        found = await self.companies.by_domain(domain) if domain else await self.companies.get(provider or "")
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
        return request.address(about, asked, relay, self.entity_id, self.consumer, found.name_id_format, self.private[0])

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
            return await self._finish(flow, _decoded(answer), asker)
        except MainspringError:
            await self.parts.store.do(self.parts.store.flows.clear(id=flow.id))
            raise

    async def _finish(self, flow: Flow, answer: bytes, asker: Asker) -> Granted | Continued:
        request = self.parts.seal.open(flow.client_state or "", f"flow {flow.id} client_state")
        if request is None:
            raise RelayStateUnknown
        found = await self.companies.get((flow.provider_type or "").removeprefix(PREFIX))
        return await self.elsewhere.settle(flow, await self._proven(found, answer, request), asker, {})

    async def unasked(self, answer: str, asker: Asker) -> Granted:
        """Sign in whom a company sends who has not been sent there by us.

        Nothing binds such an answer to a browser, so the setting `auth.saml_unasked` must allow it. Raises RelayStateUnknown
        where it does not, SsoProviderUnknown, and what `finish` does.
        """
        if not self.parts.auth.saml_unasked:
            raise RelayStateUnknown
        said = _decoded(answer)
        found = await self.companies.by_issuer(await asyncio.to_thread(_issuer, said))
        return await self.elsewhere.arrived(await self._proven(found, said, None), METHOD, asker)

    async def _proven(self, found: SsoProvider, answer: bytes, request: str | None) -> Account:
        """Who somebody is by an answer to a request, or to none, which is used up."""
        if found.disabled:
            raise SsoProviderUnknown(off=True)
        account, identity = await asyncio.to_thread(self._judged, found, answer, request)
        await self._spend(found, identity)
        return account

    def _judged(self, found: SsoProvider, answer: bytes, request: str | None) -> tuple[Account, str]:
        """Who somebody is by an answer, and the id of what says so."""
        from mainspring.services.identity.saml import assertion, signed
        from mainspring.services.identity.saml.encrypted import Recipient
        from mainspring.services.identity.saml.metadata import company

        about = company(found.metadata_xml)
        recipient = Recipient(self.entity_id, self.private) if self.parts.auth.saml_encryption else None
        said = signed.assertion(answer, about.certificates, recipient)
        assertion.check(said, assertion.Expected(about.entity_id, self.entity_id, self.consumer, request), now())
        return assertion.account(said, PREFIX + found.id, about.entity_id, found.attribute_mapping), str(said.get("ID"))

    async def _spend(self, found: SsoProvider, identity: str) -> None:
        """Use an assertion up. Raises AssertionInvalid when somebody has done so before."""
        mark = hashlib.sha256(f"saml {found.entity_id} {identity}".encode()).hexdigest()
        try:
            await self.parts.store.do(self.parts.store.spent.insert({"message_hash": mark, "created_at": stamp()}))
        except UniqueViolated:
            raise AssertionInvalid("it has been used already") from None


def _issuer(answer: bytes) -> str:
    """Whose answer it says to be; believed when it turns out to be signed by them."""
    from mainspring.services.identity.saml.xml import only, read, text

    return text(only(read(answer), "saml:Issuer"))


def _decoded(answer: str) -> bytes:
    if not answer or len(answer) > _MOST_ANSWER:
        raise AssertionInvalid("there is none, or it is too large")
    try:
        return base64.b64decode("".join(answer.split()), validate=True)
    except ValueError:
        raise AssertionInvalid("it is not in base64") from None


def open_company_sign_in(companies: Companies, place: str, folder: Path) -> CompanySignIn:
    """Sign-ins through companies; our keys are in `folder`.

    Raises ConfigError where libraries are missing, or a key cannot be read.
    """
    auth = companies.parts.auth
    private: tuple[RSAPrivateKey, ...] = ()
    if auth.saml and not all(find_spec(name) for name in ("signxml", "lxml", "httpx2", "authlib")):
        raise ConfigError([Mistake("auth.saml", "needs the extra saml", "install it: pip install 'mainspring[saml]'")])
    if auth.saml:
        from mainspring.services.identity.saml.our_keys import open_keys

        private = open_keys(folder)
    return CompanySignIn(companies.parts, companies.elsewhere, companies, place, private)
