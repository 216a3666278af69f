"""Pass 4: conditions. An inner embed also becomes a condition of its parent: it must have a visible row that matches."""

from __future__ import annotations

from functools import partial

from mainspring.errors import NotSupported
from mainspring.plan.draft import Draft, Planning
from mainspring.plan.passes.guards import guard
from mainspring.plan.passes.resolve import Scope, condition
from mainspring.plan.passes.tables import branch
from mainspring.query import expr
from mainspring.query.ast import Embed


def filters(planning: Planning, draft: Draft) -> None:
    """Fill in the conditions of `draft` and of everything below it."""
    _own(planning, draft)
    for child in draft.children:
        filters(planning, child)


def _own(planning: Planning, draft: Draft) -> None:
    if draft.selection.where is not None:
        scope = Scope(draft.alias, draft.table, draft.columns, partial(_related, planning, draft))
        draft.where.append(condition(planning, draft.selection.where, (scope,)))
    for item in draft.selection.items:
        if isinstance(item, Embed) and item.inner:
            draft.where.append(_inner(planning, draft, item))


def _related(planning: Planning, draft: Draft, key: str) -> expr.Condition:
    """Whether the embed known as `key` has rows. Raises NotSupported: a write picks its rows without embeds."""
    embed = next((item for item in draft.selection.items if isinstance(item, Embed) and item.key == key), None)
    if embed is None:
        raise NotSupported("choosing the rows of a write by an embed", instead="Read them first and name their keys.")
    return _inner(planning, draft, embed)


def _inner(planning: Planning, parent: Draft, embed: Embed) -> expr.Condition:
    """The same related table once more, under an alias of its own, only asked whether a row exists."""
    twin = branch(planning, parent, embed)
    guard(planning, twin, "select")
    _own(planning, twin)
    return expr.Exists(twin.source, expr.both(*twin.where))
