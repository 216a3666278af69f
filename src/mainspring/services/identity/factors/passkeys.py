"""Passkeys: keys that sign people in by themselves. What one signs was asked for once, and not long ago."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from uuid import uuid4

import msgspec
from msgspec.structs import replace

from mainspring.datatypes import format_utc
from mainspring.errors import (
    AddressUnconfirmed,
    BodyInvalid,
    CeremonyExpired,
    CeremonyFailed,
    CeremonyUnknown,
    Contended,
    NotSingular,
    PasskeysDisabled,
    PasskeyTaken,
    PasskeyUnknown,
    TooManyPasskeys,
    UniqueViolated,
    UserBanned,
)
from mainspring.principal import Principal
from mainspring.services.identity.accounts import change, logged, stamp
from mainspring.services.identity.factors.assurance import CHALLENGE, LONGEST_NAME, demand, person
from mainspring.services.identity.factors.proofs import Passkey
from mainspring.services.identity.factors.relying import Key, RelyingParty, new_challenge
from mainspring.services.identity.flows.profile import Profile
from mainspring.services.identity.parts import ATTEMPTS, Parts
from mainspring.services.identity.people import Asker, Granted, User, moment, now

REGISTRATION, AUTHENTICATION = "registration", "authentication"
NAME: Final = "Passkey"


class Begun(msgspec.Struct, frozen=True):
    """What a browser is to do with a key, and until when (seconds since 1970)."""

    id: str
    options: Mapping[str, Any]
    expires_at: int


class Passkeys(msgspec.Struct, frozen=True):
    """Passkeys, as their owners use them and as who runs the server takes them away."""

    parts: Parts
    profile: Profile
    site: RelyingParty

    @property
    def enabled(self) -> bool:
        """Whether people can sign in with passkeys."""
        return self.parts.auth.passkeys and self.site.available

    # ------------------------------------------------------------ registering

    async def begin_registration(self, principal: Principal) -> Begun:
        """What a browser needs to make a passkey. Raises AssuranceTooLow, TooManyPasskeys."""
        user = await self._owner(principal)
        known = await self.parts.store.passkeys.all(user_id=user.id)
        self._demand_room(known)
        challenge = new_challenge()
        options = self.site.creation(user, challenge, [_key(each) for each in known], resident=True)
        return await self._begin(REGISTRATION, challenge, options, user.id)

    async def register(self, principal: Principal, ceremony: str, response: Mapping[str, Any], asker: Asker) -> Passkey:
        """The passkey that a browser has made.

        Raises CeremonyUnknown, CeremonyExpired, CeremonyFailed, PasskeyTaken, TooManyPasskeys, AssuranceTooLow.
        """
        user = await self._owner(principal)
        key = await self.site.created(response, await self._consume(REGISTRATION, ceremony, user.id))
        store, at = self.parts.store, stamp()
        row = {"id": str(uuid4()), "user_id": user.id, **msgspec.to_builtins(key)}
        row |= {"friendly_name": NAME, "created_at": at, "updated_at": at}
        noted = logged(store, "passkey_created", asker, user.id, user.email or user.phone, passkey_id=row["id"])
        for _ in range(ATTEMPTS):
            self._demand_room(await store.passkeys.all(user_id=user.id))
            try:
                await store.do(store.passkeys.insert(row), change(store, user, {}), noted)
            except NotSingular:  # something else about the user has changed: perhaps another passkey
                user = await self._owner(principal)
                continue
            except UniqueViolated:
                raise PasskeyTaken from None
            return Passkey(**row)
        raise Contended

    async def _owner(self, principal: Principal) -> User:
        self._demand_enabled()
        user, session = await person(self.profile, principal)
        if user.is_sso_user:
            raise BodyInvalid("SSO users cannot register passkeys")
        demand(user, session, "passkeys")
        return user

    def _demand_enabled(self) -> None:
        if not self.enabled:
            raise PasskeysDisabled

    def _demand_room(self, known: list[Passkey]) -> None:
        if len(known) >= self.parts.auth.factors_max:
            raise TooManyPasskeys

    # ------------------------------------------------------------ signing in

    async def begin_authentication(self) -> Begun:
        """What a browser needs to sign somebody in with a passkey."""
        self._demand_enabled()
        challenge = new_challenge()
        return await self._begin(AUTHENTICATION, challenge, self.site.request(challenge), None)

    async def authenticate(self, ceremony: str, response: Mapping[str, Any], asker: Asker) -> Granted:
        """A session for whose passkey has signed. Raises CeremonyUnknown, CeremonyExpired, CeremonyFailed, UserBanned."""
        self._demand_enabled()
        challenge = await self._consume(AUTHENTICATION, ceremony, None)
        store, named = self.parts.store, response.get("id")
        passkey = await store.passkeys.find(credential_id=named) if isinstance(named, str) else None
        user = None if passkey is None else await store.users.find(id=passkey.user_id)
        if passkey is None or user is None or user.deleted_at is not None:
            raise CeremonyFailed
        count = await self.site.asserted(response, challenge, _key(passkey), user.id)
        if user.banned(now()):
            raise UserBanned
        if not user.confirmed:
            raise AddressUnconfirmed
        at = stamp()
        granted, steps = await self.parts.sessions.begin(replace(user, last_sign_in_at=at), "passkey", asker)
        used = {"sign_count": count, "last_used_at": at, "updated_at": at}
        try:
            await self.parts.sessions.told(
                [
                    store.passkeys.update(used, id=passkey.id, sign_count=passkey.sign_count),
                    store.users.update({"last_sign_in_at": at}, id=user.id),
                    *steps,
                    logged(store, "login", asker, user.id, user.email or user.phone, passkey_id=passkey.id),
                ]
            )
        except NotSingular:  # the key has signed something else meanwhile, or is not theirs any more
            raise CeremonyFailed from None
        return granted

    # ------------------------------------------------------------ what is signed

    async def _begin(self, kind: str, challenge: str, options: Mapping[str, Any], user: str | None) -> Begun:
        at, store = now(), self.parts.store
        row: dict[str, Any] = {
            "id": str(uuid4()),
            "user_id": user,
            "challenge_type": kind,
            "session_data": {"challenge": challenge},
            "created_at": format_utc(at),
        }
        await store.do(store.ceremonies.older("created_at", format_utc(at - CHALLENGE)), store.ceremonies.insert(row))
        return Begun(row["id"], options, int((at + CHALLENGE).timestamp()))

    async def _consume(self, kind: str, ceremony: str, user: str | None) -> str:
        """What was to be signed; whatever becomes of it, it is used up. Raises CeremonyUnknown, CeremonyExpired."""
        store = self.parts.store
        found = await store.ceremonies.find(id=ceremony, challenge_type=kind)
        if found is None or found.user_id != user:
            raise CeremonyUnknown
        try:
            await store.do(store.ceremonies.delete(id=found.id))
        except NotSingular:
            raise CeremonyUnknown from None
        if now() - moment(found.created_at) > CHALLENGE:
            raise CeremonyExpired
        return str(found.session_data["challenge"])

    # ------------------------------------------------------------ those there are

    async def of(self, principal: Principal) -> list[Passkey]:
        """One's own passkeys."""
        self._demand_enabled()
        user, _ = await self.profile.of(principal)
        return await self.of_user(user.id)

    async def of_user(self, uid: str) -> list[Passkey]:
        """Somebody's passkeys."""
        found = await self.parts.store.passkeys.all(user_id=uid)
        return sorted(found, key=lambda each: each.created_at)

    async def rename(self, principal: Principal, pid: str, name: str, asker: Asker) -> Passkey:
        """Call a passkey something else. Raises BodyInvalid, PasskeyUnknown."""
        self._demand_enabled()
        if not name:
            raise BodyInvalid("friendly_name is required")
        if len(name) > LONGEST_NAME:
            raise BodyInvalid(f"friendly_name must be {LONGEST_NAME} characters or less")
        user, _ = await self.profile.of(principal)
        store = self.parts.store
        changed = store.passkeys.update({"friendly_name": name, "updated_at": stamp()}, id=pid, user_id=user.id)
        try:
            await store.do(changed, logged(store, "passkey_updated", asker, user.id, user.email or user.phone, passkey_id=pid))
        except NotSingular:
            raise PasskeyUnknown from None
        found = await store.passkeys.find(id=pid, user_id=user.id)
        if found is None:
            raise PasskeyUnknown
        return found

    async def remove(self, principal: Principal, pid: str, asker: Asker) -> None:
        """Give a passkey up. Raises PasskeyUnknown, AssuranceTooLow."""
        self._demand_enabled()
        user, session = await self.profile.of(principal)
        demand(user, session, "passkeys")
        await self.take(user, pid, asker)

    async def take(self, user: User, pid: str, asker: Asker, **told: str) -> None:
        """Take a passkey from its owner. Raises PasskeyUnknown."""
        store = self.parts.store
        noted = logged(store, "passkey_deleted", asker, user.id, user.email or user.phone, passkey_id=pid, **told)
        try:
            await store.do(store.passkeys.delete(id=pid, user_id=user.id), noted)
        except NotSingular:
            raise PasskeyUnknown from None


def _key(passkey: Passkey) -> Key:
    return Key(
        credential_id=passkey.credential_id,
        public_key=passkey.public_key,
        sign_count=passkey.sign_count,
        transports=passkey.transports,
        backup_eligible=passkey.backup_eligible,
    )
