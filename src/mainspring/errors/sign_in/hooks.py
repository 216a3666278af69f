"""The application's own say, and what proves that a person asks."""

from __future__ import annotations

from typing import ClassVar

from mainspring.errors.base import shorten
from mainspring.errors.sign_in.base import SignInError


class HookTimedOut(SignInError):
    """A hook of the application's did not answer in time; `retried`: it could not be reached, again and again."""

    code: ClassVar[str] = "MS8040"
    seconds: float
    retried: bool = False

    @property
    def message(self) -> str:
        if self.retried:
            return "Failed to reach hook after maximum retries"
        return f"Failed to reach hook within maximum time of {self.seconds:f} seconds"


class HookAnswerTooLarge(SignInError):
    """A hook of the application's answered more than may be read."""

    code: ClassVar[str] = "MS8041"
    most: int

    @property
    def message(self) -> str:
        return f"Payload size exceeded size limit of {self.most} bytes"


class HookAnswerNotJson(SignInError):
    """A hook of the application's answered in another form than JSON."""

    code: ClassVar[str] = "MS8042"
    form: str

    @property
    def message(self) -> str:
        if not self.form:
            return "Invalid Content-Type: Missing Content-Type header"
        return f"Invalid JSON response. Received content-type: {shorten(self.form, 100)}"


class HookFailed(SignInError):
    """A hook of the application's failed, or answered what makes no sense. `why` is for the log."""

    code: ClassVar[str] = "MS8043"
    why: str

    @property
    def message(self) -> str:
        return "A hook failed"


class VerificationRejected(SignInError):
    """A hook of the application's lets nobody try a password, or with `factor` a factor, any more."""

    code: ClassVar[str] = "MS8044"
    text: str
    factor: bool = False

    @property
    def message(self) -> str:
        what = "MFA" if self.factor else "password"
        return self.text or f"Further {what} verification attempts will be rejected."


class CaptchaFailed(SignInError):
    """Nothing shows that a person asks."""

    code: ClassVar[str] = "MS8045"
    why: str

    @property
    def message(self) -> str:
        return f"captcha protection: request disallowed ({self.why})"


class CaptchaUnchecked(SignInError):
    """Whether a person asks could not be found out."""

    code: ClassVar[str] = "MS8046"

    @property
    def message(self) -> str:
        return "captcha verification process failed"
