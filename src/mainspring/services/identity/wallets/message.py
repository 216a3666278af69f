"""The text that a wallet signs (EIP-4361, and Solana's form of it) taken apart. Pure; what it says is not judged here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

import msgspec

from mainspring.errors import WalletMessageInvalid

LEAST, MOST = 64, 20 * 1024
_HEADER: Final = " wants you to sign in with your {chain} account:"
_LABEL: Final = "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN: Final = re.compile(rf"(?:localhost|127\.0\.0\.1|\[::1\]|(?:{_LABEL}\.)+[A-Za-z]{{2,}})(?::\d{{1,5}})?\Z")
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:[Zz]|[+-]\d\d:\d\d)\Z")
_NONCE: Final = re.compile(r"[\x21-\x7e]{1,128}\Z")
_FIELDS: Final = ("URI", "Version", "Chain ID", "Nonce", "Issued At", "Expiration Time", "Not Before", "Request ID")


class Message(msgspec.Struct, frozen=True):
    """What a text says."""

    text: str
    domain: str
    address: str
    statement: str
    uri: str
    chain_id: str
    issued_at: datetime
    expires_at: datetime | None
    not_before: datetime | None


def read(text: str, chain: str) -> Message:
    """What a text of a chain (Ethereum, Solana) says. Raises WalletMessageInvalid."""
    if not LEAST <= len(text.encode("utf-8", "replace")) <= MOST:
        raise WalletMessageInvalid("message is too short" if len(text) < LEAST else "message must not exceed 20KB")
    lines, header = text.split("\n"), _HEADER.format(chain=chain)
    if len(lines) < 6:
        raise WalletMessageInvalid("message needs at least 6 lines")
    if not lines[0].endswith(header):
        raise WalletMessageInvalid(f'message first line does not end in "{header}"')
    domain, address = lines[0].removesuffix(header), lines[1]
    if not _DOMAIN.match(domain):
        raise WalletMessageInvalid("domain in first line of message is not valid")
    if lines[2]:
        raise WalletMessageInvalid("third line must be empty")
    statement, rest = (lines[3], lines[5:]) if lines[3] and not lines[4] else ("", lines[3:])
    said = _fields(rest)
    if said.get("Version") != "1":
        raise WalletMessageInvalid("Version value is not supported, expected 1")
    issued_at = _moment(said, "Issued At")
    if issued_at is None:
        raise WalletMessageInvalid("Issued At is not specified")
    found = Message(
        text=text,
        domain=domain,
        address=address,
        statement=statement,
        uri=_uri(said),
        chain_id=said.get("Chain ID", ""),
        issued_at=issued_at,
        expires_at=_moment(said, "Expiration Time"),
        not_before=_moment(said, "Not Before"),
    )
    if not _NONCE.match(said.get("Nonce", "x")):
        raise WalletMessageInvalid("Nonce is not valid")
    if found.expires_at and max(found.issued_at, found.not_before or found.issued_at) > found.expires_at:
        raise WalletMessageInvalid("Issued At or Not Before is after Expiration Time")
    return found


def _fields(lines: list[str]) -> dict[str, str]:
    """The fields, each at most once; resources are passed over."""
    said: dict[str, str] = {}
    for number, line in enumerate(lines):
        if line.startswith("- ") or line in ("", "Resources:"):
            continue
        name, colon, value = line.partition(":")
        if not colon or name not in _FIELDS or name in said:
            raise WalletMessageInvalid(f"encountered unparsable line at index {number}")
        said[name] = value.strip()
    return said


def _uri(said: Mapping[str, str]) -> str:
    uri = said.get("URI")
    if not uri:
        raise WalletMessageInvalid("URI is not specified")
    try:
        parts = urlsplit(uri)
        valid = bool(parts.scheme and parts.netloc) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid = False
    if not valid or any(character <= " " for character in uri):
        raise WalletMessageInvalid("URI is not valid")
    return uri


def _moment(said: Mapping[str, str], name: str) -> datetime | None:
    text = said.get(name)
    if not text:
        return None
    try:
        if not _MOMENT.match(text):
            raise ValueError(text)
        return datetime.fromisoformat(re.sub(r"(\.\d{6})\d+", r"\1", text.upper())).astimezone(UTC)
    except (ValueError, OverflowError):
        raise WalletMessageInvalid(f"{name} is not a valid ISO8601 timestamp") from None
