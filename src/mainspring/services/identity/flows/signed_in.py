"""Where somebody is signed in: sessions looked at and ended one by one. GoTrue tells nobody of them."""

from __future__ import annotations

import msgspec

from mainspring.principal import Principal
from mainspring.services.identity.accounts import logged
from mainspring.services.identity.flows.profile import Profile
from mainspring.services.identity.parts import Parts
from mainspring.services.identity.people import Asker, Session, User, now
from mainspring.services.identity.sessions import GLOBAL, LOCAL


class SignedIn(msgspec.Struct, frozen=True):
    """The sessions of people; not those of programs, which end with what was allowed them."""

    parts: Parts
    profile: Profile

    async def own(self, principal: Principal) -> tuple[list[Session], str | None]:
        """Where the one who asks is signed in, the latest first, and in which of these they ask."""
        user, session = await self.profile.of(principal)
        return await self.of(user), session.id if session else None

    async def of(self, user: User) -> list[Session]:
        """Where a user is signed in, the latest first."""
        at, found = now(), await self.parts.store.sessions.all(user_id=user.id)
        going = [each for each in found if each.oauth_client_id is None and self.parts.sessions.goes_on(each, user, at)]
        return sorted(going, key=lambda each: each.refreshed_at or each.created_at, reverse=True)

    async def end_own(self, principal: Principal, session: str, asker: Asker) -> bool:
        """End one of one's own; False where there is no such one."""
        user, _ = await self.profile.of(principal)
        return await self.end(user, session, asker)

    async def end(self, user: User, session: str, asker: Asker) -> bool:
        """End one of a user's; False where there is no such one."""
        found = await self.parts.store.sessions.find(id=session, user_id=user.id)
        if found is None or found.oauth_client_id is not None:
            return False
        await self._end(user, session, LOCAL, asker)
        return True

    async def end_all(self, user: User, asker: Asker) -> None:
        """End all of a user's, with those of programs."""
        await self._end(user, None, GLOBAL, asker)

    async def _end(self, user: User, session: str | None, scope: str, asker: Asker) -> None:
        noted = logged(self.parts.store, "logout", asker, user.id, user.email or user.phone)
        await self.parts.sessions.end(user.id, session, scope, noted)
