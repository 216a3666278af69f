"""Columns, conditions and orders in SQL. A table is addressed by its alias, a value by its placeholder."""

from __future__ import annotations

from collections.abc import Sequence

from mainspring.engines.postgres.names import quote
from mainspring.engines.postgres.native.arguments import Arguments, listed, plain
from mainspring.plan.native import nodes
from mainspring.plan.native.nodes import Condition, OrderBy, Target
from mainspring.query.ast import TableName

_OPERATORS = {
    "eq": "=",
    "neq": "<>",
    "gt": ">",
    "gte": ">=",
    "lt": "<",
    "lte": "<=",
    "like": "LIKE",
    "ilike": "ILIKE",
    "match": "~",
    "imatch": "~*",
    "cs": "@>",
    "cd": "<@",
    "ov": "&&",
    "sl": "<<",
    "sr": ">>",
    "nxr": "&<",
    "nxl": "&>",
    "adj": "-|-",
}
_SEARCHES = {
    "fts": "to_tsquery",
    "plfts": "plainto_tsquery",
    "phfts": "phraseto_tsquery",
    "wfts": "websearch_to_tsquery",
}
_TESTS = {"null": "NULL", "not_null": "NOT NULL", "true": "TRUE", "false": "FALSE", "unknown": "UNKNOWN"}


def named(name: TableName) -> str:
    """A table, function or alias (which has no schema)."""
    return f"{quote(name.schema)}.{quote(name.name)}" if name.schema else quote(name.name)


def column(table: TableName, name: str) -> str:
    """A column of a table; `*` is all of them."""
    return f"{named(table)}.{'*' if name == '*' else quote(name)}"


def field(target: Target, table: TableName, arguments: Arguments) -> str:
    """A column or a place in its JSON, as it is stored."""
    if target.whole:
        return quote(table.name)
    found = column(table, target.name)
    if target.path:
        found = f"to_jsonb({found})" if target.converted else found
        found += _path(target, arguments)
    if not target.search:
        return found
    config = f"{arguments.constant(target.config)}, " if target.config else ""
    return f"to_tsvector({config}{found})"


def _path(target: Target, arguments: Arguments) -> str:
    steps = []
    for number, step in enumerate(target.path, 1):
        arrow = "->>" if target.as_text and number == len(target.path) else "->"
        mark = arguments.constant(str(step))
        steps.append(f"{arrow}{mark}{'::int' if isinstance(step, int) else ''}")
    return "".join(steps)


def shown(target: Target, table: TableName, arguments: Arguments) -> str:
    """A column through the function that represents it, where there is one."""
    found = field(target, table, arguments)
    return f"{named(target.transform)}({found})" if target.transform else found


def condition(node: Condition, table: TableName, arguments: Arguments) -> str:
    """A condition on rows of `table`."""
    match node:
        case nodes.Junction(word, items):
            return f"({f' {word} '.join(condition(item, table, arguments) for item in items)})"
        case nodes.Not(item):
            return f"NOT ({condition(item, table, arguments)})"
        case nodes.Embedded(alias, exists):
            return f"{quote(alias)} IS {'' if exists else 'NOT '}DISTINCT FROM NULL"
        case nodes.Is(target, what):
            return f"{field(target, table, arguments)} IS {_TESTS[what]}"
        case nodes.Test():
            return _test(node, table, arguments)


def _test(node: nodes.Test, table: TableName, arguments: Arguments) -> str:
    left = field(node.target, table, arguments)
    if node.op in _SEARCHES:
        config = f"{arguments.constant(node.config)}, " if node.config else ""
        return f"{left} @@ {_SEARCHES[node.op]}({config}{arguments.slot(node.value, plain)})"
    if node.op == "in":
        return f"{left} = ANY ({_items(node, arguments)})"
    value = arguments.slot(node.value, plain)
    if node.op == "isdistinct":
        return f"{left} IS DISTINCT FROM {value}"
    if node.target.transform and node.op not in ("like", "ilike"):
        value = f"{named(node.target.transform)}({value})"
    if node.quantifier:
        value = f"{node.quantifier.upper()}({value})"
    return f"{left} {_OPERATORS[node.op]} {value}"


def _items(node: nodes.Test, arguments: Arguments) -> str:
    values = arguments.slot(node.value, listed)
    if not node.target.transform:
        return values
    return f"SELECT {named(node.target.transform)}(unnest({values}::text[]))"


def where(conditions: Sequence[str]) -> str:
    """The WHERE clause (empty without conditions)."""
    return f" WHERE {' AND '.join(conditions)}" if conditions else ""


def order_by(terms: Sequence[OrderBy], table: TableName, arguments: Arguments) -> str:
    """The ORDER BY clause (empty without terms)."""
    return f" ORDER BY {', '.join(_term(term, table, arguments) for term in terms)}" if terms else ""


def _term(term: OrderBy, table: TableName, arguments: Arguments) -> str:
    place = TableName("", term.related) if term.related else table
    nulls = "" if term.nulls_first is None else f" NULLS {'FIRST' if term.nulls_first else 'LAST'}"
    return f"{field(term.target, place, arguments)}{' DESC' if term.descending else ''}{nulls}"
