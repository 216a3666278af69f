"""What signing in with wallets and accounts elsewhere needs to remember."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mainspring.catalog.system.base import SystemTable, an_id, moment


class SpentMessage(SystemTable):
    """A message that a wallet signed and with which somebody has signed in: it serves once. Old ones are swept away."""

    __tablename__ = "spent_messages"
    __table_args__ = (
        Index("auth_spent_messages_created_at_idx", "created_at"),
        {"schema": "auth", "comment": "Signed messages that have been used."},
    )

    message_hash: Mapped[str] = mapped_column(primary_key=True)
    created_at: Mapped[datetime] = moment()


class CustomProvider(SystemTable):
    """Where people have an account as well, as the service key has added it. `client_secret` is sealed."""

    __tablename__ = "custom_oauth_providers"
    __table_args__ = (
        UniqueConstraint("identifier"),
        {"schema": "auth", "comment": "Providers that were added while the server ran."},
    )

    id: Mapped[UUID] = an_id()
    provider_type: Mapped[str]
    identifier: Mapped[str]
    name: Mapped[str]
    client_id: Mapped[str]
    client_secret: Mapped[str]
    acceptable_client_ids: Mapped[list[Any]]
    scopes: Mapped[list[Any]]
    pkce_enabled: Mapped[bool]
    attribute_mapping: Mapped[dict[str, Any]]
    custom_claims_allowlist: Mapped[list[Any]]
    authorization_params: Mapped[dict[str, Any]]
    enabled: Mapped[bool]
    email_optional: Mapped[bool]
    skip_nonce_check: Mapped[bool]
    issuer: Mapped[str | None]
    discovery_url: Mapped[str | None]
    authorization_url: Mapped[str | None]
    token_url: Mapped[str | None]
    userinfo_url: Mapped[str | None]
    jwks_uri: Mapped[str | None]
    created_at: Mapped[datetime] = moment()
    updated_at: Mapped[datetime | None]
