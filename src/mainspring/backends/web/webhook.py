"""Asking an address of the operator's by signed requests, again where it could not be reached."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final
from uuid import uuid4

from mainspring.backends.web.base import Reply, ReplyTooLarge, Unreachable, Web
from mainspring.backends.web.signing import signed
from mainspring.errors import HookAnswerNotJson, HookAnswerTooLarge, HookFailed, HookTimedOut

MOST: Final = 200 * 1024
"""The largest answer that is read."""
TRIES: Final = 3
PAUSE: Final = 2.0
_BUSY: Final = (429, 503)


class Webhook:
    """One address. `seconds` bound all tries together."""

    def __init__(self, web: Web, url: str, secrets: Sequence[bytes], seconds: float, pause: float = PAUSE) -> None:
        self._web, self._url, self._secrets, self._seconds, self._pause = web, url, secrets, seconds, pause

    async def __call__(self, body: bytes) -> bytes | None:
        """The JSON that is answered, or None. Raises HookTimedOut, HookAnswerTooLarge, HookAnswerNotJson, HookFailed."""
        name = str(uuid4())  # the same for every try, so that the receiver can tell them from new ones
        try:
            async with asyncio.timeout(self._seconds):
                for attempt in range(1, TRIES + 1):
                    reply = await self._try(name, body, last=attempt == TRIES)
                    if reply is not None:
                        return _json(reply)
        except TimeoutError:
            raise HookTimedOut(self._seconds) from None
        raise HookFailed("asked to be tried again, again and again")

    async def _try(self, name: str, body: bytes, last: bool) -> Reply | None:
        """What is answered; None where it is worth another try. Raises HookTimedOut, HookAnswerTooLarge."""
        headers = {"content-type": "application/json", "accept-encoding": "identity"}
        headers |= signed(self._secrets, name, int(time.time()), body)
        try:
            reply = await self._web.post(self._url, body, headers, self._seconds, MOST)
        except ReplyTooLarge:
            raise HookAnswerTooLarge(MOST) from None
        except Unreachable as error:
            if error.late:
                raise HookTimedOut(self._seconds) from error
            if last:
                raise HookTimedOut(self._seconds, retried=True) from error
            await asyncio.sleep(self._pause)
            return None
        return None if reply.status in _BUSY and "retry-after" in reply.headers else reply


def _json(reply: Reply) -> bytes | None:
    if reply.status == 204:
        return None
    if reply.status not in (200, 202):
        raise HookFailed(f"answered {reply.status}")
    form = reply.headers.get("content-type", "")
    if form.partition(";")[0].strip().lower() != "application/json":
        raise HookAnswerNotJson(form)
    return reply.body
