"""What is done by mail: magic links, recovery, confirmations, and verifying the codes and links that were sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import uuid4

from msgspec.structs import replace

from mainspring.errors import (
    AddressUnconfirmed,
    BodyInvalid,
    CodeInvalid,
    Contended,
    NotSingular,
    SignupDisabled,
    UniqueViolated,
    UserBanned,
)
from mainspring.services.identity import addresses
from mainspring.services.identity.accounts import change, confirmed, identify, logged, stamp
from mainspring.services.identity.codes import stored
from mainspring.services.identity.parts import ATTEMPTS, Parts
from mainspring.services.identity.people import (
    CHANGE_CURRENT,
    CHANGE_NEW,
    CONFIRMATION,
    REAUTHENTICATION,
    RECOVERY,
    Asker,
    Challenge,
    Granted,
    OneTimeToken,
    User,
    moment,
    now,
)
from mainspring.services.identity.sign_up import Data, SignUp
from mainspring.services.identity.store import Step

VERIFIES: Final[Mapping[str, tuple[str, ...]]] = {
    "signup": (CONFIRMATION,),
    "invite": (CONFIRMATION,),
    "magiclink": (RECOVERY,),
    "recovery": (RECOVERY,),
    "email": (CONFIRMATION, RECOVERY),
    "email_change": (CHANGE_NEW, CHANGE_CURRENT),
}
"""What somebody may say that a code is for, and which codes are for that."""


@dataclass(frozen=True, slots=True)
class Halfway:
    """One of two addresses has been confirmed; the other still has to be."""


@dataclass(frozen=True, slots=True)
class Continued:
    """The sign-in goes on in the program that began it, with this code."""

    code: str


Verified = Granted | Halfway | Continued


@dataclass(frozen=True, slots=True)
class Mailed:
    """Flows that go through somebody's mailbox."""

    parts: Parts
    sign_up: SignUp

    # ------------------------------------------------------------ sending

    async def magic_link(
        self, email: str, data: Data, create: bool, asker: Asker, challenge: Challenge | None, redirect_to: str
    ) -> None:
        """Send a code to sign in with; with `create` to people who are new as well. Raises SignupDisabled, SentTooSoon."""
        email = addresses.email(email)
        await self.parts.messages.reserve("magic_link", email)
        for _ in range(ATTEMPTS):
            user = await self.parts.store.users.find(email=email)
            if user is not None:
                if user.confirmed:
                    self.parts.messages.later(self._recovery("magic_link", user, asker, challenge, redirect_to))
                else:
                    await self.sign_up.confirm(user, asker, challenge, redirect_to, doubtful=True)
                return None
            if not create:
                raise SignupDisabled(by_code=True)
            try:
                return await self.sign_up.by_code(email, data, asker, challenge, redirect_to)
            except UniqueViolated:
                continue
        raise Contended

    async def recover(self, email: str, asker: Asker, challenge: Challenge | None, redirect_to: str) -> None:
        """Send a link with which the password can be changed; nothing tells whether there is anybody. Raises SentTooSoon."""
        email = addresses.email(email)
        await self.parts.messages.reserve("recovery", email)
        self.parts.messages.later(self._recover(email, asker, challenge, redirect_to))

    async def _recover(self, email: str, asker: Asker, challenge: Challenge | None, redirect_to: str) -> None:
        user = await self.parts.store.users.find(email=email)
        if user is not None:
            await self._recovery("recovery", user, asker, challenge, redirect_to)

    async def _recovery(self, kind: str, user: User, asker: Asker, challenge: Challenge | None, redirect_to: str) -> None:
        email, store = user.email or "", self.parts.store
        method = "recovery" if kind == "recovery" else "magiclink"
        code, steps = self.parts.issue(user.id, RECOVERY, email, challenge, method)
        noted = store.users.update({"recovery_sent_at": stamp()}, id=user.id)
        await store.do(*steps, noted, logged(store, "user_recovery_requested", asker, user.id, email))
        await self.parts.messages.send(kind, email, user, code, redirect_to)

    async def resend(self, kind: str, email: str, asker: Asker, challenge: Challenge | None, redirect_to: str) -> None:
        """Send the mail of a sign-up or of a change of address once more; nothing where there is nothing to send again."""
        email = addresses.email(email)
        await self.parts.messages.reserve("confirmation" if kind == "signup" else "email_change", email)
        self.parts.messages.later(self._resend(kind, email, asker, challenge, redirect_to))

    async def _resend(self, kind: str, email: str, asker: Asker, challenge: Challenge | None, redirect_to: str) -> None:
        user = await self.parts.store.users.find(email=email)
        if kind == "signup" and user is not None and not user.confirmed:
            await self.sign_up.confirm(user, asker, challenge, redirect_to)
        elif kind == "email_change" and user is not None and user.email_change:
            await self.change_email(user, user.email_change, asker, challenge, redirect_to)

    async def change_email(
        self, user: User, new: str, asker: Asker, challenge: Challenge | None, redirect_to: str, *steps: Step
    ) -> None:
        """Send what confirms a change of address, at the new one and (where that is safer) at the old one."""
        auth, store, at = self.parts.auth, self.parts.store, stamp()
        kinds = [(CHANGE_NEW, new)]
        if auth.secure_email_change and user.email:
            kinds.append((CHANGE_CURRENT, user.email))
        issued = [(address, *self.parts.issue(user.id, kind, address, challenge, "email_change")) for kind, address in kinds]
        changes = {"email_change": new, "email_change_sent_at": at, "email_change_confirm_status": 0}
        noted = logged(store, "user_modified", asker, user.id, user.email)
        cleared = [store.tokens.clear(user_id=user.id, token_type=kind) for kind in (CHANGE_NEW, CHANGE_CURRENT)]
        stores = [step for _, _, more in issued for step in more]
        await self.parts.sessions.told([*steps, *cleared, *stores, store.users.update(changes, id=user.id), noted])
        person = replace(user, email_change=new)
        for address, code, _ in issued:
            await self.parts.messages.send("email_change", address, person, code, redirect_to)

    async def reauthenticate(self, user: User, asker: Asker) -> None:
        """Send a code that proves who changes a password. Raises BodyInvalid, AddressUnconfirmed, SentTooSoon."""
        if not user.email:
            raise BodyInvalid("Reauthentication requires the user to have an email or a phone number")
        if user.email_confirmed_at is None:
            raise AddressUnconfirmed
        await self.parts.messages.reserve("reauthentication", user.email)
        store = self.parts.store
        code, steps = self.parts.issue(user.id, REAUTHENTICATION, user.email)
        noted = store.users.update({"reauthentication_sent_at": stamp()}, id=user.id)
        await store.do(*steps, noted, logged(store, "user_reauthenticate_requested", asker, user.id, user.email))
        await self.parts.messages.send("reauthentication", user.email, user, code, "")

    # ------------------------------------------------------------ verifying

    async def verify_code(self, kind: str, email: str, digits: str, asker: Asker) -> Verified:
        """What a typed code leads to. Raises CodeInvalid, TooManyRequests, UserBanned."""
        email = addresses.email(email)
        await self.parts.guess(f"code {email}", asker)
        wanted = VERIFIES[kind]
        hashes = [each for purpose in wanted for each in self.parts.codes.candidates(email, purpose, digits)]
        for _ in range(ATTEMPTS):
            found = await self.parts.store.tokens.any_of("token_hash", hashes)
            token = next((each for each in found if each.token_type in wanted and each.relates_to == email), None)
            if token is None:
                raise CodeInvalid
            await self.parts.right(f"code {email}", asker)
            try:
                return await self._consume(replace(token, flow_state_id=None), asker)
            except NotSingular:
                continue
        raise CodeInvalid

    async def verify_link(self, kind: str, text: str, asker: Asker, *, browser: bool = False) -> Verified:
        """What a link leads to; in a browser to a code for the program that asked for it. Raises CodeInvalid, UserBanned."""
        for _ in range(ATTEMPTS):
            token = await self.parts.store.tokens.find(token_hash=stored(text))
            if token is None or token.token_type not in VERIFIES[kind]:
                raise CodeInvalid(link=True)
            try:
                return await self._consume(token if browser else replace(token, flow_state_id=None), asker, link=True)
            except NotSingular:
                continue
        raise CodeInvalid(link=True)

    async def _consume(self, token: OneTimeToken, asker: Asker, *, link: bool = False) -> Verified:
        """Use a token up and do what it is for, in one go. Raises NotSingular when somebody else was first."""
        user, store = token.users, self.parts.store
        if user is None or now() - moment(token.created_at) > timedelta(seconds=self.parts.auth.code_seconds):
            raise CodeInvalid(link)
        if user.banned(now()):
            raise UserBanned
        used = store.tokens.delete(id=token.id, token_hash=token.token_hash)
        if token.token_type in (CHANGE_NEW, CHANGE_CURRENT):
            return await self._changed(token, user, used, asker)
        changes: dict[str, Any] = {"last_sign_in_at": stamp()}
        steps = [used]
        if user.email_confirmed_at is None:
            changes |= confirmed(user)
            steps.append(identify(store, user, user.email or ""))
        return await self._enter(token, user, changes, steps, asker)

    async def _changed(self, token: OneTimeToken, user: User, used: Step, asker: Asker) -> Verified:
        """One of the addresses agrees to a change; with the last one it is made."""
        store, new = self.parts.store, user.email_change or ""
        needs_both = self.parts.auth.secure_email_change and bool(user.email)
        if needs_both and user.email_change_confirm_status == 0:
            await store.do(used, change(store, user, {"email_change_confirm_status": 1}))
            return Halfway()
        changes = confirmed(replace(user, email_confirmed_at=None))
        changes |= {"email": new, "email_change": None, "email_change_confirm_status": 0, "last_sign_in_at": stamp()}
        steps = [used, identify(store, user, new), store.tokens.clear(user_id=user.id, token_type=CHANGE_CURRENT)]
        try:
            return await self._enter(token, user, changes, steps, asker)
        except UniqueViolated:  # somebody else has taken the address since
            raise CodeInvalid from None

    async def _enter(
        self, token: OneTimeToken, user: User, changes: Mapping[str, Any], steps: Sequence[Step], asker: Asker
    ) -> Verified:
        store = self.parts.store
        after = replace(user, **changes)
        noted = logged(store, "login", asker, user.id, after.email)
        steps = [*steps, change(store, user, changes)]
        if token.flow_state_id is not None:
            code = str(uuid4())
            issued = store.flows.update({"auth_code": code, "auth_code_issued_at": stamp()}, id=token.flow_state_id)
            await store.do(*steps, issued)
            return Continued(code)
        granted, more = self.parts.sessions.begin(after, "otp", asker)
        await self.parts.sessions.told([*steps, *more, noted])
        again = await store.users.find(id=user.id)
        return granted if again is None else replace(granted, user=again)
