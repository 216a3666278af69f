"""Counters of all machines, and what holds when those cannot be asked: the counters of this machine.

These always count as well, so that they know by then what has happened here. So bounds are neither lifted, nor is anybody shut
out: they hold for each machine by itself until the others can be asked again.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, TypeVar

from mainspring.backends.counters.base import Away, Counters, Rate
from mainspring.observe import CountersAway, CountersBack, Sink

PAUSE_SECONDS: Final = 2.0
"""After a failure nobody waits for another one; then one asks, and the others go on by themselves meanwhile."""
T = TypeVar("T")


class FallbackCounters:
    """`far` decides while it can be asked, `near` while it cannot."""

    def __init__(self, near: Counters, far: Counters, observe: Sink, clock: Callable[[], float] = time.monotonic) -> None:
        self._near, self._far, self._observe, self._clock = near, far, observe, clock
        self._away, self._again = False, 0.0

    async def take(self, key: str, rate: Rate) -> float:
        """Count one more under `key`. 0 when it may happen now, else the seconds until it may."""
        here = await self._near.take(key, rate)
        found = await self._asked(partial(self._far.take, key, rate))
        return here if found is None else found

    async def forget(self, key: str) -> None:
        """Begin anew under `key`; where the others cannot be asked, they let it be forgotten by and by."""
        await self._near.forget(key)
        await self._asked(partial(self._far.forget, key))

    async def close(self) -> None:
        """Close both."""
        await self._far.close()
        await self._near.close()

    async def _asked(self, ask: Callable[[], Awaitable[T]]) -> T | None:
        """What the far ones answer; None while they are away."""
        if self._away:
            if self._clock() < self._again:
                return None
            self._again = self._clock() + PAUSE_SECONDS
        try:
            found = await ask()
        except Away as error:
            self._lost(error)
            return None
        if self._away:
            self._away = False
            self._observe(CountersBack())
        return found

    def _lost(self, error: Away) -> None:
        self._again = self._clock() + PAUSE_SECONDS
        if not self._away:
            self._away = True
            self._observe(CountersAway(error.__cause__ or error))
