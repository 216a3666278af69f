"""Views: `info={"view": select(...)}` (or SQL text) on a model, compiled to plain SQL. `True` is a view that stands already."""

from __future__ import annotations

from typing import Any, cast

import sqlalchemy as sa
from msgspec.structs import replace
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ClauseElement, TextClause
from sqlalchemy.types import TypeEngine

from mainspring.catalog.declared.defaults import sql_text
from mainspring.catalog.declared.source import DEFAULT_SCHEMA, Source, Unfit
from mainspring.catalog.declared.types import logical_type
from mainspring.catalog.model import Column, Definition
from mainspring.datatypes import Kind, from_json, to_text
from mainspring.errors import MainspringError

_BARE = (Kind.BOOLEAN, Kind.INTEGER, Kind.NUMERIC, Kind.FLOAT)
_QUOTED = (Kind.TEXT, Kind.ENUM, Kind.DATE, Kind.TIME, Kind.TIMESTAMP, Kind.TIMESTAMPTZ, Kind.UUID)


def is_view(table: sa.Table) -> bool:
    """Whether the model is a view's."""
    said = table.info.get("view")
    return said is not None and said is not False  # a select has no truth of its own


def read_view(table: sa.Table, source: Source) -> Definition | None:
    """What the view selects; None where its database knows. What cannot be served becomes a mistake."""
    said = table.info.get("view")
    if said is True or not is_view(table):
        return None
    try:
        _check(table)
        return _definition(said)
    except Unfit as unfit:
        source.mistake(source.where(table), unfit)
        return None


def _check(table: sa.Table) -> None:
    if not table.primary_key.columns:
        raise Unfit("a view needs columns that identify its rows", "mark them primary_key=True")
    if table.indexes or any(isinstance(each, sa.CheckConstraint) and not each._type_bound for each in table.constraints):
        raise Unfit("a view has no indexes and checks of its own", "declare them on the tables behind it")


def viewed(column: Column) -> Column:
    """A column of a view: nothing counts it, and a number in it is rounded when it is shown."""
    type_ = column.type
    if type_.kind is Kind.NUMERIC and type_.precision is not None:
        type_ = replace(type_, precision=None, scale=type_.scale or 0)
    return Column(column.name, type_, column.nullable, column.default, column.onupdate, comment=column.comment)


def _definition(said: Any) -> Definition:
    if isinstance(said, str | TextClause):
        sql = sql_text(said).strip().rstrip("; \n")
        return Definition(sql, sql)
    if isinstance(said, sa.sql.Select | sa.sql.expression.CompoundSelect):
        return Definition(_written(said, _Schemas), _written(said, _Prefixes))
    raise Unfit(f"a view is a select() or its SQL, not {type(said).__name__}", 'info={"view": select(...)}')


def _written(select: ClauseElement, dialect: type[DefaultDialect]) -> str:
    """The select as SQL, its values written out. Raises Unfit."""
    try:
        made = select.compile(dialect=cast(Any, dialect)(paramstyle="named"), compile_kwargs={"literal_binds": True})
    except sa.exc.SQLAlchemyError as error:
        raise Unfit(f"the view cannot be written as SQL: {str(error).splitlines()[0]}", "give its SQL as text") from None
    return str(made)


class _Compiler(SQLCompiler):
    """Writes values in their canonical form, which every engine stores."""

    def render_literal_value(self, value: Any, type_: TypeEngine[Any]) -> str:
        logical = logical_type(type_, "value")
        try:
            text = to_text(logical, from_json(logical, value)) or ""
            canonical = str(from_json(logical, value))
        except MainspringError as error:
            raise Unfit(f"the view holds a value that does not fit its type: {error.message}") from None
        if logical.kind in _BARE:
            return text
        if logical.kind not in _QUOTED:
            raise Unfit(f"the view holds a value of type {logical}", "give its SQL as text")
        return "'" + canonical.replace("'", "''") + "'"

    def visit_now_func(self, fn: Any, **kw: Any) -> str:
        raise Unfit("the moment of now() is not written alike in every database", "give the view's SQL as text")


class _Schemas(DefaultDialect):
    """Standard SQL."""

    supports_native_boolean = True
    statement_compiler = _Compiler


class _FlatCompiler(_Compiler):
    """Where there are no schemas the schema's name is a prefix of the table's."""

    def visit_table(self, table: Any, *args: Any, **kw: Any) -> Any:
        prefixed = _prefixed(table)
        return cast(Any, super()).visit_table(table, *args, **kw) if prefixed is None else self.preparer.quote(prefixed)

    def visit_column(self, column: Any, *args: Any, **kw: Any) -> str:
        prefixed = _prefixed(column.table) if kw.get("include_table", True) else None
        if prefixed is None:
            return super().visit_column(column, *args, **kw)
        return f"{self.preparer.quote(prefixed)}.{super().visit_column(column, *args, **{**kw, 'include_table': False})}"


def _prefixed(table: Any) -> str | None:
    """The name of a table that stands in a schema of its own."""
    schema = getattr(table, "schema", None)
    return None if schema in (None, DEFAULT_SCHEMA) else f"{schema}_{table.name}"


class _Prefixes(_Schemas):
    """The same without schemas."""

    statement_compiler = _FlatCompiler
