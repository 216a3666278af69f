"""Whose key signed a text for Solana: the address is the key (Ed25519)."""

from __future__ import annotations

import base64
import re
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from mainspring.errors import WalletMessageInvalid

_ALPHABET: Final = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_ADDRESS: Final = re.compile(rf"[{_ALPHABET}]{{32,44}}\Z")
_CHAIN: Final = re.compile(r"solana:(?:main|dev|test|local)net\Z")
_SIGNATURE: Final = re.compile(r"[A-Za-z0-9+/_-]{86}(?:==)?\Z")
_MOST_OFF_CHAIN: Final = 65_535


def check_form(address: str, chain_id: str) -> None:
    """Return when these can be an account's. Raises WalletMessageInvalid."""
    if not _ADDRESS.match(address) or _key(address) is None:
        raise WalletMessageInvalid("wallet address is not in base58 format")
    if chain_id and not _CHAIN.match(chain_id):
        raise WalletMessageInvalid("Chain ID is not valid")


def signer(text: str, domain: str, address: str, signature: str) -> str | None:
    """The address, when its key signed the text (as it is, or as hardware wallets wrap it); else None.

    Raises WalletMessageInvalid for what is no signature.
    """
    if not _SIGNATURE.match(signature):
        raise WalletMessageInvalid("signature must be 64 bytes encoded as base64 with or without padding")
    raw = base64.urlsafe_b64decode(signature.rstrip("=").replace("+", "-").replace("/", "_") + "==")
    key, said = _key(address), text.encode()
    if key is None:
        return None
    return address if any(_signed(key, form, raw) for form in (said, *_off_chain(domain, key, said))) else None


def _signed(key: bytes, message: bytes, signature: bytes) -> bool:
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _off_chain(domain: str, key: bytes, said: bytes) -> list[bytes]:
    """The text as an off-chain message of Solana's, in which a signature can be for nothing else."""
    if len(said) > _MOST_OFF_CHAIN:
        return []
    place = domain.encode()[:32].ljust(32, b"\0")
    return [b"\xffsolana offchain\0" + place + b"\0\x01" + key + len(said).to_bytes(2, "little") + said]


def _key(address: str) -> bytes | None:
    """The 32 bytes that an address in base58 stands for."""
    number = 0
    for character in address:
        number = number * 58 + _ALPHABET.index(character)
    zeros = len(address) - len(address.lstrip("1"))
    body = number.to_bytes((number.bit_length() + 7) // 8, "big")
    found = b"\0" * zeros + body
    return found if len(found) == 32 else None
