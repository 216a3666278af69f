"""hCaptcha's and Turnstile's way: a form with the token and our secret, answered by JSON."""

from __future__ import annotations

from typing import Any, Final
from urllib.parse import urlencode

import msgspec

from mainspring.backends.web.base import Unreachable, Web
from mainspring.errors import CaptchaUnchecked

URLS: Final = {
    "hcaptcha": "https://api.hcaptcha.com/siteverify",
    "turnstile": "https://challenges.cloudflare.com/turnstile/v0/siteverify",
}
SECONDS: Final = 10.0
_MOST: Final = 100_000
_FORM: Final = {"content-type": "application/x-www-form-urlencoded"}


class SiteVerify:
    """Asks the verifier at `url`."""

    def __init__(self, web: Web, url: str, secret: str) -> None:
        self._web, self._url, self._secret = web, url, secret

    async def judge(self, token: str, ip: str) -> str | None:
        """None where a person got the token, else why not. Raises CaptchaUnchecked."""
        form = urlencode({"secret": self._secret, "response": token, "remoteip": ip}, errors="replace")
        try:
            reply = await self._web.post(self._url, form.encode(), _FORM, SECONDS, _MOST)
            told: Any = msgspec.json.decode(reply.body)
        except (Unreachable, msgspec.DecodeError) as error:
            raise CaptchaUnchecked from error
        if not isinstance(told, dict) or not isinstance(told.get("success"), bool):
            raise CaptchaUnchecked
        if told["success"]:
            return None
        codes = told.get("error-codes")
        return ", ".join(code for code in codes if isinstance(code, str))[:200] if isinstance(codes, list) else ""
