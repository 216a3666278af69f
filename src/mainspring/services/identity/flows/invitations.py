"""Invitations, and links made for somebody to be handed over in another way than by our mails. The service key's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from mainspring.errors import AddressTaken, BodyInvalid, Contended, NotSingular, UniqueViolated, UserUnknown
from mainspring.services.identity.accounts import Row, change, doubted, identity_row, logged, merged, stamp, user_row
from mainspring.services.identity.addresses import EMAIL, Address
from mainspring.services.identity.messages.codes import Code
from mainspring.services.identity.parts import ATTEMPTS, Parts, as_user
from mainspring.services.identity.people import CHANGE_CURRENT, CHANGE_NEW, CONFIRMATION, RECOVERY, Asker, Identity, User
from mainspring.services.identity.store import Step

SIGNUP, INVITE, MAGIC_LINK, RECOVER, CURRENT, NEW = KINDS = (
    "signup",
    "invite",
    "magiclink",
    "recovery",
    "email_change_current",
    "email_change_new",
)
"""What a link can be for."""
_BY: Final = Asker()


class Wanted(msgspec.Struct, frozen=True):
    """A link that is wanted, of one of the `KINDS`."""

    kind: str
    email: str
    new_email: str = ""
    password: str | None = None
    data: Mapping[str, Any] | None = None
    redirect_to: str = ""


class Link(msgspec.Struct, frozen=True):
    """A link for a user, and the code that does the same."""

    kind: str
    user: User
    url: str
    code: Code
    redirect_to: str


class Made(msgspec.Struct, frozen=True):
    """A code for a user, as the steps will leave them."""

    kind: str
    user: User
    code: Code
    steps: list[Step]
    is_new: bool = False


class Invitations(msgspec.Struct, frozen=True):
    """How people are asked in. Whoever is told a link or its code is signed in with it, so only the service key is."""

    parts: Parts

    async def invite(self, email: str, data: Mapping[str, Any], redirect_to: str) -> User:
        """Mail somebody a link that lets them in. Raises AddressInvalid, AddressTaken for who is in, SentTooSoon."""
        address = Address(EMAIL, email).proper()
        user = await self.parts.store.users.find(email=address.text)
        if user is not None and user.has_confirmed(EMAIL):
            raise AddressTaken
        await self.parts.messages.reserve("invite", address)
        made = await self._made(Wanted(INVITE, address.text, data=data), address)
        await self.parts.messages.send("invite", address, made.user, made.code, redirect_to)
        return made.user

    async def link(self, wanted: Wanted) -> Link:
        """A link; nothing is mailed. Raises AddressInvalid, AddressTaken, UserUnknown, BodyInvalid, PasswordWeak."""
        made = await self._made(wanted, Address(EMAIL, wanted.email).proper())
        named = "email_change" if made.kind in (CURRENT, NEW) else made.kind
        url = self.parts.messages.link(made.code.token, named, wanted.redirect_to)
        return Link(made.kind, made.user, url, made.code, wanted.redirect_to)

    async def _made(self, wanted: Wanted, address: Address) -> Made:
        hashed = await self._hashed(wanted)
        for _ in range(ATTEMPTS):
            user = await self.parts.store.users.find(email=address.text)
            made = await self._make(wanted, address, user, hashed)
            if made.is_new:
                await self.parts.hooks.before_user_created(made.user, _BY)
            try:
                await self.parts.sessions.told(made.steps)
            except (UniqueViolated, NotSingular):  # somebody else was faster
                continue
            if made.is_new:
                await self.parts.hooks.after_user_created(made.user, _BY)
            return made
        raise Contended

    async def _make(self, wanted: Wanted, address: Address, user: User | None, hashed: str | None) -> Made:
        match wanted.kind:
            case "invite":
                return self._entering(wanted, address, user, None, invited=True)
            case "signup":
                if user is None and hashed is None:
                    raise BodyInvalid("Signup requires a valid password")
                return self._entering(wanted, address, user, hashed)
            case "magiclink" if user is None:
                return self._entering(Wanted(SIGNUP, wanted.email, data=wanted.data), address, user, None)
        if user is None:
            raise UserUnknown
        if wanted.kind in (MAGIC_LINK, RECOVER):
            return self._returning(wanted, address, user)
        return await self._changing(wanted, address, user)

    def _entering(
        self, wanted: Wanted, address: Address, user: User | None, hashed: str | None, *, invited: bool = False
    ) -> Made:
        """Somebody new, or who has not been here since the address was first named.

        Who named it is not known: the only password believed is the one that the service key gives.
        """
        store, at = self.parts.store, stamp()
        sent: Row = {"confirmation_sent_at": at} | ({"invited_at": at} if invited else {})
        if hashed is not None:
            sent["encrypted_password"] = hashed
        is_new, email = user is None, address.text
        if user is None:
            row = user_row(aud=self.parts.auth.audience, email=email, data=wanted.data, **sent)
            person = identity_row(row["id"], address)
            after = replace(as_user(row), identities=[Identity(**person)])
            steps = [store.users.insert(row), store.identities.insert(person)]
        elif user.has_confirmed(EMAIL):
            raise AddressTaken
        else:
            if wanted.data is not None and not invited:
                sent["raw_user_meta_data"] = merged(user.raw_user_meta_data, wanted.data)
            forgotten, more = ({}, []) if user.confirmed else doubted(store, user)
            sent = forgotten | sent
            after, steps = replace(user, **sent), [change(store, user, sent), *more]
        code, issued = self.parts.issue(after.id, CONFIRMATION, address)
        action = "user_invited" if invited else "user_signedup" if is_new else "user_confirmation_requested"
        noted = logged(store, action, _BY, after.id, email, by="service_role", user_id=after.id, user_email=email)
        return Made(wanted.kind, after, code, [*steps, *issued, noted], is_new)

    def _returning(self, wanted: Wanted, address: Address, user: User) -> Made:
        store, sent = self.parts.store, {"recovery_sent_at": stamp()}
        code, issued = self.parts.issue(user.id, RECOVERY, address)
        noted = logged(store, "user_recovery_requested", _BY, user.id, address.text, by="service_role")
        return Made(wanted.kind, replace(user, **sent), code, [change(store, user, sent), *issued, noted])

    async def _changing(self, wanted: Wanted, address: Address, user: User) -> Made:
        """One of the two links that change an address; where both are needed, they agree on the new one."""
        store, by_new = self.parts.store, wanted.kind == NEW
        if not by_new and not self.parts.auth.secure_email_change:
            raise BodyInvalid("Enable secure email change to generate link for current email")
        new = Address(EMAIL, wanted.new_email).proper()
        if await store.users.find(email=new.text) is not None:
            raise AddressTaken
        sent: Row = {"email_change": new.text, "email_change_sent_at": stamp(), "email_change_confirm_status": 0}
        code, issued = self.parts.issue(user.id, CHANGE_NEW if by_new else CHANGE_CURRENT, new if by_new else address)
        other = CHANGE_CURRENT if by_new else CHANGE_NEW
        steps = [change(store, user, sent)]
        if user.email_change != new.text:
            steps.append(store.tokens.clear(user_id=user.id, token_type=other))
        noted = logged(store, "user_modified", _BY, user.id, user.email, by="service_role")
        return Made(wanted.kind, replace(user, **sent), code, [*steps, *issued, noted])

    async def _hashed(self, wanted: Wanted) -> str | None:
        if not wanted.password or wanted.kind != SIGNUP:
            return None
        await self.parts.passwords.demand(wanted.password)
        return await self.parts.passwords.hash(wanted.password)
