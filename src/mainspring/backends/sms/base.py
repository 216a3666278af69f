"""The contract of what carries text messages."""

from __future__ import annotations

from typing import Protocol


class Unsent(Exception):
    """A text message could not be handed over; the cause says why."""


class Sms(Protocol):
    """A way for text messages to leave."""

    async def send(self, phone: str, text: str, channel: str) -> str:
        """Hand a text over, by `channel` (sms, whatsapp) to a number without +. The message's id. Raises Unsent."""
        ...
