"""What one caller may do with a table, as descriptions of the API need it. It knows no policy; a planner or a database says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from mainspring.catalog.model import Column, Table


@dataclass(frozen=True, slots=True)
class Access:
    """A table and the columns that a caller may read, insert and update in it, and whether it may delete rows."""

    table: Table
    select: frozenset[str] = frozenset()
    insert: frozenset[str] = frozenset()
    update: frozenset[str] = frozenset()
    delete: bool = False

    @classmethod
    def whole(cls, table: Table) -> Access:
        """Everything that the table lets anybody do."""
        every = frozenset(column.name for column in table.readable())
        return cls(table, every, every, every, delete=True).possible()

    def possible(self) -> Access:
        """As far as the table itself allows writing: views do not always."""
        writable = frozenset(name for name, column in self.table.columns.items() if column.writable)
        return Access(
            self.table,
            self.select,
            self.insert & writable if self.table.insertable else frozenset(),
            self.update & writable if self.table.updatable else frozenset(),
            self.delete and self.table.deletable,
        )

    def __bool__(self) -> bool:
        """Whether the caller may do anything at all."""
        return bool(self.select or self.insert or self.update)

    def columns(self, names: frozenset[str]) -> Mapping[str, Column]:
        """The columns of these names, in the table's order, computed ones last."""
        return {column.name: column for column in self.table.readable() if column.name in names}

    def seen(self) -> Table:
        """The table as if there were nothing else than what the caller may use."""
        table, used = self.table, self.select | self.insert | self.update
        return replace(
            table,
            columns={name: column for name, column in table.columns.items() if name in used},
            computed={name: computed for name, computed in table.computed.items() if name in self.select},
            insertable=bool(self.insert),
            updatable=bool(self.update),
            deletable=self.delete,
        )
