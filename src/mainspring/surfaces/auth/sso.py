"""Companies that sign in their people: being sent there, coming back, and which there are."""

from __future__ import annotations

from typing import Any, Final

import msgspec

from mainspring.errors import MainspringError
from mainspring.http.headers import Header
from mainspring.services.identity.flows.verify import Continued
from mainspring.services.identity.people import SsoProvider
from mainspring.surfaces.auth import parse, render
from mainspring.surfaces.auth.asked import Answer, Asked, Desk, joined, sent
from mainspring.surfaces.auth.elsewhere import failed
from mainspring.surfaces.auth.errors import invalid

_XML: Final[list[Header]] = [(b"content-type", b"application/samlmetadata+xml"), (b"cache-control", b"public, max-age=600")]
_DOWNLOAD: Final[Header] = (b"content-disposition", b'attachment; filename="metadata.xml"')


class Sso(Desk, frozen=True):
    """The endpoints of companies."""

    async def begin(self, asked: Asked) -> Answer:
        """POST /sso."""
        self.identity.companies.demand()
        await self.bound(asked, "sso", self.auth.rate_verify)
        said = parse.body(asked.body, parse.SsoBody)
        if said.provider_id and said.domain:
            raise invalid("Only one of provider_id or domain supported")
        if not said.provider_id and not said.domain:
            raise invalid("A provider_id or domain needs to be provided")
        provider = parse.uuid(said.provider_id, "provider_id") if said.provider_id else None
        to = self.identity.parts.redirects.choose(said.redirect_to) if said.redirect_to else self.target(asked)
        url = await self.identity.company_sign_in.begin(provider, said.domain, said.challenge(), to)
        return Answer(body=render.json({"url": url})) if said.skip_http_redirect else sent(url)

    async def metadata(self, asked: Asked) -> Answer:
        """GET /sso/saml/metadata."""
        self.identity.companies.demand()
        download = [_DOWNLOAD] if asked.query.get("download") == "true" else []
        return Answer(body=await self.identity.company_sign_in.metadata(), headers=[*_XML, *download])

    async def consume(self, asked: Asked) -> Answer:
        """POST /sso/saml/acs: a company sends somebody back."""
        self.identity.companies.demand()
        redirects, sign_in = self.identity.parts.redirects, self.identity.company_sign_in
        to = redirects.site_url
        try:
            await self.bound(asked, "saml", self.auth.rate_verify)
            said = parse.query(asked.body)
            relay, answer = said.get("RelayState", ""), said.get("SAMLResponse", "")
            if not relay or relay.startswith("/") or "://" in relay:  # nothing of ours: where the company would have them go
                to = redirects.choose(relay)
                return sent(to, render.fragment(await sign_in.unasked(answer, asked.asker)), 302)
            flow = await sign_in.recall(relay)
            to = flow.referrer or to
            found = await sign_in.finish(flow, answer, asked.asker)
        except MainspringError as error:
            return failed(to, error)
        if isinstance(found, Continued):
            return sent(joined(to, f"code={found.code}"), status=302)
        return sent(to, render.fragment(found), 302)

    # ------------------------------------------------------------ the service key's

    async def list_providers(self, asked: Asked) -> Answer:
        """GET /admin/sso/providers."""
        self._admin(asked)
        found = await self.identity.companies.all()
        return Answer(body=render.json({"items": [_shown(each, whole=False) for each in found]}))

    async def create(self, asked: Asked) -> Answer:
        """POST /admin/sso/providers."""
        self._admin(asked)
        said = _said(asked)
        if said.get("type") != "saml":
            raise invalid("Only 'saml' supported for SSO provider type")
        return Answer(201, render.json(_shown(await self.identity.companies.create(said, asked.asker))))

    async def get(self, asked: Asked) -> Answer:
        """GET /admin/sso/providers/{id}."""
        self._admin(asked)
        return Answer(body=render.json(_shown(await self.identity.companies.get(_named(asked)))))

    async def change(self, asked: Asked) -> Answer:
        """PUT /admin/sso/providers/{id}."""
        self._admin(asked)
        return Answer(body=render.json(_shown(await self.identity.companies.update(_named(asked), _said(asked), asked.asker))))

    async def delete(self, asked: Asked) -> Answer:
        """DELETE /admin/sso/providers/{id}."""
        self._admin(asked)
        return Answer(body=render.json(_shown(await self.identity.companies.delete(_named(asked), asked.asker))))

    def _admin(self, asked: Asked) -> None:
        self.administrator(asked)
        self.identity.companies.demand()


def _named(asked: Asked) -> str:
    named = asked.named["id"]
    return named if named.startswith("resource_") else parse.uuid(named, "id")


def _said(asked: Asked) -> dict[str, Any]:
    said = msgspec.structs.asdict(parse.body(asked.body, parse.SsoProviderBody))
    return {name: value for name, value in said.items() if value is not None}


def _shown(found: SsoProvider, *, whole: bool = True) -> dict[str, Any]:
    """A company; without the text of its metadata in lists."""
    saml = {
        "entity_id": found.entity_id,
        "metadata_xml": found.metadata_xml if whole else None,
        "metadata_url": found.metadata_url,
        "attribute_mapping": found.attribute_mapping or {},
        "name_id_format": found.name_id_format,
    }
    told: dict[str, Any] = {
        "id": found.id,
        "disabled": found.disabled,
        "saml": {name: value for name, value in saml.items() if value is not None},
        "domains": [{"domain": each.domain} for each in found.sso_domains],
        "created_at": found.created_at.replace("+00:00", "Z"),
        "updated_at": (found.updated_at or found.created_at).replace("+00:00", "Z"),
    }
    return told | ({"resource_id": found.resource_id} if found.resource_id else {})
