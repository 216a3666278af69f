"""What people prove themselves with besides a password, taken over where it can be checked here: factors and passkeys. Pure.

A key belongs to a site and names its owner by id; both stay the same. What cannot be taken is named, since who loses a factor is
less protected.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from functools import partial
from typing import Any, Final
from uuid import uuid4

import msgspec

from mainspring.errors import AddressInvalid
from mainspring.services.identity.accounts import Row, stamp
from mainspring.services.identity.addresses import phone
from mainspring.services.identity.factors.assurance import LONGEST_NAME
from mainspring.services.identity.factors.passkeys import NAME
from mainspring.services.identity.factors.relying import Key, encoded
from mainspring.services.identity.imports.records import Unfit, Values
from mainspring.services.identity.people import VERIFIED

_MOST_SECRET: Final = 1024
_MOST_KEY: Final = 1 << 14


class Proofs(msgspec.Struct, frozen=True):
    """Rows of factors and passkeys, and why others are left behind."""

    factors: list[Row] = []
    passkeys: list[Row] = []
    left: list[str] = []


def proofs(user: str, said: Values, seal: Callable[[str, str], str]) -> Proofs:
    """What somebody proves themselves with. Raises Unfit where that is no list."""
    found = Proofs([], [], [])
    for each in said.items("mfa_factors"):
        if each.raw("status") == VERIFIED:
            _take(found.factors, found.left, "a second factor", partial(_factor, user, each, seal))
    for each in said.items("webauthn_credentials"):
        _take(found.passkeys, found.left, "a passkey", partial(_passkey, user, each))
    return found


def _take(rows: list[Row], left: list[str], what: str, read: Callable[[], Row]) -> None:
    try:
        rows.append(read())
    except Unfit as error:
        left.append(f"{what} is left behind: {error}")


def _factor(user: str, said: Values, seal: Callable[[str, str], str]) -> Row:
    fid, kind = said.uuid("id"), said.needed("factor_type")
    if kind not in _KINDS:
        raise Unfit("it is of a kind that is not known here")
    name = said.text("friendly_name")
    created = said.moment("created_at") or stamp()
    nothing: Row = {"secret": None, "phone": None, "counter": 0, "web_authn_credential": None, "web_authn_aaguid": None}
    return {
        **nothing,
        **_KINDS[kind](said, lambda secret: seal(fid, secret)),
        "id": fid,
        "user_id": user,
        "friendly_name": name if name and len(name) <= LONGEST_NAME else fid,
        "factor_type": kind,
        "status": VERIFIED,
        "created_at": created,
        "updated_at": said.moment("updated_at") or created,
    }


def _totp(said: Values, seal: Callable[[str], str]) -> Row:
    secret = (said.text("secret", _MOST_SECRET) or "").replace(" ", "").rstrip("=").upper()
    if secret.startswith("{"):
        raise Unfit("its secret is encrypted")
    padded = secret + "=" * (-len(secret) % 8)
    try:
        base64.b32decode(padded)
    except binascii.Error:
        padded = ""
    if not padded:
        raise Unfit("its secret is not in base32")
    return {"secret": seal(padded)}


def _phone(said: Values, _: Callable[[str], str]) -> Row:
    try:
        return {"phone": phone(said.needed("phone"))}
    except AddressInvalid:
        raise Unfit("it has no phone number") from None


def _security_key(said: Values, _: Callable[[str], str]) -> Row:
    """A key as the library of GoTrue writes it."""
    kept = Values(said.document("web_authn_credential", _MOST_KEY) or {})
    maker = Values(kept.document("authenticator", _MOST_KEY) or {})
    flags = Values(kept.document("flags", _MOST_KEY) or {})
    key = Key(
        credential_id=encoded(_bytes(kept, "id")),
        public_key=encoded(_bytes(kept, "publicKey")),
        transports=_transports(kept.raw("transport")),
        backup_eligible=flags.flag("backupEligible"),
    )
    return {
        "web_authn_credential": msgspec.to_builtins(key),
        "counter": _count(maker.raw("signCount")),
        "web_authn_aaguid": _aaguid(said, "web_authn_aaguid"),
    }


_KINDS: Final[dict[str, Callable[[Values, Callable[[str], str]], Row]]] = {
    "totp": _totp,
    "phone": _phone,
    "webauthn": _security_key,
}


def _passkey(user: str, said: Values) -> Row:
    name = said.text("friendly_name")
    created = said.moment("created_at") or stamp()
    return {
        "id": said.uuid("id") if said.said("id") else str(uuid4()),
        "user_id": user,
        "credential_id": encoded(_bytes(said, "credential_id")),
        "public_key": encoded(_bytes(said, "public_key")),
        "aaguid": _aaguid(said, "aaguid"),
        "sign_count": _count(said.raw("sign_count")),
        "transports": _transports(said.raw("transports")),
        "backup_eligible": said.flag("backup_eligible"),
        "friendly_name": name if name and len(name) <= LONGEST_NAME else NAME,
        "created_at": created,
        "updated_at": said.moment("updated_at") or created,
        "last_used_at": said.moment("last_used_at"),
    }


def _bytes(said: Values, name: str) -> bytes:
    """Bytes as PostgreSQL writes them (hex after a backslash and an x), or in base64."""
    text = said.text(name, _MOST_KEY) or ""
    try:
        found = bytes.fromhex(text[2:]) if text.startswith("\\x") else base64.b64decode(text, validate=True)
    except ValueError:
        found = b""
    if not found:
        raise Unfit(f"{name} holds no bytes")
    return found


def _aaguid(said: Values, name: str) -> str | None:
    return said.uuid(name) if said.said(name) else None


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 32:
        raise Unfit("its count is no number")
    return value


def _transports(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []
