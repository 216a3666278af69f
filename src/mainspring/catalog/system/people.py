"""People, how they sign in, and what they are signed in with."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, SmallInteger, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mainspring.catalog.system.base import SystemBase, SystemTable, a_user, an_id, moment


class User(SystemBase):
    """A person who can sign in. Refer to it with `ForeignKey(auth.User.id)`.

    Tokens issued before `tokens_valid_from` (seconds since 1970) are refused.
    """

    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("email"),
        UniqueConstraint("phone"),
        Index("auth_users_created_at_idx", "created_at"),
        Index("auth_users_email_change_idx", "email_change"),
        {"schema": "auth", "comment": "The people who can sign in."},
    )

    id: Mapped[UUID] = an_id()
    aud: Mapped[str | None]
    role: Mapped[str | None]
    email: Mapped[str | None]
    encrypted_password: Mapped[str | None]
    email_confirmed_at: Mapped[datetime | None]
    invited_at: Mapped[datetime | None]
    confirmation_sent_at: Mapped[datetime | None]
    recovery_sent_at: Mapped[datetime | None]
    email_change: Mapped[str | None]
    email_change_sent_at: Mapped[datetime | None]
    email_change_confirm_status: Mapped[int] = mapped_column(SmallInteger(), default=0)
    phone: Mapped[str | None]
    phone_confirmed_at: Mapped[datetime | None]
    phone_change: Mapped[str | None]
    phone_change_sent_at: Mapped[datetime | None]
    reauthentication_sent_at: Mapped[datetime | None]
    last_sign_in_at: Mapped[datetime | None]
    raw_app_meta_data: Mapped[dict[str, Any] | None]
    raw_user_meta_data: Mapped[dict[str, Any] | None]
    is_sso_user: Mapped[bool] = mapped_column(default=False)
    is_anonymous: Mapped[bool] = mapped_column(default=False)
    banned_until: Mapped[datetime | None]
    deleted_at: Mapped[datetime | None]
    tokens_valid_from: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = moment()
    updated_at: Mapped[datetime | None]


class Identity(SystemTable):
    """A way in which a person signs in: an address, or an account elsewhere."""

    __tablename__ = "identities"
    __table_args__ = (
        UniqueConstraint("provider_id", "provider"),
        Index("auth_identities_user_id_idx", "user_id"),
        Index("auth_identities_email_idx", "email"),
        {"schema": "auth", "comment": "The ways in which people sign in."},
    )

    id: Mapped[UUID] = an_id()
    user_id: Mapped[UUID] = a_user()
    provider: Mapped[str]
    provider_id: Mapped[str]
    identity_data: Mapped[dict[str, Any] | None]
    email: Mapped[str | None]
    last_sign_in_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = moment()
    updated_at: Mapped[datetime | None]


class Session(SystemTable):
    """A device on which a person is signed in. `refresh_token_counter` tells its one active refresh token from those before.

    Those below `refresh_token_floor` were given out before a second factor was proved (the last time by `factor_id`).
    """

    __tablename__ = "sessions"
    __table_args__ = (
        Index("auth_sessions_user_id_idx", "user_id"),
        Index("auth_sessions_oauth_client_id_idx", "oauth_client_id"),
        {"schema": "auth", "comment": "The devices on which people are signed in."},
    )

    id: Mapped[UUID] = an_id()
    user_id: Mapped[UUID] = a_user()
    aal: Mapped[str]
    amr: Mapped[list[Any]]
    factor_id: Mapped[UUID | None]
    refresh_token_counter: Mapped[int] = mapped_column(default=0)
    refresh_token_floor: Mapped[int | None]
    refreshed_at: Mapped[datetime | None]
    not_after: Mapped[datetime | None]
    user_agent: Mapped[str | None]
    ip: Mapped[str | None]
    tag: Mapped[str | None]
    oauth_client_id: Mapped[UUID | None]
    scopes: Mapped[str | None]
    created_at: Mapped[datetime] = moment()
    updated_at: Mapped[datetime | None]


class FlowState(SystemTable):
    """A sign-in that a program began with a challenge (PKCE), and will end with the code it gets; or one through a provider.

    Of the latter, `state_hash` and `browser_hash` are hashes of what the browser brings back, and `client_state`,
    `provider_access_token`, `provider_refresh_token` and `provider_account` are sealed. `code_challenge` is empty without PKCE.
    """

    __tablename__ = "flow_state"
    __table_args__ = (
        UniqueConstraint("auth_code"),
        UniqueConstraint("state_hash"),
        Index("auth_flow_state_user_id_idx", "user_id"),
        {"schema": "auth", "comment": "Sign-ins under way that end with a code."},
    )

    id: Mapped[UUID] = an_id()
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("auth.users.id", ondelete="CASCADE"))
    auth_code: Mapped[str | None]
    auth_code_issued_at: Mapped[datetime | None]
    code_challenge: Mapped[str]
    code_challenge_method: Mapped[str]
    authentication_method: Mapped[str]
    state_hash: Mapped[str | None]
    browser_hash: Mapped[str | None]
    provider_type: Mapped[str | None]
    referrer: Mapped[str | None]
    client_state: Mapped[str | None]
    linking_target_id: Mapped[UUID | None]
    provider_access_token: Mapped[str | None]
    provider_refresh_token: Mapped[str | None]
    provider_account: Mapped[str | None]
    created_at: Mapped[datetime] = moment()
    updated_at: Mapped[datetime | None]


class OneTimeToken(SystemTable):
    """A code or link that was sent to a person; one of each type at a time. `token_hash` is a hash of what the link holds."""

    __tablename__ = "one_time_tokens"
    __table_args__ = (
        UniqueConstraint("user_id", "token_type"),
        Index("auth_one_time_tokens_token_hash_idx", "token_hash"),
        Index("auth_one_time_tokens_flow_state_id_idx", "flow_state_id"),
        {"schema": "auth", "comment": "Codes and links that were sent to people."},
    )

    id: Mapped[UUID] = an_id()
    user_id: Mapped[UUID] = a_user()
    token_type: Mapped[str]
    token_hash: Mapped[str]
    relates_to: Mapped[str]
    flow_state_id: Mapped[UUID | None] = mapped_column(ForeignKey("auth.flow_state.id", ondelete="CASCADE"))
    created_at: Mapped[datetime] = moment()
    updated_at: Mapped[datetime | None]


class AuditLogEntry(SystemTable):
    """What somebody did about a user."""

    __tablename__ = "audit_log_entries"
    __table_args__ = (
        Index("auth_audit_log_entries_created_at_idx", "created_at"),
        {"schema": "auth", "comment": "Who signed in and out, and what was done about users."},
    )

    id: Mapped[UUID] = an_id()
    payload: Mapped[dict[str, Any]]
    ip_address: Mapped[str | None]
    created_at: Mapped[datetime] = moment()


class Revocation(SystemTable):
    """Tokens that must not be accepted any more, though they have not expired.

    Those of the user or session `subject` that were issued before `valid_from` (seconds since 1970), but not those of the
    session `kept`.
    """

    __tablename__ = "revocations"
    __table_args__ = (
        Index("auth_revocations_created_at_idx", "created_at"),
        {"schema": "auth", "comment": "Tokens refused before they expire; read by every worker."},
    )

    subject: Mapped[UUID] = an_id()
    valid_from: Mapped[int]
    kept: Mapped[UUID | None]
    created_at: Mapped[datetime] = moment()
