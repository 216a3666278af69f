"""30xx: who asks is not known."""

from __future__ import annotations

from typing import ClassVar

from mainspring.errors.base import MainspringError


class IdentityError(MainspringError):
    """Who asks could not be established."""

    code: ClassVar[str] = "MS3000"


class TokenInvalid(IdentityError):
    """A token that is not ours, not whole or not meant for us. `claims`: it is whole, but what it claims does not hold."""

    code: ClassVar[str] = "MS3001"
    reason: str
    more: str | None = None
    claims: bool = False

    @property
    def message(self) -> str:
        return self.reason

    @property
    def details(self) -> str | None:
        return self.more


class TokenExpired(IdentityError):
    """A token that was good once."""

    code: ClassVar[str] = "MS3002"

    @property
    def message(self) -> str:
        return "JWT expired"


class KeyMissing(IdentityError):
    """No key at all, where one is required."""

    code: ClassVar[str] = "MS3003"

    @property
    def message(self) -> str:
        return "No API key found in request"

    @property
    def hint(self) -> str | None:
        return "Send the anon key in the `apikey` header; `mainspring keys` prints it."


class TokenRequired(IdentityError):
    """Nobody may come without a token."""

    code: ClassVar[str] = "MS3004"

    @property
    def message(self) -> str:
        return "Anonymous access is disabled"


class TokenKeyMissing(IdentityError):
    """A token came, and the server has no key to check one with."""

    code: ClassVar[str] = "MS3005"

    @property
    def message(self) -> str:
        return "Server lacks JWT secret"
