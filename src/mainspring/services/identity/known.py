"""People who have just been shown their account: browser apps ask who is signed in before each page that they make.

Kept only where this process alone changes what our tables hold, and no longer than others' changes may take to be seen anyway.
"""

from __future__ import annotations

from time import monotonic
from typing import Final

import msgspec

from mainspring.services.identity.people import Session, User
from mainspring.services.identity.store import Store

_MOST: Final = 512
_MOST_BYTES: Final = 8_192
"""Bounds of what is kept: so many people, whose documents are of so many bytes at most."""


class Seen(msgspec.Struct, frozen=True):
    """A person, the session in which they asked, and what they were shown."""

    user: User
    session: Session
    document: bytes
    changes: int
    until: float


class Known:
    """Remembers people for `seconds`, until one of our tables is changed; with 0 nobody is."""

    def __init__(self, store: Store, seconds: float) -> None:
        self._store, self._seconds = store, seconds
        self._seen: dict[str, Seen] = {}

    @property
    def changes(self) -> int:
        """How often our tables have been changed: to be asked before a person is read."""
        return self._store.changes

    def find(self, session: str) -> Seen | None:
        """Who asked in a session a moment ago, if nothing has been changed since."""
        seen = self._seen.get(session)
        if seen is None or seen.changes != self._store.changes or monotonic() > seen.until:
            return None
        return seen

    def keep(self, changes: int, user: User, session: Session, document: bytes) -> None:
        """Remember a person as they were read after so many `changes`."""
        if not self._seconds or len(document) > _MOST_BYTES:
            return
        if len(self._seen) >= _MOST:
            self._seen.clear()
        self._seen[session.id] = Seen(user, session, document, changes, monotonic() + self._seconds)
