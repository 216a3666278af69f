"""Cursors: what tells a client where its page ended, opaque to it, and where the next one begins.

A cursor holds the order's values in a page's last row or group, and a mark of the order, so that it is taken for no other one's.
"""

from __future__ import annotations

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final
from zlib import crc32

import msgspec

from mainspring.errors import ValueInvalid
from mainspring.query.ast import Order

_LONGEST: Final = 8192
_MARK: Final = 4
_decode = msgspec.json.Decoder(list[Any], float_hook=Decimal).decode


def mark(table: str, order: tuple[Order, ...], keys: tuple[str, ...] = ()) -> bytes:
    """What cursors of this order of this table begin with, or of this order of its groups by `keys`."""
    return crc32(f"{table} {order!r}{' '.join(keys)}".encode()).to_bytes(_MARK, "big")


def write(mark: bytes, values: bytes) -> str:
    """The cursor of a row whose values are the JSON array `values`."""
    return urlsafe_b64encode(mark + values).rstrip(b"=").decode()


def reader(mark: bytes) -> Callable[[str], list[Any]]:
    """Reads cursors of an order; the reader raises ValueInvalid for what is none."""

    def read(text: str) -> list[Any]:
        if len(text) > _LONGEST:
            raise _invalid("it is too long")
        try:
            held = urlsafe_b64decode(text + "=" * (-len(text) % 4))
            values = _decode(held[_MARK:])
        except (binascii.Error, ValueError, msgspec.DecodeError):
            raise _invalid("it is none that this server gave") from None
        if held[:_MARK] != mark:
            raise _invalid("it belongs to another table or order")
        return values

    return read


def _invalid(reason: str) -> ValueInvalid:
    return ValueInvalid("cursor", "...", reason=reason)
