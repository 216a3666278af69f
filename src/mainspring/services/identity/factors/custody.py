"""Second factors given up by their owners, or taken from them by who runs the server."""

from __future__ import annotations

import msgspec
from msgspec.structs import replace

from mainspring.errors import (
    AssuranceTooLow,
    BodyInvalid,
    Contended,
    FactorNameTaken,
    FactorUnknown,
    NotSingular,
    UniqueViolated,
)
from mainspring.principal import Principal
from mainspring.services.identity import addresses
from mainspring.services.identity.accounts import change, logged, stamp
from mainspring.services.identity.addresses import PHONE
from mainspring.services.identity.factors.assurance import LONGEST_NAME, METHODS, lowered, person
from mainspring.services.identity.flows.profile import Profile
from mainspring.services.identity.parts import ATTEMPTS, Parts
from mainspring.services.identity.people import AAL2, Asker, Factor, User
from mainspring.services.identity.store import Step


class Custody(msgspec.Struct, frozen=True):
    """Factors that are there, and how they go."""

    parts: Parts
    profile: Profile

    async def unenroll(self, principal: Principal, fid: str, asker: Asker) -> Factor:
        """Give a factor up. Raises FactorUnknown, AssuranceTooLow."""
        for _ in range(ATTEMPTS):
            user, session = await person(self.profile, principal)
            factor = next((each for each in user.factors if each.id == fid), None)
            if factor is None:
                raise FactorUnknown
            if factor.verified and session.aal != AAL2:
                raise AssuranceTooLow("unenroll")
            try:
                return await self._remove(user, factor, "factor_unenrolled", asker)
            except NotSingular:
                continue
        raise Contended

    async def change(self, user: User, factor: Factor, name: str = "", phone: str = "") -> Factor:
        """Call a factor something else, or let it be another phone. Raises BodyInvalid, AddressInvalid, FactorNameTaken."""
        if len(name) > LONGEST_NAME:
            raise BodyInvalid(f"friendly_name must be {LONGEST_NAME} characters or less")
        changes = {"friendly_name": name} if name else {}
        if phone and factor.factor_type == PHONE:
            changes["phone"] = addresses.phone(phone)
        store, changes = self.parts.store, {**changes, "updated_at": stamp()}
        noted = logged(
            store, "factor_updated", Asker(), user.id, user.email or user.phone, factor_id=factor.id, by="service_role"
        )
        try:
            await store.do(store.factors.update(changes, id=factor.id, user_id=user.id), noted)
        except NotSingular:
            raise FactorUnknown from None
        except UniqueViolated:
            raise FactorNameTaken(name) from None
        return replace(factor, **changes)

    async def take(self, uid: str, fid: str) -> Factor:
        """Take a factor from its owner, who may have lost it. Raises FactorUnknown."""
        for _ in range(ATTEMPTS):
            user = await self.parts.store.users.find(id=uid)
            factor = next((each for each in user.factors if each.id == fid), None) if user else None
            if user is None or factor is None:
                raise FactorUnknown
            try:
                return await self._remove(user, factor, "factor_deleted", Asker(), by="service_role")
            except NotSingular:
                continue
        raise Contended

    async def _remove(self, user: User, factor: Factor, action: str, asker: Asker, **told: str) -> Factor:
        """Take a factor away with what it has proved; with the last one go the codes that stand in for it."""
        store = self.parts.store
        steps: list[Step] = [
            store.factors.delete(id=factor.id, status=factor.status),
            change(store, user, {}),
            *await lowered(self.parts, user, factor.id, METHODS[factor.factor_type]),
        ]
        if not any(each.verified for each in user.factors if each.id != factor.id):
            steps.append(store.recovery_codes.clear(user_id=user.id))
        noted = logged(
            store, action, asker, user.id, user.email or user.phone, factor_id=factor.id, factor_status=factor.status, **told
        )
        await store.do(*steps, noted)
        return factor
