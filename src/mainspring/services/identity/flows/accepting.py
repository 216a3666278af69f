"""Invitations that are accepted with an account elsewhere, instead of following their link.

The invitation proves the address, as its link would; so the account there need only name the same one, and people may come in
this way where nobody can sign up. What was said of the account before the address was proven is not believed (`linking`).
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from mainspring.errors import (
    Contended,
    IdentityTaken,
    InvitationForAnother,
    InvitationUnknown,
    NotSingular,
    UniqueViolated,
    UserBanned,
)
from mainspring.services.identity.accounts import logged, stamp
from mainspring.services.identity.addresses import EMAIL
from mainspring.services.identity.flows.linking import End, Linking
from mainspring.services.identity.opaque import hashed
from mainspring.services.identity.people import CONFIRMATION, Asker, User, moment, now
from mainspring.services.identity.providers.outline import Account
from mainspring.services.identity.sessions import ATTEMPTS
from mainspring.services.identity.store import Step

T = TypeVar("T")


class Accepting(msgspec.Struct, frozen=True):
    """Accepts invitations, named by the token of their link."""

    linking: Linking

    async def demand(self, token: str) -> None:
        """Return where there is such an invitation. Raises InvitationUnknown."""
        if await self._invited(token) is None:
            raise InvitationUnknown(begun=False)

    async def accept(self, token: str, account: Account, asker: Asker, end: End[T]) -> T:
        """Sign in who was invited. Raises InvitationUnknown, InvitationForAnother, IdentityTaken, UserBanned."""
        for _ in range(ATTEMPTS):
            user = await self._invited(token)
            if user is None:
                raise InvitationUnknown
            try:
                return await self._accept(user, account, asker, end)
            except (NotSingular, UniqueViolated):  # somebody else was first
                continue
        raise Contended

    async def _invited(self, token: str) -> User | None:
        """Who was invited at the address that they still have."""
        parts = self.linking.parts
        found = await parts.store.tokens.find(token_hash=hashed(token))
        if found is None or found.users is None or found.token_type != CONFIRMATION:
            return None
        if found.relates_to != found.users.email or now() - moment(found.created_at) > parts.lifetime(EMAIL):
            return None
        return found.users

    async def _accept(self, user: User, account: Account, asker: Asker, end: End[T]) -> T:
        store = self.linking.parts.store
        if user.banned(now()) or user.deleted_at is not None:
            raise UserBanned
        if not account.email or account.email != user.email:
            raise InvitationForAnother
        known = await store.identities.find(provider=account.provider, provider_id=account.subject)
        if known is not None and known.user_id != user.id:
            raise IdentityTaken(True)

        async def accepted(user: User) -> tuple[T, list[Step]]:
            found, steps = await end(user)
            noted = logged(store, "invite_accepted", asker, user.id, user.email, provider=account.provider)
            return found, [store.tokens.clear(user_id=user.id, token_type=CONFIRMATION), noted, *steps]

        if user.confirmed:  # by phone: what they have is theirs
            return await self.linking.again(user, known, account, asker, accepted, {"email_confirmed_at": stamp()})
        return await self.linking.anew(user, account, asker, accepted, user.raw_user_meta_data)
