"""Columns and conditions of one table in the database's terms: which type a column has, which function represents it."""

from __future__ import annotations

from dataclasses import replace

from mainspring.catalog.model import Catalog, Column
from mainspring.catalog.routines import Representation
from mainspring.errors import NotSupported
from mainspring.plan.native import nodes
from mainspring.plan.native.nodes import Condition, OrderBy, Target
from mainspring.query import ast
from mainspring.query.ast import TableName

SEARCHES = ("fts", "plfts", "phfts", "wfts")


def target(catalog: Catalog, table: TableName, column: ast.Column) -> Target:
    """The column as the catalog knows it; one that it does not know is left for the database to find."""
    known = _column(catalog, table, column.name)
    type_ = (known.native or "") if known else ""
    return Target(column.name, column.path, column.as_text, type_)


def _column(catalog: Catalog, table: TableName, name: str) -> Column | None:
    found = catalog.tables.get(table)
    return found.columns.get(name) if found else None


def represented(catalog: Catalog, column: Column, form: str, *, incoming: bool = False) -> Target:
    """A whole column, through the function that represents its domain as `form` (json or text), where there is one."""
    known = Target(column.name, type=column.native or "", default=_default(column))
    return transformed(catalog, known, form, incoming=incoming)


def _default(column: Column) -> str | None:
    return column.server_default if isinstance(column.server_default, str) else None


def transformed(catalog: Catalog, known: Target, form: str, *, incoming: bool) -> Target:
    """`known` with its representation as `form`; `incoming`: from that form into the domain, else out of it."""
    source, wanted = (form, known.type) if incoming else (known.type, form)
    found = _representation(catalog, source, wanted)
    return known if found is None else replace(known, type=source, transform=found.function)


def _representation(catalog: Catalog, source: str, wanted: str) -> Representation | None:
    return next((each for each in catalog.representations if each.source == source and each.target == wanted), None)


# ---------------------------------------------------------------- conditions


def conditions(catalog: Catalog, table: TableName, where: ast.Expr | None) -> tuple[Condition, ...]:
    """The conditions of a whole filter, one for each part of its outermost AND."""
    if where is None:
        return ()
    items = where.items if isinstance(where, ast.And) else (where,)
    return tuple(condition(catalog, table, item, {}) for item in items)


def condition(catalog: Catalog, table: TableName, node: ast.Expr, embeds: dict[str, str]) -> Condition:
    """One condition; `embeds` maps the keys of embeds to the aliases by which they are joined."""
    match node:
        case ast.And(items):
            return nodes.Junction("AND", tuple(condition(catalog, table, item, embeds) for item in items))
        case ast.Or(items):
            return nodes.Junction("OR", tuple(condition(catalog, table, item, embeds) for item in items))
        case ast.Not(item):
            return _negated(condition(catalog, table, item, embeds))
        case ast.Related(key, exists):
            return _related(catalog, table, key, exists, embeds)
        case ast.Is(ast.Column() as column, what):
            return nodes.Is(_input(catalog, table, column), what)
        case ast.Compare(op, ast.Column() as column, ast.Slot() as value, quantifier, config):
            searched = op in SEARCHES and _base(catalog, table, column) not in ("tsvector", "")
            found = replace(_input(catalog, table, column), search=searched, config=config)
            return nodes.Test(found, op, value, quantifier, config)
        case _:
            raise NotSupported("a filter of this kind in database mode and on functions of the database")


def _negated(item: Condition) -> Condition:
    return nodes.Embedded(item.alias, not item.exists) if isinstance(item, nodes.Embedded) else nodes.Not(item)


def _related(catalog: Catalog, table: TableName, key: str, exists: bool, embeds: dict[str, str]) -> Condition:
    if key in embeds:
        return nodes.Embedded(embeds[key], exists)
    return nodes.Is(target(catalog, table, ast.Column(key)), "not_null" if exists else "null")


def _input(catalog: Catalog, table: TableName, column: ast.Column) -> Target:
    return transformed(catalog, target(catalog, table, column), "text", incoming=True)


def _base(catalog: Catalog, table: TableName, column: ast.Column) -> str:
    known = _column(catalog, table, column.name)
    return (known.base or known.native or "") if known else ""


# ---------------------------------------------------------------- orders


def order(catalog: Catalog, table: TableName, term: ast.Order, related: str | None) -> OrderBy:
    """One ordering term. What was not said is left to the database. Raises NotSupported for more."""
    column = term.column
    if not isinstance(column, ast.Column):
        raise NotSupported("ordering by anything but columns in database mode")
    found = Target(column.name, column.path, column.as_text) if related else target(catalog, table, column)
    return OrderBy(found, term.descending, term.nulls_first, related)
