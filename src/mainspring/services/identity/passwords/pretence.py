"""Answers that take as long for who is known as for who is new, and fail as often: what new people waited for is acted again."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from mainspring.errors import MessageUndelivered

GRAIN: Final = 0.025
"""Answers come at multiples of so many seconds: whether a row was read or written, which takes far less, cannot be seen."""
_KEPT: Final = 32


@asynccontextmanager
async def even(seconds: float) -> AsyncIterator[None]:
    """Make what happens inside take a multiple of `seconds` (0: as long as it takes), however it ends."""
    begun = time.monotonic()
    try:
        yield
    finally:
        if seconds:
            await asyncio.sleep((begun - time.monotonic()) % seconds)


class Pretence:
    """What lately became of messages to people who are new, in this process."""

    def __init__(self) -> None:
        self._seen: dict[str, deque[tuple[float, MessageUndelivered | None]]] = {}

    @asynccontextmanager
    async def real(self, kind: str) -> AsyncIterator[None]:
        """Somebody with an address of a kind is new: what happens inside is to be remembered."""
        seen = self._seen.setdefault(kind, deque(maxlen=_KEPT))
        begun = time.monotonic()
        try:
            yield
        except MessageUndelivered as error:
            seen.append((time.monotonic() - begun, error))
            raise
        seen.append((time.monotonic() - begun, None))

    async def seem(self, kind: str) -> None:
        """Somebody is known: take as long as it took lately. Raises MessageUndelivered where it was raised."""
        seen = self._seen.get(kind)
        if not seen:
            return
        seconds, failed = secrets.choice(seen)
        await asyncio.sleep(seconds)
        if failed is not None:
            raise MessageUndelivered(failed.kind, failed.what)
