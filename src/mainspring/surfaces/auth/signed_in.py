"""Where people are signed in, beyond what GoTrue has: for themselves, and for the service key."""

from __future__ import annotations

from typing import Any, Final

from mainspring.services.identity.people import Session
from mainspring.surfaces.auth import parse, render
from mainspring.surfaces.auth.asked import Answer, Asked, Desk
from mainspring.surfaces.auth.errors import Refused

_NONE: Final = "Session not found"


class SignedInDesk(Desk, frozen=True):
    """The endpoints about sessions."""

    async def list_own(self, asked: Asked) -> Answer:
        """GET /user/sessions."""
        found, here = await self.identity.signed_in.own(self.bearer(asked))
        return Answer(body=render.json([{**_told(each), "current": each.id == here} for each in found]))

    async def end_own(self, asked: Asked) -> Answer:
        """DELETE /user/sessions/{session}."""
        principal = self.bearer(asked)
        return _ended(await self.identity.signed_in.end_own(principal, _session(asked), asked.asker))

    async def list_of(self, asked: Asked) -> Answer:
        """GET /admin/users/{id}/sessions."""
        self.administrator(asked)
        user = await self.identity.administration.get(parse.uuid(asked.named["id"], "user_id"))
        return Answer(body=render.json([_told(each) for each in await self.identity.signed_in.of(user)]))

    async def end_of(self, asked: Asked) -> Answer:
        """DELETE /admin/users/{id}/sessions/{session}."""
        self.administrator(asked)
        user = await self.identity.administration.get(parse.uuid(asked.named["id"], "user_id"))
        return _ended(await self.identity.signed_in.end(user, _session(asked), asked.asker))

    async def end_all_of(self, asked: Asked) -> Answer:
        """DELETE /admin/users/{id}/sessions."""
        self.administrator(asked)
        user = await self.identity.administration.get(parse.uuid(asked.named["id"], "user_id"))
        await self.identity.signed_in.end_all(user, asked.asker)
        return Answer(204, b"")


def _session(asked: Asked) -> str:
    return parse.uuid(asked.named["session"], "session_id")


def _ended(was_there: bool) -> Answer:
    if not was_there:
        raise Refused(404, "validation_failed", _NONE)
    return Answer(204, b"")


def _told(session: Session) -> dict[str, Any]:
    return {
        "id": session.id,
        "created_at": render.moment(session.created_at),
        "refreshed_at": render.moment(session.refreshed_at) if session.refreshed_at else None,
        "user_agent": session.user_agent or "",
        "ip": session.ip or "",
        "aal": session.aal,
        "amr": session.amr,
    }
