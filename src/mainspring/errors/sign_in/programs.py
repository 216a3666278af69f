"""Programs that a person lets in: OAuth clients of ours."""

from __future__ import annotations

from typing import ClassVar

from mainspring.errors.sign_in.base import SignInError


class ClientUnknown(SignInError):
    """No such program that people sign in to."""

    code: ClassVar[str] = "MS8062"

    @property
    def message(self) -> str:
        return "OAuth client not found"


class ClientMismatch(SignInError):
    """The refresh token was given to somebody else."""

    code: ClassVar[str] = "MS8063"

    @property
    def message(self) -> str:
        return "Client does not match the session's OAuth client"


class AuthorizationUnknown(SignInError):
    """No such request of a program, or somebody else's, or too old."""

    code: ClassVar[str] = "MS8064"

    @property
    def message(self) -> str:
        return "authorization not found"


class AuthorizationUsed(SignInError):
    """The request of a program has been answered."""

    code: ClassVar[str] = "MS8065"

    @property
    def message(self) -> str:
        return "authorization request is no longer pending"


class ConsentUnknown(SignInError):
    """Nothing is allowed that could be withdrawn."""

    code: ClassVar[str] = "MS8066"

    @property
    def message(self) -> str:
        return "No active grant found for this client"


class GrantInvalid(SignInError):
    """A code that a program may not exchange for tokens."""

    code: ClassVar[str] = "MS8067"
    reason: str

    @property
    def message(self) -> str:
        return self.reason


class ScopeInvalid(SignInError):
    """A program asks for more than it was allowed."""

    code: ClassVar[str] = "MS8068"

    @property
    def message(self) -> str:
        return "The requested scope exceeds what was granted"


class ProgramRefused(SignInError):
    """A program with a person's token wants what only the person may."""

    code: ClassVar[str] = "MS8069"

    @property
    def message(self) -> str:
        return "Tokens issued to OAuth clients cannot be used here"
