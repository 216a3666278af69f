"""The contract of a mailer, and what a mail is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail to one person, as HTML and as plain text. `kind` says what it is for."""

    recipient: str
    subject: str
    html: str
    text: str
    kind: str


class Undelivered(Exception):
    """A mail could not be handed over; the cause says why."""


class Mailer(Protocol):
    """A way for mails to leave."""

    async def send(self, mail: Mail) -> None:
        """Hand a mail over. Raises Undelivered."""
        ...
