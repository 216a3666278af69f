"""Mainspring's own tables and markers, as the user's models name them: `auth.User`, `auth.uid`.

Ordinary SQLAlchemy models on a metadata of their own; the catalog takes in those that the user's refer to.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, MetaData, Text, Uuid, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# No model of the user may live here, and no client reaches these schemas through a data surface.
RESERVED_SCHEMAS = frozenset({"auth", "storage", "realtime", "mainspring"})


class SystemBase(DeclarativeBase):
    """The base of Mainspring's own models."""

    metadata = MetaData()


class User(SystemBase):
    """A person who can sign in. Refer to it with `ForeignKey(auth.User.id)`."""

    __tablename__ = "users"
    __table_args__ = ({"schema": "auth", "comment": "The people who can sign in."},)

    id: Mapped[UUID] = mapped_column(Uuid(), primary_key=True)
    email: Mapped[str | None] = mapped_column(Text())
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())


def uid(context: Any, /) -> UUID | None:
    """A column default: the id of the signed-in user. Mainspring fills it in; a session knows no caller.

    It takes SQLAlchemy's context so that SQLAlchemy keeps the function itself, by which the catalog knows it.
    """
    return None


class Auth:
    """The `auth` namespace of the user's models."""

    User = User
    uid = staticmethod(uid)


auth = Auth()
