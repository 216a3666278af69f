"""Inviting people, making links for them, and the audit log: the service key's."""

from __future__ import annotations

from typing import Any

import msgspec

from mainspring.services.identity.entries import SCOPES
from mainspring.services.identity.flows.invitations import KINDS, Wanted
from mainspring.surfaces.auth import parse, render
from mainspring.surfaces.auth.asked import Answer, Asked, Desk, pages
from mainspring.surfaces.auth.errors import invalid


class InviteBody(msgspec.Struct):
    """`/invite`."""

    email: str | None = None
    data: dict[str, Any] | None = None


class LinkBody(msgspec.Struct):
    """`/admin/generate_link`."""

    type: str | None = None
    email: str | None = None
    new_email: str | None = None
    password: str | None = None
    data: dict[str, Any] | None = None
    redirect_to: str | None = None


class Inviting(Desk, frozen=True):
    """The endpoints."""

    async def invite(self, asked: Asked) -> Answer:
        """POST /invite."""
        self.administrator(asked)
        said = parse.body(asked.body, InviteBody)
        user = await self.identity.invitations.invite(said.email or "", said.data or {}, self.target(asked))
        return Answer(body=render.user_document(user))

    async def link(self, asked: Asked) -> Answer:
        """POST /admin/generate_link."""
        self.administrator(asked)
        said = parse.body(asked.body, LinkBody)
        if said.type not in KINDS:
            raise invalid(f"Invalid email action link type requested: {(said.type or '')[:30]}")
        to = self.target(asked)
        if said.redirect_to and self.identity.parts.redirects.choose(said.redirect_to) == said.redirect_to:
            to = said.redirect_to
        made = await self.identity.invitations.link(
            Wanted(said.type, said.email or "", said.new_email or "", said.password, said.data, to)
        )
        told = {
            **render.user(made.user),
            "action_link": made.url,
            "email_otp": made.code.digits,
            "hashed_token": made.code.token,
            "verification_type": made.kind,
            "redirect_to": made.redirect_to,
        }
        return Answer(body=render.json(told))

    async def audit(self, asked: Asked) -> Answer:
        """GET /admin/audit."""
        self.administrator(asked)
        number, size = parse.page(dict(asked.query))
        scope, colon, part = asked.query.get("query", "").partition(":")
        if (scope or colon) and (scope not in SCOPES or not colon):
            raise invalid(f"Invalid query scope: {asked.query['query'][:50]}")
        entries, total = await self.identity.entries.page(number, size, scope, part)
        return Answer(
            body=render.json([render.entry(each) for each in entries]),
            headers=pages(asked.here, number, size, total, asked.query),
        )
