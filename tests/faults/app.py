"""The application that is served while things go wrong: anybody may do anything with its two tables."""

from __future__ import annotations

from typing import Any

from sqlalchemy import JSON, Numeric, SmallInteger, String, Uuid
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from mainspring import Mainspring


class Base(DeclarativeBase):
    """The base of the models."""


class Item(Base):
    """What writers write."""

    __tablename__ = "items"

    key: Mapped[str] = mapped_column(primary_key=True)
    batch: Mapped[str] = mapped_column(index=True)
    n: Mapped[int] = mapped_column(default=0)


class Thing(Base):
    """A column of each kind that bad input is aimed at."""

    __tablename__ = "things"

    id: Mapped[int] = mapped_column(primary_key=True)
    text: Mapped[str | None]
    short: Mapped[str | None] = mapped_column(String(5))
    small: Mapped[int | None] = mapped_column(SmallInteger)
    price: Mapped[Any | None] = mapped_column(Numeric(6, 2))
    ratio: Mapped[float | None]
    flag: Mapped[bool | None]
    code: Mapped[Any | None] = mapped_column(Uuid)
    doc: Mapped[Any | None] = mapped_column(JSON)


app = Mainspring(models=Base)


@app.policy(Item, "all")
@app.policy(Thing, "all")
def anybody(row: Any, me: Any) -> Any:
    return True
