"""Whose account a way of signing in belongs to: joined by an address that both have proven, or else nobody's but its own.

An account whose address was never proven may have been made by somebody else, who waits for its owner. Whoever proves the address
gets it empty: no password, no session, no other way of signing in and no code under way survives.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from contextlib import nullcontext
from typing import TypeVar
from uuid import uuid4

import msgspec
from msgspec.structs import replace

from mainspring.errors import (
    AddressMissing,
    AddressTaken,
    AddressUnverified,
    Contended,
    IdentityTaken,
    NotSingular,
    SignupDisabled,
    UniqueViolated,
    UserBanned,
    UserUnknown,
)
from mainspring.services.identity.accounts import Row, change, logged, merged, stamp, user_row
from mainspring.services.identity.addresses import EMAIL, Address
from mainspring.services.identity.parts import Parts, as_user
from mainspring.services.identity.passwords.pretence import even
from mainspring.services.identity.people import CONFIRMATION, Asker, Identity, User, now
from mainspring.services.identity.providers.outline import Account
from mainspring.services.identity.sessions import ATTEMPTS, cut
from mainspring.services.identity.store import Step, Store

T = TypeVar("T")
End = Callable[[User], Awaitable[tuple[T, list[Step]]]]
"""What signing in comes to for a user, and the steps of it."""


class Linking(msgspec.Struct, frozen=True):
    """Signs in who is known elsewhere, and adds accounts elsewhere to one's own."""

    parts: Parts

    async def enter(self, account: Account, asker: Asker, end: End[T], redirect_to: str = "") -> T:
        """Sign in with an account elsewhere; whoever is new gets an account here.

        Raises UserBanned, SignupDisabled, AddressMissing, AddressUnverified, SentTooSoon.
        """
        async with nullcontext() if account.verified or not account.email else even(self.parts.auth.even_seconds):
            for _ in range(ATTEMPTS):
                try:
                    return await self._enter(account, asker, end, redirect_to)
                except (NotSingular, UniqueViolated):  # somebody else was first
                    continue
        raise Contended

    async def _enter(self, account: Account, asker: Asker, end: End[T], redirect_to: str) -> T:
        store = self.parts.store
        known = await store.identities.find(provider=account.provider, provider_id=account.subject)
        owner = {"id": known.user_id} if known else {"email": account.email}
        user = await store.users.find(**owner) if known or account.email else None
        if user is None:
            return await self._new(account, asker, end, redirect_to)
        proven = account.verified and account.email == user.email
        if known is None and not proven:
            await self._seem(account)
            raise AddressUnverified(account.provider)
        if user.banned(now()) or user.deleted_at is not None:
            raise UserBanned
        if known is None and (account.apart or user.is_sso_user):
            raise AddressTaken
        if self._trusted(user) or (known and not user.email):
            return await self.again(user, known, account, asker, end)
        if proven:
            return await self.anew(user, account, asker, end)
        if known and user.email_confirmed_at is not None:
            return await self.again(user, known, account, asker, end)
        await self._confirm(user, asker, redirect_to)
        raise AddressUnverified(account.provider)

    def _trusted(self, user: User) -> bool:
        """Whether somebody has proven the user's address: by mail, or to a provider that tells so.

        Where addresses need not be confirmed, having signed up with one proves nothing.
        """
        if user.email_confirmed_at is None:
            return False
        return not self.parts.auth.autoconfirm or any(
            each.provider != "email" and each.email == user.email and (each.identity_data or {}).get("email_verified") is True
            for each in user.identities
        )

    # ------------------------------------------------------------ four ways to come in

    async def _new(self, account: Account, asker: Asker, end: End[T], redirect_to: str) -> T:
        """Somebody who was not here before."""
        auth, store, at = self.parts.auth, self.parts.store, stamp()
        if not auth.signup:
            raise SignupDisabled
        if not account.email and not account.email_optional:
            raise AddressMissing
        certain = account.verified or auth.autoconfirm
        done = {"email_confirmed_at": at} if account.email and certain else {}
        row = user_row(
            aud=auth.audience,
            email=account.email or None,
            data=account.data(),
            is_anonymous=False,
            is_sso_user=account.apart,
            **done,
        )
        row["raw_app_meta_data"] = _providers({}, [account.provider])
        identity = _row(row["id"], account)
        row["last_sign_in_at"] = at if certain or not account.email else None
        user = replace(as_user(row), identities=[Identity(**identity)])
        await self.parts.hooks.before_user_created(user, asker)
        steps = [store.users.insert(row), store.identities.insert(identity)]
        steps.append(logged(store, "user_signedup", asker, row["id"], account.email, provider=account.provider))
        if account.email and not certain:
            await self.parts.messages.reserve("confirmation", Address(EMAIL, account.email))
            async with self.parts.pretence.real(EMAIL):
                await self._unconfirmed(user, steps, redirect_to)
                await self.parts.hooks.after_user_created(user, asker)
            raise AddressUnverified(account.provider)
        found = await self._done(user, steps, end)
        await self.parts.hooks.after_user_created(user, asker)
        return found

    async def again(
        self, user: User, known: Identity | None, account: Account, asker: Asker, end: End[T], more: Row | None = None
    ) -> T:
        """Somebody who is known, perhaps in another way until now. `more`: what else is changed of them."""
        store = self.parts.store
        identity = _row(user.id, account)
        if known is None:
            steps = [store.identities.insert(identity)]
            steps.append(_noted(store, "identity_linked", asker, user, Identity(**identity)))
        else:
            seen = {name: identity[name] for name in ("identity_data", "email", "last_sign_in_at", "updated_at")}
            steps = [store.identities.update(seen, id=known.id)]
        named = [*(each.provider for each in user.identities), account.provider]
        changes = {
            "last_sign_in_at": stamp(),
            "raw_user_meta_data": merged(user.raw_user_meta_data, account.data()),
            "raw_app_meta_data": _providers(user.raw_app_meta_data, named),
            **(more or {}),
        }
        steps.append(logged(store, "login", asker, user.id, user.email, provider=account.provider))
        return await self._done(replace(user, **changes), [change(store, user, changes), *steps], end)

    async def anew(self, user: User, account: Account, asker: Asker, end: End[T], told: Row | None = None) -> T:
        """Somebody proves an address with which an account was made by whoever: it is theirs, and nothing is left of it but
        what was `told` of them.
        """
        store = self.parts.store
        changes = {
            **UNPROVEN,
            "email_confirmed_at": stamp(),
            "last_sign_in_at": stamp(),
            "is_anonymous": False,
            "raw_user_meta_data": merged(told, account.data()),
            "raw_app_meta_data": _providers(user.raw_app_meta_data, [account.provider]),
        }
        steps = [change(store, user, changes), *self.parts.sessions.end_all(user), *store.belongings(user.id)]
        steps.append(store.identities.insert(_row(user.id, account)))
        steps.append(logged(store, "user_signedup", asker, user.id, user.email, provider=account.provider))
        again = replace(user, **changes, tokens_valid_from=cut(user))
        return await self._done(again, steps, end)

    async def _done(self, user: User, steps: list[Step], end: End[T]) -> T:
        found, more = await end(user)
        await self.parts.sessions.told([*steps, *more])
        return found

    # ------------------------------------------------------------ addresses that are not proven

    async def _confirm(self, user: User, asker: Asker, redirect_to: str) -> None:
        """Send what confirms the address of somebody who came in before, but did not prove it."""
        await self.parts.messages.reserve("confirmation", Address(EMAIL, user.email or ""))
        store = self.parts.store
        sent = store.users.update({"confirmation_sent_at": stamp()}, id=user.id)
        noted = logged(store, "user_confirmation_requested", asker, user.id, user.email)
        await self._unconfirmed(user, [sent, noted], redirect_to)

    async def _seem(self, account: Account) -> None:
        """Act as for somebody new, so that nothing tells whether an address that is not proven is somebody's."""
        if not self.parts.auth.signup:
            raise SignupDisabled
        if not self.parts.auth.autoconfirm:
            await self.parts.messages.reserve("confirmation", Address(EMAIL, account.email))
            await self.parts.pretence.seem(EMAIL)

    async def _unconfirmed(self, user: User, steps: list[Step], redirect_to: str) -> None:
        address = Address(EMAIL, user.email or "")
        code, more = self.parts.issue(user.id, CONFIRMATION, address)
        await self.parts.store.do(*steps, *more)
        await self.parts.messages.send("confirmation", address, user, code, redirect_to)

    # ------------------------------------------------------------ one's own

    async def add(self, uid: str, account: Account, asker: Asker, end: End[T]) -> T:
        """Add an account elsewhere to one's own. Raises what `check` does."""
        for _ in range(ATTEMPTS):
            user = await self.check(uid, account)
            changes, steps = self._added(user, account, asker)
            try:
                return await self._done(replace(user, **changes), [change(self.parts.store, user, changes), *steps], end)
            except (NotSingular, UniqueViolated):
                continue
        raise Contended

    async def check(self, uid: str, account: Account) -> User:
        """Who may add an account elsewhere to their own.

        Raises UserUnknown, UserBanned, IdentityTaken, AddressUnverified, AddressTaken.
        """
        store = self.parts.store
        user = await store.users.find(id=uid)
        if user is None or user.deleted_at is not None:
            raise UserUnknown
        if user.banned(now()):
            raise UserBanned
        known = await store.identities.find(provider=account.provider, provider_id=account.subject)
        if known is not None:
            raise IdentityTaken(known.user_id != user.id)
        if not user.email and account.email:
            if not account.verified:
                raise AddressUnverified(account.provider)
            if await store.users.find(email=account.email) is not None:
                raise AddressTaken
        return user

    def _added(self, user: User, account: Account, asker: Asker) -> tuple[Row, list[Step]]:
        identity = _row(user.id, account)
        named = [*(each.provider for each in user.identities), account.provider]
        changes: Row = {"raw_app_meta_data": _providers(user.raw_app_meta_data, named), "is_anonymous": False}
        if not user.email and account.email:
            changes |= {"email": account.email, "email_confirmed_at": stamp()}
        noted = _noted(self.parts.store, "identity_linked", asker, user, Identity(**identity))
        return changes, [self.parts.store.identities.insert(identity), noted]


UNPROVEN: Row = {
    "encrypted_password": None,
    "email_change": None,
    "email_change_confirm_status": 0,
    "phone": None,
    "phone_confirmed_at": None,
    "phone_change": None,
}
"""What becomes of what was said of an account whose address nobody had proven."""


def _providers(app: Row | None, named: Iterable[str]) -> Row:
    """What is remembered of how somebody signs in."""
    providers = list(dict.fromkeys(named))
    return {**(app or {}), "provider": providers[0] if providers else "", "providers": providers}


def _row(user: str, account: Account) -> Row:
    """The identity of somebody who is known elsewhere."""
    at = stamp()
    return {
        "id": str(uuid4()),
        "user_id": user,
        "provider": account.provider,
        "provider_id": account.subject,
        "identity_data": account.data(),
        "email": account.email or None,
        "last_sign_in_at": at,
        "created_at": at,
        "updated_at": at,
    }


def _noted(store: Store, action: str, asker: Asker, user: User, identity: Identity) -> Step:
    traits = {"identity_id": identity.id, "provider": identity.provider, "provider_id": identity.provider_id}
    return logged(store, action, asker, user.id, user.email, **traits)
