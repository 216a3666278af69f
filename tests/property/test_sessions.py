"""The life of sessions against a small model: who signs in, refreshes with whatever token, proves a second factor, waits and
signs out, in any order."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest import mock

import pytest
from hypothesis import settings as run_with
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from mainspring.errors import MainspringError, RefreshTokenReused, SessionExpired, SessionUnknown, UserBanned
from mainspring.services.identity.addresses import EMAIL, Address
from mainspring.services.identity.factors.assurance import raised
from mainspring.services.identity.people import Asker, Granted
from mainspring.services.identity.service import Identity
from tests.property.cases import examples
from tests.support.identity import open_in_memory
from tests.support.people import PASSWORD

REUSE, IDLE, LONGEST = 10, 500, 2000
BEGUN = datetime(2026, 1, 1, tzinfo=UTC)
CLOCKS = tuple(f"mainspring.services.identity.{module}.now" for module in ("sessions", "refreshing", "factors.assurance"))
ANN = Address(EMAIL, "ann@example.com")


@dataclass
class Model:
    """A session as the rules have it: its active token's number, when it began and was refreshed, whether it goes on."""

    counter: int
    begun: float
    refreshed: float | None = None
    alive: bool = True
    floor: int = 0
    aal: str = "aal1"


def opened(**bounds: int) -> Identity:
    """The identity service."""
    return asyncio.run(open_in_memory(autoconfirm=True, refresh_reuse_seconds=REUSE, **bounds))


class Sessions(RuleBasedStateMachine):
    """One person, several devices, a clock that only the test moves."""

    tokens = Bundle("tokens")
    idle, longest = IDLE, LONGEST
    """The bounds of sessions; 0: none."""

    def __init__(self) -> None:
        super().__init__()
        self.time = 0.0
        self.clocks = [mock.patch(each, self.now) for each in CLOCKS]
        for clock in self.clocks:
            clock.start()
        self.banned = False
        self.identity = opened(session_idle_seconds=self.idle, session_seconds=self.longest)
        self.runner = asyncio.Runner()
        signed = self.run(self.identity.sign_up.with_password(ANN, PASSWORD, {}, Asker(), None, ""))
        self.uid = signed.user.id
        self.models = {signed.session.id: Model(0, 0.0)}

    def now(self) -> datetime:
        return BEGUN + timedelta(seconds=self.time)

    def run(self, work: Any) -> Any:
        return self.runner.run(work)

    def teardown(self) -> None:
        self.identity.parts.passwords.close()
        self.runner.close()
        for clock in self.clocks:
            clock.stop()

    @precondition(lambda self: not self.banned)
    @rule(target=tokens)
    def sign_in(self) -> tuple[str, str, int]:
        granted: Granted = self.run(self.identity.sign_in.with_password(ANN, PASSWORD, Asker()))
        self.models[granted.session.id] = Model(0, self.time)
        return granted.refresh_token, granted.session.id, 0

    @rule(target=tokens, token=tokens)
    def refresh(self, token: tuple[str, str, int]) -> tuple[str, str, int]:
        text, sid, counter = token
        model = self.models[sid]
        expected = self.expected(model, counter)
        if not isinstance(expected, int):
            with pytest.raises(expected):
                self.run(self.identity.refreshing.refresh(text, Asker()))
            if expected is RefreshTokenReused and not (counter < model.floor and self.recently(model)):
                model.alive = False
            return token
        granted: Granted = self.run(self.identity.refreshing.refresh(text, Asker()))
        assert (granted.session.id, granted.session.refresh_token_counter) == (sid, expected)
        if expected != model.counter:
            model.counter, model.refreshed = granted.session.refresh_token_counter, self.time
        return granted.refresh_token, sid, granted.session.refresh_token_counter

    def expected(self, model: Model, counter: int) -> int | type[MainspringError]:
        """The number of the token that is answered, or how the request is refused."""
        if not model.alive:
            return SessionUnknown
        if self.banned:
            return UserBanned
        rest = self.time - (model.begun if model.refreshed is None else model.refreshed)
        if (self.longest and self.time - model.begun > self.longest) or (self.idle and rest > self.idle):
            return SessionExpired
        if counter == model.counter:
            return counter + 1
        answered = counter >= model.floor and (counter == model.counter - 1 or self.recently(model))
        return model.counter if answered else RefreshTokenReused

    def recently(self, model: Model) -> bool:
        return model.refreshed is not None and self.time - model.refreshed <= REUSE

    @rule(target=tokens, token=tokens)
    def prove_a_factor(self, token: tuple[str, str, int]) -> tuple[str, str, int]:
        """Whoever holds the session proves a factor: tokens from before are worth nothing, and lesser sessions end."""
        sid, model = token[1], self.models[token[1]]
        if not model.alive:
            return token
        session = self.run(self.identity.parts.store.sessions.find(id=sid))
        granted, steps = self.run(raised(self.identity.parts, session.users, session, "totp", None))
        self.run(self.identity.sessions.told(steps))
        for other in self.models.values():
            other.alive = other.alive and (other is model or other.aal == "aal2")
        model.counter, model.refreshed, model.aal = model.counter + 1, self.time, "aal2"
        model.floor = model.counter
        return granted.refresh_token, sid, model.counter

    @rule(token=tokens, tries=st.integers(2, 6))
    def refresh_at_once(self, token: tuple[str, str, int], tries: int) -> None:
        text, sid, counter = token
        model = self.models[sid]
        if self.expected(model, counter) != counter + 1:
            return

        async def all_of_them() -> list[Granted]:
            return await asyncio.gather(*(self.identity.refreshing.refresh(text, Asker()) for _ in range(tries)))

        assert {granted.session.refresh_token_counter for granted in self.run(all_of_them())} == {counter + 1}
        model.counter, model.refreshed = counter + 1, self.time

    @rule()
    def ban_or_pardon(self) -> None:
        """A ban ends no session: it can be taken back."""
        self.banned = not self.banned
        users, until = self.identity.parts.store.users, "2999-01-01T00:00:00+00:00" if self.banned else None
        self.run(self.identity.parts.store.do(users.update({"banned_until": until}, id=self.uid)))

    @rule(token=tokens, scope=st.sampled_from(["local", "others", "global"]))
    def sign_out(self, token: tuple[str, str, int], scope: str) -> None:
        sid = token[1]
        self.run(self.identity.sessions.end(self.uid, sid, scope))
        for each, model in self.models.items():
            if scope == "global" or (each == sid) == (scope == "local"):
                model.alive = False

    @rule(seconds=st.sampled_from([1.0, REUSE - 1.0, REUSE + 1.0, IDLE - 1.0, IDLE + 1.0]))
    def wait(self, seconds: float) -> None:
        self.time += seconds

    @invariant()
    def there_are_the_sessions_that_go_on(self) -> None:
        found = self.run(self.identity.parts.store.sessions.all(user_id=self.uid))
        alive = {sid: (model.counter, model.aal) for sid, model in self.models.items() if model.alive}
        assert {session.id: (session.refresh_token_counter, session.aal) for session in found} == alive


class UnboundedSessions(Sessions):
    """The same where sessions last until somebody ends them."""

    idle = longest = 0


for machine in (Sessions, UnboundedSessions):
    machine.TestCase.settings = run_with(examples(0.004), stateful_step_count=30)
TestSessions = Sessions.TestCase
TestUnboundedSessions = UnboundedSessions.TestCase
