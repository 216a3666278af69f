"""What must be read again, and by nobody else: secrets as tables hold them, encrypted with a key of the server's."""

from __future__ import annotations

import base64
import hmac
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE = 12


class Seal:
    """Encrypts and decrypts texts (AES-256-GCM). What is sealed for one place cannot be opened in another."""

    def __init__(self, secret: bytes) -> None:
        self._cipher = AESGCM(hmac.digest(secret, b"sealed texts", "sha256"))

    def close(self, text: str, place: str) -> str:
        """A text as it is stored in a place, such as a table's column in a row."""
        nonce = secrets.token_bytes(_NONCE)
        return base64.urlsafe_b64encode(nonce + self._cipher.encrypt(nonce, text.encode(), place.encode())).decode()

    def open(self, stored: str, place: str) -> str | None:
        """The text, or None where it is not what was stored there."""
        try:
            raw = base64.urlsafe_b64decode(stored)
            return self._cipher.decrypt(raw[:_NONCE], raw[_NONCE:], place.encode()).decode()
        except (ValueError, InvalidTag):
            return None
