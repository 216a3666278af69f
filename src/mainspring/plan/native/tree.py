"""The tree of tables in database mode: relations found, outputs named, embeds and spreads settled. The rules are PostgREST's."""

from __future__ import annotations

from dataclasses import replace

from mainspring.catalog.model import Catalog
from mainspring.catalog.relations import resolve as find_relation
from mainspring.errors import NotSupported, RelatedOrderInvalid
from mainspring.plan.native import nodes
from mainspring.plan.native.nodes import SOURCE, Chosen, Node, OrderBy, Spread, SpreadOutput, Target
from mainspring.plan.native.resolve import condition, order, represented, target, transformed
from mainspring.query import ast
from mainspring.query.ast import Aggregate, Column, Embed, Field, Selection, Star, TableName


def plant(catalog: Catalog, table: TableName, selection: Selection, read_back: str | None) -> Node:
    """The tree of a selection. `read_back`: the rows are those of a write or a call, under this name.

    Raises RelationUnknown, RelationAmbiguous, RelatedOrderInvalid, NotSupported.
    """
    root = Node(table if read_back is None else SOURCE, table, read_back)
    _grow(catalog, root, selection)
    _expand_stars(catalog, root, aggregated=False)
    _conditions(catalog, root, selection)
    _lift(root)
    _hoist(root)
    _order_spreads(root)
    return root


# ---------------------------------------------------------------- tables and outputs


def _grow(catalog: Catalog, node: Node, selection: Selection) -> None:
    node.limit, node.offset = selection.limit, selection.offset
    for item in selection.items:
        if isinstance(item, Embed):
            node.children.append(_embed(catalog, node, item))
        else:
            node.outputs.append(_output(catalog, node, item))


def _embed(catalog: Catalog, parent: Node, embed: Embed) -> Node:
    relation = find_relation(catalog, parent.table, embed.target, embed.hint, lambda name: True)
    child = Node(relation.target, relation.target, key=embed.key, relation=relation, parent=parent, inner=embed.inner)
    child.depth = parent.depth + 1
    child.join_alias = f"{relation.source.name}_{embed.key}_{child.depth}"
    if relation.junction is None:
        child.alias = f"{relation.target.name}_{child.depth}"
    if embed.spread:
        child.spread = Spread.ONE if relation.cardinality.single else Spread.MANY
    _grow(catalog, child, embed.selection)
    return child


def _output(catalog: Catalog, node: Node, item: Star | Field | Aggregate) -> Chosen:
    if isinstance(item, Star):
        return Chosen(Target("*"))
    if isinstance(item, Aggregate):
        found = Target("*") if item.column is None else _outgoing(catalog, node.table, item.column)
        alias = item.alias or (item.function if node.spread else None)
        return Chosen(found, alias, item.input, item.function, item.cast)
    found = _outgoing(catalog, node.table, item.column)
    return Chosen(found, item.alias or _implied(found), item.cast)


def _outgoing(catalog: Catalog, table: TableName, column: Column) -> Target:
    return transformed(catalog, target(catalog, table, column), "json", incoming=False)


def _implied(found: Target) -> str | None:
    """The name of an output that would have none of its own: the last key of a JSON path, a represented column's."""
    if found.path:
        keys = [step for step in found.path if isinstance(step, str)]
        return keys[-1] if keys else found.name
    return found.name if found.transform else None


def _expand_stars(catalog: Catalog, node: Node, *, aggregated: bool) -> None:
    """Name the columns behind `*` where grouping, spreading or representing needs them."""
    aggregated = aggregated or any(chosen.aggregate for chosen in node.outputs) or node.spread is Spread.MANY
    found = catalog.tables.get(node.table)
    columns = [] if found is None else [represented(catalog, column, "json") for column in found.columns.values()]
    if aggregated or any(column.transform for column in columns):
        node.outputs = [expanded for chosen in node.outputs for expanded in _expanded(node, chosen, columns)]
    for child in node.children:
        _expand_stars(catalog, child, aggregated=aggregated)


def _expanded(node: Node, chosen: Chosen, columns: list[Target]) -> list[Chosen]:
    if chosen.target.name != "*" or chosen.target.path:
        return [chosen]
    if chosen.aggregate:
        counted = node.spread is not None and chosen.aggregate == "count"
        return [replace(chosen, target=replace(chosen.target, whole=True))] if counted else [chosen]
    return [Chosen(replace(column, default=None), _implied(column)) for column in columns]


# ---------------------------------------------------------------- conditions and orders


def _conditions(catalog: Catalog, node: Node, selection: Selection) -> None:
    embeds = {child.key: child.join_alias for child in node.children}
    if selection.where is not None:
        items = selection.where.items if isinstance(selection.where, ast.And) else (selection.where,)
        node.where = [condition(catalog, node.table, item, embeds) for item in items]
    node.order = [_order(catalog, node, term) for term in selection.order]
    below = [item for item in selection.items if isinstance(item, Embed)]
    for child, embed in zip(node.children, below, strict=True):
        _conditions(catalog, child, embed.selection)


def _order(catalog: Catalog, node: Node, term: ast.Order) -> OrderBy:
    if term.related is None:
        return order(catalog, node.table, term, None)
    child = next(child for child in node.children if child.key == term.related)
    if not child.single:
        raise RelatedOrderInvalid(node.table.name, term.related)
    return order(catalog, child.table, term, child.join_alias)


# ---------------------------------------------------------------- spreads


def _lift(node: Node) -> None:
    """What every spread gives to its parent."""
    for child in node.children:
        _lift(child)
    if node.spread is not None:
        node.spread_outputs = [SpreadOutput(chosen.alias or chosen.target.name) for chosen in node.outputs]
        for child in node.children:
            if child.spread is None:
                node.spread_outputs.append(SpreadOutput(child.key))
            else:
                node.spread_outputs += child.spread_outputs


_Hoisted = dict[tuple[str, str], Chosen]


def _hoist(node: Node) -> _Hoisted:
    """Aggregates of a to-one spread belong to the row into which it is lifted."""
    found: _Hoisted = {}
    for child in node.children:
        found |= _hoist(child)
    if node.spread is not Spread.ONE:
        for child in node.children:
            child.spread_outputs = [_aggregated(child, output, found) for output in child.spread_outputs]
        return {}
    own = {(node.join_alias, chosen.alias or chosen.target.name): chosen for chosen in node.outputs if chosen.aggregate}
    node.outputs = [replace(chosen, aggregate=None, aggregate_cast=None) for chosen in node.outputs]
    return own | {(node.join_alias, name): chosen for (_, name), chosen in found.items()}


def _aggregated(child: Node, output: SpreadOutput, found: _Hoisted) -> SpreadOutput:
    chosen = found.get((child.join_alias, output.name))
    if chosen is None or child.spread is None:
        return output
    return SpreadOutput(output.name, chosen.alias, chosen.aggregate, chosen.aggregate_cast)


def _order_spreads(node: Node) -> None:
    if node.spread is Spread.MANY:
        aggregated = any(chosen.aggregate for chosen in node.outputs)
        below = any(output.aggregate for child in node.children for output in child.spread_outputs)
        if aggregated or below:
            raise NotSupported("Aggregates are not implemented for one-to-many or many-to-many spreads.")
    for child in node.children:
        _order_spreads(child)


# ---------------------------------------------------------------- what a write must return


def needed(root: Node, key: tuple[str, ...], *, filtered: bool = False) -> tuple[str, ...]:
    """The columns that reading back needs: those selected, those that embeds join by, and the key (`*`: all of them)."""
    names = {chosen.target.name for chosen in root.outputs}
    relations = [child.relation for child in root.children if child.relation]
    if "*" in names:
        return ("*",)
    if any(relation.function for relation in relations):
        return ("*",)
    found = names | {column for relation in relations for column in relation.columns} | set(key)
    if found and filtered:
        found |= {name for item in root.where for name in _named(item)}
    return tuple(sorted(found))


def _named(item: object) -> set[str]:
    match item:
        case nodes.Test(target=found) | nodes.Is(target=found):
            return {found.name}
        case nodes.Embedded(alias):
            return {alias}
        case nodes.Not(inner):
            return _named(inner)
        case nodes.Junction(items=items):
            return {name for each in items for name in _named(each)}
        case _:
            return set()
