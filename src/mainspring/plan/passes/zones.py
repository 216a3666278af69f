"""The last pass, where a request names a time zone: the moments it answers and those it gives are of that zone.

Only types change: of outputs, of the request's own values and of columns written. Conditions and policies stay as they are.
"""

from __future__ import annotations

from typing import Any, TypeVar, get_args

import msgspec
from msgspec.structs import replace

from mainspring import zones
from mainspring.catalog.model import Column, Table
from mainspring.datatypes import DataType, Kind
from mainspring.errors import NotSupported
from mainspring.plan.nodes import InsertPlan, ParamSpec, Plan, ReadPlan, Rows, UpdatePlan
from mainspring.query.ast import Slot
from mainspring.query.expr import Condition, Ref, Source

P = TypeVar("P", bound=Plan)

_LEFT: Any = (Table, Column, Source, *get_args(Condition))


def in_zone(plan: P, zone: str) -> P:
    """The plan with its moments shown and read in `zone`. Raises NotSupported where there is no such zone."""
    if not zones.known(zone):
        raise NotSupported(f"the time zone {zone}")
    given: dict[str, Any] = {"params": tuple(_param(spec, zone) for spec in plan.params), "zone": zone}
    if isinstance(plan, ReadPlan) and plan.cursor:
        _refuse_several(plan)
    if isinstance(plan, ReadPlan):
        given["rows"] = _shown(plan.rows, zone)
    else:
        given["returning"] = _shown(plan.returning, zone)
    if isinstance(plan, InsertPlan | UpdatePlan):
        given["writes"] = _shown(plan.writes, zone)
    return replace(plan, **given)


def _refuse_several(plan: ReadPlan) -> None:
    """A database writes arrays and ranges of moments in the zone of the answer; a cursor has none."""
    for term in plan.rows.order:
        if term.key.type.item is not None and term.key.type.item.kind is Kind.TIMESTAMPTZ:
            raise NotSupported(f"a cursor over an order by {term.key.type} in a time zone", instead="Leave the time zone out.")


def _param(spec: ParamSpec, zone: str) -> ParamSpec:
    return replace(spec, type=_type(spec.type, zone)) if isinstance(spec.source, Slot) else spec


def _type(type_: DataType, zone: str) -> DataType:
    if type_.kind in (Kind.ARRAY, Kind.RANGE) and type_.item is not None:
        return replace(type_, item=_type(type_.item, zone))
    return replace(type_, zone=zone) if type_.kind is Kind.TIMESTAMPTZ else type_


def _shown(node: Any, zone: str) -> Any:
    """A part of a plan with every type in it of that zone, but for its tables and conditions."""
    if isinstance(node, DataType):
        return _type(node, zone)
    if isinstance(node, tuple):
        return tuple(_shown(item, zone) for item in node)
    if isinstance(node, Rows):
        return replace(node, outputs=_shown(node.outputs, zone))
    if isinstance(node, Ref) and node.formula is not None:  # what is computed has a value, wherever it is shown
        return replace(node, type=_type(node.type, zone))
    if isinstance(node, msgspec.Struct) and not isinstance(node, _LEFT):
        return replace(node, **{name: _shown(getattr(node, name), zone) for name in node.__struct_fields__})
    return node
