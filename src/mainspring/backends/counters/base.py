"""The contract of counters: how often something may still happen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Rate:
    """`times` in so many `seconds`, as many at once; 0 times: as often as one likes."""

    times: int
    seconds: float


class Away(Exception):
    """The counters cannot be asked; `__cause__` is why."""


class Counters(Protocol):
    """Counts by key. Keys are texts of any length that hold no secret. Those of other machines raise Away."""

    async def take(self, key: str, rate: Rate) -> float:
        """Count one more under `key`. 0 when it may happen now, else the seconds until it may (then it is not counted)."""
        ...

    async def forget(self, key: str) -> None:
        """Begin anew under `key`."""
        ...

    async def close(self) -> None:
        """Let go of what others have to be asked with; whoever counts again takes it up again."""
        ...
