"""Random views: some columns of one table, of its rows in which a column is null or is not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from msgspec.structs import replace

from mainspring.catalog.declared.views import viewed
from mainspring.catalog.model import Definition, Table
from mainspring.query.ast import TableName

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class View:
    """A view `name` of the rows of `table` whose `tested` column (None: whatever it holds) is `null` or is not."""

    name: TableName
    table: TableName
    columns: tuple[str, ...]
    tested: str | None
    null: bool
    writable: bool

    def named(self, schema: str) -> View:
        """The same view in another schema."""
        places = TableName(schema, self.name.name), TableName(schema, self.table.name)
        return View(*places, self.columns, self.tested, self.null, self.writable)

    def shows(self, row: Mapping[str, Any]) -> bool:
        """Whether a row of the table is one of the view."""
        return self.tested is None or (row[self.tested] is None) is self.null

    def row(self, row: Mapping[str, Any]) -> Row:
        """The view's row of a row of the table."""
        return {name: row[name] for name in self.columns}

    def over(self, table: Table) -> Table:
        """The view as the catalog has it."""
        keys = [key for key in table.foreign_keys if set(key.columns) <= set(self.columns)]
        return Table(
            self.name,
            {name: viewed(table.columns[name]) for name in self.columns},
            table.primary_key,
            foreign_keys=tuple(replace(key, name=f"{self.name.name}_{key.name}") for key in keys),
            view=True,
            definition=self._definition(),
            insertable=self.writable,
            updatable=self.writable,
            deletable=self.writable,
        )

    def _definition(self) -> Definition:
        columns = ", ".join(f'"{name}"' for name in self.columns)
        where = "" if self.tested is None else f' WHERE "{self.tested}" IS {"" if self.null else "NOT "}NULL'
        schema, name = self.table
        return Definition(
            f'SELECT {columns} FROM "{schema}"."{name}"{where}',
            f'SELECT {columns} FROM "{schema}_{name}"{where}',
        )


def views_of(draw: DrawFn, tables: list[Table]) -> list[View]:
    """One view or two, of tables with a key."""
    keyed = [table for table in tables if table.primary_key]
    return [_view(draw, draw(st.sampled_from(keyed)), f"v{number}") for number in range(draw(st.integers(1, 2)))]


def _view(draw: DrawFn, table: Table, name: str) -> View:
    more = [column for column in table.columns if column not in table.primary_key]
    picked = draw(st.sets(st.sampled_from(more))) if more else set[str]()
    tested = draw(st.sampled_from([None, *more]))
    columns = (*table.primary_key, *(column for column in more if column in picked))
    return View(TableName(table.name.schema, name), table.name, columns, tested, draw(st.booleans()), draw(st.booleans()))
