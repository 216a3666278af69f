"""Tokens refused before they expire: each worker reads what every worker has marked, and tells its verifier."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from mainspring.datatypes import format_utc
from mainspring.observe import RevocationsUnread, Sink, discard
from mainspring.services.identity.people import now
from mainspring.services.identity.store import Step, Store
from mainspring.services.identity.tokens.tokens import TokenVerifier
from mainspring.services.identity.watch import Watch

FOREVER: Final = 253_402_300_799
_OVERLAP: Final = timedelta(seconds=60)
"""The clocks of workers may differ by so much."""
_SWEEP_SECONDS: Final = 600.0
_ABANDONED: Final = timedelta(days=2)
"""What is used once is remembered for so long: longer than anything holds that is used once."""


class Revocations:
    """Marks what is revoked, and keeps a verifier informed. `lifetime` is that of an access token, in seconds."""

    def __init__(self, store: Store, verifier: TokenVerifier, lifetime: float, every: float, observe: Sink = discard) -> None:
        self._store, self._verifier, self._lifetime = store, verifier, timedelta(seconds=lifetime)
        self._seen = ""
        self._swept = 0.0
        self._watched = Watch(self._look, every, lambda error: observe(RevocationsUnread(error)))

    def mark(self, subject: str, valid_from: int = FOREVER, kept: str | None = None) -> Step:
        """The step that refuses the tokens of a user or session which were issued before `valid_from`."""
        row = {"subject": subject, "valid_from": valid_from, "kept": kept, "created_at": format_utc(now())}
        return self._store.marks.insert(row, over=("subject",))

    def mark_all(self, subjects: Sequence[str]) -> Step:
        """The step that refuses all tokens of these users and sessions, at least one."""
        told = {"valid_from": FOREVER, "kept": None, "created_at": format_utc(now())}
        return self._store.marks.insert_all([{"subject": subject, **told} for subject in subjects], over=("subject",))

    def marks(self, step: Step) -> bool:
        """Whether a step refuses tokens."""
        return step[0].table == self._store.marks.name

    async def refresh(self) -> None:
        """Read what was marked since the last time."""
        begun = now()
        await self._tell(self._seen or self._oldest())
        self._seen = format_utc(begun - _OVERLAP)

    async def _tell(self, since: str, *, only: bool = False) -> None:
        marks = await self._store.marks.since("created_at", since)
        self._verifier.revoke({mark.subject: (mark.valid_from, mark.kept) for mark in marks}, only=only)

    def _oldest(self) -> str:
        """Tokens that were issued before this have expired."""
        return format_utc(now() - self._lifetime - _OVERLAP)

    async def start(self) -> None:
        """Read what is marked, and from now on what will be."""
        await self.refresh()
        await self._watched.start()

    async def stop(self) -> None:
        """Read no more."""
        await self._watched.stop()

    async def _look(self) -> None:
        await self.refresh()
        if time.monotonic() - self._swept >= _SWEEP_SECONDS:
            self._swept = time.monotonic()
            await self.sweep()

    async def sweep(self) -> None:
        """Marks of tokens that have expired by now are not needed any more, nor are sign-ins that nobody ended."""
        oldest = self._oldest()
        abandoned = format_utc(now() - _ABANDONED)
        over = [table.older("created_at", abandoned) for table in (self._store.flows, self._store.spent)]
        await self._store.do(self._store.marks.older("created_at", oldest), *over)
        await self._tell(oldest, only=True)
