"""How sure it is who somebody is: aal1 for how they sign in, aal2 once they have proved a second factor as well."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from msgspec.structs import replace

from mainspring.backends.counters.base import Rate
from mainspring.datatypes import format_utc
from mainspring.errors import AnonymousRefused, AssuranceTooLow, SessionUnknown, TooManyRequests
from mainspring.principal import Principal
from mainspring.services.identity.flows.profile import Profile
from mainspring.services.identity.parts import Parts
from mainspring.services.identity.people import AAL1, AAL2, Asker, Granted, Session, User, now
from mainspring.services.identity.store import Step

SECOND: Final = frozenset({"totp", "mfa/phone", "mfa/webauthn", "mfa/recovery_code"})
"""The methods that make a session aal2. GoTrue knows all but the last."""
METHODS: Final[Mapping[str, str]] = {"totp": "totp", "phone": "mfa/phone", "webauthn": "mfa/webauthn"}
"""What a session says of how it proved each kind of factor."""
CHALLENGE: Final = timedelta(seconds=300)
"""How long a challenge can be answered, and a factor verified that never was."""
LONGEST_NAME: Final = 120
_DAY: Final = 86_400.0
_A_DAY: Final = 10
"""So many times the guesses of five minutes are allowed in a day, wherever they come from: a code has a million values."""


async def person(profile: Profile, principal: Principal) -> tuple[User, Session]:
    """Who asks about their factors, and in which session. Raises what `Profile.of` does, AnonymousRefused."""
    user, session = await profile.of(principal)
    if user.is_anonymous:
        raise AnonymousRefused
    if session is None:
        raise SessionUnknown
    return user, session


def demand(user: User, session: Session | None, purpose: str) -> None:
    """Return when the session has proved as much as its person can prove. Raises AssuranceTooLow."""
    if user.protected and (session is None or session.aal != AAL2):
        raise AssuranceTooLow(purpose)


async def raised(parts: Parts, user: User, session: Session, method: str, factor: str | None) -> tuple[Granted, list[Step]]:
    """The session with a second factor proved, and the steps that make it so; they end the person's sessions below.

    The refresh tokens that it had are worth nothing any more: whoever holds one has not proved the factor.
    """
    at = now()
    counter = session.refresh_token_counter + 1
    changes: dict[str, Any] = {
        "aal": AAL2,
        "amr": [
            {"method": method, "timestamp": int(at.timestamp())},
            *(entry for entry in session.amr if entry["method"] != method),
        ],
        "factor_id": factor,
        "refresh_token_counter": counter,
        "refresh_token_floor": counter,
        "refreshed_at": format_utc(at),
        "updated_at": format_utc(at),
    }
    unchanged = {"id": session.id, "refresh_token_counter": session.refresh_token_counter}
    steps = [parts.store.sessions.update(changes, **unchanged), *await parts.sessions.end_lesser(user, session.id)]
    return await parts.sessions.grant(user, replace(session, **changes), method), steps


async def lowered(parts: Parts, user: User, factor: str, method: str) -> list[Step]:
    """The steps that take back what a factor, which goes, has proved in sessions of its user."""
    steps: list[Step] = []
    for session in await parts.store.sessions.all(user_id=user.id):
        if session.factor_id != factor:
            continue
        amr = [entry for entry in session.amr if entry["method"] != method]
        aal = AAL2 if any(entry["method"] in SECOND for entry in amr) else AAL1
        changes = {"aal": aal, "amr": amr, "factor_id": None}
        steps.append(parts.store.sessions.update(changes, id=session.id, factor_id=factor))
    return steps


async def guess(parts: Parts, account: str, asker: Asker) -> None:
    """Count a guess at a code of somebody's, whose password the guesser knows. Raises TooManyRequests."""
    await parts.guess(account, asker)
    wait = await parts.counters.take(f"day {account}", Rate(parts.auth.rate_guesses * _A_DAY, _DAY))
    if wait:
        raise TooManyRequests("request", wait)


async def right(parts: Parts, account: str, asker: Asker) -> None:
    """The guess was right: begin to count anew."""
    await parts.right(account, asker)
    await parts.counters.forget(f"day {account}")
