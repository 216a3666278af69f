"""Where people sign in to other programs with their account here: those programs, what they asked for, what was allowed."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from mainspring.catalog.system.base import SystemTable, a_user, an_id, moment


def a_client() -> Mapped[UUID]:
    """A reference to the program with which the row goes."""
    return mapped_column(ForeignKey("auth.oauth_clients.id", ondelete="CASCADE"))


class OAuthClient(SystemTable):
    """A program that people may sign in to. `client_secret_hash` is the SHA-256 of its secret; a public one has none.

    It may ask for its `scopes`, or for any where none are named.
    """

    __tablename__ = "oauth_clients"
    __table_args__ = (
        Index("auth_oauth_clients_created_at_idx", "created_at"),
        {"schema": "auth", "comment": "Programs that people sign in to with their account here."},
    )

    id: Mapped[UUID] = an_id()
    client_secret_hash: Mapped[str | None]
    registration_type: Mapped[str]
    client_type: Mapped[str]
    token_endpoint_auth_method: Mapped[str]
    redirect_uris: Mapped[list[Any]]
    grant_types: Mapped[list[Any]]
    client_name: Mapped[str | None]
    client_uri: Mapped[str | None]
    logo_uri: Mapped[str | None]
    scopes: Mapped[str | None]
    created_at: Mapped[datetime] = moment()
    updated_at: Mapped[datetime] = moment()


class OAuthAuthorization(SystemTable):
    """A request of a program, until its code has been used. `code_hash` is the SHA-256 of the code."""

    __tablename__ = "oauth_authorizations"
    __table_args__ = (
        UniqueConstraint("authorization_id"),
        UniqueConstraint("code_hash"),
        Index("auth_oauth_authorizations_client_id_idx", "client_id"),
        Index("auth_oauth_authorizations_user_id_idx", "user_id"),
        Index("auth_oauth_authorizations_expires_at_idx", "expires_at"),
        {"schema": "auth", "comment": "Requests of programs, until people have answered them."},
    )

    id: Mapped[UUID] = an_id()
    authorization_id: Mapped[str]
    client_id: Mapped[UUID] = a_client()
    user_id: Mapped[UUID | None] = mapped_column(ForeignKey("auth.users.id", ondelete="CASCADE"))
    session_id: Mapped[UUID | None]
    redirect_uri: Mapped[str]
    scope: Mapped[str]
    state: Mapped[str | None]
    resource: Mapped[str | None]
    nonce: Mapped[str | None]
    code_challenge: Mapped[str]
    code_challenge_method: Mapped[str]
    status: Mapped[str]
    code_hash: Mapped[str | None]
    created_at: Mapped[datetime] = moment()
    expires_at: Mapped[datetime] = mapped_column()


class OAuthConsent(SystemTable):
    """What a person has allowed a program."""

    __tablename__ = "oauth_consents"
    __table_args__ = (
        UniqueConstraint("user_id", "client_id"),
        Index("auth_oauth_consents_client_id_idx", "client_id"),
        {"schema": "auth", "comment": "What people have allowed programs."},
    )

    id: Mapped[UUID] = an_id()
    user_id: Mapped[UUID] = a_user()
    client_id: Mapped[UUID] = a_client()
    scopes: Mapped[str]
    granted_at: Mapped[datetime] = moment()
