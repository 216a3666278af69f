"""Keys for services, each with a role and what it may do of that."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mainspring.catalog.system.base import SystemTable, an_id, moment


class ApiKey(SystemTable):
    """A key that a service was given. `key_hash` is the SHA-256 of the key, `tables` what it may do (null: all its role may)."""

    __tablename__ = "api_keys"
    __table_args__ = (
        UniqueConstraint("key_hash"),
        Index("auth_api_keys_updated_at_idx", "updated_at"),
        {"schema": "auth", "comment": "Keys that services were given; the keys themselves are not stored."},
    )

    id: Mapped[UUID] = an_id()
    name: Mapped[str]
    key_hash: Mapped[str]
    hint: Mapped[str]
    role: Mapped[str]
    tables: Mapped[dict[str, Any] | None]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    last_used_at: Mapped[datetime | None]
    created_at: Mapped[datetime] = moment()
    updated_at: Mapped[datetime] = mapped_column()
