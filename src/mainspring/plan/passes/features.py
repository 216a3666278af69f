"""GeoJSON: which output of a row is the geometry of its feature; all others are its properties."""

from __future__ import annotations

import re
from typing import TypeVar

from msgspec.structs import replace

from mainspring.datatypes import DataType, Kind
from mainspring.errors import MediaUnavailable
from mainspring.plan.nodes import Feature, OutColumn, Output, OutSpread, Plan, ReadPlan, Rows

P = TypeVar("P", bound=Plan)

_GEOMETRY = re.compile(r'((?:"[^"]+"|[a-z_][a-z0-9_$]*)\.)?(?:geometry|geography)(?:\([^()]*\))?')
"""PostGIS's types as PostgreSQL writes them: with the schema that they and PostGIS's functions are in, unless it is searched."""


def as_features(plan: P) -> P:
    """The plan with the rows of its answer told as features. Raises MediaUnavailable where they have no geometry."""
    if isinstance(plan, ReadPlan):
        return replace(plan, rows=_featured(plan.rows))
    returning = plan.returning
    return plan if returning is None else replace(plan, returning=_featured(returning))


def _featured(rows: Rows) -> Rows:
    """The first geometry among the outputs is the feature's, as PostGIS has it."""
    for output in rows.outputs:
        found = _geometry(output)
        if found is not None:
            return replace(rows, feature=Feature(output.key, found[1] or ""))
    raise no_features(f'no column of type geometry or geography is selected of "{rows.source.table.name.name}"')


def no_features(reason: str) -> MediaUnavailable:
    """The refusal of GeoJSON for an answer that holds no features."""
    told = f"GeoJSON needs rows with a geometry: {reason}"
    return MediaUnavailable(("application/geo+json",), told, "Select the geometry, without a cast, or ask for application/json.")


def _geometry(output: Output) -> re.Match[str] | None:
    match output:
        case OutColumn(type=DataType(kind=Kind.NATIVE, name=str() as name) as type_):
            return _GEOMETRY.fullmatch(type_.base or name)
        case OutSpread(output=lifted):
            return _geometry(lifted)
        case _:
            return None
