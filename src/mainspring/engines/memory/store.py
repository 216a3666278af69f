"""The rows of every table, and the draft on which one statement works. Knows no plan and no condition.

Rows are never changed in place: a write replaces them in a draft, and a draft that is not kept leaves no
trace.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mainspring.catalog.model import Catalog, Table
from mainspring.query.ast import TableName

Row = Mapping[str, Any]


@dataclass(slots=True)
class State:
    """What is stored: per table the rows by their number (in the order of writing), and the last automatic keys."""

    tables: dict[TableName, dict[int, Row]] = field(default_factory=dict)
    sequences: dict[tuple[TableName, str], int] = field(default_factory=dict)
    last: int = 0

    def rows(self, table: TableName) -> Mapping[int, Row]:
        """The rows of `table` by number."""
        return self.tables.get(table, {})


@dataclass(slots=True)
class Draft(State):
    """A copy in which a statement writes. `touched` holds the numbers of the rows that it wrote."""

    catalog: Catalog = field(default_factory=lambda: Catalog({}))
    owned: set[TableName] = field(default_factory=set)
    touched: dict[TableName, dict[int, None]] = field(default_factory=dict)
    removed: dict[TableName, dict[int, Row]] = field(default_factory=dict)
    replaced: dict[TableName, dict[int, Row]] = field(default_factory=dict)

    @classmethod
    def of(cls, state: State, catalog: Catalog) -> Draft:
        """A draft that begins as `state` is."""
        return cls(dict(state.tables), dict(state.sequences), state.last, catalog)

    def kept(self) -> State:
        """The draft as the new state."""
        return State(self.tables, self.sequences, self.last)

    def insert(self, table: Table, row: Row) -> int:
        """Add `row`; its number."""
        self.last += 1
        self._own(table.name)[self.last] = row
        self.touched.setdefault(table.name, {})[self.last] = None
        return self.last

    def replace(self, table: Table, number: int, row: Row) -> None:
        """Put `row` in the place of row `number`."""
        rows = self._own(table.name)
        self.replaced.setdefault(table.name, {}).setdefault(number, rows[number])
        self.touched.setdefault(table.name, {})[number] = None
        rows[number] = row

    def remove(self, table: Table, number: int) -> None:
        """Take row `number` away; nothing happens when it has gone already."""
        row = self._own(table.name).pop(number, None)
        if row is not None:
            self.removed.setdefault(table.name, {})[number] = row
            self.touched.get(table.name, {}).pop(number, None)

    def next_key(self, table: Table, column: str) -> int:
        """The next automatic value of an integer key: above everything that was ever there."""
        value = self.sequences.get((table.name, column), 0) + 1
        self.sequences[table.name, column] = value
        return value

    def saw_key(self, table: Table, row: Row) -> None:
        """Automatic values go on above a value that was given."""
        for column in table.columns.values():
            value = row[column.name]
            if column.autoincrement and isinstance(value, int):
                place = (table.name, column.name)
                self.sequences[place] = max(self.sequences.get(place, 0), value)

    def _own(self, table: TableName) -> dict[int, Row]:
        if table not in self.owned:
            self.owned.add(table)
            self.tables[table] = dict(self.tables.get(table, {}))
        return self.tables[table]


def key_of(row: Row, columns: Iterable[str]) -> tuple[Any, ...] | None:
    """The row's values of `columns`, hashable; None when one of them is null (nulls are never equal)."""
    values = tuple(_hashable(row[column]) for column in columns)
    return None if None in values else values


def _hashable(value: Any) -> Any:
    match value:
        case dict():
            return frozenset((key, _hashable(item)) for key, item in value.items())
        case list() | tuple():
            return tuple(map(_hashable, value))
        case _:
            return value
