"""Mails through an SMTP server (extra: mail)."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Final
from urllib.parse import unquote, urlsplit

import aiosmtplib

from mainspring.backends.mail.base import Mail, Undelivered

SECONDS: Final = 20.0
_PORTS: Final = {"smtp": 587, "smtps": 465}


class SmtpMailer:
    """One connection a mail to the server of `url`; `sender` is who mails come from.

    `smtp` turns to TLS as soon as the server offers it; `smtps` begins with it.
    """

    def __init__(self, url: str, sender: str) -> None:
        self._parts, self._sender = urlsplit(url), sender

    async def send(self, mail: Mail) -> None:
        """Hand a mail to the server. Raises Undelivered."""
        parts = self._parts
        try:
            await aiosmtplib.send(
                self.message(mail),
                hostname=parts.hostname,
                port=parts.port or _PORTS[parts.scheme],
                username=unquote(parts.username) if parts.username else None,
                password=unquote(parts.password) if parts.password else None,
                use_tls=parts.scheme == "smtps",
                timeout=SECONDS,
            )
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            raise Undelivered from error

    def message(self, mail: Mail) -> EmailMessage:
        """The mail as it travels. Raises ValueError for a header that would hold a line break."""
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = self._sender, mail.recipient, mail.subject
        message.set_content(mail.text)
        message.add_alternative(mail.html, subtype="html")
        return message
