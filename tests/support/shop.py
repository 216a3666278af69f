"""A small hand-made catalog for unit tests: users, posts (which answer each other), tags and their junction."""

from __future__ import annotations

from typing import Any

from mainspring.catalog.model import Catalog, Column, ForeignKey, Index, Table, Unique
from mainspring.datatypes import (
    BIGINT,
    BOOLEAN,
    INTEGER,
    JSON,
    NUMERIC,
    TEXT,
    TIMESTAMPTZ,
    UUID_,
    DataType,
    Kind,
)
from mainspring.query.ast import Now, TableName

KIND = DataType(Kind.ENUM, name="kind", values=("note", "essay", "book"))


def _table(name: str, *columns: Column, **more: Any) -> Table:
    return Table(TableName("public", name), {column.name: column for column in columns}, **more)


USERS = _table(
    "users",
    Column("id", UUID_, nullable=False),
    Column("name", TEXT, nullable=False),
    Column("email", TEXT),
    primary_key=("id",),
    uniques=(Unique("users_email_key", ("email",)),),
)
POSTS = _table(
    "posts",
    Column("id", BIGINT, nullable=False, autoincrement=True),
    Column("author_id", UUID_),
    Column("parent_id", BIGINT),
    Column("title", TEXT, nullable=False, server_default="'untitled'"),
    Column("published", BOOLEAN, nullable=False, server_default="false"),
    Column("kind", KIND),
    Column("price", NUMERIC),
    Column("data", JSON),
    Column("created_at", TIMESTAMPTZ, server_default=Now()),
    primary_key=("id",),
    indexes=(Index("posts_author_title", ("author_id", "title"), unique=True),),
    foreign_keys=(
        ForeignKey("posts_author_fkey", ("author_id",), USERS.name, ("id",), ondelete="SET NULL"),
        ForeignKey("posts_parent_fkey", ("parent_id",), TableName("public", "posts"), ("id",), ondelete="CASCADE"),
    ),
)
TAGS = _table("tags", Column("id", INTEGER, nullable=False), Column("label", TEXT), primary_key=("id",))
POST_TAGS = _table(
    "post_tags",
    Column("post_id", BIGINT, nullable=False),
    Column("tag_id", INTEGER, nullable=False),
    primary_key=("post_id", "tag_id"),
    foreign_keys=(
        ForeignKey("post_tags_post_fkey", ("post_id",), POSTS.name, ("id",), ondelete="CASCADE"),
        ForeignKey("post_tags_tag_fkey", ("tag_id",), TAGS.name, ("id",)),
    ),
)

CATALOG = Catalog({table.name: table for table in (USERS, POSTS, TAGS, POST_TAGS)})
PUBLIC = {name.name: name for name in CATALOG.tables}
