"""Text messages through a gateway that speaks Twilio's protocol: a form, with the account's name and token."""

from __future__ import annotations

import base64
import re
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec

from mainspring.backends.sms.base import Unsent
from mainspring.backends.web.base import Unreachable, Web

BASE: Final = "https://api.twilio.com"
SECONDS: Final = 10.0
_MOST: Final = 100_000
_NUMBER: Final = re.compile(r"\+?[1-9][0-9]{1,14}\Z")


class TwilioSms:
    """`sender` is a number, or the id of a messaging service."""

    def __init__(self, web: Web, base: str, account: str, token: str, sender: str) -> None:
        self._web, self._sender = web, sender
        self._url = f"{base.rstrip('/')}/2010-04-01/Accounts/{quote(account, safe='')}/Messages.json"
        self._authorization = "Basic " + base64.b64encode(f"{account}:{token}".encode()).decode()

    async def send(self, phone: str, text: str, channel: str) -> str:
        """Hand a text over; the gateway's id of it. Raises Unsent."""
        receiver, sender = f"+{phone}", self._sender
        if channel == "whatsapp":
            receiver = f"{channel}:{receiver}"
            sender = f"{channel}:{sender}" if _NUMBER.match(sender) else sender
        form = urlencode({"To": receiver, "From": sender, "Body": text})
        headers = {"content-type": "application/x-www-form-urlencoded", "authorization": self._authorization}
        try:
            reply = await self._web.post(self._url, form.encode(), headers, SECONDS, _MOST)
            told: Any = msgspec.json.decode(reply.body)
        except (Unreachable, msgspec.DecodeError) as error:
            raise Unsent from error
        if reply.status not in (200, 201) or not isinstance(told, dict) or told.get("status") in ("failed", "undelivered"):
            raise Unsent(f"the gateway answered {reply.status}")
        return str(told.get("sid", ""))
