"""The inbox: mails stay in the process for whoever develops with it."""

from __future__ import annotations

import itertools
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from mainspring.backends.mail.base import Mail

MOST_KEPT: Final = 200


@dataclass(frozen=True, slots=True)
class Kept:
    """A mail in the inbox."""

    number: int
    at: datetime
    mail: Mail


class Inbox:
    """The latest mails, the newest first."""

    def __init__(self) -> None:
        self._kept: deque[Kept] = deque(maxlen=MOST_KEPT)
        self._numbers = itertools.count(1)

    async def send(self, mail: Mail) -> None:
        """Keep a mail."""
        self._kept.appendleft(Kept(next(self._numbers), datetime.now(UTC), mail))

    def mails(self, recipient: str | None = None) -> list[Kept]:
        """Those to `recipient`, or all."""
        return [kept for kept in self._kept if recipient in (None, kept.mail.recipient)]

    def clear(self) -> None:
        """Throw everything away."""
        self._kept.clear()


class Nowhere:
    """Mails that nobody is to see: there is neither a server to hand them to nor an inbox."""

    async def send(self, mail: Mail) -> None:
        """Lose it."""
