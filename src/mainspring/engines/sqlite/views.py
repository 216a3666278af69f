"""Writing to views: their INSTEAD OF triggers write, and what came of it is looked at by the key that the model names.

RETURNING answers what was given, whatever the triggers made of it: it is believed for the key only.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from mainspring.catalog.model import Catalog, Table
from mainspring.catalog.pieces import pieces
from mainspring.engines.sqlite import names
from mainspring.errors import NotSupported, UniqueViolated
from mainspring.plan.nodes import DeletePlan, InsertPlan, UpdatePlan
from mainspring.query.ast import TableName

_EVENTS = frozenset(("INSERT", "UPDATE", "DELETE"))


def triggers(connection: Any, view: TableName) -> list[str]:
    """The statements that made a view's triggers."""
    asked = "SELECT sql FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?1 COLLATE NOCASE ORDER BY name"
    return [row[0] for row in connection.execute(asked, [names.physical(view)])]


def written(connection: Any, catalog: Catalog) -> frozenset[TableName]:
    """The views that say they are writable and have a trigger for every write there can be."""
    said = [name for name, table in catalog.tables.items() if table.view and table.updatable and table.primary_key]
    events = {name: {event for sql in triggers(connection, name) for event in _always(sql)} for name in said}
    return frozenset(name for name, found in events.items() if found >= _EVENTS)


def _always(sql: str) -> Iterator[str]:
    """The event at which a trigger writes instead, whatever the row (WHEN) and the columns (OF)."""
    head: list[str] = []
    for each in pieces(sql, sqlite=True):
        if each.says("BEGIN"):
            break
        head.append(each.text.upper() if each.kind == "word" else "")
    for place, word in enumerate(head):
        if word == "INSTEAD" and "WHEN" not in head[place:] and head[place + 3 : place + 4] != ["OF"]:
            yield head[place + 2]


def refuse_unwritten(plan: InsertPlan | UpdatePlan | DeletePlan, views: frozenset[TableName]) -> None:
    """Raises NotSupported for what views cannot do."""
    place = f'the view "{plan.table.name.name}"'
    if plan.table.name not in views:
        cure = "Write to the tables behind it, or make triggers INSTEAD OF INSERT, UPDATE and DELETE on it and start again."
        raise NotSupported(f"writing to {place} without triggers", by="SQLite", instead=cure)
    if isinstance(plan, InsertPlan) and plan.upsert is not None:
        raise NotSupported(f"an upsert into {place}", by="SQLite", instead="Write to the table behind it.")


class Fresh:
    """Rows inserted through a view: under a key that is given and that none of its rows has, or a trigger could do otherwise."""

    def __init__(self, view: Table) -> None:
        self._view = view
        same = " AND ".join(f"{names.quote(name)} = ?" for name in view.primary_key)
        self._sql = f"SELECT 1 FROM {names.table(view.name)} WHERE {same}"

    def look(self, connection: Any, row: Mapping[str, Any]) -> None:
        """Raises NotSupported where the key is not given, UniqueViolated where it is taken."""
        name, key = self._view.name.name, self._view.primary_key
        if any(row.get(column) is None for column in key):
            missing = f'inserting into the view "{name}" without its key'
            raise NotSupported(missing, by="SQLite", instead=f"Give the key ({', '.join(key)}).")
        if connection.execute(self._sql, [row[column] for column in key]).fetchone() is not None:
            raise UniqueViolated(name, f"{name}_pkey", key)
