"""An authenticator app, written from RFC 6238 by itself, and people who use one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from typing import Any

from tests.support.people import Session


class App:
    """Shows the codes of one secret."""

    def __init__(self, secret: str) -> None:
        self._key = base64.b32decode(secret)

    def code(self, ahead: int = 0, at: float | None = None) -> str:
        """The code of the current step, or of one `ahead` of it."""
        step = int(time.time() if at is None else at) // 30 + ahead
        digest = hmac.new(self._key, step.to_bytes(8, "big"), hashlib.sha1).digest()
        place = digest[19] & 15
        return str((int.from_bytes(digest[place : place + 4], "big") & 0x7FFFFFFF) % 1_000_000).zfill(6)


async def enroll(session: Session, name: str = "") -> tuple[str, App]:
    """A new factor of somebody's, not verified yet: its id, and the app that has its secret."""
    answer = await session.ask("POST", "/auth/v1/factors", json={"factor_type": "totp", "friendly_name": name})
    assert answer.status_code == 200, answer.text
    return answer.json()["id"], App(answer.json()["totp"]["secret"])


async def challenge(session: Session, factor: str) -> str:
    answer = await session.ask("POST", f"/auth/v1/factors/{factor}/challenge", json={})
    assert answer.status_code == 200, answer.text
    return str(answer.json()["id"])


async def answered(session: Session, factor: str, code: str) -> Any:
    """What a code is answered, with a challenge of its own."""
    said = {"challenge_id": await challenge(session, factor), "code": code}
    return await session.ask("POST", f"/auth/v1/factors/{factor}/verify", json=said)


async def proved(session: Session, factor: str, code: str) -> Session:
    """The session once a code has been accepted."""
    answer = await answered(session, factor, code)
    assert answer.status_code == 200, answer.text
    return Session(session.client, answer.json())
