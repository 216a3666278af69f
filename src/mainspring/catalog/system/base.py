"""What Mainspring's own models are made of."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Final, get_args
from uuid import UUID

from sqlalchemy import JSON, BigInteger, Boolean, Column, DateTime, ForeignKey, MetaData, Table, Text, Uuid, func
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedColumn, mapped_column
from sqlalchemy.types import NullType

# No model of the user may live here, and no client reaches these schemas through a data surface.
RESERVED_SCHEMAS = frozenset({"auth", "storage", "realtime", "mainspring"})


_TYPES: Final[dict[Any, Any]] = {
    str: Text(),
    bool: Boolean(),
    int: BigInteger(),
    UUID: Uuid(),
    datetime: DateTime(timezone=True),
    dict[str, Any]: JSON(),
    list[Any]: JSON(),
}
_BY_NAME: Final = {str(each) if get_args(each) else each.__name__: type_ for each, type_ in _TYPES.items()}


class SystemBase(DeclarativeBase):
    """The base of those of Mainspring's own models that the user's may name."""

    metadata = MetaData()
    type_annotation_map = _TYPES


class SystemTable:
    """The base of the others: written like models, but only tables. Nobody maps them, which would cost every start 30 ms."""

    __tablename__: ClassVar[str]
    __table_args__: ClassVar[tuple[Any, ...]]

    def __init_subclass__(cls) -> None:
        *constraints, options = cls.__table_args__
        said = {name: kind for name, kind in cls.__annotations__.items() if kind.startswith("Mapped[")}
        columns = [_column(name, kind[len("Mapped[") : -1], vars(cls).get(name)) for name, kind in said.items()]
        Table(cls.__tablename__, SystemBase.metadata, *columns, *constraints, **options)


def _column(name: str, kind: str, given: object) -> Column[Any]:
    """The column that an annotation and what stands beside it declare."""
    column: Column[Any] = given.column if isinstance(given, MappedColumn) else Column()
    plain = kind.removesuffix(" | None")
    column.name = column.key = name
    column.nullable = plain != kind
    if isinstance(column.type, NullType):
        column.type = _BY_NAME[plain.replace("Any", "typing.Any")]
    return column


def an_id() -> Mapped[UUID]:
    """A primary key."""
    return mapped_column(primary_key=True)


def moment() -> Mapped[datetime]:
    """A moment, by default that of the insert."""
    return mapped_column(server_default=func.now())


def a_user() -> Mapped[UUID]:
    """A reference to the user with whom the row goes."""
    return mapped_column(ForeignKey("auth.users.id", ondelete="CASCADE"))
