"""Checks and indexes whose names a database could have and an app could not."""

from __future__ import annotations

from msgspec.structs import replace

from mainspring.catalog.declared.names import LONGEST, flat_name
from mainspring.catalog.found import plain
from mainspring.catalog.model import Catalog, Table


def sayable(catalog: Catalog) -> tuple[Catalog, list[str]]:
    """The catalog without the checks and indexes that models cannot name, and which those are."""
    silent: list[str] = []
    taken = {flat_name(table).lower() for table in catalog.tables.values()}
    taken |= {unique.name.lower() for table in catalog.tables.values() for unique in table.uniques}
    tables = {name: _table(table, taken, silent) for name, table in catalog.tables.items()}
    return replace(catalog, tables=tables), silent


def _table(table: Table, taken: set[str], silent: list[str]) -> Table:
    own = set[str]()
    return replace(
        table,
        indexes=tuple(each for each in table.indexes if _fits(table, f"index {each.name}", each.name, taken, silent)),
        sql_indexes=tuple(each for each in table.sql_indexes if _fits(table, f"index {each.name}", each.name, taken, silent)),
        checks=tuple(each for each in table.checks if _fits(table, f"check {each.name}", each.name, own, silent)),
    )


def _fits(table: Table, what: str, name: str, taken: set[str], silent: list[str]) -> bool:
    """Whether every engine could hold the name beside those `taken`."""
    if not name or len(name.encode()) > LONGEST:
        reason = f"has a name that is not 1 to {LONGEST} bytes long"
    elif name.lower() in taken:
        reason = "has the name of something else, where there are no schemas"
    else:
        taken.add(name.lower())
        return True
    silent.append(plain(f"{table.name}: its {what} {reason}"))
    return False
