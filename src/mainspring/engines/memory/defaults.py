"""The database's own defaults, as far as they can be had without a database: automatic keys, the current
moment, plain literals.
"""

from __future__ import annotations

import re
from typing import Any

from mainspring.catalog.model import Column, Table
from mainspring.datatypes import Kind, from_text
from mainspring.engines.memory.store import Draft, Row
from mainspring.errors import RequestError
from mainspring.plan.params import now
from mainspring.query.ast import Now

_QUOTED = re.compile(r"'((?:[^']|'')*)'(?:::[\w\s()\[\],.\"]+)?")
_BARE = re.compile(r"\(?\s*(-?\d+(?:\.\d+)?|true|false)\s*\)?", re.IGNORECASE)
_TEMPORAL = frozenset((Kind.TIMESTAMPTZ, Kind.TIMESTAMP, Kind.DATE, Kind.TIME))
_MOMENTS = frozenset(("now()", "current_timestamp", "current_timestamp()", "current_date", "current_time"))


def complete(draft: Draft, table: Table, values: Row) -> Row:
    """A whole row: `values`, and the database's default of every column that they do not name."""
    row = {
        name: values[name] if name in values else server_default(draft, table, column) for name, column in table.columns.items()
    }
    draft.saw_key(table, row)
    return row


def server_default(draft: Draft, table: Table, column: Column) -> Any:
    """The value that the database would put; null where it cannot be told."""
    if column.autoincrement:
        return draft.next_key(table, column.name)
    match column.server_default:
        case None:
            return None
        case Now():
            return now(column.type)
        case text:
            return _literal(column, text.strip())


def _literal(column: Column, sql: str) -> Any:
    if sql.lower() in _MOMENTS and column.type.kind in _TEMPORAL:
        return now(column.type)
    quoted, bare = _QUOTED.fullmatch(sql), _BARE.fullmatch(sql)
    try:
        if quoted:
            return from_text(column.type, quoted[1].replace("''", "'"))
        if bare:
            return from_text(column.type, bare[1])
    except RequestError:
        pass
    return None
