"""Where a captcha's token is needed: wherever somebody unknown makes us send messages, hash passwords or take in users."""

from __future__ import annotations

from typing import Final

import msgspec

from mainspring.backends.captcha.base import Captcha
from mainspring.errors import CaptchaFailed, MainspringError
from mainspring.surfaces.auth import parse
from mainspring.surfaces.auth.asked import Asked, Desk

PATHS: Final = frozenset(
    {"/signup", "/recover", "/resend", "/magiclink", "/otp", "/token", "/sso", "/passkeys/authentication/options"}
)
_GRANTS: Final = frozenset({"pkce", "refresh_token", "id_token"})
"""What is proved without a password: no captcha is asked for."""
_LONGEST: Final = 8_192


class Security(msgspec.Struct):
    """What a client says of its captcha."""

    captcha_token: str | None = None


class Secured(msgspec.Struct):
    """Any body."""

    gotrue_meta_security: Security | None = None


class Gate:
    """Stands before the endpoints; without a `captcha` it is open."""

    def __init__(self, desk: Desk, captcha: Captcha | None) -> None:
        self._desk, self._captcha = desk, captcha

    async def __call__(self, path: str, asked: Asked) -> None:
        """Return when the request may go on. Raises CaptchaFailed, CaptchaUnchecked, TooManyRequests."""
        if self._captcha is None or path not in PATHS or self._is_exempt(path, asked):
            return
        await self._desk.bound(asked, "captcha", self._desk.auth.rate_token)
        said = parse.body(asked.body or b"{}", Secured).gotrue_meta_security
        token = ((said.captcha_token if said else None) or "").strip()
        if not token or len(token) > _LONGEST:
            raise CaptchaFailed("no captcha_token found")
        why = await self._captcha.judge(token, asked.asker.ip)
        if why is not None:
            raise CaptchaFailed(why)

    def _is_exempt(self, path: str, asked: Asked) -> bool:
        if path == "/token" and asked.query.get("grant_type") in _GRANTS:
            return True
        try:
            self._desk.administrator(asked)
        except MainspringError:
            return False
        return True
