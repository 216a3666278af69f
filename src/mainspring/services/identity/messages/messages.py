"""Messages to people: when one may be sent, what it says, and who carries it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine, Mapping, Sequence
from html import unescape
from typing import Any, Final
from urllib.parse import quote

from mainspring.backends.counters.base import Counters, Rate
from mainspring.backends.mail.base import Mail, Mailer, Undelivered
from mainspring.errors import HookFailed, HookTimedOut, MessageUndelivered, Refusal, SentTooSoon, TooManyRequests
from mainspring.observe import MailFailed, Sink
from mainspring.services.identity.addresses import EMAIL, PHONE, Address
from mainspring.services.identity.hooks import Hooks
from mainspring.services.identity.messages.codes import Code
from mainspring.services.identity.messages.texts import Texts
from mainspring.services.identity.messages.wording import Wording
from mainspring.services.identity.people import User
from mainspring.settings import MailSettings

MOST_WAITING: Final = 1_000
LINK_TYPES: Final[Mapping[str, str]] = {
    "confirmation": "signup",
    "recovery": "recovery",
    "magic_link": "magiclink",
    "invite": "invite",
    "email_change": "email_change",
    "reauthentication": "",
}
"""The kinds of messages, and the type that their links name."""
_TITLE: Final = re.compile(r"<title>(.*?)</title>", re.DOTALL)
_NEEDS_QUOTES: Final = re.compile(r"[&=#]")


class Messages:
    """Writes and sends mails, hands over to `texts` what goes to a phone. `external` is where links lead, `site` where people
    end up."""

    def __init__(
        self,
        mailer: Mailer,
        settings: MailSettings,
        counters: Counters,
        external: str,
        site: str,
        observe: Sink,
        wording: Wording,
        texts: Texts,
        hooks: Hooks,
    ) -> None:
        self._mailer, self._settings, self._counters = mailer, settings, counters
        self._external, self._site, self._observe = external, site, observe
        self._wording, self.texts, self._hooks = wording, texts, hooks
        self._running: set[asyncio.Task[None]] = set()

    async def reserve(self, kind: str, address: Address) -> None:
        """Return when a message of the kind may be sent to the address now. Raises SentTooSoon, TooManyRequests.

        It asks nothing about users, so that known and unknown ones are answered alike.
        """
        if address.kind == PHONE:
            return await self.texts.reserve(address)
        if self._settings.interval_seconds:
            wait = await self._counters.take(f"mail {kind} {address.text}", Rate(1, self._settings.interval_seconds))
            if wait:
                raise SentTooSoon(wait)
        if self._settings.url or self._hooks.mails_set:
            wait = await self._counters.take("mails", Rate(self._settings.rate_hour, 3600))
            if wait:
                raise TooManyRequests("email", wait)
        return None

    async def send(
        self, kind: str, address: Address, user: User, code: Code, redirect_to: str = "", link_type: str | None = None
    ) -> str | None:
        """Write a message and hand it over. The id that a text has. Raises MessageUndelivered."""
        if address.kind == PHONE:
            return await self.texts.send(kind, address, user, code)
        if self._hooks.mails_set:
            await self._hooks.send_mail(kind, user, [(address, code)], redirect_to)
            return None
        values = {
            "SiteURL": self._site,
            "ConfirmationURL": self.link(code.token, link_type or LINK_TYPES[kind], redirect_to),
            "Email": user.email or "",
            "NewEmail": user.email_change or "",
            "SendingTo": address.text,
            "Token": code.digits,
            "TokenHash": code.token,
            "RedirectTo": redirect_to,
            "Data": user.raw_user_meta_data or {},
        }
        try:
            await self._mailer.send(self._written(kind, address.text, values))
        except Undelivered as error:
            self._observe(MailFailed(kind, error.__cause__ or error))
            raise MessageUndelivered(kind.replace("_", " ")) from error
        return None

    async def send_changes(self, user: User, codes: Sequence[tuple[Address, Code]], redirect_to: str) -> None:
        """Write to each address what it needs to agree to a change, the new one first. Raises MessageUndelivered."""
        by_mail = [each for each in codes if each[0].kind == EMAIL]
        if self._hooks.mails_set and by_mail:
            await self._hooks.send_mail("email_change", user, by_mail, redirect_to)
            codes = [each for each in codes if each[0].kind == PHONE]
        for address, code in codes:
            await self.send(f"{address.kind}_change", address, user, code, redirect_to)

    def later(self, work: Coroutine[Any, Any, object]) -> None:
        """Do the work after the answer, so that how long it takes tells nothing. Raises TooManyRequests when much waits."""
        if len(self._running) >= MOST_WAITING:
            work.close()
            raise TooManyRequests("email", 1.0)
        task = asyncio.create_task(self._quietly(work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _quietly(self, work: Coroutine[Any, Any, object]) -> None:
        try:
            await work
        except (MessageUndelivered, SentTooSoon, TooManyRequests, Refusal, HookFailed, HookTimedOut):
            return  # told already, or nobody's fault
        except Exception as error:
            self._observe(MailFailed("message", error))

    async def stop(self) -> None:
        """Let what is being sent go out."""
        await asyncio.gather(*self._running)

    def link(self, token: str, link_type: str, redirect_to: str) -> str:
        """The address that a person follows."""
        target = quote(redirect_to, safe="") if _NEEDS_QUOTES.search(redirect_to) else redirect_to
        return f"{self._external}/verify?token={token}&type={link_type}&redirect_to={target}"

    def _written(self, kind: str, address: str, values: Mapping[str, Any]) -> Mail:
        html = self._wording.fill(f"{kind}.html", values)
        title = _TITLE.search(html)
        subject = " ".join(unescape(title[1]).split()) if title else "Message"
        link = values["ConfirmationURL"] if LINK_TYPES[kind] else ""
        text = "\n\n".join(part for part in (subject, link, f"Code: {values['Token']}") if part)
        return Mail(address, subject, html, text, kind)
