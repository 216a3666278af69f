"""The contract of a captcha's verifier."""

from __future__ import annotations

from typing import Protocol


class Captcha(Protocol):
    """Judges the tokens that people's browsers got."""

    async def judge(self, token: str, ip: str) -> str | None:
        """None where a person got the token, else why not. Raises CaptchaUnchecked."""
        ...
