"""Providers that the service key adds."""

from __future__ import annotations

from typing import Any

import msgspec

from mainspring.services.identity.people import CustomProvider
from mainspring.services.identity.providers.custom import TYPES
from mainspring.surfaces.auth import parse, render
from mainspring.surfaces.auth.asked import Answer, Asked, Desk
from mainspring.surfaces.auth.errors import invalid

_USUAL: dict[str, Any] = {
    "acceptable_client_ids": [],
    "scopes": [],
    "pkce_enabled": True,
    "attribute_mapping": {},
    "custom_claims_allowlist": [],
    "authorization_params": {},
    "enabled": True,
    "email_optional": False,
    "skip_nonce_check": False,
}


class Custom(Desk, frozen=True):
    """The endpoints at `/admin/custom-providers`."""

    async def list_providers(self, asked: Asked) -> Answer:
        """GET /admin/custom-providers."""
        self.administrator(asked)
        kind = asked.query.get("type", "")
        if kind and kind not in TYPES:
            raise invalid("type must be either 'oauth2' or 'oidc'")
        found = await self.identity.custom_providers.all(kind)
        return Answer(body=render.json({"providers": [_shown(each) for each in found]}))

    async def create(self, asked: Asked) -> Answer:
        """POST /admin/custom-providers."""
        self.administrator(asked)
        made = await self.identity.custom_providers.create({**_USUAL, **_said(asked)}, asked.asker)
        return Answer(201, render.json(_shown(made)))

    async def get(self, asked: Asked) -> Answer:
        """GET /admin/custom-providers/{id}."""
        self.administrator(asked)
        return Answer(body=render.json(_shown(await self.identity.custom_providers.get(_named(asked)))))

    async def change(self, asked: Asked) -> Answer:
        """PUT /admin/custom-providers/{id}."""
        self.administrator(asked)
        changed = await self.identity.custom_providers.update(_named(asked), _said(asked), asked.asker)
        return Answer(body=render.json(_shown(changed)))

    async def delete(self, asked: Asked) -> Answer:
        """DELETE /admin/custom-providers/{id}."""
        self.administrator(asked)
        await self.identity.custom_providers.delete(_named(asked), asked.asker)
        return Answer(204, b"")


def _named(asked: Asked) -> str:
    identifier = asked.named["id"]
    if not identifier.startswith("custom:"):
        raise invalid("identifier must start with 'custom:' prefix")
    return identifier


def _said(asked: Asked) -> dict[str, Any]:
    said = msgspec.structs.asdict(parse.body(asked.body, parse.CustomProviderBody))
    return {name: value for name, value in said.items() if value is not None}


def _shown(found: CustomProvider) -> dict[str, Any]:
    """A provider, without its secret."""
    told = {name: value for name, value in msgspec.structs.asdict(found).items() if value is not None and name != "client_secret"}
    at = found.updated_at or found.created_at
    return {**told, "created_at": found.created_at.replace("+00:00", "Z"), "updated_at": at.replace("+00:00", "Z")}
