"""SQLAlchemy's column types as logical types."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import NullType, TypeDecorator, TypeEngine

from mainspring import datatypes
from mainspring.catalog.declared.source import Unfit
from mainspring.datatypes import DataType, Kind

BY_CODE_POINT = ("C", "POSIX", "ucs_basic", "BINARY")
"""What databases call the order that text has everywhere else."""

LONGEST_VALUE = 63  # PostgreSQL's bound on an enum's values


def logical_type(type_: TypeEngine[Any], unnamed: str) -> DataType:
    """The logical type of a SQLAlchemy type; `unnamed` names an enum that has no name. Raises Unfit."""
    match type_:
        case sa.Interval() | TypeEngine(__visit_name__="INTERVAL"):  # by name: importing the dialect costs a tenth of the start
            return datatypes.INTERVAL
        case TypeDecorator():
            return logical_type(type_.impl_instance, unnamed)
        case TypeEngine(__visit_name__=name) if name.lower() in datatypes.RANGES:
            return datatypes.RANGES[name.lower()]
        case sa.Enum():
            return _enum(type_, unnamed)
        case sa.Text() | sa.String():
            return _text(type_)
        case sa.Numeric():
            return _numeric(type_)
        case sa.ARRAY():
            return _array(type_, unnamed)
        case sa.Time() if type_.timezone:
            raise Unfit("a time with time zone has no moment to belong to", "use Time() or DateTime(timezone=True)")
        case sa.DateTime():
            return datatypes.TIMESTAMPTZ if type_.timezone else datatypes.TIMESTAMP
        case NullType():
            raise Unfit("the column has no type", "give it one: mapped_column(Text), say")
        case _:
            return _simple(type_)


# The first class that fits decides: subclasses stand before their bases.
_SIMPLE: tuple[tuple[type[TypeEngine[Any]], DataType], ...] = (
    (sa.SmallInteger, datatypes.SMALLINT),
    (sa.BigInteger, datatypes.BIGINT),
    (sa.Integer, datatypes.INTEGER),
    (sa.Float, datatypes.FLOAT),
    (sa.Boolean, datatypes.BOOLEAN),
    (sa.Date, datatypes.DATE),
    (sa.Time, datatypes.TIME),
    (sa.Uuid, datatypes.UUID_),
    (sa.JSON, datatypes.JSON),
    (sa.LargeBinary, datatypes.BYTES),
    (sa.BINARY, datatypes.BYTES),
    (sa.VARBINARY, datatypes.BYTES),
)


def _simple(type_: TypeEngine[Any]) -> DataType:
    for python, logical in _SIMPLE:
        if isinstance(type_, python):
            return logical
    raise Unfit(
        f"the type {type(type_).__name__} is not served",
        "use one of SQLAlchemy's generic types, or a TypeDecorator",
    )


def _text(type_: sa.String) -> DataType:
    return datatypes.TEXT if isinstance(type_, sa.Text) else DataType(Kind.TEXT, length=type_.length)


def collation(type_: TypeEngine[Any]) -> str | None:
    """The collation of a text, or of an array's texts, where it is not the order of code points."""
    item = type_.item_type if isinstance(type_, sa.ARRAY) else type_
    said = item.collation if isinstance(item, sa.String) and not isinstance(item, sa.Enum) else None
    return None if said in BY_CODE_POINT else said


def _numeric(type_: sa.Numeric[Any]) -> DataType:
    if type_.precision is None:
        return datatypes.NUMERIC
    scale = type_.scale or 0
    if not 1 <= type_.precision <= 1000 or not 0 <= scale <= type_.precision:
        raise Unfit(f"Numeric({type_.precision}, {scale}) is out of bounds", "0 <= scale <= precision <= 1000")
    return DataType(Kind.NUMERIC, precision=type_.precision, scale=scale)


def _enum(type_: sa.Enum, unnamed: str) -> DataType:
    if not type_.enums:
        raise Unfit("the enum has no values", "name at least one")
    if any(len(str(value).encode()) > LONGEST_VALUE for value in type_.enums):
        raise Unfit(f"a value of the enum is longer than {LONGEST_VALUE} bytes", "shorten it")
    return DataType(Kind.ENUM, name=str(type_.name or unnamed), values=tuple(str(value) for value in type_.enums))


def _array(type_: sa.ARRAY[Any], unnamed: str) -> DataType:
    if (type_.dimensions or 1) > 1:
        raise Unfit("arrays of more than one dimension are not served", "use JSON")
    return DataType(Kind.ARRAY, item=logical_type(type_.item_type, unnamed))
