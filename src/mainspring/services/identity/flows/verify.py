"""Verifying the codes and links that were sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final
from uuid import uuid4

import msgspec
from msgspec.structs import replace

from mainspring.errors import CodeInvalid, NotSingular, UniqueViolated, UserBanned
from mainspring.services.identity.accounts import change, confirmed, doubted, identify, logged, stamp
from mainspring.services.identity.addresses import EMAIL, PHONE, Address
from mainspring.services.identity.opaque import hashed
from mainspring.services.identity.parts import ATTEMPTS, Parts
from mainspring.services.identity.people import (
    CHANGE_CURRENT,
    CHANGE_NEW,
    CONFIRMATION,
    PHONE_CHANGE,
    RECOVERY,
    Asker,
    Granted,
    OneTimeToken,
    User,
    moment,
    now,
)
from mainspring.services.identity.store import Step

BY_EMAIL: Final[Mapping[str, tuple[str, ...]]] = {
    "signup": (CONFIRMATION,),
    "invite": (CONFIRMATION,),
    "magiclink": (RECOVERY,),
    "recovery": (RECOVERY,),
    "email": (CONFIRMATION, RECOVERY),
    "email_change": (CHANGE_NEW, CHANGE_CURRENT),
}
BY_PHONE: Final[Mapping[str, tuple[str, ...]]] = {"sms": (CONFIRMATION,), "phone_change": (PHONE_CHANGE,)}
"""What somebody may say that a code is for, and which codes are for that."""
VERIFIES: Final = {**BY_EMAIL, **BY_PHONE}


class Halfway(msgspec.Struct, frozen=True):
    """One of two addresses has been confirmed; the other still has to be."""


class Continued(msgspec.Struct, frozen=True):
    """The sign-in goes on in the program that began it, with this code."""

    code: str


Verified = Granted | Halfway | Continued


class Verify(msgspec.Struct, frozen=True):
    """What a code or a link leads to."""

    parts: Parts

    async def code(self, kind: str, address: Address, digits: str, asker: Asker) -> Verified:
        """What a typed code leads to. Raises CodeInvalid, TooManyRequests, UserBanned."""
        address = address.proper()
        wanted = (BY_PHONE if address.kind == PHONE else BY_EMAIL).get(kind, ())
        account = f"code {address.text}"
        await self.parts.guess(account, asker)
        hashes = [each for purpose in wanted for each in self.parts.codes.candidates(address.text, purpose, digits)]
        for _ in range(ATTEMPTS):
            found = await self.parts.store.tokens.any_of("token_hash", hashes)
            token = next((each for each in found if each.token_type in wanted and each.relates_to == address.text), None)
            if token is None:
                raise CodeInvalid
            await self.parts.right(account, asker)
            try:
                return await self._consume(replace(token, flow_state_id=None), address, asker)
            except NotSingular:
                continue
        raise CodeInvalid

    async def link(self, kind: str, text: str, asker: Asker, *, browser: bool = False) -> Verified:
        """What a link leads to; in a browser to a code for the program that asked for it. Raises CodeInvalid, UserBanned."""
        for _ in range(ATTEMPTS):
            token = await self.parts.store.tokens.find(token_hash=hashed(text))
            if token is None or token.token_type not in BY_EMAIL.get(kind, ()):
                raise CodeInvalid(link=True)
            token = token if browser else replace(token, flow_state_id=None)
            try:
                return await self._consume(token, Address(EMAIL, token.relates_to), asker, link=True)
            except NotSingular:
                continue
        raise CodeInvalid(link=True)

    async def _consume(self, token: OneTimeToken, address: Address, asker: Asker, *, link: bool = False) -> Verified:
        """Use a token up and do what it is for, in one go. Raises NotSingular when somebody else was first."""
        user, store, kind = token.users, self.parts.store, address.kind
        if user is None or now() - moment(token.created_at) > self.parts.lifetime(kind):
            raise CodeInvalid(link)
        changes_to = token.token_type in (CHANGE_NEW, PHONE_CHANGE)
        if address.text != (user.wanted(kind) if changes_to else user.address(kind)):  # it has been changed since
            raise CodeInvalid(link)
        if user.banned(now()):
            raise UserBanned
        used = store.tokens.delete(id=token.id, token_hash=token.token_hash)
        if changes_to or token.token_type == CHANGE_CURRENT:
            return await self._changed(token, user, kind, used, asker)
        changes: dict[str, Any] = {"last_sign_in_at": stamp()}
        steps = [used]
        if not user.has_confirmed(kind):
            if token.token_type == RECOVERY and not user.confirmed:  # who was here before proved nothing about the address
                forgotten, more = doubted(store, user)
                user, changes, steps = replace(user, **forgotten), changes | forgotten, [*steps, *more]
            changes |= confirmed(user, kind)
            steps.append(identify(store, user, address))
        return await self._enter(token, user, changes, steps, asker)

    async def _changed(self, token: OneTimeToken, user: User, kind: str, used: Step, asker: Asker) -> Verified:
        """One of the addresses agrees to a change; with the last one it is made."""
        store, new = self.parts.store, Address(kind, user.wanted(kind) or "")
        needs_both = kind == EMAIL and self.parts.auth.secure_email_change and bool(user.email)
        if needs_both and user.email_change_confirm_status == 0:
            await store.do(used, change(store, user, {"email_change_confirm_status": 1}))
            return Halfway()
        steps = [used, identify(store, user, new), store.tokens.clear(user_id=user.id, token_type=CHANGE_CURRENT)]
        try:
            return await self._enter(token, user, changed(user, new) | {"last_sign_in_at": stamp()}, steps, asker)
        except UniqueViolated:  # somebody else has taken the address since
            raise CodeInvalid from None

    async def _enter(
        self, token: OneTimeToken, user: User, changes: Mapping[str, Any], steps: Sequence[Step], asker: Asker
    ) -> Verified:
        store = self.parts.store
        after = replace(user, **changes)
        noted = logged(store, "login", asker, user.id, after.email or after.phone)
        steps = [*steps, change(store, user, changes)]
        if token.flow_state_id is not None:
            code = str(uuid4())
            issued = store.flows.update({"auth_code": hashed(code), "auth_code_issued_at": stamp()}, id=token.flow_state_id)
            await store.do(*steps, issued)
            return Continued(code)
        granted, more = await self.parts.sessions.begin(after, "otp", asker)
        await self.parts.sessions.told([*steps, *more, noted])
        again = await store.users.find(id=user.id)
        return granted if again is None else replace(granted, user=again)


def changed(user: User, new: Address) -> dict[str, Any]:
    """What becomes of a user who has another address now, which is known to be theirs."""
    column = f"{new.kind}_confirmed_at"
    changes = confirmed(replace(user, **{column: None}), new.kind)
    status = {"email_change_confirm_status": 0} if new.kind == EMAIL else {}
    return changes | {new.kind: new.text, f"{new.kind}_change": None, **status}
