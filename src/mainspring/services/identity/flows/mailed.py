"""What goes by mail or text: codes and links to sign in with, recovery, confirmations, changes of addresses."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec.structs import replace

from mainspring.errors import AddressUnconfirmed, BodyInvalid, Contended, SignupDisabled, UniqueViolated
from mainspring.services.identity.accounts import logged, stamp
from mainspring.services.identity.addresses import EMAIL, PHONE, Address
from mainspring.services.identity.flows.sign_up import Data, SignUp
from mainspring.services.identity.parts import ATTEMPTS, Parts
from mainspring.services.identity.passwords.pretence import even
from mainspring.services.identity.people import (
    CHANGE_CURRENT,
    CHANGE_NEW,
    CONFIRMATION,
    PHONE_CHANGE,
    REAUTHENTICATION,
    RECOVERY,
    Asker,
    Challenge,
    User,
)
from mainspring.services.identity.store import Step


class Mailed(msgspec.Struct, frozen=True):
    """Flows that go through somebody's mailbox or phone."""

    parts: Parts
    sign_up: SignUp

    async def code(
        self, address: Address, data: Data, create: bool, asker: Asker, challenge: Challenge | None, redirect_to: str
    ) -> str | None:
        """Send a code to sign in with; with `create` to people who are new as well. The id of a text.

        Raises MethodDisabled, SignupDisabled, SentTooSoon.
        """
        self.parts.demand(address.kind, "logins")
        address = address.proper()
        await self.parts.messages.reserve("magic_link", address)
        async with even(self.parts.auth.even_seconds):
            return await self._code(address, data, create, asker, challenge, redirect_to)

    async def _code(
        self, address: Address, data: Data, create: bool, asker: Asker, challenge: Challenge | None, redirect_to: str
    ) -> str | None:
        for _ in range(ATTEMPTS):
            user = await self.parts.store.users.find(**{address.kind: address.text})
            if user is not None:
                return await self._to_known(user, address, asker, challenge, redirect_to)
            if not create:
                raise SignupDisabled(by_code=True)
            try:
                return await self.sign_up.by_code(address, data, asker, challenge, redirect_to)
            except UniqueViolated:
                continue
        raise Contended

    async def _to_known(
        self, user: User, address: Address, asker: Asker, challenge: Challenge | None, redirect_to: str
    ) -> str | None:
        if user.is_sso_user:  # only their company signs them in, and nothing tells so
            await self.parts.pretence.seem(address.kind)
            return None
        if not user.confirmed:
            return await self.sign_up.confirm(user, address, asker, challenge, redirect_to, doubtful=True)
        sending = self._recovery("magic_link", user, address, asker, challenge, redirect_to)
        if address.kind == PHONE:  # new or not, who asks waits for the gateway and is told its id of the text
            return await sending
        self.parts.messages.later(sending)
        await self.parts.pretence.seem(address.kind)
        return None

    async def recover(self, address: Address, asker: Asker, challenge: Challenge | None, redirect_to: str) -> None:
        """Send a link with which the password can be changed; nothing tells whether there is anybody. Raises SentTooSoon."""
        address = address.proper()
        await self.parts.messages.reserve("recovery", address)
        self.parts.messages.later(self._recover(address, asker, challenge, redirect_to))

    async def _recover(self, address: Address, asker: Asker, challenge: Challenge | None, redirect_to: str) -> None:
        user = await self.parts.store.users.find(email=address.text)
        if user is not None and not user.is_sso_user:
            await self._recovery("recovery", user, address, asker, challenge, redirect_to)

    async def _recovery(
        self, kind: str, user: User, address: Address, asker: Asker, challenge: Challenge | None, redirect_to: str
    ) -> str | None:
        store, method = self.parts.store, "recovery" if kind == "recovery" else "magiclink"
        purpose, sent = (CONFIRMATION, "confirmation") if address.kind == PHONE else (RECOVERY, "recovery")
        code, steps = self.parts.issue(user.id, purpose, address, challenge, method)
        noted = store.users.update({f"{sent}_sent_at": stamp()}, id=user.id)
        await store.do(*steps, noted, logged(store, "user_recovery_requested", asker, user.id, address.text))
        return await self.parts.messages.send(kind, address, user, code, redirect_to)

    async def resend(self, kind: str, address: Address, asker: Asker, challenge: Challenge | None, redirect_to: str) -> None:
        """Send what a sign-up or a change of address needs once more; nothing where there is nothing to send again.

        `kind` is signup, sms, email_change or phone_change.
        """
        self.parts.demand(address.kind, "logins")
        address = address.proper()
        await self.parts.messages.reserve("confirmation" if kind in ("signup", "sms") else "email_change", address)
        self.parts.messages.later(self._resend(kind, address, asker, challenge, redirect_to))

    async def _resend(self, kind: str, address: Address, asker: Asker, challenge: Challenge | None, redirect_to: str) -> None:
        user = await self.parts.store.users.find(**{address.kind: address.text})
        if user is None:
            return
        if kind in ("signup", "sms"):
            if not user.confirmed:
                await self.sign_up.confirm(user, address, asker, challenge, redirect_to)
            return
        changed = EMAIL if kind == "email_change" else PHONE
        wanted = user.wanted(changed)
        if wanted:
            new = Address(changed, wanted)
            if changed == PHONE:  # it is not the address that was asked with, and texts cost
                await self.parts.messages.reserve(kind, new)
            await self.change(user, [new], asker, challenge, redirect_to)

    async def change(
        self, user: User, new: Sequence[Address], asker: Asker, challenge: Challenge | None, redirect_to: str, *steps: Step
    ) -> None:
        """Send what confirms a change of addresses, at the new ones and (where that is safer) at the old mailbox."""
        store, at = self.parts.store, stamp()
        kinds = [(PHONE_CHANGE if address.kind == PHONE else CHANGE_NEW, address) for address in new]
        changes = {name: value for address in new for name, value in _change(address, at).items()}
        by_mail = any(address.kind == EMAIL for address in new)
        if by_mail and self.parts.auth.secure_email_change and user.email:
            kinds.append((CHANGE_CURRENT, Address(EMAIL, user.email)))
        issued = [(address, *self.parts.issue(user.id, kind, address, challenge, "email_change")) for kind, address in kinds]
        cleared = [store.tokens.clear(user_id=user.id, token_type=kind) for kind in (CHANGE_NEW, CHANGE_CURRENT) if by_mail]
        stores = [step for _, _, more in issued for step in more]
        noted = logged(store, "user_modified", asker, user.id, user.email or user.phone)
        await self.parts.sessions.told([*steps, *cleared, *stores, store.users.update(changes, id=user.id), noted])
        person = replace(user, **changes)
        await self.parts.messages.send_changes(person, [(address, code) for address, code, _ in issued], redirect_to)

    async def reauthenticate(self, user: User, asker: Asker) -> str | None:
        """Send a code that proves who changes a password. The id of a text.

        Raises BodyInvalid, AddressUnconfirmed, SentTooSoon.
        """
        kind = EMAIL if user.email else PHONE
        text = user.address(kind)
        if not text:
            raise BodyInvalid("Reauthentication requires the user to have an email or a phone number")
        if not user.has_confirmed(kind):
            raise AddressUnconfirmed(kind)
        address = Address(kind, text)
        await self.parts.messages.reserve("reauthentication", address)
        store = self.parts.store
        code, steps = self.parts.issue(user.id, REAUTHENTICATION, address)
        noted = store.users.update({"reauthentication_sent_at": stamp()}, id=user.id)
        await store.do(*steps, noted, logged(store, "user_reauthenticate_requested", asker, user.id, text))
        return await self.parts.messages.send("reauthentication", address, user, code)


def _change(address: Address, at: str) -> dict[str, object]:
    """What a user's row says of a change that has to be confirmed."""
    status: dict[str, object] = {"email_change_confirm_status": 0} if address.kind == EMAIL else {}
    return {f"{address.kind}_change": address.text, f"{address.kind}_change_sent_at": at, **status}
