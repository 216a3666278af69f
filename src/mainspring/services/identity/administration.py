"""What the service key may do with users."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from mainspring.datatypes import format_utc
from mainspring.errors import AddressTaken, BodyInvalid, Contended, NotSingular, UniqueViolated, UserUnknown
from mainspring.query.ast import Column, Compare, Or, Order, Slot
from mainspring.services.identity import addresses
from mainspring.services.identity.accounts import change, identify, identity_row, logged, stamp, user_row
from mainspring.services.identity.parts import ATTEMPTS, Parts
from mainspring.services.identity.people import Asker, User, now
from mainspring.services.identity.profile import merged
from mainspring.services.identity.revocations import FOREVER, Revocations
from mainspring.services.identity.store import Step

SORTS = frozenset({"created_at", "updated_at", "email", "last_sign_in_at", "id"})
_BY = Asker()


@dataclass(frozen=True, slots=True)
class Account:
    """What is said of an account; None: nothing. `ban` None: nothing, zero: none, else for so long."""

    id: str | None = None
    role: str | None = None
    email: str | None = None
    password: str | None = None
    password_hash: str | None = None
    email_confirm: bool = False
    data: Mapping[str, Any] | None = None
    app_data: Mapping[str, Any] | None = None
    ban: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Administration:
    """Users, as who runs the server sees them."""

    parts: Parts
    revocations: Revocations

    async def page(
        self, number: int, size: int, filter_: str = "", sort: Sequence[tuple[str, bool]] = ()
    ) -> tuple[list[User], int]:
        """One page of users (from 1), the newest first, and how many there are. `filter_` is a part of an address."""
        wanted = "%" + filter_.lower().replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
        where = Or((Compare("like", Column("email"), Slot(0)), Compare("like", Column("phone"), Slot(0)))) if filter_ else None
        order = [Order(Column(name), descending) for name, descending in sort] or [Order(Column("created_at"), True)]
        return await self.parts.store.users.page(where, [wanted] if filter_ else [], order, size, (number - 1) * size)

    async def get(self, uid: str) -> User:
        """A user. Raises UserUnknown."""
        user = await self.parts.store.users.find(id=uid)
        if user is None:
            raise UserUnknown
        return user

    async def create(self, account: Account) -> User:
        """A new user, confirmed only where that is said. Raises BodyInvalid, AddressTaken, PasswordWeak."""
        if not account.email:
            raise BodyInvalid("Cannot create a user without either an email or phone")
        email, store, at = addresses.email(account.email), self.parts.store, stamp()
        row = user_row(aud=self.parts.auth.audience, email=email, data=account.data)
        row |= {"id": account.id or row["id"], "role": account.role or row["role"]}
        row["encrypted_password"] = await self._hashed(account)
        row["email_confirmed_at"] = at if account.email_confirm else None
        row["raw_app_meta_data"] = merged(row["raw_app_meta_data"], account.app_data or {})
        row["banned_until"] = _until(account.ban)
        person = identity_row(row["id"], email, verified=account.email_confirm)
        steps = [store.users.insert(row), store.identities.insert(person)]
        try:
            await store.do(*steps, logged(store, "user_signedup", _BY, row["id"], email, by="service_role"))
        except UniqueViolated as error:
            raise AddressTaken from error
        return await self.get(row["id"])

    async def update(self, uid: str, account: Account) -> User:
        """Change a user at once. Whoever is banned, or has other roles now, has to get new tokens. Raises UserUnknown."""
        for _ in range(ATTEMPTS):
            user = await self.get(uid)
            changes, steps = await self._changes(user, account)
            try:
                noted = logged(self.parts.store, "user_modified", _BY, user.id, user.email, by="service_role")
                await self.parts.sessions.told([change(self.parts.store, user, changes), *steps, noted])
            except NotSingular:
                continue
            except UniqueViolated as error:
                raise AddressTaken from error
            return await self.get(uid)
        raise Contended

    async def _changes(self, user: User, account: Account) -> tuple[dict[str, Any], list[Step]]:
        store, changes = self.parts.store, dict[str, Any]()
        steps: list[Step] = []
        if account.email:
            changes["email"] = email = addresses.email(account.email)
            steps.append(identify(store, user, email))
        if account.email_confirm:
            changes["email_confirmed_at"] = user.email_confirmed_at or stamp()
        if account.data is not None:
            changes["raw_user_meta_data"] = merged(user.raw_user_meta_data, account.data)
        if account.app_data is not None:
            changes["raw_app_meta_data"] = merged(user.raw_app_meta_data, account.app_data)
        if account.role:
            changes["role"] = account.role
        if account.ban is not None:
            changes["banned_until"] = _until(account.ban)
        hashed = await self._hashed(account)
        if hashed is not None:
            changes["encrypted_password"] = hashed
            steps += [store.tokens.clear(user_id=user.id), *self.parts.sessions.end_all(user)]
        elif account.app_data is not None or account.role or account.ban:
            steps += self.parts.sessions.refuse_tokens(user)
        return changes, steps

    async def delete(self, uid: str, *, soft: bool = False) -> None:
        """Remove a user and all that is theirs; softly, so that only the id remains. Raises UserUnknown, ForeignKeyViolated."""
        user, store = await self.get(uid), self.parts.store
        noted = logged(store, "user_deleted", _BY, user.id, None if soft else user.email, by="service_role")
        refused = self.revocations.mark(user.id, FOREVER)
        if soft:
            gone: dict[str, Any] = {
                "email": _obscured(user.id, user.email),
                "phone": _obscured(user.id, user.phone),
                "encrypted_password": None,
                "email_change": None,
                "raw_user_meta_data": {},
                "raw_app_meta_data": {},
                "deleted_at": stamp(),
            }
            ended = [table.clear(user_id=uid) for table in (store.sessions, store.identities, store.tokens, store.flows)]
            steps = [store.users.update(gone, id=uid), *ended]
        else:
            steps = [store.users.delete(id=uid)]
        try:
            await self.parts.sessions.told([*steps, refused, noted])
        except NotSingular:
            raise UserUnknown from None

    async def _hashed(self, account: Account) -> str | None:
        if account.password_hash:
            return self.parts.passwords.accept(account.password_hash)
        if account.password is None:
            return None
        self.parts.passwords.rules.demand(account.password)
        return await self.parts.passwords.hash(account.password)


def _until(ban: timedelta | None) -> str | None:
    return format_utc(now() + ban) if ban else None


def _obscured(uid: str, address: str | None) -> str | None:
    """What stands in the place of an address that is to be forgotten: nobody can sign up as it, and it tells nothing."""
    return hashlib.sha256(f"{uid} {address}".encode()).hexdigest() if address else None
