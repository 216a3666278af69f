"""What the tables hold of second factors and passkeys, beside the factors themselves."""

from __future__ import annotations

from typing import Any

import msgspec


class FactorChallenge(msgspec.Struct, frozen=True, kw_only=True):
    """What a factor is to answer."""

    id: str
    factor_id: str
    ip_address: str | None = None
    otp_code: str | None = None
    web_authn_session_data: dict[str, Any] | None = None
    created_at: str


class RecoveryCode(msgspec.Struct, frozen=True, kw_only=True):
    """A code that stands in for a lost factor."""

    id: str
    user_id: str
    code_hash: str
    created_at: str


class Passkey(msgspec.Struct, frozen=True, kw_only=True):
    """The public half of a key with which a person signs in. Bytes are base64url."""

    id: str
    user_id: str
    credential_id: str
    public_key: str
    aaguid: str | None = None
    sign_count: int = 0
    transports: list[str] = []
    backup_eligible: bool = False
    friendly_name: str = ""
    created_at: str
    updated_at: str | None = None
    last_used_at: str | None = None


class Ceremony(msgspec.Struct, frozen=True, kw_only=True):
    """What a passkey is to sign."""

    id: str
    user_id: str | None = None
    challenge_type: str
    session_data: dict[str, Any]
    created_at: str
