"""Which backends the settings mean. The only importer of concrete backends, each on demand."""

from __future__ import annotations

from collections.abc import Container
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from mainspring.backends.captcha.base import Captcha
from mainspring.backends.counters.base import Counters
from mainspring.backends.counters.memory import MemoryCounters
from mainspring.backends.mail.base import Mailer
from mainspring.backends.mail.memory import Inbox, Kept, Nowhere
from mainspring.backends.sms.base import Sms
from mainspring.backends.sms.memory import InboxSms, NoSms
from mainspring.backends.web.base import Web
from mainspring.errors import ConfigError, Mistake
from mainspring.observe import Sink
from mainspring.settings import CaptchaSettings, CountersSettings, HookSettings, MailSettings, Settings, SmsSettings

if TYPE_CHECKING:
    from mainspring.backends.web.webhook import Webhook

__all__ = [
    "Inbox",
    "InboxSms",
    "Kept",
    "NoSms",
    "Nowhere",
    "open_captcha",
    "open_counters",
    "open_far_counters",
    "open_mailer",
    "open_sms",
    "open_web",
    "open_webhooks",
    "others",
]

HOOKS: Final = tuple(each.name for each in fields(HookSettings) if isinstance(each.default, str))


def open_counters(workers: int, folder: Path) -> Counters:
    """Counters of this process where it is alone, else those that all workers share, in `folder`."""
    if workers == 1:
        return MemoryCounters()
    from mainspring.backends.counters.shared import SharedCounters

    return SharedCounters(folder / "counters")


def open_far_counters(settings: CountersSettings, near: Counters, secret: bytes, observe: Sink) -> Counters:
    """The counters of all machines where the settings name them, which go on with the `near` ones when they are away.

    `secret` is one that all machines have. Raises ConfigError.
    """
    url = settings.url.reveal()
    if not url:
        return near
    try:
        from mainspring.backends.counters.fallback import FallbackCounters
        from mainspring.backends.counters.redis import RedisCounters
    except ImportError:
        raise ConfigError([Mistake("counters.url", "needs a library", "pip install 'mainspring[redis]'")]) from None
    try:
        far = RedisCounters(url, secret, settings.pool_size, settings.timeout_seconds)
    except ValueError:
        raise ConfigError([Mistake("counters.url", "names no Redis server", "redis://user:password@host:6379/0")]) from None
    return FallbackCounters(near, far, observe)


def open_mailer(settings: MailSettings, private: bool, shared: Path | None = None) -> Mailer:
    """The mailer that the settings name; an inbox where mails are shown rather than sent. Raises ConfigError.

    `private`: nobody but this machine can connect, so an inbox need not be asked for. `shared` is the folder for one that
    several workers show.
    """
    url = settings.url.reveal()
    if settings.inbox == "on" or (settings.inbox == "auto" and not url and private):
        if shared is None:
            return Inbox()
        from mainspring.backends.mail.shared import SharedInbox

        return SharedInbox(shared / "inbox")
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


def others(settings: Settings) -> list[str]:
    """The settings that make us ask other servers."""
    hooks = [f"hooks.{name}" for name in HOOKS if getattr(settings.hooks, name)]
    providers = {"sms.provider": settings.sms.provider, "captcha.provider": settings.captcha.provider}
    return [name for name, said in providers.items() if said] + hooks


def open_web(needed_by: str) -> Web:
    """A client of other servers; `needed_by` is the setting that asks for one. Raises ConfigError."""
    try:
        from mainspring.backends.web.client import HttpWeb
    except ImportError:
        raise ConfigError([Mistake(needed_by, "needs a library", "pip install 'mainspring[web]'")]) from None
    return HttpWeb(f"Mainspring/{version('mainspring')}")


def open_sms(settings: SmsSettings, mailer: Mailer, web: Web | None) -> Sms:
    """What carries texts: the gateway that the settings name, else the inbox where there is one. Raises ConfigError.

    `web` is how gateways are asked; it is there where one is named.
    """
    if web is None or not settings.provider:
        return InboxSms(mailer) if isinstance(mailer, Inbox) else NoSms()
    mistakes = list(_mistakes(settings))
    if mistakes:
        raise ConfigError(mistakes)
    secret = settings.secret.reveal()
    if settings.provider == "webhook":
        from mainspring.backends.sms.webhook import WebhookSms
        from mainspring.backends.web.signing import secrets_of

        return WebhookSms(web, settings.url, secrets_of(secret))
    from mainspring.backends.sms.twilio import BASE, TwilioSms

    return TwilioSms(web, settings.url or BASE, settings.account, secret, settings.sender)


def open_captcha(settings: CaptchaSettings, web: Web | None) -> Captcha | None:
    """The verifier that the settings name. Raises ConfigError."""
    if web is None or not settings.provider:
        return None
    from mainspring.backends.captcha.siteverify import URLS, SiteVerify
    from mainspring.backends.web.urls import is_safe

    url = settings.url or URLS[settings.provider]
    if not is_safe(url):
        raise ConfigError([Mistake("captcha.url", "is no https address", "only this machine may be asked without TLS")])
    if not settings.secret:
        raise ConfigError([Mistake("captcha.secret", f"is needed for {settings.provider}")])
    return SiteVerify(web, url, settings.secret.reveal())


def open_webhooks(settings: HookSettings, declared: Container[str], web: Web | None) -> dict[str, Webhook]:
    """The addresses that are asked, each by the name of its hook; `declared` are those for which there is a function.

    Raises ConfigError.
    """
    from mainspring.backends.web.signing import secrets_of
    from mainspring.backends.web.urls import is_safe
    from mainspring.backends.web.webhook import Webhook

    found: dict[str, Webhook] = {}
    mistakes: list[Mistake] = []
    for name in HOOKS:
        url = getattr(settings, name)
        if not url or web is None:
            continue
        if name in declared:
            mistakes.append(Mistake(f"hooks.{name}", "the app has a function for this hook", "one of the two"))
        if not is_safe(url):
            mistakes.append(Mistake(f"hooks.{name}", "is no https address", "only this machine may be asked without TLS"))
        try:
            found[name] = Webhook(web, url, secrets_of(getattr(settings, f"{name}_secrets").reveal()), settings.seconds)
        except ValueError as error:
            mistakes.append(Mistake(f"hooks.{name}_secrets", str(error)))
    if mistakes:
        raise ConfigError(mistakes)
    return found


def _mistakes(settings: SmsSettings) -> list[Mistake]:
    """What is wrong with the settings of a gateway."""
    from mainspring.backends.web.signing import secrets_of
    from mainspring.backends.web.urls import is_safe

    found = []
    if (settings.url or settings.provider == "webhook") and not is_safe(settings.url):
        found.append(Mistake("sms.url", "is no https address", "only this machine may be asked without TLS"))
    if settings.provider == "webhook":
        try:
            secrets_of(settings.secret.reveal())
        except ValueError as error:
            found.append(Mistake("sms.secret", str(error)))
    else:
        wanted = {"sms.account": settings.account, "sms.secret": settings.secret, "sms.sender": settings.sender}
        found += [Mistake(name, "is needed for Twilio") for name, value in wanted.items() if not value]
    return found
