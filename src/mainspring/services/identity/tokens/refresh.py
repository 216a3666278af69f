"""Refresh tokens: a session and a number, signed. Nothing of them is stored but the number.

base64url( 0x00, session (16 bytes), counter (uvarint), hmac-sha256 (first 16 bytes), sha256 of all before (first 4 bytes) )
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from typing import Final, NamedTuple
from uuid import UUID

from mainspring.errors import BodyInvalid, RefreshTokenUnknown

_LEGACY: Final = re.compile(r"[a-z0-9]{12}\Z")
_TAG, _SUM = 16, 4
_MOST_COUNTER_BYTES: Final = 9


class Named(NamedTuple):
    """What a refresh token names."""

    session: str
    counter: int


class RefreshTokens:
    """Writes and reads them with a secret of the server's."""

    def __init__(self, secret: bytes) -> None:
        key = hmac.digest(secret, b"refresh tokens", "sha256")
        self._keyed = hmac.new(key, digestmod="sha256")  # copies of it do not wait for other threads, as hmac.digest does

    def write(self, session: str, counter: int) -> str:
        """The token with number `counter` of a session."""
        body = b"\x00" + UUID(session).bytes + _uvarint(counter)
        body += self._tag(body)
        body += hashlib.sha256(body).digest()[:_SUM]
        return _encoded(body)

    def read(self, text: str) -> Named:
        """What a token names. Raises BodyInvalid for what is none, RefreshTokenUnknown for one that we never wrote."""
        if _LEGACY.match(text):
            raise RefreshTokenUnknown
        body = _decoded(text)
        head, given, seen = body[: -_TAG - _SUM], body[-_TAG - _SUM : -_SUM], body[-_SUM:]
        if hashlib.sha256(body[:-_SUM]).digest()[:_SUM] != seen or head[:1] != b"\x00":
            raise _malformed()
        if not hmac.compare_digest(self._tag(head), given):
            raise RefreshTokenUnknown
        return Named(str(UUID(bytes=head[1:17])), _counter(head[17:]))

    def _tag(self, body: bytes) -> bytes:
        keyed = self._keyed.copy()
        keyed.update(body)
        return keyed.digest()[:_TAG]


def _encoded(body: bytes) -> str:
    return base64.urlsafe_b64encode(body).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    try:
        body = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise _malformed() from None
    if _encoded(body) != text:  # one token, one text
        raise _malformed()
    if not 1 + 16 + 1 <= len(body) - _TAG - _SUM <= 1 + 16 + _MOST_COUNTER_BYTES:
        raise _malformed()
    return body


def _malformed() -> BodyInvalid:
    return BodyInvalid("Refresh token is not valid")


def _uvarint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def _counter(data: bytes) -> int:
    return sum((byte & 0x7F) << (7 * place) for place, byte in enumerate(data))
