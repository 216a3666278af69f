"""A guarded plan never lacks a guard: every table in it carries exactly what the registry says for the caller."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import DataObject

from mainspring.errors import MainspringError
from mainspring.plan.draft import Planning
from mainspring.plan.guard import Guards
from mainspring.plan.limits import Limits
from mainspring.plan.nodes import (
    DeletePlan,
    InsertPlan,
    OutAggregate,
    OutColumn,
    OutEmbed,
    OutGather,
    Output,
    OutSpread,
    ParamSpec,
    Plan,
    ReadPlan,
    Rows,
    UpdatePlan,
)
from mainspring.plan.passes.guards import policy
from mainspring.plan.planner import Planner
from mainspring.policy.registry import Registry
from mainspring.query import expr
from tests.property.cases import REQUESTS, examples, ran, seconds
from tests.property.strategies.policies import callers, registries
from tests.property.strategies.requests import Request, reads, writes
from tests.property.strategies.schemas import SCHEMA, World, worlds

pytestmark = pytest.mark.timeout(seconds())

Place = tuple[expr.Source, tuple[str, ...]]
"""A table in a plan, and the commands whose policies must guard it."""


@examples(0.1, REQUESTS)
@given(data=st.data())
def test_every_table_of_a_plan_carries_its_guard(data: DataObject) -> None:
    world = data.draw(worlds())
    registry = data.draw(registries(world.catalog))
    planner = Planner(world.catalog, registry, exposed=frozenset({SCHEMA}))
    for _ in range(REQUESTS):
        principal = data.draw(callers())
        make = data.draw(st.sampled_from([reads, writes]))
        request = data.draw(make(world.catalog, registry, principal))
        ran("guards")
        try:
            plan = planner.plan(request.query, principal)
        except MainspringError:
            continue
        guarded(world, registry, request, plan)


def guarded(world: World, registry: Registry, request: Request, plan: Plan) -> None:
    """Assert every guard of `plan`, and the conditions on what it writes."""
    for source, commands in places(plan):
        required = _required(world, registry, request, source, commands)
        assert _parts((source.guard, plan.params)) == required, (source.table.name.name, commands)
    for source, check, rules in _checks(plan):
        wanted = [each for rule in rules for each in _parts(_rule(world, registry, request, source, rule))]
        never = _shape(expr.FALSE, ())
        assert _parts((check, plan.params)) == ([never] if never in wanted else wanted), rules


def places(plan: Plan) -> Iterator[Place]:
    """Every table that a plan reads. The target of an insert is read only through `returning`."""
    match plan:
        case ReadPlan(rows):
            yield from _of_rows(rows, ("select",))
        case InsertPlan(returning=returning):
            yield from _of_rows(returning, ("select",))
        case UpdatePlan(picked, returning=returning):
            yield from _of_rows(picked, ("select", "update"))
            yield from _of_rows(returning, ("select",))
        case DeletePlan(picked, returning=returning):
            yield from _of_rows(picked, ("select", "delete"))
            yield from _of_rows(returning, ("select",))


def _of_rows(rows: Rows | None, commands: tuple[str, ...]) -> Iterator[Place]:
    if rows is None:
        return
    yield from _of_source(rows.source, commands)
    yield from _of_condition(rows.where)
    for order in rows.order:
        if isinstance(order.key, expr.Lookup):
            yield from _of_value(order.key)
    for output in rows.outputs:
        yield from _of_output(output)


def _of_output(output: Output) -> Iterator[Place]:
    match output:
        case OutEmbed(_, rows) | OutGather(_, rows):
            yield from _of_rows(rows, ("select",))
        case OutSpread(_, source, where, lifted):
            yield from _of_source(source, ("select",))
            yield from _of_condition(where)
            yield from _of_output(lifted)
        case OutColumn(_, ref):
            yield from _of_value(ref)
        case OutAggregate(_, aggregate):
            yield from _of_value(aggregate.of)


def _of_value(value: expr.Ref | expr.Lookup | None) -> Iterator[Place]:
    if isinstance(value, expr.Lookup):
        yield from _of_source(value.source, ("select",))
        yield from _of_condition(value.where)
        yield from _of_value(value.ref)


def _of_source(source: expr.Source, commands: tuple[str, ...]) -> Iterator[Place]:
    """The table and what is joined to it. What a guard itself looks into is unguarded: the application's own authority."""
    yield source, commands
    for joined in source.joined:
        yield joined, ("select",)


def _of_condition(node: expr.Condition) -> Iterator[Place]:
    """The tables in what was asked for: inner embeds."""
    match node:
        case expr.And(items) | expr.Or(items):
            for item in items:
                yield from _of_condition(item)
        case expr.Not(item):
            yield from _of_condition(item)
        case expr.Exists(source, where):
            yield from _of_source(source, ("select",))
            yield from _of_condition(where)


Written = tuple[expr.Source, expr.Condition, tuple[str, ...]]


def _checks(plan: Plan) -> Iterator[Written]:
    """The conditions on rows written, each with the rules that it must consist of."""
    match plan:
        case InsertPlan(target, check=check, upsert=upsert, returning=returning):
            seen = ("using select",) if returning is not None or upsert is not None else ()
            yield target, check, ("check insert", *seen)
            if upsert is not None and upsert.resolution == "merge":
                yield target, upsert.existing, ("using select", "using update")
                yield target, upsert.updated, ("check update", "using select")
        case UpdatePlan(picked, check=check):
            yield picked.source, check, ("check update", "using select")


Resolved = tuple[expr.Condition, Sequence[ParamSpec]]


def _rule(world: World, registry: Registry, request: Request, source: expr.Source, rule: str) -> Resolved:
    kind, command = rule.split()
    name, role = source.table.name, request.principal.role
    said = registry.using(name, role, command) if kind == "using" else registry.check(name, role, command)
    planning = Planning(world.catalog, Guards(registry, request.principal), Limits(), frozenset({SCHEMA}))
    planning.aliases = source.alias + 1
    return policy(planning, source.alias, source.table, said), planning.params


def _required(world: World, registry: Registry, request: Request, source: expr.Source, commands: tuple[str, ...]) -> list[Any]:
    rules = [_rule(world, registry, request, source, f"using {command}") for command in commands]
    parts = [part for rule in rules for part in _parts(rule)]
    never = _shape(expr.FALSE, ())
    return [never] if never in parts else parts


def _parts(resolved: Resolved) -> list[Any]:
    condition, params = resolved
    items = condition.items if isinstance(condition, expr.And) else (condition,)
    parts = [_shape(item, params) for item in items]
    return [_shape(expr.FALSE, ())] if expr.FALSE in items else parts


def _shape(node: object, params: Sequence[ParamSpec], aliases: dict[int, int] | None = None) -> Any:
    """A condition without what depends on where it stands: parameters by what they are, aliases by order of appearance."""
    seen = {} if aliases is None else aliases
    match node:
        case expr.Param(index):
            return ("Param", params[index])
        case expr.Ref(alias, column, type_, path, as_text):
            steps = tuple(_shape(step, params, seen) for step in path)
            return ("Ref", _number(alias, seen), column.name, type_, steps, as_text)
        case expr.Exists(source, where):
            inner = (_number(source.alias, seen), source.table.name, _shape(source.guard, params, seen))
            return ("Exists", inner, _shape(where, params, seen))
        case expr.And(items) | expr.Or(items):
            return (type(node).__name__, tuple(_shape(item, params, seen) for item in items))
        case expr.Not(item):
            return ("Not", _shape(item, params, seen))
        case expr.Compare(op, left, right):
            return (op.name, _shape(left, params, seen), _shape(right, params, seen))
        case expr.Is(operand, what):
            return ("Is", _shape(operand, params, seen), what)
        case expr.Apply(function, arguments, type_):
            return (function, type_, tuple(_shape(argument, params, seen) for argument in arguments))
        case expr.Case(when, then, otherwise, type_):
            return ("Case", type_, *(_shape(part, params, seen) for part in (when, then, otherwise)))
        case expr.Holds(condition):
            return ("Holds", _shape(condition, params, seen))
        case expr.Truth(operand):
            return ("Truth", _shape(operand, params, seen))
        case _:
            raise AssertionError(node)


def _number(alias: int, seen: dict[int, int]) -> int:
    return seen.setdefault(alias, len(seen))
