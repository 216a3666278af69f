"""The same API written by hand: FastAPI, pydantic response models, SQLAlchemy async on aiosqlite.

Run by uvicorn; BENCH_DATABASE names the SQLite file, BENCH_JWT_SECRET the HS256 secret.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

import jwt
from fastapi import Depends, FastAPI, Header, HTTPException, Query
from pydantic import BaseModel, ConfigDict
from sqlalchemy import ColumnElement, ForeignKey, Index, event, or_, select, update
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, joinedload, mapped_column, relationship, selectinload

DATABASE = os.environ.get("BENCH_DATABASE", "fastapi.sqlite")
JWT_SECRET = os.environ.get("BENCH_JWT_SECRET", "")
PRAGMAS = ("journal_mode = WAL", "synchronous = NORMAL", "foreign_keys = ON", "busy_timeout = 10000")


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
    created_at: Mapped[datetime]
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
    created_at: Mapped[datetime]


class Out(BaseModel):
    """What a response model is read from: attributes of an ORM object."""

    model_config = ConfigDict(from_attributes=True)


class AuthorOut(Out):
    id: UUID
    name: str


class CommentOut(Out):
    id: int
    author_id: UUID
    body: str


class DraftOut(Out):
    id: int
    author_id: UUID
    title: str
    body: str
    score: int
    created_at: datetime


class PostOut(DraftOut):
    published: bool


class PostWithEmbeds(PostOut):
    author: AuthorOut
    comments: list[CommentOut]


class PostIn(BaseModel):
    author_id: UUID
    title: str
    body: str
    published: bool = False
    score: int = 0
    created_at: datetime


class PostChanges(BaseModel):
    title: str | None = None
    body: str | None = None
    published: bool | None = None
    score: int | None = None


def _engine(**options: Any) -> AsyncEngine:
    engine = create_async_engine(f"sqlite+aiosqlite:///{DATABASE}", **options)

    @event.listens_for(engine.sync_engine, "connect")
    def set_pragmas(connection: Any, _record: Any) -> None:
        cursor = connection.cursor()
        for pragma in PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


# SQLite takes one writer at a time: a pool of one queues writers here instead of in busy_timeout.
readers = async_sessionmaker(_engine(), expire_on_commit=False)
writers = async_sessionmaker(_engine(pool_size=1, max_overflow=0), expire_on_commit=False)


async def read_session() -> AsyncIterator[AsyncSession]:
    async with readers() as session:
        yield session


async def write_session() -> AsyncIterator[AsyncSession]:
    async with writers() as session:
        yield session


async def maybe_user(authorization: Annotated[str | None, Header()] = None) -> UUID | None:
    if authorization is None:
        return None
    try:
        token = authorization.removeprefix("Bearer ")
        claims = jwt.decode(token, JWT_SECRET, algorithms=["HS256"], audience="authenticated")
    except jwt.InvalidTokenError as error:
        raise HTTPException(401, "invalid token") from error
    return UUID(claims["sub"])


MaybeUser = Annotated[UUID | None, Depends(maybe_user)]


async def user(found: MaybeUser) -> UUID:
    if found is None:
        raise HTTPException(401, "sign in first")
    return found


User = Annotated[UUID, Depends(user)]
ReadSession = Annotated[AsyncSession, Depends(read_session)]
WriteSession = Annotated[AsyncSession, Depends(write_session)]
Limit = Annotated[int, Query(le=100)]
app = FastAPI()


def readable_by(found: UUID | None) -> ColumnElement[bool]:
    if found is None:
        return Post.published.is_(True)
    return or_(Post.published, Post.author_id == found)


@app.get("/health")
async def health() -> dict[str, str]:
    return {"status": "ok"}


@app.get("/posts/{post_id}", response_model=PostOut)
async def read_post(post_id: int, session: ReadSession, found: MaybeUser) -> Post:
    post = await session.scalar(select(Post).where(Post.id == post_id, readable_by(found)))
    if post is None:
        raise HTTPException(404, "no such post")
    return post


@app.get("/posts", response_model=list[PostOut])
async def list_posts(
    session: ReadSession, found: MaybeUser, published: bool = True, min_score: int = 0, limit: Limit = 20
) -> Any:
    return (await session.scalars(_newest(found, published, min_score, limit))).all()


@app.get("/posts-with-comments", response_model=list[PostWithEmbeds])
async def list_posts_with_embeds(
    session: ReadSession, found: MaybeUser, published: bool = True, min_score: int = 0, limit: Limit = 20
) -> Any:
    query = _newest(found, published, min_score, limit)
    query = query.options(joinedload(Post.author), selectinload(Post.comments))
    return (await session.scalars(query)).all()


def _newest(found: UUID | None, published: bool, min_score: int, limit: int) -> Any:
    matching = (readable_by(found), Post.published == published, Post.score >= min_score)
    return select(Post).where(*matching).order_by(Post.created_at.desc()).limit(limit)


@app.get("/drafts", response_model=list[DraftOut])
async def list_drafts(session: ReadSession, me: User, limit: Limit = 20) -> Any:
    query = select(Draft).where(Draft.author_id == me).order_by(Draft.created_at.desc()).limit(limit)
    return (await session.scalars(query)).all()


@app.post("/posts", response_model=PostOut, status_code=201)
async def create_post(body: PostIn, session: WriteSession, me: User) -> Post:
    if body.author_id != me:
        raise HTTPException(403, "write as yourself")
    post = Post(**body.model_dump())
    session.add(post)
    await session.commit()
    return post


@app.patch("/posts/{post_id}", response_model=PostOut)
async def update_post(post_id: int, body: PostChanges, session: WriteSession, me: User) -> Post:
    mine = update(Post).where(Post.id == post_id, Post.author_id == me)
    changes = body.model_dump(exclude_unset=True)
    post: Post | None = await session.scalar(mine.values(**changes).returning(Post))
    if post is None:
        raise HTTPException(404, "no such post")
    await session.commit()
    return post
