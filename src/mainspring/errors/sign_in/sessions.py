"""Sessions, their tokens and the callers that bear them."""

from __future__ import annotations

from typing import ClassVar

from mainspring.errors.sign_in.base import SignInError


class RefreshTokenUnknown(SignInError):
    """A refresh token that was never issued."""

    code: ClassVar[str] = "MS8011"

    @property
    def message(self) -> str:
        return "Invalid Refresh Token: Refresh Token Not Found"


class RefreshTokenReused(SignInError):
    """A refresh token that was used before; its session has been ended."""

    code: ClassVar[str] = "MS8012"

    @property
    def message(self) -> str:
        return "Invalid Refresh Token: Already Used"


class SessionUnknown(SignInError):
    """The session has been ended. `refreshing`: a refresh token belongs to it."""

    code: ClassVar[str] = "MS8013"
    refreshing: bool = False

    @property
    def message(self) -> str:
        if self.refreshing:
            return "Invalid Refresh Token: No Valid Session Found"
        return "Session from session_id claim in JWT does not exist"


class SessionExpired(SignInError):
    """The session has lasted as long as it may."""

    code: ClassVar[str] = "MS8014"
    reason: str = ""

    @property
    def message(self) -> str:
        return "Invalid Refresh Token: Session Expired" + (f" ({self.reason})" if self.reason else "")


class BearerMissing(SignInError):
    """The request names no user."""

    code: ClassVar[str] = "MS8021"

    @property
    def message(self) -> str:
        return "This endpoint requires a valid Bearer token"


class SubjectMissing(SignInError):
    """The token stands for nobody."""

    code: ClassVar[str] = "MS8023"

    @property
    def message(self) -> str:
        return "invalid claim: missing sub claim"


class Contended(SignInError):
    """Others changed the same thing at the same time, again and again."""

    code: ClassVar[str] = "MS8028"

    @property
    def message(self) -> str:
        return "Too many concurrent requests for the same session or user"
