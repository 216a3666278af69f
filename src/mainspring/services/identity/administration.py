"""What the service key may do with users."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import msgspec

from mainspring.datatypes import format_utc
from mainspring.errors import AddressInvalid, AddressTaken, BodyInvalid, Contended, NotSingular, UniqueViolated, UserUnknown
from mainspring.query.ast import Column, Compare, Or, Order, Slot
from mainspring.services.identity.accounts import change, identify, identity_row, logged, merged, stamp, user_row
from mainspring.services.identity.addresses import EMAIL, PHONE, Address
from mainspring.services.identity.parts import ATTEMPTS, Parts
from mainspring.services.identity.people import Asker, User, now
from mainspring.services.identity.store import Step, Table
from mainspring.services.identity.tokens.revocations import FOREVER, Revocations

SORTS = frozenset({"created_at", "updated_at", "email", "last_sign_in_at", "id"})
_BY = Asker()


class Account(msgspec.Struct, frozen=True):
    """What is said of an account; None: nothing. `ban` None: nothing, zero: none, else for so long."""

    id: str | None = None
    role: str | None = None
    email: str | None = None
    phone: str | None = None
    password: str | None = None
    password_hash: str | None = None
    email_confirm: bool = False
    phone_confirm: bool = False
    data: Mapping[str, Any] | None = None
    app_data: Mapping[str, Any] | None = None
    ban: timedelta | None = None

    def addresses(self) -> list[Address]:
        """The addresses said. Raises AddressInvalid."""
        said = ((EMAIL, self.email), (PHONE, self.phone))
        return [Address(kind, text).proper() for kind, text in said if text]

    def confirms(self, kind: str) -> bool:
        """Whether the address of a kind is to count as confirmed."""
        return self.phone_confirm if kind == PHONE else self.email_confirm


class Administration(msgspec.Struct, frozen=True):
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

    async def named(self, text: str) -> User:
        """A user by id, e-mail address or phone number. Raises UserUnknown."""
        by: dict[str, str] = {}
        try:
            by = {"id": str(UUID(text))}
        except ValueError:
            kind = EMAIL if "@" in text else PHONE
            with contextlib.suppress(AddressInvalid):
                by = {kind: Address(kind, text).proper().text}
        user = await self.parts.store.users.find(**by) if by else None
        if user is None:
            raise UserUnknown
        return user

    async def create(self, account: Account) -> User:
        """A new user, confirmed only where that is said. Raises BodyInvalid, AddressTaken, PasswordWeak."""
        addresses = account.addresses()
        if not addresses:
            raise BodyInvalid("Cannot create a user without either an email or phone")
        store, at = self.parts.store, stamp()
        row = user_row(aud=self.parts.auth.audience, data=account.data, **{each.kind: each.text for each in addresses})
        row |= {"id": account.id or row["id"], "role": account.role or row["role"]}
        row["encrypted_password"] = await self._hashed(account)
        row |= {f"{each.kind}_confirmed_at": at for each in addresses if account.confirms(each.kind)}
        row["raw_app_meta_data"] = merged(row["raw_app_meta_data"], account.app_data or {})
        row["banned_until"] = _until(account.ban)
        people = [identity_row(row["id"], each, verified=account.confirms(each.kind)) for each in addresses]
        steps = [store.users.insert(row), *map(store.identities.insert, people)]
        noted = logged(store, "user_signedup", _BY, row["id"], addresses[0].text, by="service_role")
        try:
            await store.do(*steps, noted)
        except UniqueViolated as error:
            raise await self._taken(addresses) from error
        return await self.get(row["id"])

    async def _taken(self, addresses: Sequence[Address]) -> AddressTaken:
        """Which of the addresses somebody else has."""
        for each in addresses[1:]:
            if await self.parts.store.users.find(**{each.kind: each.text}) is not None:
                return AddressTaken(each.kind)
        return AddressTaken(addresses[0].kind if addresses else EMAIL)

    async def update(self, uid: str, account: Account) -> User:
        """Change a user at once. Whoever is banned, or has other roles now, has to get new tokens. Raises UserUnknown."""
        for _ in range(ATTEMPTS):
            user = await self.get(uid)
            changes, steps = await self._changes(user, account)
            try:
                noted = logged(self.parts.store, "user_modified", _BY, user.id, user.email or user.phone, by="service_role")
                await self.parts.sessions.told([change(self.parts.store, user, changes), *steps, noted])
            except NotSingular:
                continue
            except UniqueViolated as error:
                raise await self._taken(account.addresses()) from error
            return await self.get(uid)
        raise Contended

    async def _changes(self, user: User, account: Account) -> tuple[dict[str, Any], list[Step]]:
        store, changes = self.parts.store, dict[str, Any]()
        steps: list[Step] = []
        for address in account.addresses():
            changes[address.kind] = address.text
            steps.append(identify(store, user, address))
        if account.email_confirm:
            changes["email_confirmed_at"] = user.email_confirmed_at or stamp()
        if account.phone_confirm:
            changes["phone_confirmed_at"] = user.phone_confirmed_at or stamp()
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
                "phone_change": None,
                "raw_user_meta_data": {},
                "raw_app_meta_data": {},
                "deleted_at": stamp(),
            }
            theirs: tuple[Table[Any], ...] = (store.sessions, store.identities, store.tokens, store.flows, *store.proofs)
            ended = [table.clear(user_id=uid) for table in theirs]
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
        await self.parts.passwords.demand(account.password)
        return await self.parts.passwords.hash(account.password)


def _until(ban: timedelta | None) -> str | None:
    return format_utc(now() + ban) if ban else None


def _obscured(uid: str, address: str | None) -> str | None:
    """What stands in the place of an address that is to be forgotten: nobody can sign up as it, and it tells nothing."""
    return hashlib.sha256(f"{uid} {address}".encode()).hexdigest() if address else None
