"""What every flow works with, and what all of them do: bounding guesses, issuing codes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import msgspec

from mainspring.backends.counters.base import Counters, Rate
from mainspring.errors import MethodDisabled, TooManyRequests
from mainspring.services.identity.accounts import Row, stamp
from mainspring.services.identity.addresses import PHONE, Address, Redirects
from mainspring.services.identity.hooks import Hooks
from mainspring.services.identity.messages.codes import Code, Codes
from mainspring.services.identity.messages.messages import Messages
from mainspring.services.identity.passwords.passwords import Passwords
from mainspring.services.identity.passwords.pretence import Pretence
from mainspring.services.identity.people import Asker, Challenge, User
from mainspring.services.identity.seal import Seal
from mainspring.services.identity.sessions import Sessions
from mainspring.services.identity.store import Step, Store
from mainspring.settings import AuthSettings, SmsSettings

ATTEMPTS = 5
_SECONDS = 300.0
_EVERYWHERE = 10
"""So many times the guesses of one address are allowed to all addresses together."""


class Parts(msgspec.Struct, frozen=True):
    """The parts of the identity service."""

    auth: AuthSettings
    sms: SmsSettings
    store: Store
    passwords: Passwords
    codes: Codes
    sessions: Sessions
    messages: Messages
    redirects: Redirects
    counters: Counters
    hooks: Hooks
    seal: Seal
    pretence: Pretence = msgspec.field(default_factory=Pretence)

    def demand(self, kind: str, what: str = "signups") -> None:
        """Return when people may be known by addresses of a kind. Raises MethodDisabled."""
        if not (self.auth.phone if kind == PHONE else self.auth.email):
            raise MethodDisabled(kind, what)

    def autoconfirms(self, kind: str) -> bool:
        """Whether addresses of a kind need not be confirmed."""
        return self.auth.phone_autoconfirm if kind == PHONE else self.auth.autoconfirm

    def lifetime(self, kind: str) -> timedelta:
        """How long a code serves that was sent to an address of a kind."""
        return timedelta(seconds=self.sms.code_seconds if kind == PHONE else self.auth.code_seconds)

    async def guess(self, account: str, asker: Asker) -> None:
        """Count a guess at an account. Raises TooManyRequests.

        An address that guesses too often only locks itself out. Many addresses together are slowed down as well, but the links
        in mails go on working, so that nobody can keep a person out for good.
        """
        times = self.auth.rate_guesses
        wait = await self.counters.take(f"guess {account} {asker.ip}", Rate(times, _SECONDS))
        wait = wait or await self.counters.take(f"guess {account}", Rate(times * _EVERYWHERE, _SECONDS))
        if wait:
            raise TooManyRequests("request", wait)

    async def right(self, account: str, asker: Asker) -> None:
        """The guess was right: begin to count anew."""
        await self.counters.forget(f"guess {account} {asker.ip}")
        await self.counters.forget(f"guess {account}")

    def issue(
        self, user: str, kind: str, address: Address, challenge: Challenge | None = None, method: str = ""
    ) -> tuple[Code, list[Step]]:
        """A new code of a kind for a user, which takes the place of the last one; and the steps that store it."""
        length, known = self.auth.code_length, None
        if address.kind == PHONE:
            length, known = self.sms.code_length, self.messages.texts.known(address)
        code = self.codes.make(address.text, kind, length, challenge is not None, known)
        flow: Row | None = None
        if challenge is not None:
            flow = {
                "id": str(uuid4()),
                "user_id": user,
                "code_challenge": challenge.text,
                "code_challenge_method": challenge.method,
                "authentication_method": method or kind,
                "created_at": stamp(),
            }
        row: dict[str, Any] = {
            "id": str(uuid4()),
            "user_id": user,
            "token_type": kind,
            "token_hash": code.stored,
            "relates_to": address.text,
            "flow_state_id": flow["id"] if flow else None,
            "created_at": stamp(),
        }
        steps = [self.store.tokens.insert(row, over=("user_id", "token_type"))]
        return code, [self.store.flows.insert(flow), *steps] if flow else steps


def as_user(row: Row) -> User:
    """The user that a row will be."""
    return User(**{name: value for name, value in row.items() if name in User.__struct_fields__})
