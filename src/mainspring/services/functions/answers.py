"""Rows that a function makes itself: chosen from, filtered and ordered like a table's, by an engine that lives for one call."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, Final, Union, get_args, get_origin, get_type_hints, is_typeddict
from uuid import UUID

import msgspec
from msgspec.structs import replace

from mainspring import datatypes
from mainspring.catalog import model
from mainspring.catalog.model import Catalog, Table
from mainspring.datatypes import BIGINT, JSON, DataType, Kind
from mainspring.engines.base import Engine, Result
from mainspring.plan.guard import Registry
from mainspring.plan.planner import Planner
from mainspring.principal import SERVICE_PRINCIPAL
from mainspring.query.ast import Call, Column, Field, Insert, Item, Read, Selection, Slot, Star, TableName, Terms
from mainspring.services.data import Data

_PLACE: Final = "#"
"""The column that keeps the rows in the order in which the function answered them; `*` leaves it out."""

_TYPES: Final[Mapping[Any, DataType]] = {
    bool: datatypes.BOOLEAN,
    int: datatypes.BIGINT,
    float: datatypes.FLOAT,
    Decimal: datatypes.NUMERIC,
    str: datatypes.TEXT,
    UUID: datatypes.UUID_,
    datetime: datatypes.TIMESTAMPTZ,
    date: datatypes.DATE,
    time: datatypes.TIME,
    timedelta: datatypes.INTERVAL,
}
_encode = msgspec.json.Encoder(decimal_format="number").encode
_decode = msgspec.json.Decoder(float_hook=Decimal).decode


def shape(name: TableName, item: Any) -> Table | None:
    """The table that answers of type `item` would make: a dataclass, TypedDict, NamedTuple or msgspec.Struct; else None."""
    if not isinstance(item, type) or not _has_fields(item):
        return None
    hints = get_type_hints(item).items()
    columns = {field: model.Column(field, _type(hint)) for field, hint in hints if not field.startswith("_")}
    return Table(name, {_PLACE: model.Column(_PLACE, BIGINT, nullable=False), **columns}, (_PLACE,))


def _has_fields(item: type) -> bool:
    named = issubclass(item, tuple) and hasattr(item, "_fields")
    return named or dataclasses.is_dataclass(item) or is_typeddict(item) or issubclass(item, msgspec.Struct)


def _type(hint: Any) -> DataType:
    if get_origin(hint) in (Union, UnionType):
        kinds = [each for each in get_args(hint) if each is not NoneType]
        hint = kinds[0] if len(kinds) == 1 else Any
    return _TYPES.get(hint, JSON)


async def answer(
    table: Table, rows: Sequence[Any], query: Call, values: Sequence[Any], make_engine: Callable[[], Engine]
) -> Result:
    """What `query` asks of the rows that a function answered. Raises what reading a table raises."""
    catalog = Catalog({table.name: table}, {table.name: ()})
    engine = make_engine()
    await engine.start(catalog)
    await engine.migrate(catalog)
    door = Data(engine, Planner(catalog, Registry({}), exposed=frozenset({table.name.schema})))
    held = [{_PLACE: place, **_row(table, row)} for place, row in enumerate(rows)]
    if held:
        await door.execute(Insert(table.name, tuple(table.columns), Slot(0)), [held], SERVICE_PRINCIPAL)
    read = Read(table.name, _without_place(table, query.selection), query.count, query.rows, Terms(timezone=query.terms.timezone))
    result = await door.execute(read, values, SERVICE_PRINCIPAL)
    await engine.stop()
    return result


def _without_place(table: Table, selection: Selection) -> Selection:
    fields: list[Item] = [Field(Column(name)) for name in table.columns if name != _PLACE]
    items = [each for item in selection.items for each in (fields if isinstance(item, Star) else [item])]
    return replace(selection, items=tuple(items))


def _row(table: Table, row: Any) -> dict[str, Any]:
    columns = [column for column in table.columns.values() if column.name != _PLACE]
    held = row if isinstance(row, Mapping) else {column.name: getattr(row, column.name) for column in columns}
    return {column.name: _plain(column, held.get(column.name)) for column in columns}


def _plain(column: model.Column, value: Any) -> Any:
    return _decode(_encode(value)) if column.type.kind is Kind.JSON and value is not None else value
