"""Companies that sign in their people here (SAML 2.0)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mainspring.catalog.system.base import SystemTable, an_id, moment


class SsoProvider(SystemTable):
    """A company, as its metadata describes it."""

    __tablename__ = "sso_providers"
    __table_args__ = (
        UniqueConstraint("entity_id"),
        UniqueConstraint("resource_id"),
        {"schema": "auth", "comment": "Companies that sign in their people."},
    )

    id: Mapped[UUID] = an_id()
    resource_id: Mapped[str | None]
    disabled: Mapped[bool] = mapped_column(default=False)
    entity_id: Mapped[str]
    metadata_xml: Mapped[str]
    metadata_url: Mapped[str | None]
    attribute_mapping: Mapped[dict[str, Any] | None]
    name_id_format: Mapped[str | None]
    created_at: Mapped[datetime] = moment()
    updated_at: Mapped[datetime | None]


class SsoDomain(SystemTable):
    """A domain by whose addresses a company's people are known."""

    __tablename__ = "sso_domains"
    __table_args__ = (
        UniqueConstraint("domain"),
        Index("auth_sso_domains_sso_provider_id_idx", "sso_provider_id"),
        {"schema": "auth", "comment": "The domains of companies."},
    )

    id: Mapped[UUID] = an_id()
    sso_provider_id: Mapped[UUID] = mapped_column(ForeignKey("auth.sso_providers.id", ondelete="CASCADE"))
    domain: Mapped[str]
    created_at: Mapped[datetime] = moment()
