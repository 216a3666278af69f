"""What a signed-in person does about their own account."""

from __future__ import annotations

from mainspring.services.identity.flows.profile import Wishes
from mainspring.services.identity.sessions import GLOBAL, SCOPES
from mainspring.surfaces.auth import parse, render
from mainspring.surfaces.auth.asked import Answer, Asked, Desk, posted
from mainspring.surfaces.auth.errors import invalid


class Own(Desk, frozen=True):
    """The endpoints for the bearer of a user's token."""

    async def user(self, asked: Asked) -> Answer:
        """GET /user."""
        return Answer(body=await self.identity.profile.shown(self.bearer(asked, programs=True), render.user_document))

    async def update_user(self, asked: Asked) -> Answer:
        """PUT /user."""
        principal = self.bearer(asked)
        await self.bound(asked, "user", self.auth.rate_send)
        said = parse.body(asked.body, parse.UserBody)
        wishes = Wishes(
            email=said.email,
            phone=said.phone,
            channel=parse.channel(said.channel),
            password=said.password,
            current_password=said.current_password,
            nonce=said.nonce,
            data=said.data,
            app_data=said.app_metadata,
            challenge=said.challenge(),
            redirect_to=self.target(asked),
        )
        return Answer(body=render.user_document(await self.identity.profile.update(principal, wishes, asked.asker)))

    async def logout(self, asked: Asked) -> Answer:
        """POST /logout."""
        scope = asked.query.get("scope", GLOBAL)
        if scope not in SCOPES:
            raise invalid(f"Unsupported logout scope {scope[:20]}")
        await self.identity.profile.sign_out(self.bearer(asked), scope, asked.asker)
        return Answer(204, b"")

    async def reauthenticate(self, asked: Asked) -> Answer:
        """GET /reauthenticate."""
        user, _ = await self.identity.profile.of(self.bearer(asked))
        return posted(await self.identity.mailed.reauthenticate(user, asked.asker))
