"""PostgreSQL's errors as typed leaves. The only place that reads a driver error."""

from __future__ import annotations

import re

import psycopg

from mainspring.catalog.model import Table
from mainspring.engines.sql.groups import refused as refused_groups
from mainspring.errors import (
    BodyInvalid,
    Busy,
    CheckViolated,
    DatabaseRefused,
    EngineFault,
    EngineUnavailable,
    ForeignKeyViolated,
    MainspringError,
    MediaUnavailable,
    NotNullViolated,
    NotSupported,
    SearchConfigUnknown,
    TimedOut,
    UniqueViolated,
    ValueInvalid,
    ValueOutOfRange,
)

RETRIED = ("40001", "40P01")
"""Serialization failure and deadlock: the same write may pass the next time."""

REFUSED = "mainspring: refused"
"""What a statement casts to a number, which fails, when it finds a row that may not be written."""

_CONFIG = re.compile(r'text search configuration "(.*)" does not exist|invalid name syntax')
_POSTGIS = ("lwgeom_", "gserialized_")
"""How the names of PostGIS's source files begin."""
_UNAVAILABLE = ("08", "57P0", "53", "25006")


def refused(error: psycopg.Error) -> bool:
    """Whether a statement of ours refused a row, or a view that has a check option did."""
    ours = error.sqlstate == "22P02" and REFUSED in (error.diag.message_primary or "")
    return ours or error.sqlstate == "44000"


def leaf(error: psycopg.Error, table: Table | None, seconds: float) -> MainspringError:
    """The typed error for a driver's; the driver's own is to be its cause. `seconds` is the statement timeout."""
    state = error.sqlstate
    if state is None:
        return EngineUnavailable() if isinstance(error, psycopg.OperationalError) else EngineFault()
    if state.startswith("23"):
        return _constraint(state, error.diag, table)
    if state.startswith(_UNAVAILABLE):
        return EngineUnavailable()
    match state:
        case "42704" | "42602" if config := _CONFIG.search(error.diag.message_primary or ""):
            return SearchConfigUnknown(config[1] or "...")
        case "57014":
            return TimedOut(seconds)
        case "40001" | "40P01" | "55P03":
            return Busy("The database")
        case "42601" if " in ts" in (error.diag.message_primary or ""):  # the text of a tsvector or tsquery
            return ValueInvalid("the column", "...", reason="the database does not take it")
        case "22P02" if grouped := refused_groups(error.diag.message_primary or ""):
            return grouped
        case "22P02" | "22007":
            return ValueInvalid("the column", "...", reason="the database does not take it")
        case "22003" | "22001" | "22008" | "54000":
            return ValueOutOfRange("the column", "...", reason="the database does not take it")
        case "22023" if "TimeZone" in (error.diag.message_primary or ""):
            return NotSupported("a time zone that it does not know", by="PostgreSQL")
        case "XX000" | "22023" if (error.diag.source_file or "").startswith(_POSTGIS):
            return _geometry(error.diag.message_primary or "")
        case "42883" if "st_asgeojson(" in (error.diag.message_primary or ""):
            told = "The database has no function ST_AsGeoJSON for this type"
            return MediaUnavailable(("application/geo+json",), told, "Install PostGIS there, or ask for application/json.")
        case "55000" if "deferrable" in (error.diag.message_primary or ""):
            return NotSupported(
                "an upsert by a key that is DEFERRABLE", by="PostgreSQL", instead="Name another key in on_conflict."
            )
        case "42883":  # a type only the database knows has no such operator
            return NotSupported("comparing or ordering values of this type", by="PostgreSQL", instead="Cast them to text.")
        case _ if state == "P0001" or state.startswith("PT"):  # a trigger refuses, in words of its author's (RAISE)
            said = error.diag
            return DatabaseRefused(state, said.message_primary or "", said.message_detail, said.message_hint)
        case "21000":
            return BodyInvalid(
                "ON CONFLICT DO UPDATE command cannot affect row a second time",
                "Ensure that no rows proposed for insertion within the same command have duplicate constrained values.",
            )
        case _:
            return EngineFault()


def _geometry(said: str) -> MainspringError:
    """PostGIS tells all its refusals as internal errors, or as parameters that are invalid."""
    if said.startswith("lwgeom_to_geojson"):
        return NotSupported("this kind of geometry in JSON", by="PostGIS", instead="Select it as text, with the cast ::text.")
    return ValueInvalid("geometry", "...", reason="PostGIS does not take it")


def _constraint(state: str, said: psycopg.errors.Diagnostic, table: Table | None) -> MainspringError:
    name, constraint = said.table_name, said.constraint_name
    match state:
        case "23P01":
            return UniqueViolated(name, constraint)
        case "23505":
            return UniqueViolated(name, constraint, _columns(table, name, constraint))
        case "23503" | "23001":
            return ForeignKeyViolated(name, constraint)
        case "23502":
            return NotNullViolated(name, columns=(said.column_name,) if said.column_name else ())
        case "23514":
            return CheckViolated(name, constraint)
        case _:
            return EngineFault()


def _columns(table: Table | None, name: str | None, constraint: str | None) -> tuple[str, ...]:
    """The columns of a unique key, as the catalog knows them."""
    if table is None or table.name.name != name:
        return ()
    keys = {unique.name: unique.columns for unique in table.uniques}
    keys |= {index.name: index.columns for index in table.indexes if index.unique}
    keys |= {index.name: index.columns for index in table.sql_indexes}
    return keys.get(constraint or "", table.primary_key)
