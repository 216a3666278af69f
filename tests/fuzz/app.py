"""The application that hostile requests are sent to: a column of every type, relations of every kind, functions of every form."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, BigInteger, Computed, DateTime, ForeignKey, Interval, LargeBinary, Numeric, String, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from mainspring import Mainspring, Principal, Refusal, Rows, auth

CALLER = "a0000000-0000-4000-8000-000000000001"
OTHER = "b0000000-0000-4000-8000-000000000002"


class Base(DeclarativeBase):
    """The base of the models."""


class Mood(enum.Enum):
    sad = "sad"
    glad = "glad"


class Author(Base):
    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    secret: Mapped[str | None]
    friend_id: Mapped[int | None] = mapped_column(ForeignKey("authors.id"))


class Book(Base):
    __tablename__ = "books"
    __table_args__ = (UniqueConstraint("author_id", "title"),)
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("authors.id"))
    editor_id: Mapped[int | None] = mapped_column(ForeignKey("authors.id"))
    owner: Mapped[UUID] = mapped_column(default=auth.uid)
    title: Mapped[str] = mapped_column(String(80))
    price: Mapped[Decimal | None] = mapped_column(Numeric(10, 2))
    weight: Mapped[float | None]
    lent: Mapped[bool] = mapped_column(default=False)
    mood: Mapped[Mood | None]
    data: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    printed: Mapped[date | None]
    opens: Mapped[time | None]
    sold: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    noted: Mapped[datetime | None]
    lasts: Mapped[timedelta | None] = mapped_column(Interval)
    raw: Mapped[bytes | None] = mapped_column(LargeBinary)
    double: Mapped[Decimal | None] = mapped_column(Numeric(12, 2), Computed("price * 2", persisted=True))


class Genre(Base):
    __tablename__ = "genres"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(unique=True)


class BookGenre(Base):
    __tablename__ = "book_genres"
    book_id: Mapped[int] = mapped_column(ForeignKey("books.id", ondelete="CASCADE"), primary_key=True)
    genre_id: Mapped[int] = mapped_column(ForeignKey("genres.id"), primary_key=True)


class Vault(Base):
    __tablename__ = "vault"
    id: Mapped[int] = mapped_column(primary_key=True)


@dataclass
class Point:
    x: int
    y: float


def application() -> Mainspring:
    """A new application of these models."""
    app = Mainspring(models=Base)
    everybody = ["anon", "authenticated"]
    for model in (Author, Genre, BookGenre):
        app.policy(model, "select", to=everybody)(lambda row, me: True)
        app.policy(model, "all", to="authenticated")(lambda row, me: True)
    app.grant(Author, "select", to=everybody, exclude=["secret"])
    app.policy(Book, "select", to=everybody)(lambda book, me: ~book.lent | (book.owner == me.uid))
    app.policy(Book, "insert", "update", "delete", to="authenticated")(lambda book, me: book.owner == me.uid)

    @app.computed(Book)
    def loud(book: Any) -> Any:
        return book.title.upper() + "!"

    @app.relation(Author, Book)
    def lent_out(author: Any, book: Any) -> Any:
        return (book.author_id == author.id) & book.lent

    @app.rpc(to=everybody, read_only=True)
    def add(a: int, b: int = 10) -> int:
        return a + b

    @app.rpc(to=everybody, read_only=True)
    async def echo(on: date, price: Decimal, who: UUID, tags: list[str], flag: bool | None = None) -> dict[str, Any]:
        return {"on": on, "price": price, "who": who, "tags": tags, "flag": flag}

    @app.rpc(to=everybody, read_only=True)
    async def books_of(db: Rows, author: int) -> list[Book]:
        found: Any = await db.select(Book, "id", where=lambda book: book.author_id == author)
        return found

    @app.rpc(to=everybody, read_only=True)
    def points(n: int = 3) -> list[Point]:
        return [Point(i, i / 2) for i in range(min(max(n, 0), 20))]

    @app.rpc()
    async def rename(db: Rows, book: int, title: str) -> int:
        return len(await db.update(Book, {"title": title}, where=lambda row: row.id == book))

    @app.rpc()
    def whoami(me: Principal) -> str | None:
        return me.uid

    @app.rpc(to=everybody)
    def refuse(why: str = "no") -> None:
        raise Refusal(why)

    @app.seed
    def rows() -> Mapping[Any, list[dict[str, Any]]]:
        return {
            Author: [
                {"id": i, "name": n, "secret": "x", "friend_id": None} for i, n in ((1, "Ada"), (2, "Gräce"), (3, 'O"Neil'))
            ],
            Book: [_book(number) for number in range(1, 13)],
            Genre: [{"id": 1, "name": "sea"}, {"id": 2, "name": "air"}],
            BookGenre: [{"book_id": 1, "genre_id": 1}, {"book_id": 1, "genre_id": 2}, {"book_id": 3, "genre_id": 2}],
            Vault: [{"id": 1}],
        }

    return app


def _book(number: int) -> dict[str, Any]:
    whole = number % 3 > 0
    return {
        "id": number,
        "author_id": number % 3 + 1,
        "editor_id": 1 if whole else None,
        "owner": CALLER if number % 2 else OTHER,
        "title": f"book {number} of many",
        "price": Decimal(number) / 4 if whole else None,
        "weight": number / 3,
        "lent": number % 4 == 0,
        "mood": Mood.glad if whole else None,
        "data": {"n": number, "deep": {"x": [1, "two", None]}, "s": "text"} if whole else None,
        "printed": date(2000, 1, number),
        "opens": time(number, 30),
        "sold": datetime(2020, 1, number, tzinfo=UTC),
        "noted": datetime(2020, 1, number, 12),
        "lasts": timedelta(hours=number),
        "raw": bytes([number]),
    }
