"""Calls in SQL: arguments by name, each in the type of its parameter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mainspring.catalog.routines import Parameter
from mainspring.engines.postgres.names import quote
from mainspring.engines.postgres.native.arguments import Arguments, Encode, array, binary, plain, raw
from mainspring.engines.postgres.native.conditions import column, named
from mainspring.engines.postgres.native.document import SCALAR
from mainspring.plan.native.nodes import NativeCall
from mainspring.query.ast import TableName

GIVEN = TableName("", "ms_given")
CALLED = TableName("", "ms_called")


def called(plan: NativeCall, arguments: Arguments) -> str:
    """The SELECT of the function's answer."""
    source, given = _arguments(plan, arguments)
    function = f"{named(plan.routine.name)}({given})"
    lateral = "LATERAL " if source else ""
    if not plan.routine.returns.composite:
        return f"SELECT ms_called.{SCALAR} FROM {source}{lateral}(SELECT {function} AS {SCALAR}) AS ms_called"
    columns = ", ".join(column(CALLED, name) for name in plan.returning) or "ms_called.*"
    return f"SELECT {columns} FROM {source}{lateral}{function} AS ms_called"


def _arguments(plan: NativeCall, arguments: Arguments) -> tuple[str, str]:
    """What stands in FROM before the function, and its argument list."""
    if plan.unnamed:
        (parameter,) = plan.arguments
        encode = binary if parameter.type == "bytea" else raw
        return "", f"{arguments.slot(plan.given, encode)}::{parameter.type}"
    if not plan.arguments:
        return "", ""
    if plan.direct:
        return "", ", ".join(_direct(plan, each, arguments) for each in plan.arguments)
    return _from_json(plan, arguments), ", ".join(_of_json(each) for each in plan.arguments)


def _direct(plan: NativeCall, parameter: Parameter, arguments: Arguments) -> str:
    value = arguments.slot(plan.given, _taken(parameter))
    return f"{'VARIADIC ' if parameter.variadic else ''}{quote(parameter.name)} := {value}::{parameter.full_type}"


def _taken(parameter: Parameter) -> Encode:
    def encode(given: Mapping[str, Any]) -> bytes | None:
        value = given[parameter.name]
        if parameter.variadic:
            return array(value if isinstance(value, list) else [value])
        return plain(value[-1] if isinstance(value, list) else value)

    return encode


def _from_json(plan: NativeCall, arguments: Arguments) -> str:
    """One row of the body's JSON: of an array the first."""
    types = ", ".join(f"{quote(each.name)} {each.full_type}" for each in plan.arguments)
    listed = "CASE json_typeof(v) WHEN 'object' THEN json_build_array(v) ELSE v END"
    data = f"SELECT {listed} AS data FROM (SELECT {arguments.slot(plan.given, raw)}::json AS v) AS raw"
    return f"(SELECT r.* FROM ({data}) AS ms_payload, json_to_recordset(ms_payload.data) AS r({types}) LIMIT 1) AS ms_given, "


def _of_json(parameter: Parameter) -> str:
    return f"{'VARIADIC ' if parameter.variadic else ''}{quote(parameter.name)} := {column(GIVEN, parameter.name)}"
