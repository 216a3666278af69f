"""What people see and change of themselves."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

import msgspec
from msgspec.structs import replace

from mainspring.errors import (
    AddressTaken,
    AdministratorRequired,
    AssuranceTooLow,
    BodyInvalid,
    Contended,
    CurrentPasswordWrong,
    ManagedElsewhere,
    NotSingular,
    PasswordSame,
    ReauthenticationInvalid,
    ReauthenticationNeeded,
    SessionUnknown,
    SubjectMissing,
    UniqueViolated,
    UserBanned,
    UserUnknown,
)
from mainspring.principal import Principal
from mainspring.services.identity.accounts import change, identify, logged, merged
from mainspring.services.identity.addresses import EMAIL, PHONE, SMS, Address
from mainspring.services.identity.flows.mailed import Mailed
from mainspring.services.identity.flows.verify import changed
from mainspring.services.identity.known import Known
from mainspring.services.identity.parts import ATTEMPTS, Parts
from mainspring.services.identity.people import AAL1, AAL2, REAUTHENTICATION, Asker, Challenge, Session, User, moment, now
from mainspring.services.identity.store import Step

FRESH: Final = timedelta(hours=24)
"""A session that began within so long proves who one is."""
_BY_MESSAGE: Final = frozenset({"otp", "magiclink", "recovery"})
"""How those come in who may have forgotten their password."""


class Wishes(msgspec.Struct, frozen=True):
    """What somebody wants changed of themselves; None: nothing."""

    email: str | None = None
    phone: str | None = None
    channel: str = ""
    password: str | None = None
    current_password: str | None = None
    nonce: str | None = None
    data: Mapping[str, Any] | None = None
    app_data: Mapping[str, Any] | None = None
    challenge: Challenge | None = None
    redirect_to: str = ""

    def addresses(self) -> list[Address]:
        """The addresses wished for. Raises AddressInvalid."""
        said = [Address(EMAIL, self.email)] if self.email else []
        if self.phone:
            said.append(Address(PHONE, self.phone, self.channel or SMS))
        return [address.proper() for address in said]


class Profile(msgspec.Struct, frozen=True):
    """One's own account."""

    parts: Parts
    mailed: Mailed
    known: Known

    async def shown(self, principal: Principal, render: Callable[[User], bytes]) -> bytes:
        """What `render` makes of who a token stands for. Raises what `of` raises."""
        seen = self.known.find(_session_named(principal) or "")
        if seen is not None:
            _demand(principal, seen.user, seen.session)
            return seen.document
        changes = self.known.changes
        user, session = await self.of(principal)
        document = render(user)
        if session is not None:
            self.known.keep(changes, user, session, document)
        return document

    async def of(self, principal: Principal) -> tuple[User, Session | None]:
        """Who a token stands for, and its session, as one that has proved no more than the token says.

        Raises SubjectMissing, SessionUnknown, UserUnknown, UserBanned.
        """
        if principal.uid is None:
            raise SubjectMissing
        named = _session_named(principal)
        if named is None:
            return _demand(principal, await self.parts.store.users.find(id=principal.uid), None), None
        session = await self.parts.store.sessions.find(id=named)
        if session is None:
            raise SessionUnknown
        user = _demand(principal, session.users, session)
        if session.aal == AAL2 and principal.claim("aal") != AAL2:  # a token from before the factor was proved
            session = replace(session, aal=AAL1)
        return user, session

    async def update(self, principal: Principal, wishes: Wishes, asker: Asker) -> User:
        """Change what is wished for, all of it or nothing. Raises what each change is refused with."""
        if wishes.app_data is not None:
            raise AdministratorRequired
        if wishes.password is not None:
            await self.parts.passwords.demand(wishes.password)
        reserved: set[Address] = set()
        for _ in range(ATTEMPTS):
            user, session = await self.of(principal)
            try:
                await self._apply(user, session, wishes, asker, reserved)
            except NotSingular:
                continue
            return (await self.of(principal))[0]
        raise Contended

    async def sign_out(self, principal: Principal, scope: str, asker: Asker) -> None:
        """End the session (local), the user's other ones (others), or all of them (global)."""
        user, session = await self.of(principal)
        noted = logged(self.parts.store, "logout", asker, user.id, user.email or user.phone)
        await self.parts.sessions.end(user.id, session.id if session else None, scope, noted)

    async def _apply(self, user: User, session: Session | None, wishes: Wishes, asker: Asker, reserved: set[Address]) -> None:
        """Make the changes. `reserved` are the addresses to which a message may be sent, though it has just been counted."""
        store, after = self.parts.store, user
        changes: dict[str, Any] = {}
        steps: list[Step] = []
        new = [address for address in wishes.addresses() if address.text != user.address(address.kind)]
        if user.protected and (session is None or session.aal != AAL2) and (wishes.password is not None or new):
            raise AssuranceTooLow("update")
        if user.is_sso_user and (new or wishes.password is not None):
            raise ManagedElsewhere
        for address in new:
            await self._demand_free(address)
        if wishes.password is not None:
            await self._demand_password(user, session, wishes)
            changes["encrypted_password"] = await self.parts.passwords.hash(wishes.password)
            kept = None if session is None else session.id
            steps += [store.tokens.clear(user_id=user.id), *self.parts.sessions.end_all(user, kept)]
        at_once = [address for address in new if self._at_once(user, address)]
        for address in at_once:
            changes |= changed(after, address)
            after = replace(user, **changes)
            steps.append(identify(store, user, address))
        if wishes.data is not None:
            changes["raw_user_meta_data"] = merged(after.raw_user_meta_data, wishes.data)
        if changes:
            steps = [change(store, user, changes), *steps]
        waiting = [address for address in new if address not in at_once]
        for address in waiting:
            if address not in reserved:
                await self.parts.messages.reserve(f"{address.kind}_change", address)
                reserved.add(address)
        if waiting:
            await self.mailed.change(user, waiting, asker, wishes.challenge, wishes.redirect_to, *steps)
        elif steps:
            await self._told([*steps, logged(store, "user_modified", asker, user.id, user.email or user.phone)], at_once)

    async def _told(self, steps: list[Step], taken: list[Address]) -> None:
        try:
            await self.parts.sessions.told(steps)
        except UniqueViolated:
            raise AddressTaken(taken[0].kind if taken else EMAIL) from None

    def _at_once(self, user: User, address: Address) -> bool:
        """Whether an address is believed without a code: people who have signed up prove that a mailbox is theirs."""
        return self.parts.autoconfirms(address.kind) and (address.kind == PHONE or user.is_anonymous)

    async def _demand_free(self, address: Address) -> None:
        self.parts.demand(address.kind, "logins")
        if await self.parts.store.users.find(**{address.kind: address.text}) is not None:
            raise AddressTaken(address.kind)

    async def _demand_password(self, user: User, session: Session | None, wishes: Wishes) -> None:
        """Return when the password may be changed to the one wished for."""
        auth, password, kept = self.parts.auth, wishes.password or "", user.encrypted_password
        if user.is_anonymous and not user.email and not wishes.addresses():
            raise BodyInvalid("Updating password of an anonymous user without an email or phone is not allowed")
        fresh = session is not None and now() - moment(session.created_at) <= FRESH
        if auth.password_current and kept and not (fresh and session and _by_message(session)):
            given = wishes.current_password
            if not given or not await self.parts.passwords.check(given, kept):
                raise CurrentPasswordWrong(bool(given))
        if auth.password_reauthentication and not fresh:
            await self._demand_nonce(user, wishes.nonce)
        if kept and await self.parts.passwords.check(password, kept):
            raise PasswordSame

    async def _demand_nonce(self, user: User, nonce: str | None) -> None:
        if not nonce:
            raise ReauthenticationNeeded
        token = await self.parts.store.tokens.find(user_id=user.id, token_type=REAUTHENTICATION)
        kind = EMAIL if user.email else PHONE
        wanted = self.parts.codes.candidates(user.address(kind) or "", REAUTHENTICATION, nonce)
        await self.parts.guess(f"nonce {user.id}", Asker())
        too_old = token is None or now() - moment(token.created_at) > self.parts.lifetime(kind)
        if token is None or too_old or token.token_hash not in wanted:
            raise ReauthenticationInvalid


def _by_message(session: Session) -> bool:
    """Whether somebody came in with a code or a link."""
    return any(entry["method"] in _BY_MESSAGE for entry in session.amr)


def _session_named(principal: Principal) -> str | None:
    named = principal.claim("session_id")
    return named if isinstance(named, str) else None


def _demand(principal: Principal, user: User | None, session: Session | None) -> User:
    """The user, where they may still act, in their session if there is one. Raises SessionUnknown, UserUnknown, UserBanned."""
    at = now()
    if session is not None and (session.user_id != principal.uid or session.ended(at)):
        raise SessionUnknown
    if user is None or user.deleted_at is not None:
        raise UserUnknown(claimed=True)
    if user.banned(at):
        raise UserBanned
    return user
