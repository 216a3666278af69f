"""The session as a cookie that scripts cannot read: begun with a refresh token, renewed, ended. For browser apps of this site."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec

from mainspring.errors import BearerMissing, BodyInvalid, FeatureDisabled, RefreshTokenUnknown
from mainspring.http.cookies import SessionCookie
from mainspring.http.headers import NO_STORE
from mainspring.surfaces.auth import parse, render
from mainspring.surfaces.auth.asked import Answer, Asked, Desk
from mainspring.surfaces.auth.errors import invalid


class CookieBody(msgspec.Struct):
    """With what a cookie begins; without it, the cookie itself is renewed."""

    refresh_token: str | None = None


class CookieDesk(Desk, frozen=True):
    """The endpoints about the cookie."""

    cookie: SessionCookie | None

    def _ours(self, asked: Asked) -> SessionCookie:
        """The cookie, where a page of ours asks. Raises FeatureDisabled, Refused."""
        if self.cookie is None:
            raise FeatureDisabled("The session cookie")
        if not self.cookie.trusted(asked.headers):
            raise invalid("unauthorized request origin")
        return self.cookie

    async def begin(self, asked: Asked) -> Answer:
        """POST /cookie: refresh, and keep what comes of it in the cookie. The answer tells no token."""
        cookie = self._ours(asked)
        await self.bound(asked, "token", self.auth.rate_token)
        said = parse.body(asked.body or b"{}", CookieBody)
        token = said.refresh_token or cookie.session(asked.headers).get("refresh_token")
        if not isinstance(token, str):
            raise BearerMissing
        granted = await self.identity.refreshing.refresh(token, asked.asker)
        session: dict[str, Any] = render.tokens(granted)
        told = {"expires_at": session["expires_at"], "expires_in": session["expires_in"], "user": render.user(granted.user)}
        small = {"id": granted.user.id, "email": granted.user.email or "", "role": granted.user.role or ""}
        return Answer(body=render.json(told), headers=[NO_STORE, *cookie.written({**session, "user": small})])

    async def end(self, asked: Asked) -> Answer:
        """DELETE /cookie: sign out here."""
        cookie = self._ours(asked)
        token = cookie.session(asked.headers).get("refresh_token")
        if isinstance(token, str):
            with suppress(RefreshTokenUnknown, BodyInvalid):  # the cookie is taken away all the same
                await self.identity.sessions.end_of(token)
        return Answer(204, b"", cookie.cleared())
