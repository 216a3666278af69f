"""Column defaults: Python's (applied by Mainspring) and the database's own."""

from __future__ import annotations

import enum
import re
from collections.abc import Callable
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.sql import functions
from sqlalchemy.sql.elements import ClauseElement, TextClause
from sqlalchemy.sql.schema import (
    CallableColumnDefault,
    ColumnElementColumnDefault,
    ScalarElementColumnDefault,
)
from sqlalchemy.types import TypeEngine

from mainspring.catalog.declared.source import Unfit
from mainspring.catalog.model import Default, Produced
from mainspring.catalog.system import uid
from mainspring.datatypes import DataType, Kind, from_json
from mainspring.errors import MainspringError
from mainspring.query.ast import Auth, Const, Now

_NOW = re.compile(
    r"(now|transaction_timestamp|statement_timestamp)\(\)|current_timestamp|localtimestamp"
    r"|now\(\) at time zone 'utc'|timezone\('utc'(::text)?, now\(\)\)",
    re.IGNORECASE,
)
_TODAY = {Kind.DATE: "current_date", Kind.TIME: "current_time"}


class _Standard(DefaultDialect):
    """Spells literals as standard SQL does: true, not 1."""

    supports_native_boolean = True


_DIALECT = cast(Any, _Standard)(paramstyle="named")  # percent signs are left alone


def sql_text(clause: str | ClauseElement) -> str:
    """A clause as plain SQL: values written out, columns without their table. Raises Unfit."""
    if isinstance(clause, str):
        return str(clause)
    if isinstance(clause, TextClause) and all(value is None for value in clause.compile().params.values()):
        return clause.text.replace("\\:", ":")  # a colon in a literal is no parameter
    options = {"literal_binds": True, "include_table": False}
    try:
        return str(clause.compile(dialect=_DIALECT, compile_kwargs=options))
    except sa.exc.SQLAlchemyError as error:
        raise Unfit(f"the expression cannot be written as SQL: {str(error).splitlines()[0]}", "use text()") from None


def python_default(default: object, column: sa.Column[Any], type_: DataType) -> Default | None:
    """`default=` or `onupdate=` of a column. Raises Unfit."""
    match default:
        case None:
            return None
        case ScalarElementColumnDefault():
            return Const(_checked(_stored(column.type, default.arg), type_))
        case CallableColumnDefault() if default.arg is uid:
            return Auth(("uid",))
        case CallableColumnDefault():
            return Produced(_producer(default.arg, column.type))
        case ColumnElementColumnDefault() if is_now(sql_text(default.arg), type_):
            return Now()
        case ColumnElementColumnDefault():
            problem = f"the default {sql_text(default.arg)} is an SQL expression"
            raise Unfit(problem, "use a value, a Python function, func.now() or server_default=")
        case _:
            raise Unfit("a sequence cannot be a default here", "use Identity() or autoincrement")


def _producer(function: Callable[[Any], Any], type_: TypeEngine[Any]) -> Callable[[], Any]:
    """SQLAlchemy hands its context to a default; ours has none to hand."""
    return lambda: _stored(type_, function(None))


def _stored(type_: TypeEngine[Any], value: Any) -> Any:
    """A member of a Python enum as the text SQLAlchemy stores for it; any other value as it is."""
    if isinstance(type_, sa.Enum) and type_.enum_class is not None and isinstance(value, enum.Enum):
        return dict(zip(type_.enum_class.__members__.values(), type_.enums, strict=False)).get(value, value)
    return value


def _checked(value: Any, type_: DataType) -> Any:
    try:
        from_json(type_, value)
    except MainspringError as error:
        raise Unfit(f"the default {value!r} does not fit the column: {error.message}", error.details) from None
    return value


def is_now(text: str, type_: DataType) -> bool:
    """Whether a default of a column of `type_` is the moment of the insert."""
    bare = text.strip().removeprefix("(").removesuffix(")") if text.strip().startswith("(") else text.strip()
    return bool(_NOW.fullmatch(bare)) or bare.lower() == _TODAY.get(type_.kind)


def server_default(column: sa.Column[Any], type_: DataType) -> str | Now | None:
    """The default that the database itself applies. Raises Unfit."""
    default = column.server_default
    if default is None or column.computed is not None or column.identity is not None:
        return None
    if not isinstance(default, sa.DefaultClause):
        raise Unfit("FetchedValue does not tell the default", "write it: server_default=text('...')")
    if isinstance(default.arg, functions.now):
        return Now()
    if isinstance(default.arg, str):
        return "'" + default.arg.replace("'", "''") + "'"
    text = sql_text(default.arg)
    return Now() if is_now(text, type_) else text
