"""What a key for a service is limited to, as people write it: `public.posts:select,insert`, and for how long: `90d`. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final

from mainspring.catalog.model import Catalog
from mainspring.catalog.names import nearest
from mainspring.errors import BodyInvalid
from mainspring.principal import Scope
from mainspring.query.ast import TableName

COMMANDS: Final = ("select", "insert", "update", "delete", "execute")
Tables = Mapping[str, Sequence[str]]
_MOST: Final = 500
_LONGEST_NAME: Final = 63
_AGE: Final = re.compile(r"(\d{1,6})([smhdwy])\Z")
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000}
_LONGEST: Final = 100 * _UNITS["y"]


def scope_of(tables: Tables | None) -> Scope | None:
    """The scope that says the same."""
    if tables is None:
        return None
    return Scope(frozenset((*_place(name), command) for name, commands in tables.items() for command in commands))


def checked(tables: Tables | None) -> dict[str, list[str]] | None:
    """The same in its one form: `schema.table` to commands. Raises BodyInvalid for what means nothing."""
    if tables is None:
        return None
    if not tables or len(tables) > _MOST:
        raise BodyInvalid(f"tables names between 1 and {_MOST} tables, or is left out")
    found: dict[str, list[str]] = {}
    for name, commands in tables.items():
        schema, table = _place(name)
        if not schema or not table or max(len(schema), len(table)) > _LONGEST_NAME:
            raise BodyInvalid(f'"{name[:100]}" is no table; write schema.table')
        unknown = [command for command in commands if command not in COMMANDS]
        if unknown or not commands:
            raise BodyInvalid(f'"{unknown[0][:20] if unknown else ""}" is not one of {", ".join(COMMANDS)}')
        found[f"{schema}.{table}"] = [command for command in COMMANDS if command in commands]
    return found


def demand(names: Iterable[str], catalog: Catalog) -> None:
    """Return when each is a table or a function that there is. Raises BodyInvalid, with what may have been meant."""
    there = catalog.tables.keys() | catalog.routines.keys()
    schemas = {each.schema for each in there}
    for place in (TableName(*_place(name)) for name in names):
        if place.schema not in schemas:
            raise BodyInvalid(f'there is no schema "{place.schema}"{meant(place.schema, sorted(schemas))}')
        if place not in there:
            raise BodyInvalid(f'there is no table or function "{place}"{meant(str(place), sorted(map(str, there)))}')


def meant(name: str, known: Iterable[str]) -> str:
    """How a message goes on that says that there is no such thing."""
    near = nearest(name, known)
    return "" if near is None else f'; did you mean "{near}"?'


def read_tables(texts: Iterable[str]) -> dict[str, list[str]]:
    """What `schema.table:command,command` says. Raises BodyInvalid."""
    found: dict[str, list[str]] = {}
    for text in texts:
        name, colon, commands = text.rpartition(":")
        if not colon:
            raise BodyInvalid(f'"{text[:100]}" names no command; write schema.table:select,insert')
        found.setdefault(name, []).extend(command.strip() for command in commands.split(","))
    return checked(found) or {}


def read_age(text: str) -> timedelta:
    """How long `90d` is. Raises BodyInvalid."""
    said = _AGE.match(text)
    seconds = int(said[1]) * _UNITS[said[2]] if said is not None else 0
    if not 0 < seconds <= _LONGEST:
        raise BodyInvalid(f'"{text[:50]}" is no time; write 12h, 90d or 1y')
    return timedelta(seconds=seconds)


def _place(name: str) -> tuple[str, str]:
    schema, dot, table = name.partition(".")
    return (schema, table) if dot else ("public", name)
