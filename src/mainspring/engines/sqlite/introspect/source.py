"""What only the statements tell that made a table and its indexes: checks, formulas, expressions, collations. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mainspring.catalog.declared.names import Names
from mainspring.catalog.model import Check, SqlIndex
from mainspring.catalog.pieces import Piece, inside, joined, parted, pieces, quoted

_OF_THE_TABLE = ("CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN")


@dataclass(frozen=True, slots=True)
class Statement:
    """A CREATE TABLE statement: the parts between its commas."""

    table: str
    parts: tuple[tuple[Piece, ...], ...]

    @classmethod
    def of(cls, table: str, sql: str) -> Statement:
        """The statement that made a table; of no text, one without parts."""
        every = pieces(sql, sqlite=True)
        opening = next((place for place, each in enumerate(every) if each.text == "("), None)
        parts = [] if opening is None else parted(inside(every, opening))
        return cls(table, tuple(tuple(part) for part in parts if part))

    def checks(self) -> tuple[Check, ...]:
        """The checks in the order in which models have them; one without a name gets the one that PostgreSQL would give."""
        names = Names(self.table)
        found = [Check(names.take(name, columns, "check"), sql) for name, columns, sql in self._checks()]
        return tuple(sorted(found, key=lambda check: (check.sql, check.name)))

    def _checks(self) -> Iterator[tuple[str | None, tuple[str, ...], str]]:
        for part in self.parts:
            label, columns = None, () if _of_the_table(part) else (part[0].name,)
            for place, each in _of_itself(part):
                if each.says("CONSTRAINT"):
                    label = part[place + 1].name  # it stays for what follows, as in SQLite's own messages
                elif each.says("CHECK"):
                    yield label, columns, joined(inside(list(part), place + 1))

    def formula(self, column: str) -> str:
        """What a generated column is computed by."""
        for part in self.parts:
            if not _of_the_table(part) and part[0].name == column:
                places = [place for place, each in _of_itself(part) if each.says("AS")]
                return joined(inside(list(part), places[0] + 1)) if places else "NULL"
        return "NULL"

    def collations(self) -> Iterator[tuple[str | None, str]]:
        """What columns and keys (None) compare by, where that is not what all do."""
        for part in self.parts:
            keyed = _of_the_table(part)
            for place, each in enumerate(part):
                if each.says("COLLATE") and part[place + 1].name.upper() != "BINARY" and (keyed or each.depth == part[0].depth):
                    yield None if keyed else part[0].name, part[place + 1].name


def _of_the_table(part: Sequence[Piece]) -> bool:
    return any(part[0].says(word) for word in _OF_THE_TABLE)


def _of_itself(part: Sequence[Piece]) -> Iterator[tuple[int, Piece]]:
    """The pieces of a part that stand in none of its brackets."""
    return ((place, each) for place, each in enumerate(part) if each.depth == part[0].depth)


def sql_index(name: str, unique: bool, sql: str, columns: Iterable[str]) -> SqlIndex | None:
    """An index over expressions, a part of the rows, or columns in another order than their own; None for any other."""
    every = pieces(sql, sqlite=True)
    opening = next(place for place, each in enumerate(every) if each.text == "(")
    spelled = {column.lower(): column for column in columns}
    parts = tuple(_part(part, spelled) for part in parted(inside(every, opening)))
    condition = [place for place, each in enumerate(every) if each.depth == 0 and each.says("WHERE")]
    where = joined(every[condition[0] + 1 :]) if condition else None
    found = SqlIndex(name, parts, unique, where)
    return None if found.columns and where is None else found


def _part(part: list[Piece], spelled: Mapping[str, str]) -> str:
    falls = part[-1].says("DESC")
    over = part[:-1] if falls or part[-1].says("ASC") else part
    column = spelled.get(over[0].name.lower()) if len(over) == 1 else None
    return (joined(over) if column is None else quoted(column)) + (" DESC" if falls else "")
