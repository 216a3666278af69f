"""Counters of this process: buckets that fill up again, at most so many of them."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

from mainspring.backends.counters.base import Rate

MOST_KEYS: Final = 100_000


class MemoryCounters:
    """Token buckets in a dict. Beyond the most keys, those not used for longest are forgotten."""

    def __init__(self, clock: Callable[[], float] = time.monotonic, most: int = MOST_KEYS) -> None:
        self._clock, self._most = clock, most
        self._buckets: dict[str, tuple[float, float]] = {}

    async def take(self, key: str, rate: Rate) -> float:
        """Count one more under `key`. 0 when it may happen now, else the seconds until it may."""
        if not rate.times:
            return 0.0
        now, speed = self._clock(), rate.times / rate.seconds
        left, at = self._buckets.pop(key, (float(rate.times), now))
        left = min(float(rate.times), left + (now - at) * speed)
        allowed = left >= 1
        self._buckets[key] = (left - 1 if allowed else left, now)
        if len(self._buckets) > self._most:
            del self._buckets[next(iter(self._buckets))]
        return 0.0 if allowed else (1 - left) / speed

    async def forget(self, key: str) -> None:
        """Begin anew under `key`."""
        self._buckets.pop(key, None)

    async def close(self) -> None:
        """Nothing: nobody else is asked."""
