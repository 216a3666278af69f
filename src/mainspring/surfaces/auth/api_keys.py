"""Keys for services, beyond what GoTrue has: made, listed, changed and revoked with the service key."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from mainspring.errors import AdministratorRequired
from mainspring.principal import SERVICE
from mainspring.services.identity.keys.scoped_keys import CLAIM, ApiKey, Changes
from mainspring.services.identity.keys.scopes import read_age
from mainspring.services.identity.people import now
from mainspring.surfaces.auth import parse, render
from mainspring.surfaces.auth.asked import Answer, Asked, Desk, pages
from mainspring.surfaces.auth.errors import invalid


class Body(msgspec.Struct):
    """POST and PATCH `/admin/api-keys`: what is left out stays as it is."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    role: str | msgspec.UnsetType = msgspec.UNSET
    tables: dict[str, list[str]] | msgspec.UnsetType | None = msgspec.UNSET
    expires_at: datetime | msgspec.UnsetType | None = msgspec.UNSET
    expires_in: str | msgspec.UnsetType = msgspec.UNSET

    def expiry(self) -> datetime | msgspec.UnsetType | None:
        """When it ends. Raises BodyInvalid, Refused."""
        if self.expires_in is msgspec.UNSET:
            return self.expires_at
        if self.expires_at is not msgspec.UNSET:
            raise invalid("Only one of expires_at and expires_in should be provided")
        return now() + read_age(self.expires_in)


class KeyDesk(Desk, frozen=True):
    """The endpoints for the service key."""

    def holder(self, asked: Asked) -> None:
        """Return when the service key itself asks: a key that could make others would outlive its own end."""
        self.administrator(asked)
        if CLAIM in self.bearer(asked).claims:
            raise AdministratorRequired

    async def list_keys(self, asked: Asked) -> Answer:
        """GET /admin/api-keys."""
        self.holder(asked)
        number, size = parse.page(dict(asked.query))
        rows, total = await self.identity.scoped_keys.page(number, size)
        return Answer(200, render.json({"api_keys": [_told(row) for row in rows]}), pages(asked.here, number, size, total))

    async def create_key(self, asked: Asked) -> Answer:
        """POST /admin/api-keys: the only answer with the key itself."""
        self.holder(asked)
        said = parse.body(asked.body, Body)
        if said.name is msgspec.UNSET:
            raise invalid("name is required")
        role = SERVICE if said.role is msgspec.UNSET else said.role
        tables = None if said.tables is msgspec.UNSET else said.tables
        expiry = said.expiry()
        row, key = await self.identity.scoped_keys.create(said.name, role, tables, None if expiry is msgspec.UNSET else expiry)
        return Answer(201, render.json({**_told(row), "key": key}))

    async def get_key(self, asked: Asked) -> Answer:
        """GET /admin/api-keys/{id}."""
        self.holder(asked)
        return Answer(body=render.json(_told(await self.identity.scoped_keys.get(_id(asked)))))

    async def change_key(self, asked: Asked) -> Answer:
        """PATCH /admin/api-keys/{id}. A key keeps its role."""
        self.holder(asked)
        said = parse.body(asked.body, Body)
        if said.role is not msgspec.UNSET:
            raise invalid("The role of a key cannot be changed; make another key")
        changes = Changes(name=said.name, tables=said.tables, expires_at=said.expiry())
        return Answer(body=render.json(_told(await self.identity.scoped_keys.change(_id(asked), changes))))

    async def revoke_key(self, asked: Asked) -> Answer:
        """DELETE /admin/api-keys/{id}."""
        self.holder(asked)
        await self.identity.scoped_keys.revoke(_id(asked))
        return Answer(204, b"")


def _id(asked: Asked) -> str:
    return parse.uuid(asked.named["id"], "id")


def _told(row: ApiKey) -> dict[str, Any]:
    moments = {
        "expires_at": row.expires_at,
        "last_used_at": row.last_used_at,
        "created_at": row.created_at,
        "updated_at": row.updated_at,
    }
    facts = {"id": row.id, "name": row.name, "hint": row.hint, "role": row.role, "tables": row.tables}
    return facts | {name: at and at.replace("+00:00", "Z") for name, at in moments.items()}
