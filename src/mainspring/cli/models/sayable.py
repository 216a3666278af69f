"""Keys, checks and indexes whose names a database could have and an app could not."""

from __future__ import annotations

from msgspec.structs import replace

from mainspring.catalog.declared.names import LONGEST, flat_name
from mainspring.catalog.found import plain
from mainspring.catalog.model import Catalog, ForeignKey, Table


def sayable(catalog: Catalog) -> tuple[Catalog, list[str]]:
    """The catalog without the keys, checks and indexes that models cannot name, and which those are."""
    silent: list[str] = []
    taken = {flat_name(*name) for name in catalog.tables}
    taken |= {flat_name(name.schema, unique.name) for name, table in catalog.tables.items() for unique in table.uniques}
    tables = {name: _table(table, taken, silent) for name, table in catalog.tables.items()}
    return replace(catalog, tables=tables), silent


def _table(table: Table, taken: set[str], silent: list[str]) -> Table:
    own = set[str]()
    return replace(
        table,
        foreign_keys=tuple(key for key in table.foreign_keys if _told(table, key, silent)),
        indexes=tuple(each for each in table.indexes if _fits(table, f"index {each.name}", each.name, taken, silent)),
        sql_indexes=tuple(each for each in table.sql_indexes if _fits(table, f"index {each.name}", each.name, taken, silent)),
        exclusions=tuple(
            each for each in table.exclusions if _fits(table, f"exclusion constraint {each.name}", each.name, taken, silent)
        ),
        checks=tuple(each for each in table.checks if _fits(table, f"check {each.name}", each.name, own, silent)),
    )


def _told(table: Table, key: ForeignKey, silent: list[str]) -> bool:
    """Whether SQLAlchemy can be told the key: it reads names with a dot as several."""
    dotted = any("." in name for name in (key.target.schema, key.target.name, *key.target_columns))
    if dotted:
        silent.append(plain(f"{table.name}: its foreign key {key.name} leads to a name with a dot in it"))
    return not dotted


def _fits(table: Table, what: str, name: str, taken: set[str], silent: list[str]) -> bool:
    """Whether every engine could hold the name beside those `taken`."""
    if not name or len(name.encode()) > LONGEST:
        reason = f"has a name that is not 1 to {LONGEST} bytes long"
    elif (flat := flat_name(table.name.schema, name)) in taken:
        reason = "has the name of something else, where there are no schemas"
    else:
        taken.add(flat)
        return True
    silent.append(plain(f"{table.name}: its {what} {reason}"))
    return False
