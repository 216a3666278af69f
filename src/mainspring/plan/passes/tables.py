"""Pass 1: the tree of tables. Each embed finds its relation; nothing is promised about columns yet."""

from __future__ import annotations

from mainspring.catalog.model import Table
from mainspring.catalog.names import nearest
from mainspring.catalog.relations import resolve
from mainspring.errors import LimitExceeded, TableUnknown
from mainspring.plan.draft import Draft, Planning
from mainspring.query.ast import Embed, Selection, TableName


def find_table(planning: Planning, name: TableName) -> Table:
    """The table asked for. Raises TableUnknown, suggesting only what the caller may see."""
    table = planning.table(name)
    if table is None:
        known = [each.name for each in planning.catalog.tables if each.schema == name.schema and planning.visible(each)]
        raise TableUnknown(name.schema, name.name, nearest(name.name, known))
    return table


def plant(planning: Planning, name: TableName, selection: Selection) -> Draft:
    """The tree for a selection of a table."""
    root = Draft(planning.alias(), find_table(planning, name), selection)
    _grow(planning, root, 1)
    return root


def _grow(planning: Planning, draft: Draft, depth: int) -> None:
    for item in draft.selection.items:
        if isinstance(item, Embed):
            if depth > planning.limits.max_embed_depth:
                raise LimitExceeded(
                    what="the nesting of embedded resources", limit=planning.limits.max_embed_depth, unit="levels"
                )
            child = branch(planning, draft, item)
            if item.spread and not item.selection.items:
                continue  # nothing is lifted, so nothing is read
            draft.children.append(child)
            _grow(planning, child, depth + 1)


def branch(planning: Planning, parent: Draft, embed: Embed) -> Draft:
    """A related table under `parent`. Raises RelationUnknown or RelationAmbiguous."""
    relation = resolve(planning.catalog, parent.table.name, embed.target, embed.hint, planning.visible, abroad=True)
    table = planning.catalog.tables[relation.target]
    return Draft(planning.alias(), table, embed.selection, parent, embed, relation)
