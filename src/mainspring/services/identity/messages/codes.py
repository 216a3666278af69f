"""Codes and links in messages.

What is stored tells neither: it is a hash of the link's token, which is itself made from the code with a secret of the server's.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final, NamedTuple

from mainspring.services.identity.opaque import hashed

PKCE: Final = "pkce_"
"""How the token of a link begins that ends in a code for the program which asked for it."""


class Code(NamedTuple):
    """A code, the token of the link that does the same, and what is stored of both."""

    digits: str
    token: str
    stored: str


class Codes:
    """Makes and recognises them, with a secret of the server's."""

    def __init__(self, secret: bytes) -> None:
        self._secret = hmac.digest(secret, b"one-time codes", "sha256")

    def make(self, address: str, purpose: str, length: int, pkce: bool = False, known: str | None = None) -> Code:
        """A new code for an address and a purpose; `known` where it is agreed on beforehand."""
        digits = known or "".join(secrets.choice("0123456789") for _ in range(length))
        token = self.token(address, purpose, digits, pkce)
        return Code(digits, token, hashed(token))

    def token(self, address: str, purpose: str, digits: str, pkce: bool = False) -> str:
        """The token of the link that does what the code does."""
        said = "\0".join((address, purpose, digits)).encode()
        return (PKCE if pkce else "") + hmac.new(self._secret, said, hashlib.sha224).hexdigest()

    def candidates(self, address: str, purpose: str, digits: str) -> tuple[str, ...]:
        """What may be stored of a code that somebody typed."""
        return tuple(hashed(self.token(address, purpose, digits, pkce)) for pkce in (False, True))
