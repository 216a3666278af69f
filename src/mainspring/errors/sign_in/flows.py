"""Codes, links and the flows that send them."""

from __future__ import annotations

from typing import ClassVar

from mainspring.errors.sign_in.base import SignInError


class CodeInvalid(SignInError):
    """A code or link that was never sent, has been used or is too old."""

    code: ClassVar[str] = "MS8015"
    link: bool = False

    @property
    def message(self) -> str:
        return "Email link is invalid or has expired" if self.link else "Token has expired or is invalid"


class TooManyRequests(SignInError):
    """Too many requests (`what`: request, email or sms) in too short a time."""

    code: ClassVar[str] = "MS8019"
    what: str
    seconds: float

    @property
    def message(self) -> str:
        named = "SMS" if self.what == "sms" else self.what
        return "Request rate limit reached" if self.what == "request" else f"{named} rate limit exceeded"


class SentTooSoon(SignInError):
    """The same message (`what`: email or sms) was sent moments ago."""

    code: ClassVar[str] = "MS8020"
    seconds: float
    what: str = "email"

    @property
    def message(self) -> str:
        return f"For security purposes, you can only request this after {max(1, round(self.seconds))} seconds."


class FlowUnknown(SignInError):
    """The code that ends a sign-in was never issued, or has been used."""

    code: ClassVar[str] = "MS8025"

    @property
    def message(self) -> str:
        return "invalid flow state, no valid flow state found"


class FlowExpired(SignInError):
    """The code that ends a sign-in is too old."""

    code: ClassVar[str] = "MS8026"

    @property
    def message(self) -> str:
        return "invalid flow state, flow state has expired"


class VerifierInvalid(SignInError):
    """The verifier is not that of the challenge with which the sign-in began."""

    code: ClassVar[str] = "MS8027"

    @property
    def message(self) -> str:
        return "code challenge does not match previously saved code verifier"


class MessageUndelivered(SignInError):
    """A message (`what`: email or sms) could not be handed over."""

    code: ClassVar[str] = "MS8029"
    kind: str
    what: str = "email"

    @property
    def message(self) -> str:
        return f"Error sending {self.kind} OTP to provider" if self.what == "sms" else f"Error sending {self.kind} email"
