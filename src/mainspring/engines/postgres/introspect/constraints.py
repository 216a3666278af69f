"""Checks and indexes of an existing database, as models say them, and what no model says. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from mainspring.catalog.model import Check, Exclusion, Index, SqlIndex
from mainspring.catalog.pieces import Piece, inside, joined, parted, pieces, quoted
from mainspring.query.ast import TableName

Facts = Mapping[str, Any]


@dataclass(slots=True)
class Constraints:
    """What is known of each table beside its columns and keys."""

    checks: dict[TableName, list[Check]] = field(default_factory=dict)
    indexes: dict[TableName, list[Index]] = field(default_factory=dict)
    sql_indexes: dict[TableName, list[SqlIndex]] = field(default_factory=dict)
    exclusions: dict[TableName, list[Exclusion]] = field(default_factory=dict)
    collations: dict[TableName, dict[str, str]] = field(default_factory=dict)
    unsaid: list[str] = field(default_factory=list)


def read(facts: Mapping[str, Sequence[Facts]]) -> Constraints:
    """The answers to the questions about checks, domains and indexes, taken together."""
    found = Constraints()
    for check in facts["checks"]:
        _check(check, found)
    for domain in facts["domains"]:
        found.unsaid.append(f"{_table(domain)}.{domain['column']}: the checks of its domain {domain['domain']}")
    for collation in facts["collations"]:
        _collation(collation, found)
    for key in facts["timed"]:
        _timed(key, found)
    for counter in facts["counters"]:
        found.unsaid.append(f"{_table(counter)}.{counter['column']}: it counts from {counter['start']} by {counter['step']}")
    for index in facts["indexes"]:
        _index(index, found)
    for exclusion in facts["exclusions"]:
        _exclusion(exclusion, found)
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


def _collation(facts: Facts, found: Constraints) -> None:
    table, column, name = _table(facts), facts["column"], facts["collation"]
    if facts["visible"]:
        found.collations.setdefault(table, {})[column] = name
    if not facts["own"]:
        problem = "must be there first" if facts["visible"] else "stands in another schema"
        found.unsaid.append(f"{table}.{column}: its collation {name} {problem}")


def _timed(facts: Facts, found: Constraints) -> None:
    for word in [*(["DEFERRABLE"] if facts["late"] else []), *(["MATCH FULL"] if facts["full"] else [])]:
        found.unsaid.append(f"{_table(facts)}: its constraint {facts['name']} is written without {word}")


def _index(facts: Facts, found: Constraints) -> None:
    """One index: over columns, in SQL, or none that models know."""
    table, name = _table(facts), facts["name"]
    if not facts["valid"]:
        found.unsaid.append(f"{table}: its index {name} is not valid")
        return
    sql, rest = _in_sql(facts)
    over_columns = sql.columns if sql.method is None else ()
    plain = sql.method is None and facts["plain"] and (over_columns or sql.unique)  # a unique one stays a key in any order
    if plain:
        found.indexes.setdefault(table, []).append(_over_columns(facts, sql))
    else:
        found.sql_indexes.setdefault(table, []).append(sql)
    without = [] if not plain or over_columns else [f"({', '.join(sql.parts)})"]
    for each in [*without, *([rest] if rest else [])]:
        found.unsaid.append(f"{table}: its index {name} is written without {each}")


def _over_columns(facts: Facts, sql: SqlIndex) -> Index:
    names = tuple(facts["columns"])
    falling = frozenset(name for name, falls in zip(names, facts["falling"], strict=True) if falls)
    return Index(facts["name"], names, facts["unique"], falling, sql.include, sql.classes if sql.columns else ())


def _in_sql(facts: Facts) -> tuple[SqlIndex, str]:
    """An index as its definition has it, and what stands there beside its parts, columns included and condition."""
    every, closing, parts = _parts(facts)
    written, classes = zip(*(_part(part, facts["columns"] or ()) for part in parts), strict=True)
    include, closing = _included(every, closing)
    condition = next((place for place in range(closing, len(every)) if _begins_condition(every[place])), len(every))
    method = None if facts["kind"] == "btree" else facts["kind"]
    own = classes if any(classes) else ()
    index = SqlIndex(facts["name"], written, facts["unique"], facts["where"], method, include, own)
    return index, joined(every[closing:condition])


def _parts(facts: Facts) -> tuple[list[Piece], int, list[list[Piece]]]:
    """The pieces of a definition, where its first bracket ends, and the parts in that."""
    every = pieces(facts["definition"])
    opening = next(place for place, each in enumerate(every) if each.text == "(")
    over = inside(every, opening)
    return every, opening + len(over) + 2, list(parted(over))


def _included(every: list[Piece], place: int) -> tuple[tuple[str, ...], int]:
    """The columns that INCLUDE names at a place, and the place after them."""
    if place >= len(every) or not every[place].says("INCLUDE"):
        return (), place
    over = inside(every, place + 1)
    return tuple(part[0].name for part in parted(over)), place + len(over) + 3


def _exclusion(facts: Facts, found: Constraints) -> None:
    """One exclusion constraint: `EXCLUDE USING method (part WITH operator, ...) WHERE (...)`."""
    table, name = _table(facts), facts["name"]
    every, closing, parts = _parts(facts)
    written: list[tuple[str, str]] = []
    for part in parts:
        place = max(place for place, each in enumerate(part) if each.depth == part[0].depth and each.says("WITH"))
        own, class_ = _part(part[:place], facts["columns"])
        written.append((f"{own} {class_}".strip(), joined(part[place + 1 :])))
    condition = next((place for place in range(closing, len(every)) if _begins_condition(every[place])), len(every))
    after = condition + 3 + len(inside(every, condition + 1)) if condition < len(every) else condition
    for rest in (joined(every[closing:condition]), joined(every[after:])):
        if rest:
            found.unsaid.append(f"{table}: its exclusion constraint {name} is written without {rest}")
    found.exclusions.setdefault(table, []).append(Exclusion(name, tuple(written), facts["method"], facts["where"]))


def _begins_condition(piece: Piece) -> bool:
    return piece.depth == 0 and piece.says("WHERE")


def _part(part: list[Piece], columns: Sequence[str]) -> tuple[str, str]:
    """A part of the definition, where it is but a column that one quoted, and the operator class of such a column."""
    falls = part[-1].says("DESC")
    over = part[:-1] if falls else part
    column = quoted(over[0].name) if over[0].name in columns else None
    if len(over) == 1 and column is not None:
        return column + (" DESC" if falls else ""), ""
    if not falls and column is not None and _is_class(over[1:]):
        return column, joined(over[1:])
    return joined(over) + (" DESC" if falls else ""), ""


def _is_class(some: list[Piece]) -> bool:
    """Whether it is the name of an operator class, maybe with that of its schema, and nothing else."""
    named = [each.kind in ("word", "name") for each in some]
    return named == [True] or (named == [True, False, True] and some[1].text == ".")
