"""Codes by text message: when one may be sent, what it says, and who carries it."""

from __future__ import annotations

import re
from typing import Final

from mainspring.backends.counters.base import Counters, Rate
from mainspring.backends.sms.base import Sms, Unsent
from mainspring.errors import ConfigError, MessageUndelivered, Mistake, SentTooSoon, TooManyRequests
from mainspring.observe import Sink, TextFailed
from mainspring.services.identity.addresses import Address
from mainspring.services.identity.hooks import Hooks
from mainspring.services.identity.messages.codes import Code
from mainspring.services.identity.messages.wording import Wording
from mainspring.services.identity.people import User
from mainspring.settings import SmsSettings

TEST: Final = "test-otp"
"""The id of a message that is not sent, because its code is known beforehand."""
_KNOWN: Final = re.compile(r"\+?([1-9][0-9]{1,14})=([0-9]{4,20})\Z")


class Texts:
    """Writes and sends them. `site` is where people end up."""

    def __init__(
        self,
        sms: Sms,
        settings: SmsSettings,
        counters: Counters,
        wording: Wording,
        site: str,
        observe: Sink,
        hooks: Hooks,
    ) -> None:
        self._sms, self._settings, self._counters, self._hooks = sms, settings, counters, hooks
        self._wording, self._site, self._observe = wording, site, observe
        self._known = _known(settings)

    def known(self, address: Address) -> str | None:
        """The code of a number that gets no text."""
        return self._known.get(address.text)

    async def reserve(self, address: Address) -> None:
        """Return when a text may be sent to the number now. Raises SentTooSoon, TooManyRequests.

        It asks nothing about users, so that known and unknown ones are answered alike; and what for makes no difference, so that
        nobody's phone rings all the time.
        """
        if self._settings.interval_seconds:
            wait = await self._counters.take(f"text {address.text}", Rate(1, self._settings.interval_seconds))
            if wait:
                raise SentTooSoon(wait, "sms")
        if (self._settings.provider or self._hooks.texts_set) and address.text not in self._known:
            wait = await self._counters.take("texts", Rate(self._settings.rate_hour, 3600))
            if wait:
                raise TooManyRequests("sms", wait)

    async def send(self, kind: str, address: Address, user: User, code: Code) -> str | None:
        """Write a text and hand it over. The message's id. Raises MessageUndelivered."""
        if address.text in self._known:
            return TEST
        if self._hooks.texts_set:
            await self._hooks.send_text(user, address, code)
            return None
        values = {
            "Code": code.digits,
            "Token": code.digits,
            "Phone": address.text,
            "SiteURL": self._site,
            "Data": user.raw_user_meta_data or {},
        }
        text = self._wording.fill("sms.txt", values).strip()
        try:
            return await self._sms.send(address.text, text, address.channel)
        except Unsent as error:
            self._observe(TextFailed(kind, error.__cause__ or error))
            raise MessageUndelivered(kind.replace("_", " "), "sms") from error


def _known(settings: SmsSettings) -> dict[str, str]:
    """The codes known beforehand, by number. Raises ConfigError."""
    found = [_KNOWN.match(each) for each in settings.test_codes]
    if not all(found):
        raise ConfigError([Mistake("sms.test_codes", "is no number and code", "4670123=123456")])
    return {each[1]: each[2] for each in found if each}
