"""Whose key signed a text for Ethereum (EIP-191): the address is recovered from the signature. Imported when it is needed."""

from __future__ import annotations

import re
from typing import Final

from coincurve import PublicKey
from Crypto.Hash import keccak

from mainspring.errors import WalletMessageInvalid

_ADDRESS: Final = re.compile(r"0x[0-9a-fA-F]{40}\Z")
_SIGNATURE: Final = re.compile(r"(?:0x)?([0-9a-fA-F]{130})\Z")
_CHAIN: Final = re.compile(r"[1-9]\d{0,15}\Z")


def check_form(address: str, chain_id: str) -> None:
    """Return when these can be an account's. Raises WalletMessageInvalid."""
    if not _ADDRESS.match(address):
        raise WalletMessageInvalid("wallet address is not a valid Ethereum address")
    if chain_id and not _CHAIN.match(chain_id):
        raise WalletMessageInvalid("Chain ID is not valid")


def signer(text: str, address: str, signature: str) -> str | None:
    """The address of who signed the text, in the one way it is written (EIP-55), when it is `address`; else None.

    Raises WalletMessageInvalid for what is no signature.
    """
    found = _SIGNATURE.match(signature)
    if found is None:
        raise WalletMessageInvalid(
            "signature must be 65 bytes long, encoded as a 130 character-long hexadecimal string",
        )
    raw, said = bytes.fromhex(found[1]), text.encode()
    parity = raw[64] - 27 if raw[64] >= 27 else raw[64]
    if parity not in (0, 1):
        return None
    digest = _keccak(b"\x19Ethereum Signed Message:\n%d" % len(said) + said)
    try:
        key = PublicKey.from_signature_and_message(raw[:64] + bytes([parity]), digest, hasher=None)
    except Exception:  # the library raises a bare Exception for what cannot be recovered
        return None
    recovered = _keccak(key.format(compressed=False)[1:])[12:].hex()
    return checksummed(recovered) if recovered == address[2:].lower() else None


def checksummed(digits: str) -> str:
    """An address as it is written: capitals where its hash has high digits (EIP-55)."""
    marks = _keccak(digits.encode()).hex()
    return "0x" + "".join(digit.upper() if int(mark, 16) > 7 else digit for digit, mark in zip(digits, marks, strict=False))


def _keccak(data: bytes) -> bytes:
    return bytes(keccak.new(digest_bits=256, data=data).digest())
