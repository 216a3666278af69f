"""The document that rows make: one expression over the rows known as `t`."""

from __future__ import annotations

from mainspring.catalog.routines import Routine
from mainspring.engines.postgres.native.conditions import named
from mainspring.plan.native.nodes import SOURCE, Document, Form

ROWS = "ms_row"
SCALAR = "ms_scalar"
ANSWERED = """nullif(current_setting('response.headers', true), ''), nullif(current_setting('response.status', true), '')"""


def body(document: Document, routine: Routine | None = None) -> str:
    """The body of an answer, of `routine` where it is a function's."""
    match document.form:
        case Form.NOTHING:
            return "''::text"
        case Form.ARRAY:
            return _array(document.stripped, routine)
        case Form.OBJECT:
            value = f"{ROWS}.{SCALAR}" if routine and scalar(routine) else ROWS
            return _or(_stripped(f"json_agg({value})->0", document.stripped), "null")
        case Form.CSV:
            return _csv()
        case Form.GEOJSON:
            features = f"coalesce(json_agg(ST_AsGeoJSON({ROWS})::json), '[]')"
            return f"json_build_object('type', 'FeatureCollection', 'features', {features})"
        case Form.CUSTOM:
            return _custom(document, routine)


def scalar(routine: Routine) -> bool:
    """Whether a function answers one value."""
    return not routine.returns.many and not routine.returns.composite


def _array(stripped: bool, routine: Routine | None) -> str:
    if routine is None:
        return _or(_stripped(f"json_agg({ROWS})", stripped), "[]")
    value = f"{ROWS}.{SCALAR}" if not routine.returns.composite else ROWS
    if routine.returns.many:
        return _or(_stripped(f"json_agg({value})", stripped), "[]")
    return _or(_stripped(f"json_agg({value})->0", stripped), "null")


def _or(value: str, empty: str) -> str:
    return f"coalesce({value}, '{empty}')"


def _stripped(value: str, stripped: bool) -> str:
    return f"json_strip_nulls({value})" if stripped else value


def _csv() -> str:
    """A header of the keys of the first row, then the rows as PostgreSQL writes records."""
    first = f"SELECT row_to_json(h) AS r FROM {SOURCE.name} AS h LIMIT 1"
    header = f"(SELECT coalesce(string_agg(k.k, ','), '') FROM (SELECT json_object_keys(r)::text AS k FROM ({first}) AS s) AS k)"
    row = f"substring({ROWS}::text, 2, length({ROWS}::text) - 2)"
    return f"{header} || E'\\n' || coalesce(string_agg({row}, E'\\n'), '')"


def _custom(document: Document, routine: Routine | None) -> str:
    assert document.function is not None
    if routine is not None and scalar(routine):
        return f"{named(document.function)}({ROWS}.{SCALAR})"
    cast = f"::{named(document.table)}" if document.table is not None else ""
    return f"{named(document.function)}({ROWS}{cast})"
