"""Codes that stand in for a lost factor, each of them once. GoTrue has none; a session says `mfa/recovery_code` of them."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final
from uuid import uuid4

import msgspec
from msgspec.structs import replace

from mainspring.errors import AssuranceTooLow, Contended, NotSingular, ProofInvalid
from mainspring.principal import Principal
from mainspring.services.identity.accounts import change, logged, stamp
from mainspring.services.identity.factors.assurance import guess, person, raised, right
from mainspring.services.identity.flows.profile import Profile
from mainspring.services.identity.parts import ATTEMPTS, Parts
from mainspring.services.identity.people import AAL2, Asker, Granted, Session

CODES: Final = 10
METHOD: Final = "mfa/recovery_code"
_LETTERS: Final = "23456789abcdefghjkmnpqrstuvwxyz"
"""What cannot be mistaken for one another when it is read from paper."""
_LENGTH: Final = 10


class RecoveryCodes(msgspec.Struct, frozen=True):
    """The codes of people. What is stored of them is made with a secret of the server's."""

    parts: Parts
    profile: Profile
    secret: bytes

    async def make(self, principal: Principal, asker: Asker) -> list[str]:
        """New codes in the place of those there were; shown now and never again. Raises AssuranceTooLow."""
        for _ in range(ATTEMPTS):
            user, session = await person(self.profile, principal)
            _demand(session)
            codes = [_new() for _ in range(CODES)]
            rows = [
                {"id": str(uuid4()), "user_id": user.id, "code_hash": self._stored(user.id, each), "created_at": stamp()}
                for each in codes
            ]
            store = self.parts.store
            steps = [store.recovery_codes.clear(user_id=user.id), store.recovery_codes.insert_all(rows)]
            noted = logged(store, "recovery_codes_created", asker, user.id, user.email or user.phone)
            try:  # changing the user lets codes that are made at the same moment come after one another
                await store.do(change(store, user, {}), *steps, noted)
            except NotSingular:
                continue
            return codes
        raise Contended

    async def left(self, principal: Principal) -> int:
        """How many codes still serve."""
        user, _ = await person(self.profile, principal)
        return len(await self.parts.store.recovery_codes.all(user_id=user.id))

    async def verify(self, principal: Principal, code: str, asker: Asker) -> Granted:
        """The session at aal2; the code has served. Raises ProofInvalid, TooManyRequests."""
        user, session = await person(self.profile, principal)
        await guess(self.parts, f"recovery {user.id}", asker)
        store = self.parts.store
        for _ in range(ATTEMPTS):
            found = await store.recovery_codes.find(user_id=user.id, code_hash=self._stored(user.id, code))
            if found is None:
                raise ProofInvalid("recovery")
            await right(self.parts, f"recovery {user.id}", asker)
            granted, steps = await raised(self.parts, user, session, METHOD, None)
            noted = logged(store, "verification_attempted", asker, user.id, user.email or user.phone, factor_type="recovery_code")
            try:
                await self.parts.sessions.told([store.recovery_codes.delete(id=found.id), *steps, noted])
            except NotSingular:  # the code has served, or the session has gone on
                user, session = await person(self.profile, principal)
                continue
            again = await store.users.find(id=user.id)
            return granted if again is None else replace(granted, user=again)
        raise Contended

    async def forget(self, principal: Principal, asker: Asker) -> None:
        """No code serves any more. Raises AssuranceTooLow."""
        user, session = await person(self.profile, principal)
        _demand(session)
        store = self.parts.store
        noted = logged(store, "recovery_codes_deleted", asker, user.id, user.email or user.phone)
        await store.do(store.recovery_codes.clear(user_id=user.id), noted)

    def _stored(self, user: str, code: str) -> str:
        key = hmac.digest(self.secret, b"recovery codes", "sha256")
        bare = "".join(code.lower().split()).replace("-", "")
        return hmac.new(key, f"{user}\0{bare}".encode(), hashlib.sha256).hexdigest()


def _demand(session: Session) -> None:
    if session.aal != AAL2:
        raise AssuranceTooLow("recovery")


def _new() -> str:
    letters = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
    return f"{letters[: _LENGTH // 2]}-{letters[_LENGTH // 2 :]}"
