"""Signing up: by e-mail with a password, or without saying who one is."""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from msgspec.structs import replace

from mainspring.errors import MethodDisabled, SignupDisabled, UniqueViolated, UserExists
from mainspring.services.identity import addresses
from mainspring.services.identity.accounts import identity_row, logged, stamp, user_row
from mainspring.services.identity.parts import Parts, as_user
from mainspring.services.identity.people import CONFIRMATION, Asker, Challenge, Granted, Identity, User

Data = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class SignUp:
    """How new people come in. `secret` makes up who seems to sign up with an address that is taken."""

    parts: Parts
    secret: bytes

    async def with_password(
        self, email: str, password: str, data: Data, asker: Asker, challenge: Challenge | None, redirect_to: str
    ) -> Granted | User:
        """A new user, signed in at once where addresses need not be confirmed; else a mail is on its way.

        Raises SignupDisabled, MethodDisabled, AddressInvalid, PasswordWeak, UserExists, SentTooSoon.
        """
        auth = self.parts.auth
        if not auth.signup:
            raise SignupDisabled
        if not auth.email:
            raise MethodDisabled("email")
        email = addresses.email(email)
        self.parts.passwords.rules.demand(password)
        hashed = await self.parts.passwords.hash(password)
        user = await self.parts.store.users.find(email=email)
        if user is None:
            try:
                return await self._create(email, hashed, data, asker, challenge, redirect_to)
            except UniqueViolated:  # somebody else was faster
                user = await self.parts.store.users.find(email=email)
        if user is not None and not user.confirmed:
            await self.parts.messages.reserve("confirmation", email)
            known = await self.parts.passwords.check(password, user.encrypted_password)
            return await self.confirm(user, asker, challenge, redirect_to, doubtful=not known)
        if auth.autoconfirm:
            raise UserExists
        return self._somebody(email, data)

    async def _create(
        self, email: str, hashed: str | None, data: Data, asker: Asker, challenge: Challenge | None, redirect_to: str
    ) -> Granted | User:
        store, at = self.parts.store, stamp()
        done = {"email_confirmed_at": at, "last_sign_in_at": at} if self.parts.auth.autoconfirm else {"confirmation_sent_at": at}
        row = user_row(aud=self.parts.auth.audience, email=email, data=data, encrypted_password=hashed, **done)
        person = identity_row(row["id"], email, data, verified=self.parts.auth.autoconfirm)
        steps = [store.users.insert(row), store.identities.insert(person)]
        steps.append(logged(store, "user_signedup", asker, row["id"], email, provider="email"))
        user = replace(as_user(row), identities=[Identity(**person)])
        if self.parts.auth.autoconfirm:
            granted, more = self.parts.sessions.begin(user, "password", asker)
            await store.do(*steps, *more, logged(store, "login", asker, user.id, email, provider="email"))
            return granted
        await self.parts.messages.reserve("confirmation", email)
        code, more = self.parts.issue(user.id, CONFIRMATION, email, challenge, "email/signup")
        await store.do(*steps, *more)
        await self.parts.messages.send("confirmation", email, user, code, redirect_to)
        return user

    async def by_code(self, email: str, data: Data, asker: Asker, challenge: Challenge | None, redirect_to: str) -> None:
        """A new user who has no password; a mail confirms the address. Raises SignupDisabled, UniqueViolated."""
        if not self.parts.auth.signup:
            raise SignupDisabled(by_code=True)
        store = self.parts.store
        row = user_row(aud=self.parts.auth.audience, email=email, data=data, confirmation_sent_at=stamp())
        user = as_user(row)
        code, more = self.parts.issue(user.id, CONFIRMATION, email, challenge, "email/signup")
        steps = [store.users.insert(row), store.identities.insert(identity_row(user.id, email, data))]
        await store.do(*steps, *more, logged(store, "user_signedup", asker, user.id, email, provider="email"))
        await self.parts.messages.send("confirmation", email, user, code, redirect_to)

    async def confirm(
        self, user: User, asker: Asker, challenge: Challenge | None, redirect_to: str, *, doubtful: bool = False
    ) -> User:
        """Send the mail that confirms the address of somebody who has signed up before.

        With `doubtful` whoever asks does not know the password that was given then: one of the two does not own the address, and
        which one cannot be told. No password is believed until the owner sets one.
        """
        email, store, at = user.email or "", self.parts.store, stamp()
        code, steps = self.parts.issue(user.id, CONFIRMATION, email, challenge, "email/signup")
        forgotten = {"encrypted_password": None} if doubtful else {}
        noted = store.users.update({"confirmation_sent_at": at, **forgotten}, id=user.id)
        await store.do(*steps, noted, logged(store, "user_confirmation_requested", asker, user.id, email))
        await self.parts.messages.send("confirmation", email, user, code, redirect_to)
        return replace(user, confirmation_sent_at=at)

    async def anonymously(self, data: Data, asker: Asker) -> Granted:
        """A new user of whom nothing is known, signed in. Raises SignupDisabled, MethodDisabled."""
        if not self.parts.auth.signup:
            raise SignupDisabled
        if not self.parts.auth.anonymous:
            raise MethodDisabled("anonymous")
        store = self.parts.store
        row = user_row(aud=self.parts.auth.audience, data=data, last_sign_in_at=stamp())
        granted, steps = self.parts.sessions.begin(as_user(row), "anonymous", asker)
        noted = logged(store, "user_signedup", asker, row["id"], None, provider="anonymous")
        await store.do(store.users.insert(row), *steps, noted)
        return granted

    def _somebody(self, email: str, data: Data) -> User:
        """Who seems to have signed up with an address that is somebody's; the same whenever it is asked."""
        made = hmac.digest(self.secret, f"somebody {email}".encode(), "sha256")
        at = stamp()
        row = user_row(aud=self.parts.auth.audience, email=email, data=data, confirmation_sent_at=at)
        return as_user(row | {"id": str(UUID(bytes=made[:16], version=4)), "role": ""})
