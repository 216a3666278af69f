"""What a worker looks at again and again while it serves, because others change it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Final

from mainspring.errors import EngineUnavailable
from mainspring.services.identity.keys.keys import KeySet

_STOP_SECONDS: Final = 5.0
KEYS_SECONDS: Final = 2.0
"""Within so many seconds every worker knows which signing and API keys there are."""


class Watch:
    """Calls `look` every so many seconds. What it raises is told to `failed`, and it is called again."""

    def __init__(self, look: Callable[[], Awaitable[object]], every: float, failed: Callable[[Exception], None]) -> None:
        self._look, self._every, self._failed = look, every, failed
        self._task: asyncio.Task[None] | None = None
        self._over = asyncio.Event()

    async def start(self) -> None:
        """Look from now on."""
        self._over.clear()
        self._task = asyncio.create_task(self._watch())

    async def stop(self) -> None:
        """Look no more; a look that is under way is waited for, since a connection may be in the middle of its work."""
        self._over.set()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=_STOP_SECONDS)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _watch(self) -> None:
        while not await self._told():
            try:
                await self._look()
            except EngineUnavailable:
                continue  # nobody is answered either: it is asked again soon
            except Exception as error:
                self._failed(error)

    async def _told(self) -> bool:
        """Whether it is over; waits until it is time to look again."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._over.wait(), self._every)
        return self._over.is_set()


async def renew(keys: KeySet) -> None:
    """Look at the key folder. That costs microseconds, and some more where it has changed."""
    keys.look()
