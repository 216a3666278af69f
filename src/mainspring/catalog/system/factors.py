"""What people prove themselves with besides a password: second factors, their challenges, recovery codes, and passkeys."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mainspring.catalog.system.base import SystemTable, a_user, an_id, moment


class Factor(SystemTable):
    """A second factor. `counter` is what it counted last (a TOTP step, a key's signatures): it never goes back.

    `secret` is encrypted; `web_authn_credential` holds the public half of a key.
    """

    __tablename__ = "mfa_factors"
    __table_args__ = (
        UniqueConstraint("user_id", "friendly_name"),
        {"schema": "auth", "comment": "Second factors of people."},
    )

    id: Mapped[UUID] = an_id()
    user_id: Mapped[UUID] = a_user()
    friendly_name: Mapped[str]
    factor_type: Mapped[str]
    status: Mapped[str]
    secret: Mapped[str | None]
    phone: Mapped[str | None]
    counter: Mapped[int] = mapped_column(default=0)
    web_authn_credential: Mapped[dict[str, Any] | None]
    web_authn_aaguid: Mapped[UUID | None]
    last_challenged_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = moment()
    updated_at: Mapped[datetime | None]


class Challenge(SystemTable):
    """What a factor is to answer, once and soon. `otp_code` is a hash."""

    __tablename__ = "mfa_challenges"
    __table_args__ = (
        Index("auth_mfa_challenges_factor_id_idx", "factor_id"),
        {"schema": "auth", "comment": "What second factors are to answer."},
    )

    id: Mapped[UUID] = an_id()
    factor_id: Mapped[UUID] = mapped_column(ForeignKey("auth.mfa_factors.id", ondelete="CASCADE"))
    ip_address: Mapped[str | None]
    otp_code: Mapped[str | None]
    web_authn_session_data: Mapped[dict[str, Any] | None]
    created_at: Mapped[datetime] = moment()


class RecoveryCode(SystemTable):
    """A code that stands in for a lost factor, once. `code_hash` is made with a secret of the server's."""

    __tablename__ = "mfa_recovery_codes"
    __table_args__ = (
        UniqueConstraint("user_id", "code_hash"),
        {"schema": "auth", "comment": "Codes that stand in for lost factors."},
    )

    id: Mapped[UUID] = an_id()
    user_id: Mapped[UUID] = a_user()
    code_hash: Mapped[str]
    created_at: Mapped[datetime] = moment()


class Credential(SystemTable):
    """A passkey: the public half of a key with which a person signs in. Bytes are base64url."""

    __tablename__ = "webauthn_credentials"
    __table_args__ = (
        UniqueConstraint("credential_id"),
        Index("auth_webauthn_credentials_user_id_idx", "user_id"),
        {"schema": "auth", "comment": "Passkeys."},
    )

    id: Mapped[UUID] = an_id()
    user_id: Mapped[UUID] = a_user()
    credential_id: Mapped[str]
    public_key: Mapped[str]
    aaguid: Mapped[UUID | None]
    sign_count: Mapped[int] = mapped_column(default=0)
    transports: Mapped[list[Any]]
    backup_eligible: Mapped[bool] = mapped_column(default=False)
    friendly_name: Mapped[str]
    created_at: Mapped[datetime] = moment()
    updated_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]


class Ceremony(SystemTable):
    """What a passkey is to sign, once and soon: to be registered by `user_id`, or to sign somebody in."""

    __tablename__ = "webauthn_challenges"
    __table_args__ = (
        Index("auth_webauthn_challenges_user_id_idx", "user_id"),
        Index("auth_webauthn_challenges_created_at_idx", "created_at"),
        {"schema": "auth", "comment": "What passkeys are to sign."},
    )

    id: Mapped[UUID] = an_id()
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("auth.users.id", ondelete="CASCADE"))
    challenge_type: Mapped[str]
    session_data: Mapped[dict[str, Any]]
    created_at: Mapped[datetime] = moment()
