"""The catalog as Pydantic models: for each table what is read, what may be inserted and what may be changed. Pure."""

from __future__ import annotations

import keyword
import re
from collections.abc import Callable, Iterable, Sequence

from mainspring.catalog.model import Catalog, Column, Table
from mainspring.datatypes import DataType, Kind

_KINDS = {
    Kind.TEXT: "str",
    Kind.INTEGER: "int",
    Kind.NUMERIC: "Decimal",
    Kind.FLOAT: "float",
    Kind.BOOLEAN: "bool",
    Kind.DATE: "date",
    Kind.TIME: "time",
    Kind.TIMESTAMP: "datetime",
    Kind.TIMESTAMPTZ: "datetime",
    Kind.UUID: "UUID",
    Kind.JSON: "Any",
    Kind.NATIVE: "Any",
}
_HEAD = '''"""Models of the tables, as they are read (`...Row`), inserted (`...Insert`) and changed (`...Update`).

Send what was set and nothing else: `row.model_dump(mode="json", by_alias=True, exclude_unset=True)`.
"""

from __future__ import annotations

from datetime import date, datetime, time
from decimal import Decimal
from typing import Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class _Model(BaseModel):
    model_config = ConfigDict(populate_by_name=True, protected_namespaces=())
'''
_WORD = re.compile(r"[A-Za-z0-9]+")
_TAKEN = frozenset(("json", "copy", "dict", "schema", "validate", "construct", "date", "datetime", "time"))


def pydantic(catalog: Catalog, schemas: Sequence[str]) -> str:
    """The module's text: models of the tables and views of `schemas`."""
    tables = [table for name, table in catalog.tables.items() if name.schema in schemas]
    classes = [text for table in tables for text in _classes(table)]
    return "\n\n".join([_HEAD, *classes]).rstrip() + "\n"


def _classes(table: Table) -> Iterable[str]:
    name = "".join(word[:1].upper() + word[1:] for word in _WORD.findall(table.name.name)) or "Table"
    name = name if name[0].isalpha() else f"Table{name}"
    columns = list(table.columns.values())
    written = [column for column in columns if column.writable]
    yield _class(f"{name}Row", table.readable(), lambda column: column.name in table.computed)
    if table.insertable:
        yield _class(f"{name}Insert", written, _filled)
    if table.updatable:
        yield _class(f"{name}Update", written, lambda column: True)


def _filled(column: Column) -> bool:
    """Whether an insert may leave it out."""
    return column.nullable or column.autoincrement or column.default is not None or column.server_default is not None


def _class(name: str, columns: Sequence[Column], optional: Callable[[Column], bool]) -> str:
    lines = [f"    {_field(column, optional(column))}" for column in columns] or ["    pass"]
    return "\n".join([f"class {name}(_Model):", *lines, ""])


def _field(column: Column, optional: bool) -> str:
    name, type_ = _name(column.name), _type(column.type)
    type_ = f"{type_} | None" if (column.nullable or optional) and type_ != "Any" else type_
    given = [f"alias={column.name!r}"] if name != column.name else []
    if not given:
        return f"{name}: {type_}{' = None' if optional else ''}"
    return f"{name}: {type_} = Field({', '.join((['default=None'] if optional else []) + given)})"


def _name(column: str) -> str:
    """A name that Python and Pydantic let a field have."""
    plain = re.sub(r"\W", "_", column).lstrip("_") or "column"
    plain = plain if plain.isidentifier() else f"column_{plain}"
    return f"{plain}_" if keyword.iskeyword(plain) or plain in _TAKEN else plain


def _type(type_: DataType) -> str:
    if type_.kind is Kind.ENUM:
        return f"Literal[{', '.join(map(repr, type_.values))}]"
    if type_.kind is Kind.ARRAY and type_.item is not None:
        return f"list[{_type(type_.item)} | None]"
    return _KINDS.get(type_.kind, "str")
