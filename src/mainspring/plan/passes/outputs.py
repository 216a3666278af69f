"""Pass 3: what each table answers: stars expanded to the visible columns, aliases and casts settled."""

from __future__ import annotations

from mainspring.errors import LimitExceeded, SyntaxInvalid
from mainspring.plan.draft import Draft, Planning
from mainspring.plan.nodes import OutAggregate, OutColumn
from mainspring.plan.passes.resolve import Scope, aggregate, column_ref, converted
from mainspring.query.ast import Aggregate, Column, Field, Star
from mainspring.query.expr import Ref


def outputs(planning: Planning, draft: Draft) -> None:
    """Fill in the outputs of `draft` and of everything below it."""
    scope = Scope(draft.alias, draft.table, draft.columns)
    for item in draft.selection.items:
        if isinstance(item, Star):
            draft.outputs += [_star(draft, name) for name in draft.table.columns if name in draft.columns]
        elif isinstance(item, Field):
            draft.outputs.append(_field(planning, scope, item))
        elif isinstance(item, Aggregate):
            draft.outputs.append(_aggregate(planning, scope, item))
    draft.outputs = list(dict.fromkeys(draft.outputs))
    for child in draft.children:
        outputs(planning, child)
    _check_keys(planning, draft)


def _star(draft: Draft, name: str) -> OutColumn:
    column = draft.table.columns[name]
    return OutColumn(name, Ref(draft.alias, column, column.type))


def _field(planning: Planning, scope: Scope, item: Field) -> OutColumn:
    ref = column_ref(planning, scope, item.column)
    return OutColumn(item.alias or _key(item.column), ref, converted(ref, item.cast))


def _aggregate(planning: Planning, scope: Scope, item: Aggregate) -> OutAggregate:
    found = aggregate(planning, scope, item)
    return OutAggregate(item.alias or item.function, found, converted(found, item.cast))


def _key(column: Column) -> str:
    """The output's name: the column's, or the last object key of a JSON path."""
    keys = [step for step in column.path if isinstance(step, str)]
    return keys[-1] if keys else column.name


def _check_keys(planning: Planning, draft: Draft) -> None:
    keys = _keys(draft)
    if len(keys) > planning.limits.max_outputs:
        raise LimitExceeded(what="the number of columns in one selection", limit=planning.limits.max_outputs)
    for key in keys:
        _check_key(key)
    twice = next((key for key in keys if keys.count(key) > 1), None) if len(set(keys)) != len(keys) else None
    if twice is not None:
        raise SyntaxInvalid("select parameter", twice, expected=f'one output named "{twice}"; rename one with an alias')


def _keys(draft: Draft) -> list[str]:
    """The names of a row's members, those lifted out of spread embeds among them."""
    found = [output.key for output in draft.outputs]
    for child in draft.children:
        if child.embed is not None:
            found += _keys(child) if child.spread else [child.embed.key]
    return found


def _check_key(key: str) -> None:
    if len(key.encode()) > 63:
        raise LimitExceeded(what="the length of an output name", limit=63, unit="bytes")
    if not key or any(character in "\"'\\" or not character.isprintable() for character in key):
        raise SyntaxInvalid("select parameter", key, expected="an output name without quotes, backslashes and controls")
