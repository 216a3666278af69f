"""Passkeys: registering them, signing in with them, and those there are."""

from __future__ import annotations

from typing import Any

import msgspec

from mainspring.errors import PasskeyUnknown
from mainspring.services.identity.factors.passkeys import Begun
from mainspring.services.identity.factors.proofs import Passkey
from mainspring.services.identity.people import Asker
from mainspring.surfaces.auth import parse, render
from mainspring.surfaces.auth.asked import Answer, Asked, Desk, session_of
from mainspring.surfaces.auth.errors import Refused, invalid


class CredentialBody(msgspec.Struct):
    """What a browser answers in the name of a key."""

    challenge_id: str = ""
    credential: dict[str, Any] | None = None


class NameBody(msgspec.Struct):
    """PATCH `/passkeys/{id}`."""

    friendly_name: str | None = None


class PasskeyDesk(Desk, frozen=True):
    """The endpoints of passkeys."""

    async def begin_registration(self, asked: Asked) -> Answer:
        """POST /passkeys/registration/options."""
        return _begun(await self.identity.passkeys.begin_registration(self.bearer(asked)))

    async def register(self, asked: Asked) -> Answer:
        """POST /passkeys/registration/verify."""
        principal = self.bearer(asked)
        challenge, credential = _said(asked)
        made = await self.identity.passkeys.register(principal, challenge, credential, asked.asker)
        return Answer(body=render.json(_item(made)))

    async def begin_authentication(self, asked: Asked) -> Answer:
        """POST /passkeys/authentication/options."""
        await self.bound(asked, "passkey", self.auth.rate_verify)
        return _begun(await self.identity.passkeys.begin_authentication())

    async def authenticate(self, asked: Asked) -> Answer:
        """POST /passkeys/authentication/verify."""
        await self.bound(asked, "token", self.auth.rate_token)
        challenge, credential = _said(asked)
        return session_of(await self.identity.passkeys.authenticate(challenge, credential, asked.asker))

    async def list_own(self, asked: Asked) -> Answer:
        """GET /passkeys."""
        found = await self.identity.passkeys.of(self.bearer(asked))
        return Answer(body=render.json([_item(each) for each in found]))

    async def rename(self, asked: Asked) -> Answer:
        """PATCH /passkeys/{id}."""
        principal, pid = self.bearer(asked), _passkey(asked, "id")
        said = parse.body(asked.body, NameBody)
        found = await self.identity.passkeys.rename(principal, pid, said.friendly_name or "", asked.asker)
        return Answer(body=render.json(_item(found)))

    async def remove(self, asked: Asked) -> Answer:
        """DELETE /passkeys/{id}."""
        await self.identity.passkeys.remove(self.bearer(asked), _passkey(asked, "id"), asked.asker)
        return Answer(204, b"")

    # ------------------------------------------------------------ for the service key

    async def list_of(self, asked: Asked) -> Answer:
        """GET /admin/users/{id}/passkeys."""
        self.administrator(asked)
        user = await self.identity.administration.get(parse.uuid(asked.named["id"], "user_id"))
        return Answer(body=render.json([_item(each) for each in await self.identity.passkeys.of_user(user.id)]))

    async def remove_of(self, asked: Asked) -> Answer:
        """DELETE /admin/users/{id}/passkeys/{passkey}."""
        self.administrator(asked)
        user = await self.identity.administration.get(parse.uuid(asked.named["id"], "user_id"))
        await self.identity.passkeys.take(user, _passkey(asked, "passkey"), Asker(), by="service_role")
        return Answer(204, b"")


def _said(asked: Asked) -> tuple[str, dict[str, Any]]:
    said = parse.body(asked.body, CredentialBody)
    if not said.challenge_id:
        raise invalid("challenge_id is required")
    if said.credential is None:
        raise invalid("credential is required")
    return parse.uuid(said.challenge_id, "challenge_id"), said.credential


def _passkey(asked: Asked, name: str) -> str:
    try:
        return parse.uuid(asked.named[name], name)
    except Refused:
        raise PasskeyUnknown from None


def _begun(found: Begun) -> Answer:
    return Answer(body=render.json({"challenge_id": found.id, "options": found.options, "expires_at": found.expires_at}))


def _item(found: Passkey) -> dict[str, Any]:
    told = {"id": found.id, "created_at": render.moment(found.created_at)}
    if found.friendly_name:
        told["friendly_name"] = found.friendly_name
    if found.last_used_at:
        told["last_used_at"] = render.moment(found.last_used_at)
    return told
