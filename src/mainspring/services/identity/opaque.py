"""Keys that are not tokens, and what is stored of secrets.

A key is a prefix, 256 random bits, and a checksum by which scanners know a leaked one from a typing error.
"""

from __future__ import annotations

import hashlib
import secrets
import zlib
from typing import Final

_DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM, _SUM = 43, 6
"""So many digits hold 256 bits, and the 32 of the checksum."""


def new_key(prefix: str) -> str:
    """A key that nobody has."""
    text = prefix + _digits(secrets.randbits(256), _RANDOM)
    return text + _checksum(text)


def well_formed(text: str, prefix: str) -> bool:
    """Whether a key can have been made with `prefix` at all."""
    return len(text) == len(prefix) + _RANDOM + _SUM and text.startswith(prefix) and _checksum(text[:-_SUM]) == text[-_SUM:]


def hashed(text: str) -> str:
    """What is stored of a secret that somebody else holds; of anything at all that they may show."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def digest(key: bytes) -> bytes:
    """By what a key is known: whoever reads it cannot tell the key, and finding it takes no time that tells about it."""
    return hashlib.sha256(key).digest()


def _checksum(text: str) -> str:
    return _digits(zlib.crc32(text.encode()), _SUM)


def _digits(number: int, width: int) -> str:
    out = []
    for _ in range(width):
        number, digit = divmod(number, 62)
        out.append(_DIGITS[digit])
    return "".join(reversed(out))
