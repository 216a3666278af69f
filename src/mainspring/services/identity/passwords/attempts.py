"""Tries of passwords and factors, of which the application is told, and more of which it may refuse."""

from __future__ import annotations

from mainspring.errors import Contended, NotSingular, UserUnknown, VerificationRejected
from mainspring.services.identity.hooks import Verdict
from mainspring.services.identity.parts import ATTEMPTS, Parts
from mainspring.services.identity.people import Asker


async def password_tried(parts: Parts, user: str, valid: bool, asker: Asker) -> None:
    """Return when whoever tried a user's password may go on, right or wrong. Raises VerificationRejected."""
    await _judge(parts, user, await parts.hooks.password_verification_attempt(user, valid, asker), factor=False)


async def factor_tried(parts: Parts, user: str, factor: str, kind: str, valid: bool, asker: Asker) -> None:
    """Return when whoever tried a user's factor (of a kind: totp, phone, webauthn) may go on. Raises VerificationRejected."""
    await _judge(parts, user, await parts.hooks.mfa_verification_attempt(user, factor, kind, valid, asker), factor=True)


async def _judge(parts: Parts, uid: str, verdict: Verdict, factor: bool) -> None:
    if not verdict.rejected:
        return
    if verdict.sign_out:
        await _sign_out(parts, uid)
    raise VerificationRejected(verdict.text, factor)


async def _sign_out(parts: Parts, uid: str) -> None:
    for _ in range(ATTEMPTS):
        user = await parts.store.users.find(id=uid)
        if user is None:
            raise UserUnknown
        try:
            return await parts.sessions.told(parts.sessions.end_all(user))
        except NotSingular:
            continue
    raise Contended
