"""What Mainspring's own models are made of."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, Boolean, DateTime, ForeignKey, MetaData, Text, Uuid, func
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

# No model of the user may live here, and no client reaches these schemas through a data surface.
RESERVED_SCHEMAS = frozenset({"auth", "storage", "realtime", "mainspring"})


class SystemBase(DeclarativeBase):
    """The base of Mainspring's own models."""

    metadata = MetaData()
    type_annotation_map = {  # noqa: RUF012  # SQLAlchemy reads it from the class
        str: Text(),
        bool: Boolean(),
        int: BigInteger(),
        UUID: Uuid(),
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSON(),
        list[Any]: JSON(),
    }


def an_id() -> Mapped[UUID]:
    """A primary key."""
    return mapped_column(primary_key=True)


def moment() -> Mapped[datetime]:
    """A moment, by default that of the insert."""
    return mapped_column(server_default=func.now())


def a_user() -> Mapped[UUID]:
    """A reference to the user with whom the row goes."""
    return mapped_column(ForeignKey("auth.users.id", ondelete="CASCADE"))
