"""Wallets that sign texts, as supabase-js has them written."""

from __future__ import annotations

import base64
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from coincurve import PrivateKey
from Crypto.Hash import keccak
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SITE = "127.0.0.1:8000"
_ALPHABET = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def text(chain: str, address: str, *, domain: str = SITE, uri: str = f"http://{SITE}/", **said: Any) -> str:
    """The text to be signed; what is said of fields wins, None leaves one out."""
    fields = {
        "URI": uri,
        "Version": "1",
        "Nonce": secrets.token_hex(8),
        "Issued At": moment(),
        **{name.replace("_", " "): value for name, value in said.items()},
    }
    lines = [f"{name}: {value}" for name, value in fields.items() if value is not None]
    head = [f"{domain} wants you to sign in with your {chain} account:", address, "", "I accept the terms.", ""]
    return "\n".join([*head, *lines])


def moment(seconds: float = 0) -> str:
    """A moment so many seconds from now."""
    return (datetime.now(UTC) + timedelta(seconds=seconds)).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _keccak(data: bytes) -> bytes:
    return bytes(keccak.new(digest_bits=256, data=data).digest())


class Ethereum:
    """An Ethereum wallet."""

    chain, named = "ethereum", "Ethereum"

    def __init__(self) -> None:
        self._key = PrivateKey()
        self.address = "0x" + _keccak(self._key.public_key.format(compressed=False)[1:])[12:].hex()

    def sign(self, message: str) -> str:
        said = message.encode()
        digest = _keccak(b"\x19Ethereum Signed Message:\n%d" % len(said) + said)
        raw = self._key.sign_recoverable(digest, hasher=None)
        return "0x" + (raw[:64] + bytes([raw[64] + 27])).hex()


class Solana:
    """A Solana wallet."""

    chain, named = "solana", "Solana"

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()
        self._public = self._key.public_key().public_bytes_raw()
        number, digits = int.from_bytes(self._public, "big"), ""
        while number:
            number, place = divmod(number, 58)
            digits = _ALPHABET[place] + digits
        self.address = "1" * (32 - len(self._public.lstrip(b"\0"))) + digits

    def sign(self, message: str) -> str:
        return base64.b64encode(self._key.sign(message.encode())).decode()

    def sign_off_chain(self, message: str) -> str:
        """As hardware wallets sign."""
        said = message.encode()
        head = b"\xffsolana offchain\0" + SITE.encode().ljust(32, b"\0") + b"\0\x01" + self._public
        return base64.b64encode(self._key.sign(head + len(said).to_bytes(2, "little") + said)).decode()


Wallet = Ethereum | Solana
