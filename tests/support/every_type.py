"""One model for every column type, default and constraint that the catalog reads."""

from __future__ import annotations

import enum
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import (
    ARRAY,
    JSON,
    BigInteger,
    CheckConstraint,
    Computed,
    DateTime,
    Double,
    Enum,
    Float,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Interval,
    LargeBinary,
    Numeric,
    SmallInteger,
    String,
    Text,
    TypeDecorator,
    Unicode,
    UniqueConstraint,
    func,
    text,
    true,
)
from sqlalchemy.dialects.postgresql import INT4RANGE, JSONB, TSTZRANGE, Range
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from mainspring.catalog.system import auth


class Base(DeclarativeBase):
    """The base of the models."""


class Mood(enum.Enum):
    happy = ":)"
    it_s = "it's"


class Lowered(TypeDecorator[str]):
    impl = String(40)
    cache_ok = True


class Everything(Base):
    """A column of every type."""

    __tablename__ = "everything"
    __table_args__ = (
        UniqueConstraint("a_varchar", "a_date"),
        CheckConstraint("an_integer < 100 or a_float > 1.5"),
        Index("everything_once", "a_date", "a_time", "a_float", unique=True),
        {"comment": "It's everything"},
    )

    id: Mapped[int] = mapped_column(BigInteger().with_variant(SmallInteger(), "mysql"), primary_key=True)
    an_integer: Mapped[int] = mapped_column(CheckConstraint("an_integer > 0"), server_default="7")
    a_smallint: Mapped[int | None] = mapped_column(SmallInteger, server_default=text("3"))
    a_numeric: Mapped[Decimal] = mapped_column(Numeric(10, 2), default=Decimal("1.50"), index=True)
    a_free_numeric: Mapped[Decimal | None] = mapped_column(server_default=text("'1.25'::numeric"))
    a_float: Mapped[float] = mapped_column(Float, default=0.5)
    a_double: Mapped[float | None] = mapped_column(Double)
    a_boolean: Mapped[bool] = mapped_column(server_default=true())
    a_text: Mapped[str] = mapped_column(Text, default="x", comment="some text; it's free")
    a_varchar: Mapped[str] = mapped_column("a_varchar", String(20), server_default="it's")
    a_unicode: Mapped[str | None] = mapped_column(Unicode(5), unique=True)
    a_decorated: Mapped[str | None] = mapped_column(Lowered)
    an_enum: Mapped[Mood] = mapped_column(default=Mood.it_s)
    an_enum_by_value: Mapped[Mood | None] = mapped_column(
        Enum(Mood, name="mood_value", values_callable=lambda kind: [item.value for item in kind]), default=Mood.happy
    )
    a_word: Mapped[str] = mapped_column(Enum("one", "two"), server_default="one")
    a_date: Mapped[date] = mapped_column(server_default=func.current_date())
    a_time: Mapped[time | None] = mapped_column(server_default=text("CURRENT_TIME"))
    a_timestamp: Mapped[datetime] = mapped_column(server_default=func.now())
    a_timestamptz: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=text("CURRENT_TIMESTAMP"), onupdate=func.now()
    )
    a_made_moment: Mapped[datetime] = mapped_column(DateTime(timezone=True), default=lambda: datetime.now(UTC))
    an_interval: Mapped[timedelta | None] = mapped_column(Interval, default=timedelta(hours=1))
    a_uuid: Mapped[UUID] = mapped_column(server_default=func.gen_random_uuid(), default=uuid4)
    a_json: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, server_default=text("'{}'"))
    a_jsonb: Mapped[Any | None] = mapped_column(JSON().with_variant(JSONB(), "postgresql"))
    an_array: Mapped[list[str] | None] = mapped_column(ARRAY(Text), server_default=text("'{a,b}'"))
    an_enum_array: Mapped[list[Mood] | None] = mapped_column(ARRAY(Enum(Mood)))
    a_range: Mapped[Range[int] | None] = mapped_column(INT4RANGE, default=Range(1, 5, bounds="(]"))
    a_period: Mapped[Range[datetime]] = mapped_column(TSTZRANGE, server_default=text("'[2026-01-01,2026-02-01)'::tstzrange"))
    some_bytes: Mapped[bytes | None] = mapped_column(LargeBinary)
    doubled: Mapped[int] = mapped_column(Computed("an_integer * 2", persisted=True))
    taxed: Mapped[Decimal] = mapped_column(Numeric(10, 2), Computed("a_numeric * 1.19"))
    owner: Mapped[UUID | None] = mapped_column(ForeignKey(auth.User.id, ondelete="set null"), default=auth.uid)
    renamed: Mapped[str | None] = mapped_column("order", default="a")


class Place(Base):
    """A composite key in a schema of its own, and a key only the database fills."""

    __tablename__ = "places"
    __table_args__ = ({"schema": "geo"},)

    country: Mapped[str] = mapped_column(String(2), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)


class Visit(Base):
    """Keys across schemas, in several columns, and in a circle with `Trip`."""

    __tablename__ = "visits"
    __table_args__ = (
        ForeignKeyConstraint(["country", "number"], ["geo.places.country", "geo.places.number"], ondelete="CASCADE"),
    )

    id: Mapped[int] = mapped_column(Identity(always=True), primary_key=True)
    country: Mapped[str | None] = mapped_column(String(2))
    number: Mapped[int | None]
    trip_id: Mapped[int | None] = mapped_column(ForeignKey("trips.id"))


Index("visits_falling", Visit.__table__.c.country.desc(), Visit.__table__.c.number)


class Trip(Base):
    """A key that is another row's, and one that points back."""

    __tablename__ = "trips"

    id: Mapped[int] = mapped_column(ForeignKey("everything.id"), primary_key=True)
    first_visit_id: Mapped[int | None] = mapped_column(ForeignKey("visits.id", name="first_visit"), unique=True)
    after_id: Mapped[int | None] = mapped_column(ForeignKey("trips.id"))
