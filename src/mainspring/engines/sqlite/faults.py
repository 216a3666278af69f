"""SQLite's errors as typed leaves. The only place that reads a driver message."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mainspring.catalog.model import Table
from mainspring.engines.sql.groups import refused
from mainspring.engines.sqlite.names import own_index
from mainspring.errors import (
    Busy,
    CheckViolated,
    EngineFault,
    EngineUnavailable,
    ForeignKeyViolated,
    MainspringError,
    NotNullViolated,
    NotSupported,
    Refusal,
    UniqueViolated,
    ValueInvalid,
    ValueOutOfRange,
)
from mainspring.query.documents import too_much

INTERRUPT = "interrupted"

_FAILED = re.compile(r"(UNIQUE|NOT NULL|CHECK|FOREIGN KEY) constraint failed(?:: (.*))?", re.DOTALL)
_BROKEN = re.compile(r"cannot store |datatype mismatch|constraint failed")
"""How SQLite itself begins to refuse a row; what else does so is a trigger, in words of its author's (RAISE)."""
_INDEX = re.compile(r"index '(.*)'", re.DOTALL)
_COLUMN = re.compile(r"[^.,]+\.([^,]+)")


def leaf(error: Exception, table: Table | None, indexes: Mapping[str, tuple[str, ...]] | None = None) -> MainspringError:
    """The typed error for a driver's; the driver's own is to be its cause."""
    if isinstance(error, MainspringError):
        return error
    message = str(error)
    grouped = refused(message)
    if grouped is not None:
        return grouped
    failed = _FAILED.match(message)
    if failed and table is not None:
        return _constraint(failed[1], failed[2] or "", table)
    if "database is locked" in message or "database table is locked" in message:
        return Busy("The database")
    if "integer overflow" in message or "'finalize'" in message:
        return ValueOutOfRange("numeric", "...", reason="the total has more significant digits than SQLite keeps")
    if table is not None and "because it is a view" in message:
        return NotSupported(f'this write to the view "{table.name.name}"', by="SQLite", instead="Write to the tables behind it.")
    if "user-defined function raised" in message:  # nothing else does
        return too_much()
    if "too big" in message:
        return ValueOutOfRange("text", "...", reason="the value is larger than the database stores")
    if "JSON cannot hold BLOB" in message:
        return ValueInvalid("the column", "...", reason="a value stored there has no such form")
    if any(part in message for part in ("disk is full", "disk I/O error", "unable to open", "readonly", "closed")):
        return EngineUnavailable()
    if type(error).__name__ == "IntegrityError" and not (failed or _BROKEN.match(message)):
        return Refusal(message)
    return EngineFault()


def _constraint(kind: str, what: str, table: Table) -> MainspringError:
    name = table.name.name
    match kind:
        case "UNIQUE":
            if own := _INDEX.fullmatch(what):
                return UniqueViolated(name, own_index(table.name, own[1]))
            columns = tuple(_COLUMN.findall(what.replace(", ", ",")))
            return UniqueViolated(name, _unique_name(table, columns), columns)
        case "NOT NULL":
            return NotNullViolated(name, columns=tuple(_COLUMN.findall(what)))
        case "CHECK":
            return CheckViolated(name, what)
        case _:
            only = table.foreign_keys[0] if len(table.foreign_keys) == 1 else None
            return ForeignKeyViolated(name, only.name if only else None)


def _unique_name(table: Table, columns: tuple[str, ...]) -> str:
    named = {index.columns: index.name for index in table.sql_indexes if index.unique}
    named |= {unique.columns: unique.name for unique in table.uniques}
    named |= {index.columns: index.name for index in table.indexes if index.unique}
    return named.get(columns, f"{table.name.name}_pkey")
