"""Which backends the settings mean. The only importer of concrete backends, each on demand."""

from __future__ import annotations

from urllib.parse import urlsplit

from mainspring.backends.counters.base import Counters
from mainspring.backends.counters.memory import MemoryCounters
from mainspring.backends.mail.base import Mailer
from mainspring.backends.mail.memory import Inbox, Kept, Nowhere
from mainspring.errors import ConfigError, Mistake
from mainspring.settings import MailSettings

__all__ = ["Inbox", "Kept", "Nowhere", "open_counters", "open_mailer"]


def open_counters() -> Counters:
    """Counters of this process."""
    return MemoryCounters()


def open_mailer(settings: MailSettings, private: bool) -> Mailer:
    """The mailer that the settings name; an inbox where mails are shown rather than sent. Raises ConfigError.

    `private`: nobody but this machine can connect, so an inbox need not be asked for.
    """
    url = settings.url.reveal()
    if settings.inbox == "on" or (settings.inbox == "auto" and not url and private):
        return Inbox()
    if not url:
        return Nowhere()
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise ConfigError([Mistake("mail.url", "names no SMTP server", "smtp://user:password@host:587")])
    try:
        from mainspring.backends.mail.smtp import SmtpMailer
    except ImportError:
        raise ConfigError([Mistake("mail.url", "SMTP needs a library", "pip install 'mainspring[mail]'")]) from None
    return SmtpMailer(url, settings.sender)
