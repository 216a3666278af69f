"""By what a row is known within one transaction: its number in the file, or its key where it has none."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from mainspring.catalog.model import Table
from mainspring.engines.sqlite.names import quote

_NUMBERS = ("rowid", "_rowid_", "oid")


class Identity(ABC):
    """How a table's rows are told apart. What RETURNING answers of them is listed in one argument, as a JSON array."""

    returned: str
    """What RETURNING names."""
    surely_found = True
    """Whether a row that was written is there under what RETURNING answered."""

    @abstractmethod
    def picked(self, alias: str) -> str:
        """The columns of a SELECT that tell a row."""

    @abstractmethod
    def told(self, alias: str) -> str:
        """The one column of a SELECT that tells a row as RETURNING does."""

    @abstractmethod
    def within(self, alias: str, rows: str) -> str:
        """Whether a row is among those that a SELECT of `picked` columns answers."""

    @abstractmethod
    def among(self, alias: str, number: int) -> str:
        """Whether a row is among those in an argument."""

    @abstractmethod
    def is_(self, alias: str, listed: str) -> str:
        """Whether a row is the one listed."""


class Number(Identity):
    """SQLite's own number of a row, by a name that no column has taken."""

    def __init__(self, name: str) -> None:
        self.returned = name

    def picked(self, alias: str) -> str:
        return f"{alias}.{self.returned}"

    def told(self, alias: str) -> str:
        return self.picked(alias)

    def within(self, alias: str, rows: str) -> str:
        return f"{self.picked(alias)} IN ({rows})"

    def among(self, alias: str, number: int) -> str:
        return f"{self.picked(alias)} IN (SELECT value FROM json_each(?{number}))"

    def is_(self, alias: str, listed: str) -> str:
        return f"{self.picked(alias)} = {listed}"


class Key(Identity):
    """The primary key, of a view the columns that its model names so, as the text of a JSON array."""

    surely_found = False

    def __init__(self, columns: tuple[str, ...]) -> None:
        self._columns = columns
        self.returned = f"json_array({', '.join(map(quote, columns))})"

    def picked(self, alias: str) -> str:
        return ", ".join(f"{alias}.{quote(name)}" for name in self._columns)

    def told(self, alias: str) -> str:
        return f"json_array({self.picked(alias)})"

    def within(self, alias: str, rows: str) -> str:
        return f"({self.picked(alias)}) IN ({rows})"

    def among(self, alias: str, number: int) -> str:
        values = ", ".join(f"value ->> {place}" for place in range(len(self._columns)))
        return self.within(alias, f"SELECT {values} FROM json_each(?{number})")

    def is_(self, alias: str, listed: str) -> str:
        return " AND ".join(f"{alias}.{quote(name)} = {listed} ->> {place}" for place, name in enumerate(self._columns))


def identity(table: Table) -> Identity | None:
    """By what the rows of a table are known; None where nothing tells them apart."""
    taken = {name.lower() for name in table.columns}
    free = next((name for name in _NUMBERS if name not in taken), None)
    if free is not None and table.with_rowid and not table.view:
        return Number(free)
    return Key(table.primary_key) if table.primary_key else None


def known(table: Table) -> Identity:
    """The identity of a table that is written to, which has one."""
    found: Any = identity(table)
    assert isinstance(found, Identity)
    return found
