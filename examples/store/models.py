"""The tables of the record shop: plain SQLAlchemy models. `auth.uid` is the id of the caller."""

from __future__ import annotations

import enum
from datetime import date, datetime
from decimal import Decimal
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Computed,
    DateTime,
    ForeignKey,
    Numeric,
    String,
    UniqueConstraint,
    func,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from mainspring import auth


class Base(DeclarativeBase):
    """Every table that the data API serves."""

    type_annotation_map: ClassVar = {
        Decimal: Numeric(10, 2),
        datetime: DateTime(timezone=True),
        dict[str, Any]: JSON,
    }


# The catalogue: anybody reads it, staff write it.


class Artist(Base):
    __tablename__ = "artists"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    country: Mapped[str] = mapped_column(String(2))
    formed: Mapped[int | None]


class Album(Base):
    __tablename__ = "albums"

    id: Mapped[int] = mapped_column(primary_key=True)
    artist_id: Mapped[int] = mapped_column(ForeignKey("artists.id"))
    title: Mapped[str]
    released_on: Mapped[date | None]
    price: Mapped[Decimal] = mapped_column(CheckConstraint("price >= 0", name="price_not_negative"))
    wholesale_price: Mapped[Decimal | None]  # what the shop pays; see the grant in app.py
    published: Mapped[bool] = mapped_column(default=False)  # unpublished albums are for staff only
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)  # label, vinyl: {rpm, colour} or null


class Track(Base):
    __tablename__ = "tracks"
    __table_args__ = (UniqueConstraint("album_id", "position"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    album_id: Mapped[int] = mapped_column(ForeignKey("albums.id", ondelete="CASCADE"))
    position: Mapped[int]
    title: Mapped[str]
    seconds: Mapped[int]


class Genre(Base):
    __tablename__ = "genres"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)


class AlbumGenre(Base):
    """Many albums to many genres: clients embed `genres` in `albums` straight through this table."""

    __tablename__ = "album_genres"

    album_id: Mapped[int] = mapped_column(ForeignKey("albums.id", ondelete="CASCADE"), primary_key=True)
    genre_id: Mapped[int] = mapped_column(ForeignKey("genres.id", ondelete="CASCADE"), primary_key=True)


# The customers' side: everybody sees their own rows, staff see all.


class Customer(Base):
    __tablename__ = "customers"

    id: Mapped[UUID] = mapped_column(primary_key=True, default=auth.uid)  # the id of the signed-in user
    name: Mapped[str]
    email: Mapped[str] = mapped_column(unique=True)
    referred_by: Mapped[UUID | None] = mapped_column(ForeignKey("customers.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Address(Base):
    __tablename__ = "addresses"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(
        ForeignKey("customers.id", ondelete="CASCADE"), default=auth.uid
    )
    street: Mapped[str]
    city: Mapped[str]


class OrderStatus(enum.Enum):
    pending = "pending"
    paid = "paid"
    shipped = "shipped"
    cancelled = "cancelled"


class Order(Base):
    __tablename__ = "orders"

    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[UUID] = mapped_column(ForeignKey("customers.id"), default=auth.uid)
    status: Mapped[OrderStatus] = mapped_column(default=OrderStatus.pending)
    # Two ways from an order to an address: a client says which by the name of the column.
    billing_address_id: Mapped[int | None] = mapped_column(ForeignKey("addresses.id"))
    shipping_address_id: Mapped[int | None] = mapped_column(ForeignKey("addresses.id"))
    note: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    shipped_at: Mapped[datetime | None]


class OrderLine(Base):
    __tablename__ = "order_lines"

    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"), primary_key=True)
    album_id: Mapped[int] = mapped_column(ForeignKey("albums.id"), primary_key=True)
    quantity: Mapped[int] = mapped_column(CheckConstraint("quantity > 0", name="one_or_more"), default=1)
    unit_price: Mapped[Decimal]
    total: Mapped[Decimal] = mapped_column(Computed("quantity * unit_price", persisted=True))


class Review(Base):
    __tablename__ = "reviews"
    __table_args__ = (UniqueConstraint("album_id", "user_id"),)  # one review for an album and a user

    id: Mapped[int] = mapped_column(primary_key=True)
    album_id: Mapped[int] = mapped_column(ForeignKey("albums.id", ondelete="CASCADE"))
    user_id: Mapped[UUID] = mapped_column(default=auth.uid)
    signed: Mapped[str]  # the name the author shows to others
    rating: Mapped[int] = mapped_column(CheckConstraint("rating between 1 and 5", name="rating_in_stars"))
    body: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
