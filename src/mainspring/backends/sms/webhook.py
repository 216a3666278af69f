"""Text messages to an address of one's own, signed as Standard Webhooks says: `{"phone", "text", "channel"}`."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final
from uuid import uuid4

import msgspec

from mainspring.backends.sms.base import Unsent
from mainspring.backends.web.base import Unreachable, Web
from mainspring.backends.web.signing import signed

SECONDS: Final = 10.0
_MOST: Final = 100_000


class WebhookSms:
    """Posts texts to `url`; whoever receives them sends them on."""

    def __init__(self, web: Web, url: str, secrets: Sequence[bytes]) -> None:
        self._web, self._url, self._secrets = web, url, secrets

    async def send(self, phone: str, text: str, channel: str) -> str:
        """Hand a text over; the `message_id` that is answered, else our own. Raises Unsent."""
        name = str(uuid4())
        body = msgspec.json.encode({"phone": f"+{phone}", "text": text, "channel": channel})
        headers = {"content-type": "application/json", **signed(self._secrets, name, int(time.time()), body)}
        try:
            reply = await self._web.post(self._url, body, headers, SECONDS, _MOST)
        except Unreachable as error:
            raise Unsent from error
        if not 200 <= reply.status < 300:
            raise Unsent(f"answered {reply.status}")
        return _id(reply.body) or name


def _id(body: bytes) -> str:
    try:
        told: Any = msgspec.json.decode(body)
    except msgspec.DecodeError:
        return ""
    found = told.get("message_id") if isinstance(told, dict) else None
    return found if isinstance(found, str) else ""
