"""Writes in SQL: the request's JSON becomes rows in the database, which knows the types."""

from __future__ import annotations

from mainspring.engines.postgres.names import literal, quote
from mainspring.engines.postgres.native.arguments import Arguments, raw
from mainspring.engines.postgres.native.conditions import column, condition, named, where
from mainspring.plan.native.nodes import Body, NativeDelete, NativeInsert, NativeUpdate, Target, Written
from mainspring.query.ast import Resolution, TableName

GIVEN = TableName("", "ms_given")
"""By what the columns of the request's rows are addressed."""

_COUNTER = "nullif(current_setting('mainspring.inserted', true), '')"
INSERTED = f"{_COUNTER}::int"


def inserted(plan: NativeInsert, arguments: Arguments) -> str:
    """The INSERT. Every row given counts as new; one that turns out to be overwritten is taken off again."""
    merging = plan.resolution is Resolution.MERGE and bool(plan.conflict)
    conditions = [condition(item, GIVEN, arguments) for item in plan.put]
    counted = [_count(+1)] if merging else []
    names = ", ".join(quote(each.name) for each in plan.body.columns)
    target = f"{named(plan.written.table)}{f' ({names})' if names else ''}"
    rows = f"SELECT {_given(plan.body)} {given(plan.body, arguments)}{where(counted + conditions)}"
    return f"INSERT INTO {target} {rows}{_on_conflict(plan)} {_returning(plan.written)}"


def _given(body: Body) -> str:
    return ", ".join(column(GIVEN, each.name) for each in body.columns)


def _count(step: int) -> str:
    """A condition that holds and counts."""
    return f"set_config('mainspring.inserted', (coalesce({_COUNTER}::int, 0) + {step})::text, true) <> 'x'"


def _on_conflict(plan: NativeInsert) -> str:
    if plan.resolution is None or not plan.conflict:
        return ""
    clause = f" ON CONFLICT ({', '.join(map(quote, plan.conflict))}) DO"
    if plan.resolution is Resolution.IGNORE or not plan.body.columns:
        return f"{clause} NOTHING"
    changes = ", ".join(f"{quote(each.name)} = EXCLUDED.{quote(each.name)}" for each in plan.body.columns)
    return f"{clause} UPDATE SET {changes} WHERE {_count(-1)}"


def updated(plan: NativeUpdate, arguments: Arguments) -> str:
    """The UPDATE; without columns nothing changes and no row is answered."""
    table = plan.written.table
    if not plan.body.columns:
        columns = [column(TableName("", table.name), name) for name in plan.written.returning]
        return f"SELECT {', '.join(columns) or 'NULL'} FROM {named(table)} WHERE false"
    changes = ", ".join(f"{quote(each.name)} = {column(GIVEN, each.name)}" for each in plan.body.columns)
    conditions = [condition(item, table, arguments) for item in plan.where]
    source = given(plan.body, arguments)
    return f"UPDATE {named(table)} SET {changes} {source}{where(conditions)} {_returning(plan.written)}"


def deleted(plan: NativeDelete, arguments: Arguments) -> str:
    """The DELETE."""
    table = plan.written.table
    conditions = [condition(item, table, arguments) for item in plan.where]
    return f"DELETE FROM {named(table)}{where(conditions)} {_returning(plan.written)}"


def _returning(written: Written) -> str:
    columns = [column(written.table, name) for name in written.returning]
    return f"RETURNING {', '.join(columns) or '1'}"


# ---------------------------------------------------------------- JSON into rows


def given(body: Body, arguments: Arguments) -> str:
    """FROM the rows of the request's JSON (an object is one row), known as `given`, in the types of their columns."""
    kind = "jsonb" if body.defaults else "json"
    value = f"{arguments.slot(body.slot, raw)}::{kind}"
    listed = f"CASE {kind}_typeof(v) WHEN 'object' THEN {kind}_build_array(v) ELSE v END"
    source = f"FROM (SELECT {listed} AS data FROM (SELECT {value} AS v) AS raw) AS ms_payload, "
    data = "ms_payload.data"
    if body.defaults:
        filled = f"SELECT jsonb_agg({_defaults(body.columns)} || item) AS data FROM jsonb_array_elements(ms_payload.data) AS item"
        source += f"LATERAL ({filled}) AS ms_filled, "
        data = "ms_filled.data"
    if not body.columns:
        return f"{source}LATERAL (SELECT FROM {kind}_array_elements({data})) AS ms_given"
    types = ", ".join(f"{quote(each.name)} {each.type}" for each in body.columns)
    parsed = ", ".join(map(_parsed, body.columns))
    return f"{source}LATERAL (SELECT {parsed} FROM {kind}_to_recordset({data}) AS r({types})) AS ms_given"


def _defaults(columns: tuple[Target, ...]) -> str:
    pairs = [f"{literal(each.name)}, {each.default}" for each in columns if each.default is not None]
    return f"jsonb_build_object({', '.join(pairs)})"


def _parsed(target: Target) -> str:
    name = quote(target.name)
    return f"{named(target.transform)}({name}) AS {name}" if target.transform else name
