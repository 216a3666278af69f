"""Signatures of Standard Webhooks: who receives a message can tell that it is ours, whole and new. Pure.

A secret is `v1,whsec_` and base64. The signature is an HMAC-SHA256 over id, time and body; several secrets make several
signatures, so that one can take the place of another.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from typing import Final

_SECRET: Final = re.compile(r"v1,whsec_([A-Za-z0-9+/=]{32,88})\Z")
_LEAST: Final = 24


def secrets_of(text: str) -> tuple[bytes, ...]:
    """The secrets in a text, between bars where there are several. Raises ValueError for what is none."""
    return tuple(_secret(part.strip()) for part in text.split("|"))


def _secret(text: str) -> bytes:
    found = _SECRET.match(text)
    try:
        raw = base64.b64decode(found[1], validate=True) if found else b""
    except binascii.Error:
        raw = b""
    if len(raw) < _LEAST:
        raise ValueError("a secret is v1,whsec_ and 24 to 64 bytes in base64")
    return raw


def signed(secrets: Sequence[bytes], name: str, seconds: int, body: bytes) -> Mapping[str, str]:
    """The headers that sign a body. `name` is the message's own, the same whenever it is sent again."""
    said = f"{name}.{seconds}.".encode() + body
    made = (base64.b64encode(hmac.digest(secret, said, hashlib.sha256)).decode() for secret in secrets)
    return {
        "webhook-id": name,
        "webhook-timestamp": str(seconds),
        "webhook-signature": " ".join(f"v1,{each}" for each in made),
    }
