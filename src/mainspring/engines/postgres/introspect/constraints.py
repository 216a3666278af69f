"""Checks and indexes of an existing database, as models say them, and what no model says. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mainspring.catalog.model import Check, Index, SqlIndex
from mainspring.catalog.pieces import Piece, inside, joined, parted, pieces, quoted
from mainspring.query.ast import TableName

Facts = Mapping[str, Any]


@dataclass(slots=True)
class Constraints:
    """What is known of each table beside its columns and keys."""

    checks: dict[TableName, list[Check]] = field(default_factory=dict)
    indexes: dict[TableName, list[Index]] = field(default_factory=dict)
    sql_indexes: dict[TableName, list[SqlIndex]] = field(default_factory=dict)
    unsaid: list[str] = field(default_factory=list)


def read(facts: Mapping[str, Sequence[Facts]]) -> Constraints:
    """The answers to the questions about checks, domains and indexes, taken together."""
    found = Constraints()
    for check in facts["checks"]:
        _check(check, found)
    for domain in facts["domains"]:
        found.unsaid.append(f"{_table(domain)}.{domain['column']}: the checks of its domain {domain['domain']}")
    for index in facts["indexes"]:
        _index(index, found)
    return found


def _table(facts: Facts) -> TableName:
    return TableName(facts["schema"], facts["table"])


def _check(facts: Facts, found: Constraints) -> None:
    table, name = _table(facts), facts["name"]
    if not facts["enforced"]:
        found.unsaid.append(f"{table}: its check {name} is not enforced")
        return
    for function in facts["functions"] or ():
        found.unsaid.append(f"{table}: its check {name} calls {function}, which must be there first")
    found.checks.setdefault(table, []).append(Check(name, facts["sql"]))


def _index(facts: Facts, found: Constraints) -> None:
    """One index: over columns, in SQL, or none that models know."""
    table, name = _table(facts), facts["name"]
    if unknown := _unknown(facts):
        found.unsaid.append(f"{table}: its index {name} is {unknown}")
        return
    sql, rest = _in_sql(facts)
    plain = facts["plain"] and (sql.columns or sql.unique)  # what models say of columns; a unique one stays a key in any order
    if plain:
        found.indexes.setdefault(table, []).append(_over_columns(facts))
    else:
        found.sql_indexes.setdefault(table, []).append(sql)
    without = [] if not plain or sql.columns else [f"({', '.join(sql.parts)})"]
    for each in [*without, *([rest] if rest else [])]:
        found.unsaid.append(f"{table}: its index {name} is written without {each}")


def _unknown(facts: Facts) -> str | None:
    """What keeps models from saying an index at all."""
    if facts["exclusion"]:
        return "an exclusion constraint"
    if facts["kind"] != "btree":
        return f"of the kind {facts['kind']}"
    return None if facts["valid"] else "not valid"


def _over_columns(facts: Facts) -> Index:
    names = tuple(facts["columns"])
    falling = frozenset(name for name, falls in zip(names, facts["falling"], strict=True) if falls)
    return Index(facts["name"], names, facts["unique"], falling)


def _in_sql(facts: Facts) -> tuple[SqlIndex, str]:
    """An index as its definition has it, and what stands there beside its parts and its condition."""
    every = pieces(facts["definition"])
    opening = next(place for place, each in enumerate(every) if each.text == "(")
    over = inside(every, opening)
    closing = opening + len(over) + 1
    condition = next((place for place in range(closing, len(every)) if _begins_condition(every[place])), len(every))
    parts = tuple(_part(part, facts["columns"] or ()) for part in parted(over))
    return SqlIndex(facts["name"], parts, facts["unique"], facts["where"]), joined(every[closing + 1 : condition])


def _begins_condition(piece: Piece) -> bool:
    return piece.depth == 0 and piece.says("WHERE")


def _part(part: list[Piece], columns: Sequence[str]) -> str:
    """A part of the definition; where it is but a column, that one quoted."""
    falls = part[-1].says("DESC")
    over = part[:-1] if falls else part
    alone = len(over) == 1 and over[0].name in columns
    return (quoted(over[0].name) if alone else joined(over)) + (" DESC" if falls else "")
