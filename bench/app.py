"""The benchmark's application on Mainspring: `mainspring serve bench/app.py`."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import DateTime, ForeignKey, Index
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from mainspring import Mainspring, exists


class Base(DeclarativeBase):
    """The application's tables."""


class Author(Base):
    __tablename__ = "authors"
    id: Mapped[UUID] = mapped_column(primary_key=True)
    name: Mapped[str]


class Post(Base):
    __tablename__ = "posts"
    __table_args__ = (Index("posts_published_created_at", "published", "created_at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[UUID] = mapped_column(ForeignKey(Author.id), index=True)
    title: Mapped[str]
    body: Mapped[str]
    published: Mapped[bool]
    score: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    author: Mapped[Author] = relationship()
    comments: Mapped[list[Comment]] = relationship()


class Comment(Base):
    __tablename__ = "comments"
    id: Mapped[int] = mapped_column(primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey(Post.id), index=True)
    author_id: Mapped[UUID] = mapped_column(ForeignKey(Author.id))
    body: Mapped[str]


class Draft(Base):
    __tablename__ = "drafts"
    __table_args__ = (Index("drafts_author_id_created_at", "author_id", "created_at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[UUID] = mapped_column(ForeignKey(Author.id))
    title: Mapped[str]
    body: Mapped[str]
    score: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Paper(Base):
    __tablename__ = "papers"
    __table_args__ = (Index("papers_created_at", "created_at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    body: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Reader(Base):
    __tablename__ = "readers"
    __table_args__ = (Index("readers_paper_id_author_id", "paper_id", "author_id"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    paper_id: Mapped[int] = mapped_column(ForeignKey(Paper.id))
    author_id: Mapped[UUID] = mapped_column(ForeignKey(Author.id), index=True)


class Note(Base):
    __tablename__ = "notes"
    __table_args__ = (Index("notes_created_at", "created_at"),)
    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    body: Mapped[str] = mapped_column(info={"search": "english"})
    created_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


app = Mainspring(models=Base)


@app.policy(Author, "select", to=["anon", "authenticated"])
@app.policy(Comment, "select", to=["anon", "authenticated"])
@app.policy(Note, "select", to=["anon", "authenticated"])
def everyone(row: Any, me: Any) -> Any:
    return True


@app.policy(Post, "select", to=["anon", "authenticated"])
def published_or_mine(post: Any, me: Any) -> Any:
    return post.published | (post.author_id == me.uid)


@app.policy(Post, "insert", "update", "delete", to="authenticated")
@app.policy(Draft, "select", "insert", "update", "delete", to="authenticated")
def mine(row: Any, me: Any) -> Any:
    return row.author_id == me.uid


@app.policy(Paper, "select", to="authenticated")
def reads_it(paper: Any, me: Any) -> Any:
    return exists(Reader, lambda reader: (reader.paper_id == paper.id) & (reader.author_id == me.uid))
