"""What a model stands for when the user names it: its table, and which attribute is which column."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Table
from sqlalchemy.orm import ColumnProperty, Mapper

from mainspring.catalog.declared.source import DEFAULT_SCHEMA, table_name
from mainspring.query.ast import TableName


def table_of(model: object) -> TableName:
    """The table that a model class, a SQLAlchemy table or a name ("posts", "schema.posts") means.

    Raises LookupError for anything else.
    """
    if isinstance(model, TableName):
        return model
    if isinstance(model, str):
        schema, _, name = model.rpartition(".")
        return TableName(schema or DEFAULT_SCHEMA, name)
    table = model if isinstance(model, Table) else getattr(model, "__table__", None)
    if not isinstance(table, Table):
        raise LookupError(f"{model!r} is no model")
    return table_name(table)


def attributes(model: object) -> Mapping[str, str]:
    """The model's attribute names and the columns they map (empty for what is no mapped class)."""
    mapper = getattr(model, "__mapper__", None)
    if not isinstance(mapper, Mapper):
        return {}
    return {
        name: prop.columns[0].name
        for name, prop in mapper.attrs.items()
        if isinstance(prop, ColumnProperty) and isinstance(prop.columns[0].name, str)
    }
