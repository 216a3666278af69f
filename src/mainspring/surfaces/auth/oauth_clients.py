"""Programs that people sign in to: kept by whoever has the service key, or registered by themselves where that is allowed."""

from __future__ import annotations

from typing import Any

import msgspec

from mainspring.errors import FeatureDisabled
from mainspring.http.headers import NO_STORE
from mainspring.services.identity.oauth_server.clients import DYNAMIC, MANUAL, Client, Clients, Registration
from mainspring.surfaces.auth import parse, render
from mainspring.surfaces.auth.asked import Answer, Asked, Desk, pages
from mainspring.surfaces.auth.errors import Refused, invalid

_REGISTRATIONS = 10


class ClientBody(msgspec.Struct):
    """What is said of a program."""

    redirect_uris: list[str] | None = None
    client_type: str | None = None
    token_endpoint_auth_method: str | None = None
    grant_types: list[str] | None = None
    client_name: str | None = None
    client_uri: str | None = None
    logo_uri: str | None = None
    scope: str | None = None

    def registration(self, *, limited: bool = True) -> Registration:
        """The same; without scopes where a program itself says it, so that it may ask for others later."""
        said = msgspec.structs.asdict(self)
        scope = said.pop("scope")
        return Registration(**said, scopes=scope if limited else None)


class ClientDesk(Desk, frozen=True):
    """The endpoints about programs."""

    def clients(self, asked: Asked) -> Clients:
        """The programs, for the service key. Raises FeatureDisabled, AdministratorRequired."""
        server = self.oauth_server
        self.administrator(asked)
        return server.clients

    async def list_clients(self, asked: Asked) -> Answer:
        """GET /admin/oauth/clients."""
        clients = self.clients(asked)
        number, size = parse.page(dict(asked.query))
        found, total = await clients.page(number, size)
        return Answer(200, render.json({"clients": [_told(each) for each in found]}), pages(asked.here, number, size, total))

    async def create_client(self, asked: Asked) -> Answer:
        """POST /admin/oauth/clients."""
        clients = self.clients(asked)
        return _answer(*await clients.register(parse.body(asked.body, ClientBody).registration(), MANUAL), status=201)

    async def get_client(self, asked: Asked) -> Answer:
        """GET /admin/oauth/clients/{id}."""
        return _answer(await self.clients(asked).get(_id(asked)))

    async def change_client(self, asked: Asked) -> Answer:
        """PUT /admin/oauth/clients/{id}."""
        clients = self.clients(asked)
        return _answer(await clients.change(_id(asked), parse.body(asked.body, ClientBody).registration()))

    async def remove_client(self, asked: Asked) -> Answer:
        """DELETE /admin/oauth/clients/{id}."""
        await self.clients(asked).remove(_id(asked))
        return Answer(204, b"")

    async def renew_secret(self, asked: Asked) -> Answer:
        """POST /admin/oauth/clients/{id}/regenerate_secret."""
        return _answer(*await self.clients(asked).renew_secret(_id(asked)))

    async def register(self, asked: Asked) -> Answer:
        """POST /oauth/clients/register (RFC 7591)."""
        if not self.auth.oauth_server:
            raise FeatureDisabled("OAuth server")
        if not self.auth.oauth_registration:
            text = "Dynamic client registration is not enabled"
            raise Refused(403, "oauth_dynamic_client_registration_disabled", text)
        await self.bound(asked, "oauth registration", _REGISTRATIONS)
        said = parse.body(asked.body, ClientBody)
        return _answer(*await self.identity.oauth.clients.register(said.registration(limited=False), DYNAMIC), status=201)


def _id(asked: Asked) -> str:
    try:
        return parse.uuid(asked.named["id"], "client_id")
    except Refused:
        raise invalid("invalid client_id format") from None


def _answer(client: Client, secret: str | None = None, *, status: int = 200) -> Answer:
    """A program; with its secret, which does not end by itself (RFC 7591, 3.2.1: that is 0)."""
    told = _told(client) | ({"client_secret": secret, "client_secret_expires_at": 0} if secret is not None else {})
    return Answer(status, render.json(told), [NO_STORE])


def _told(client: Client) -> dict[str, Any]:
    optional = {"client_name": client.client_name, "client_uri": client.client_uri, "logo_uri": client.logo_uri}
    optional |= {"scope": client.scopes}
    return {
        "client_id": client.id,
        "client_type": client.client_type,
        "redirect_uris": client.redirect_uris,
        "token_endpoint_auth_method": client.token_endpoint_auth_method,
        "grant_types": client.grant_types,
        "response_types": ["code"],
        **{name: value for name, value in optional.items() if value},
        "registration_type": client.registration_type,
        "created_at": client.created_at.replace("+00:00", "Z"),
        "updated_at": client.updated_at.replace("+00:00", "Z"),
    }
