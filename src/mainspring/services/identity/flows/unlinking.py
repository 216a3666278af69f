"""Who may change how they sign in; and taking a way of signing in off one's own account. The last one stays."""

from __future__ import annotations

import msgspec

from mainspring.errors import (
    Contended,
    IdentityLast,
    IdentityNeeded,
    IdentityUnknown,
    LinkingDisabled,
    NotSingular,
    UniqueViolated,
)
from mainspring.principal import Principal
from mainspring.services.identity.accounts import Row, change, logged
from mainspring.services.identity.addresses import EMAIL, PHONE
from mainspring.services.identity.factors.assurance import demand
from mainspring.services.identity.flows.profile import Profile
from mainspring.services.identity.parts import ATTEMPTS, Parts
from mainspring.services.identity.people import Asker, Identity, User
from mainspring.services.identity.store import Step


class Unlinking(msgspec.Struct, frozen=True):
    """Takes identities off."""

    parts: Parts
    profile: Profile

    async def owner(self, principal: Principal) -> User:
        """Who may change how they sign in. Raises LinkingDisabled, AssuranceTooLow."""
        user, session = await self.profile.of(principal)
        if not self.parts.auth.manual_linking:
            raise LinkingDisabled
        demand(user, session, "identities")
        return user

    async def remove(self, principal: Principal, identity: str, asker: Asker) -> None:
        """Take an identity off. Raises LinkingDisabled, AssuranceTooLow, IdentityUnknown, IdentityLast, IdentityNeeded."""
        for _ in range(ATTEMPTS):
            user = await self.owner(principal)
            if len(user.identities) <= 1:
                raise IdentityLast
            gone = next((each for each in user.identities if each.id == identity), None)
            if gone is None:
                raise IdentityUnknown
            try:
                return await self.parts.store.do(*self._steps(user, gone, asker))
            except NotSingular:  # somebody else changes the user at the same time
                continue
            except UniqueViolated:
                raise IdentityNeeded from None
        raise Contended

    def _steps(self, user: User, gone: Identity, asker: Asker) -> list[Step]:
        store = self.parts.store
        left = [each for each in user.identities if each.id != gone.id]
        providers = list(dict.fromkeys(each.provider for each in left))
        app = {**(user.raw_app_meta_data or {}), "provider": providers[0], "providers": providers}
        changes = {"raw_app_meta_data": app, **self._address(user, gone, left)}
        traits = {"identity_id": gone.id, "provider": gone.provider, "provider_id": gone.provider_id}
        steps = [store.identities.delete(id=gone.id), change(store, user, changes)]
        if EMAIL in changes or PHONE in changes:
            steps.append(store.tokens.clear(user_id=user.id))
        return [*steps, logged(store, "identity_unlinked", asker, user.id, user.email, **traits)]

    def _address(self, user: User, gone: Identity, left: list[Identity]) -> Row:
        """What becomes of the address (and with it of the password) that only the identity stood for."""
        changes: Row = {"encrypted_password": None} if gone.provider == EMAIL else {}
        if gone.provider == PHONE:
            return {"phone": None, "phone_confirmed_at": None, "phone_change": None}
        if any(each.email == user.email for each in left):
            return changes
        told = [each for each in left if each.email and (each.identity_data or {}).get("email_verified") is True]
        changes |= {"email": told[0].email if told else None, "encrypted_password": None, "email_change": None}
        return changes if told else {**changes, "email_confirmed_at": None}
