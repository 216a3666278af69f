"""Signing up: with an address and a password, or without saying who one is."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from typing import Any
from uuid import UUID

import msgspec
from msgspec.structs import replace

from mainspring.errors import MethodDisabled, SignupDisabled, UniqueViolated, UserExists
from mainspring.services.identity.accounts import doubted, identity_row, logged, stamp, user_row
from mainspring.services.identity.addresses import PHONE, Address
from mainspring.services.identity.parts import Parts, as_user
from mainspring.services.identity.passwords.pretence import even
from mainspring.services.identity.people import CONFIRMATION, Asker, Challenge, Granted, Identity, User

Data = Mapping[str, Any]


class SignUp(msgspec.Struct, frozen=True):
    """How new people come in. `secret` makes up who seems to sign up with an address that is taken."""

    parts: Parts
    secret: bytes

    async def with_password(
        self, address: Address, password: str, data: Data, asker: Asker, challenge: Challenge | None, redirect_to: str
    ) -> Granted | User:
        """A new user, signed in at once where addresses need not be confirmed; else a message is on its way.

        Raises SignupDisabled, MethodDisabled, AddressInvalid, PasswordWeak, UserExists, SentTooSoon.
        """
        if not self.parts.auth.signup:
            raise SignupDisabled
        self.parts.demand(address.kind)
        address = address.proper()
        await self.parts.passwords.demand(password)
        at_once = self.parts.autoconfirms(address.kind)
        if not at_once:
            await self.parts.messages.reserve("confirmation", address)
        async with even(0 if at_once else self.parts.auth.even_seconds):  # what others' sign-ups keep it waiting for is inside
            hashed = await self.parts.passwords.hash(password)
            return await self._enter(address, password, hashed, data, asker, challenge, redirect_to)

    async def _enter(
        self,
        address: Address,
        password: str,
        hashed: str,
        data: Data,
        asker: Asker,
        challenge: Challenge | None,
        redirect_to: str,
    ) -> Granted | User:
        """Take in who is new; who is known seems to be new."""
        at_once = self.parts.autoconfirms(address.kind)
        by = {address.kind: address.text}
        user = await self.parts.store.users.find(**by)
        if user is None:
            try:
                return await self._create(address, hashed, data, asker, challenge, redirect_to)
            except UniqueViolated:  # somebody else was faster
                user = await self.parts.store.users.find(**by)
        if user is None or user.confirmed:
            if at_once:
                raise UserExists
            await self._seem(user, address, asker, redirect_to)
            return self._somebody(address, data)
        if at_once:
            await self.parts.messages.reserve("confirmation", address)
        known = await self.parts.passwords.check(password, user.encrypted_password)
        await self.confirm(user, address, asker, challenge, redirect_to, doubtful=not known)
        shown = replace(user, confirmation_sent_at=stamp())
        return shown if user.invited_at is None else replace(shown, raw_user_meta_data={}, identities=[])

    async def _seem(self, user: User | None, address: Address, asker: Asker, redirect_to: str) -> None:
        """Do what takes as long as signing somebody up, for who is in already.

        The owner of a number gets a code to sign in with: a text to that number has been counted, and if none were sent, others
        could keep the owner from getting one.
        """
        if address.kind == PHONE and user is not None:
            await self.confirm(user, address, asker, None, redirect_to)
        else:
            await self.parts.pretence.seem(address.kind)

    async def _create(
        self, address: Address, hashed: str | None, data: Data, asker: Asker, challenge: Challenge | None, redirect_to: str
    ) -> Granted | User:
        store, at, kind, name = self.parts.store, stamp(), address.kind, address.text
        at_once = self.parts.autoconfirms(kind)
        done = {f"{kind}_confirmed_at": at, "last_sign_in_at": at} if at_once else {"confirmation_sent_at": at}
        row = user_row(aud=self.parts.auth.audience, data=data, encrypted_password=hashed, **{kind: name}, **done)
        person = identity_row(row["id"], address, data, verified=at_once)
        steps = [store.users.insert(row), store.identities.insert(person)]
        steps.append(logged(store, "user_signedup", asker, row["id"], name, provider=kind))
        user = replace(as_user(row), identities=[Identity(**person)])
        await self.parts.hooks.before_user_created(user, asker)
        if at_once:
            granted, more = await self.parts.sessions.begin(user, "password", asker)
            await store.do(*steps, *more, logged(store, "login", asker, user.id, name, provider=kind))
            await self.parts.hooks.after_user_created(user, asker)
            return granted
        code, more = self.parts.issue(user.id, CONFIRMATION, address, challenge, "email/signup")
        async with self.parts.pretence.real(kind):
            await store.do(*steps, *more)
            await self.parts.messages.send("confirmation", address, user, code, redirect_to)
        await self.parts.hooks.after_user_created(user, asker)
        return user

    async def by_code(
        self, address: Address, data: Data, asker: Asker, challenge: Challenge | None, redirect_to: str
    ) -> str | None:
        """A new user who has no password; a code confirms the address. The id of a text.

        Raises SignupDisabled, UniqueViolated.
        """
        if not self.parts.auth.signup:
            raise SignupDisabled(by_code=True)
        store, kind, name = self.parts.store, address.kind, address.text
        row = user_row(aud=self.parts.auth.audience, data=data, confirmation_sent_at=stamp(), **{kind: name})
        person = identity_row(row["id"], address, data)
        user = replace(as_user(row), identities=[Identity(**person)])
        await self.parts.hooks.before_user_created(user, asker)
        code, more = self.parts.issue(user.id, CONFIRMATION, address, challenge, "email/signup")
        steps = [store.users.insert(row), store.identities.insert(person)]
        noted = logged(store, "user_signedup", asker, user.id, name, provider=kind)
        async with self.parts.pretence.real(kind):
            await store.do(*steps, *more, noted)
            sent = await self.parts.messages.send("confirmation", address, user, code, redirect_to)
        await self.parts.hooks.after_user_created(user, asker)
        return sent

    async def confirm(
        self,
        user: User,
        address: Address,
        asker: Asker,
        challenge: Challenge | None,
        redirect_to: str,
        *,
        doubtful: bool = False,
    ) -> str | None:
        """Send what confirms the address of somebody who has signed up before. The id of a text.

        With `doubtful` whoever asks does not know the password that was given then: one of the two does not own the address, and
        which one cannot be told. No password is believed until the owner sets one.
        """
        store = self.parts.store
        code, steps = self.parts.issue(user.id, CONFIRMATION, address, challenge, "email/signup")
        forgotten, more = doubted(store, user) if doubtful else ({}, [])
        noted = store.users.update({"confirmation_sent_at": stamp(), **forgotten}, id=user.id)
        await store.do(*steps, *more, noted, logged(store, "user_confirmation_requested", asker, user.id, address.text))
        return await self.parts.messages.send("confirmation", address, user, code, redirect_to)

    async def anonymously(self, data: Data, asker: Asker) -> Granted:
        """A new user of whom nothing is known, signed in. Raises SignupDisabled, MethodDisabled."""
        if not self.parts.auth.signup:
            raise SignupDisabled
        if not self.parts.auth.anonymous:
            raise MethodDisabled("anonymous")
        store = self.parts.store
        row = user_row(aud=self.parts.auth.audience, data=data, last_sign_in_at=stamp())
        user = as_user(row)
        await self.parts.hooks.before_user_created(user, asker)
        granted, steps = await self.parts.sessions.begin(user, "anonymous", asker)
        noted = logged(store, "user_signedup", asker, row["id"], None, provider="anonymous")
        await store.do(store.users.insert(row), *steps, noted)
        await self.parts.hooks.after_user_created(user, asker)
        return granted

    def _somebody(self, address: Address, data: Data) -> User:
        """Who seems to have signed up with an address that is somebody's; the same whenever it is asked."""
        made = hmac.digest(self.secret, f"somebody {address.text}".encode(), "sha256")
        at = stamp()
        row = user_row(aud=self.parts.auth.audience, data=data, confirmation_sent_at=at, **{address.kind: address.text})
        return as_user(row | {"id": str(UUID(bytes=made[:16], version=4)), "role": ""})
