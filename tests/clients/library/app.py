"""The library in app mode: a column of each family that a filter of the clients is made for, and functions to call.

`schema.sql` beside it makes the same tables and functions in PostgreSQL for database mode. A book that is not listed exists
for the service key alone: no filter may find, count or order by it.
"""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from sqlalchemy import ARRAY, JSON, Date, ForeignKey, Numeric, Text
from sqlalchemy.dialects.postgresql import INT4RANGE, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from mainspring import Mainspring, Rows

ROWS: dict[str, list[dict[str, Any]]] = json.loads((Path(__file__).parent / "rows.json").read_text("utf-8"))


class Base(DeclarativeBase):
    """Every table of the library."""


class Author(Base):
    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    born: Mapped[date | None]


class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey(Author.id))
    title: Mapped[str] = mapped_column(info={"search": "english"})
    price: Mapped[Decimal] = mapped_column(Numeric(10, 2))
    pages: Mapped[int | None]
    printed: Mapped[date] = mapped_column(Date)
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text))
    details: Mapped[dict[str, Any]] = mapped_column(JSON().with_variant(JSONB(), "postgresql"))
    lent: Mapped[Any] = mapped_column(INT4RANGE)  # from one day of the year to another
    listed: Mapped[bool]


class Shelf(Base):
    __tablename__ = "shelves"
    id: Mapped[int] = mapped_column(primary_key=True)
    label: Mapped[str] = mapped_column(unique=True)
    room: Mapped[str | None] = mapped_column(server_default="hall")


app = Mainspring(models=Base)


@app.policy(Author, "select", to=["anon", "authenticated"])
@app.policy(Shelf, "select", to=["anon", "authenticated"])
def everyone(row: Any, me: Any) -> Any:
    return True


@app.policy(Book, "select", to=["anon", "authenticated"])
def listed(book: Any, me: Any) -> Any:
    return book.listed


@app.rpc(to=["anon", "authenticated"], read_only=True)
def add(a: int, b: int = 10) -> int:
    """Adds two numbers."""
    return a + b


@app.rpc(to=["anon", "authenticated"], read_only=True)
def longest(words: list[str]) -> str:
    """The longest of some words."""
    return max(words, key=len)


@app.rpc(to=["anon", "authenticated"], read_only=True)
async def books_of(db: Rows, author: int) -> list[Book]:
    """The books of an author."""
    found: Any = await db.select(Book, "id", where=lambda book: book.author_id == author, order=["id"])
    return found


@app.rpc(to="service_role")
async def relabel(db: Rows, shelf: int, label: str) -> list[Shelf]:
    """Gives a shelf another label."""
    changed: Any = await db.update(Shelf, {"label": label}, where=lambda row: row.id == shelf)
    return changed


@app.seed
def first_rows() -> dict[Any, list[dict[str, Any]]]:
    """The same rows as in database mode."""
    return {model: ROWS[model.__tablename__] for model in (Author, Book, Shelf)}
