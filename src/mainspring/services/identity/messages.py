"""Messages to people: when one may be sent, what it says, and who carries it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Coroutine, Mapping
from html import unescape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from mainspring.backends.counters.base import Counters, Rate
from mainspring.backends.mail.base import Mail, Mailer, Undelivered
from mainspring.errors import MessageUndelivered, SentTooSoon, TooManyRequests
from mainspring.observe import MailFailed, Sink
from mainspring.services.identity.codes import Code
from mainspring.services.identity.people import User
from mainspring.settings import MailSettings

if TYPE_CHECKING:
    from jinja2 import Environment

OWN: Final = Path(__file__).parent / "templates"
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
_GO: Final = re.compile(r"\{\{\s*\.(\w+)")
_NEEDS_QUOTES: Final = re.compile(r"[&=#]")


class Messages:
    """Writes and sends them. `external` is where links lead, `site` where people end up."""

    def __init__(
        self, mailer: Mailer, settings: MailSettings, counters: Counters, external: str, site: str, observe: Sink
    ) -> None:
        self._mailer, self._settings, self._counters = mailer, settings, counters
        self._external, self._site, self._observe = external, site, observe
        self._made: Environment | None = None
        self._running: set[asyncio.Task[None]] = set()

    async def reserve(self, kind: str, address: str) -> None:
        """Return when a message of the kind may be sent to the address now. Raises SentTooSoon, TooManyRequests.

        It asks nothing about users, so that known and unknown ones are answered alike.
        """
        if self._settings.interval_seconds:
            wait = await self._counters.take(f"mail {kind} {address}", Rate(1, self._settings.interval_seconds))
            if wait:
                raise SentTooSoon(wait)
        if self._settings.url:
            wait = await self._counters.take("mails", Rate(self._settings.rate_hour, 3600))
            if wait:
                raise TooManyRequests("email", wait)

    async def send(self, kind: str, address: str, user: User, code: Code, redirect_to: str, link_type: str | None = None) -> None:
        """Write a message and hand it over. Raises MessageUndelivered."""
        values = {
            "SiteURL": self._site,
            "ConfirmationURL": self.link(code.token, link_type or LINK_TYPES[kind], redirect_to),
            "Email": user.email or "",
            "NewEmail": user.email_change or "",
            "SendingTo": address,
            "Token": code.digits,
            "TokenHash": code.token,
            "RedirectTo": redirect_to,
            "Data": user.raw_user_meta_data or {},
        }
        try:
            await self._mailer.send(self._written(kind, address, values))
        except Undelivered as error:
            self._observe(MailFailed(kind, error.__cause__ or error))
            raise MessageUndelivered(kind.replace("_", " ")) from error

    def later(self, work: Coroutine[Any, Any, None]) -> None:
        """Do the work after the answer, so that how long it takes tells nothing. Raises TooManyRequests when much waits."""
        if len(self._running) >= MOST_WAITING:
            work.close()
            raise TooManyRequests("email", 1.0)
        task = asyncio.create_task(self._quietly(work))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _quietly(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except MessageUndelivered:
            return  # told already
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
        html = self._templates.get_template(f"{kind}.html").render(values)
        title = _TITLE.search(html)
        subject = " ".join(unescape(title[1]).split()) if title else "Message"
        link = values["ConfirmationURL"] if LINK_TYPES[kind] else ""
        text = "\n\n".join(part for part in (subject, link, f"Code: {values['Token']}") if part)
        return Mail(address, subject, html, text, kind)

    @property
    def _templates(self) -> Environment:
        """Made with the first message: most processes start to serve data."""
        if self._made is None:
            from jinja2 import FunctionLoader
            from jinja2.sandbox import SandboxedEnvironment

            self._made = SandboxedEnvironment(autoescape=True, loader=FunctionLoader(self._source))
        return self._made

    def _source(self, name: str) -> tuple[str, str, Any]:
        """A template's text: the operator's own where there is one. `{{ .Token }}`, as Go has it, is understood as well."""
        own = Path(self._settings.templates) / name if self._settings.templates else None
        path = own if own is not None and own.is_file() else OWN / name
        changed = path.stat().st_mtime_ns

        def fresh() -> bool:
            now_own = own is not None and own.is_file()
            return (path == own) == now_own and path.stat().st_mtime_ns == changed

        return _GO.sub(r"{{ \1", path.read_text("utf-8")), str(path), fresh
