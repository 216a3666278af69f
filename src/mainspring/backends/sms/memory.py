"""Text messages in the inbox, beside mails; or none at all."""

from __future__ import annotations

from html import escape
from typing import Final
from uuid import uuid4

from mainspring.backends.mail.base import Mail, Mailer
from mainspring.backends.sms.base import Unsent

_NAMES: Final = {"sms": "SMS", "whatsapp": "WhatsApp"}


class InboxSms:
    """Keeps texts where mails are kept."""

    def __init__(self, inbox: Mailer) -> None:
        self._inbox = inbox

    async def send(self, phone: str, text: str, channel: str) -> str:
        """Keep a text."""
        await self._inbox.send(Mail(phone, f"{_NAMES.get(channel, channel)} to {phone}", f"<p>{escape(text)}</p>", text, channel))
        return str(uuid4())


class NoSms:
    """There is nothing that carries texts."""

    async def send(self, phone: str, text: str, channel: str) -> str:
        """Refuse. Raises Unsent."""
        raise Unsent("no gateway is set")
