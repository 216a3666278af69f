"""Pass 5: groups. A table with an aggregate among its outputs, with HAVING or DISTINCT answers groups of its rows."""

from __future__ import annotations

from collections.abc import Iterator

from mainspring.errors import NotSupported
from mainspring.plan.draft import Draft, Planning
from mainspring.plan.nodes import Group, OutAggregate
from mainspring.plan.passes.resolve import Scope, condition
from mainspring.query.expr import TRUE, Condition


def groups(planning: Planning, draft: Draft) -> None:
    """Say of `draft` and of everything below it whether it answers groups. Raises NotSupported where it cannot."""
    for child in draft.children:
        groups(planning, child)
    selection = draft.selection
    if selection.having is not None or selection.distinct or any(_aggregates(draft)):
        if draft.spread:
            _refuse(draft)
        else:
            draft.group = Group(_having(planning, draft), None if draft.parent is None else planning.limits.max_grouped)


def _aggregates(draft: Draft) -> Iterator[OutAggregate]:
    """Its own, and those lifted out of one related row: they belong to the row into which they are lifted."""
    yield from (output for output in draft.outputs if isinstance(output, OutAggregate))
    for child in draft.children:
        if child.spread and child.single:
            yield from _aggregates(child)


def _refuse(draft: Draft) -> None:
    if not draft.single:
        what = "an aggregate, having or distinct inside a spread resource that can have several rows"
        raise NotSupported(what, instead="Embed it without the dots.")
    if draft.selection.having is not None or draft.selection.distinct:
        raise NotSupported("having or distinct inside a spread resource", instead="Ask for it on the resource around it.")


def _having(planning: Planning, draft: Draft) -> Condition:
    if draft.selection.having is None:
        return TRUE
    return condition(planning, draft.selection.having, (Scope(draft.alias, draft.table, draft.columns),))
