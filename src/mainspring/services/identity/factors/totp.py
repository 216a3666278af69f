"""Authenticator apps (RFC 6238: SHA-1, six digits, thirty seconds). A step that was accepted never is again."""

from __future__ import annotations

import asyncio
import base64
import hmac
import secrets
import struct
from typing import Final
from urllib.parse import quote, urlencode, urlsplit

from mainspring.errors import BodyInvalid, ProofInvalid
from mainspring.services.identity.accounts import Row
from mainspring.services.identity.factors.kinds import Proof, Question, Secret, Wish
from mainspring.services.identity.factors.proofs import FactorChallenge
from mainspring.services.identity.people import Factor, User, now
from mainspring.services.identity.seal import Seal

STEP_SECONDS: Final = 30
DIGITS: Final = 6
_SKEW: Final = (0, -1, 1)
"""The steps whose codes count, from the current one on: the clock of a phone may be a little off."""
_SECRET_BYTES: Final = 20
_LONGEST_ISSUER: Final = 64
_MARGIN: Final = 4


class Totp:
    """The kind of factors. `mode` is the setting, `site` names the issuer where nobody does."""

    name = "totp"
    guessable = True

    def __init__(self, seal: Seal, mode: str, site: str) -> None:
        self._seal, self._mode, self._site = seal, mode, urlsplit(site).netloc or "Mainspring"

    def on(self, action: str) -> bool:
        return self._mode == "on" or (self._mode == "verify" and action == "verify")

    async def begin(self, user: User, factor: str, wish: Wish) -> tuple[Row, Secret]:
        if len(wish.issuer) > _LONGEST_ISSUER:
            raise BodyInvalid(f"issuer must be {_LONGEST_ISSUER} characters or less")
        key = secrets.token_bytes(_SECRET_BYTES)
        text = base64.b32encode(key).decode()
        uri = _uri(text, wish.issuer or self._site, user.email or user.phone or user.id)
        return {"secret": self._seal.close(text, place(factor))}, Secret(text, uri, await asyncio.to_thread(drawn, uri))

    async def ask(self, user: User, factor: Factor, challenge: str, channel: str) -> Question:
        return Question({})

    async def check(self, user: User, factor: Factor, challenge: FactorChallenge, proof: Proof) -> Row:
        text = self._seal.open(factor.secret or "", place(factor.id))
        key = base64.b32decode(text) if text else b""
        current = int(now().timestamp()) // STEP_SECONDS
        fitting = [current + skew for skew in _SKEW if key and hmac.compare_digest(code(key, current + skew), _said(proof))]
        step = max(fitting, default=0)
        if step <= factor.counter:
            raise ProofInvalid(self.name)
        return {"counter": step}


def code(key: bytes, step: int) -> bytes:
    """The digits of a step."""
    digest = hmac.digest(key, struct.pack(">Q", step), "sha1")
    place = digest[-1] & 0xF
    number = struct.unpack_from(">I", digest, place)[0] & 0x7FFF_FFFF
    return b"%06d" % (number % 10**DIGITS)


def drawn(uri: str) -> str:
    """A QR code as SVG. It can stand in a data address unquoted: neither # nor % is in it."""
    import segno  # here: few processes ever draw one

    rows = segno.make(uri, micro=False, error="l").matrix
    size = len(rows) + 2 * _MARGIN
    dots = (f"M{x + _MARGIN} {y + _MARGIN}h1v1h-1z" for y, row in enumerate(rows) for x, dot in enumerate(row) if dot)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{size * 4}" height="{size * 4}" viewBox="0 0 {size} {size}" '
        f'shape-rendering="crispEdges"><rect width="{size}" height="{size}" fill="white"/><path d="{"".join(dots)}"/></svg>'
    )


def _uri(secret: str, issuer: str, account: str) -> str:
    label = f"{quote(issuer, safe='')}:{quote(account, safe='@')}"
    told = {"algorithm": "SHA1", "digits": DIGITS, "issuer": issuer, "period": STEP_SECONDS, "secret": secret}
    return f"otpauth://totp/{label}?{urlencode(told, quote_via=quote)}"


def place(factor: str) -> str:
    """Where the secret of a factor is sealed for."""
    return f"mfa_factors.secret {factor}"


def _said(proof: Proof) -> bytes:
    return proof.code.strip().encode()[:64]
