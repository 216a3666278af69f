"""What every refusal of a sign-in is."""

from __future__ import annotations

from typing import ClassVar

from mainspring.errors.base import MainspringError


class SignInError(MainspringError):
    """A person cannot sign up, in or out, or change what is known of them."""

    code: ClassVar[str] = "MS8000"
