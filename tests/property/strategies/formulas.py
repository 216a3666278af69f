"""Random computed columns and relations, built with the policy language itself."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from msgspec.structs import replace

from mainspring.catalog.model import Cardinality, Catalog, Column, Computed, Relation, Table
from mainspring.datatypes import Kind
from mainspring.policy.expr import Condition, Operand, case, coalesce, condition, value_of
from mainspring.policy.language import Row
from mainspring.policy.mistakes import Misuse
from mainspring.query.ast import Expr, TableName
from mainspring.query.walk import columns, rescoped
from tests.property.strategies.values import PATHS, PATTERNS, TEXTS

_NUMBERS = (0, 1, -1, 2, 100, 70_000, 3_000_000_000, Decimal("0.5"), Decimal("-1.19"), Decimal("0.001"), 0.1, Decimal("1E+3"))
_KINDS = (Kind.INTEGER, Kind.NUMERIC)

_SHORT = tuple(text for text in TEXTS if len(text) <= 6)
"""Texts that fit every column of texts."""


def computed_columns(draw: DrawFn, table: Table) -> Table:
    """The table with a few computed columns; now and then with none."""
    found: dict[str, Computed] = {}
    for number in range(draw(st.integers(0, 3))):
        made = operand(draw, Row(table, {}, 0), 3)
        if made._sized().type.kind not in (Kind.ARRAY, Kind.NATIVE) and columns(made._node()):
            name = f"x{number}"
            found[name] = Computed(Column(name, made._sized().type, generated="computed"), made._node())
    return replace(table, computed=found)


def with_relations(draw: DrawFn, catalog: Catalog) -> Catalog:
    """The catalog with up to two computed relations, now and then with the inverse of one."""
    relations = dict(catalog.relations)
    for number in range(draw(st.integers(0, 2))):
        source, target = (draw(st.sampled_from(list(catalog.tables.values()))) for _ in range(2))
        on = _join(draw, source, target)
        single = bool(target.primary_key) and draw(st.booleans())
        relations[source.name] = (*relations[source.name], declared(f"rel{number}", source.name, target.name, on, single=single))
        if draw(st.integers(0, 3)) == 3:
            back = declared(f"back{number}", target.name, source.name, rescoped(on, lambda scope: 1 - scope), single=False)
            relations[target.name] = (*relations[target.name], back)
    return replace(catalog, relations=relations)


def declared(name: str, source: TableName, target: TableName, on: Expr, *, single: bool) -> Relation:
    """A computed relation."""
    cardinality = Cardinality.MANY_TO_ONE if single else Cardinality.ONE_TO_MANY
    return Relation(name, source, target, cardinality, (), (), function=TableName(source.schema, name), on=on)


def _join(draw: DrawFn, source: Table, target: Table) -> Expr:
    near, far = Row(source, {}, 0), Row(target, {}, 1)
    pairs = [
        (mine, theirs)
        for mine in source.columns.values()
        for theirs in target.columns.values()
        if mine.type.kind is theirs.type.kind and mine.type.kind not in (Kind.JSON, Kind.ARRAY, Kind.ENUM)
    ]
    found = _condition(draw, draw(st.sampled_from([near, far])), 1)
    if pairs and draw(st.integers(0, 5)) < 5:
        mine, theirs = draw(st.sampled_from(pairs))
        compare = draw(st.sampled_from([Operand.__eq__, Operand.__eq__, Operand.__le__]))
        joined = compare(near[mine.name], far[theirs.name])
        found = joined if draw(st.integers(0, 2)) else joined & found
    return condition(found)


# ---------------------------------------------------------------- operands


def operand(draw: DrawFn, row: Row, depth: int) -> Operand:
    """Anything of any type over the row."""
    make = draw(st.sampled_from([_text, _text, _number, _number, _number, _column, _place, _chosen, _condition]))
    return value_of(make(draw, row, depth))


def _column(draw: DrawFn, row: Row, depth: int) -> Operand:
    return row[draw(st.sampled_from(sorted(row._table.columns)))]


def _of(draw: DrawFn, row: Row, *kinds: Kind) -> Operand | None:
    """A column of one of the kinds, where there is one."""
    fit = [name for name, column in row._table.columns.items() if column.type.kind in kinds]
    return row[draw(st.sampled_from(fit))] if fit else None


def _place(draw: DrawFn, row: Row, depth: int) -> Operand:
    found: Any = _of(draw, row, Kind.JSON)
    if found is None:
        return _text(draw, row, depth)
    for step in draw(st.sampled_from([path for path in PATHS if '"' not in str(path[0])])):
        found = found[step]
    return found.as_json() if draw(st.booleans()) else found


def _text(draw: DrawFn, row: Row, depth: int) -> Operand:
    match draw(st.integers(0, 6)) if depth else 0:
        case 1:
            return _text(draw, row, depth - 1) + _text(draw, row, depth - 1)
        case 2:
            literal = draw(st.sampled_from(TEXTS))
            return literal + _text(draw, row, depth - 1) if draw(st.booleans()) else _text(draw, row, depth - 1) + literal
        case 3:
            return _text(draw, row, depth - 1).lower() if draw(st.booleans()) else _text(draw, row, depth - 1).upper()
        case 4:
            return coalesce(_text(draw, row, depth - 1), draw(st.sampled_from(TEXTS)))
        case 5:
            return case(_condition(draw, row, depth - 1), _text(draw, row, depth - 1), draw(st.sampled_from([None, *TEXTS])))
        case 6:
            return _number(draw, row, depth - 1).as_text()
        case _:
            found = _of(draw, row, Kind.TEXT)
            return _shown(draw, row) if found is None else found


def _shown(draw: DrawFn, row: Row) -> Operand:
    """The text of any column that has one."""
    fit = [name for name, column in row._table.columns.items() if column.type.kind not in (Kind.JSON, Kind.ARRAY)]
    return row[draw(st.sampled_from(fit))].as_text()


def _number(draw: DrawFn, row: Row, depth: int) -> Operand:
    match draw(st.integers(0, 7)) if depth else 0:
        case 1 | 2:
            return _number(draw, row, depth - 1) * _numeric(draw, row, depth - 1)
        case 3:
            return _numeric(draw, row, depth - 1) - _number(draw, row, depth - 1)
        case 4:
            return _number(draw, row, depth - 1) + _numeric(draw, row, depth - 1)
        case 5:
            return coalesce(_number(draw, row, depth - 1), _numeric(draw, row, depth - 1))
        case 6:
            return case(_condition(draw, row, depth - 1), _number(draw, row, depth - 1), _numeric(draw, row, depth - 1))
        case 7:
            return _text(draw, row, depth - 1).length()
        case _:
            found = _of(draw, row, *_KINDS)
            return _shown(draw, row).length() if found is None else found


def _numeric(draw: DrawFn, row: Row, depth: int) -> Any:
    """A number or a literal."""
    return draw(st.sampled_from(_NUMBERS)) if draw(st.booleans()) else _number(draw, row, depth)


def _chosen(draw: DrawFn, row: Row, depth: int) -> Operand:
    """One of two columns of a type."""
    one = _column(draw, row, depth)
    kind = one._sized().type
    fit = [name for name, column in row._table.columns.items() if column.type == kind]
    other = draw(st.sampled_from([None, *(row[name] for name in fit)]))
    try:
        if other is None or draw(st.booleans()):
            return case(_condition(draw, row, depth - 1), one, other)
        return coalesce(one, other)
    except Misuse:  # JSON and arrays
        return _text(draw, row, depth)


def _condition(draw: DrawFn, row: Row, depth: int) -> Condition:
    comparisons: list[Callable[[Any, Any], Any]] = [
        Operand.__eq__, Operand.__ne__, Operand.__lt__, Operand.__le__, Operand.__gt__, Operand.__ge__,
    ]  # fmt: skip
    match draw(st.integers(0, 5)):
        case 0:
            return _column(draw, row, depth).is_null()
        case 1:
            return _text(draw, row, max(depth, 0)).ilike(draw(st.sampled_from(PATTERNS)))
        case 2 if depth > 0:
            return _condition(draw, row, depth - 1) | ~_condition(draw, row, depth - 1)
        case 3:
            one, other = _number(draw, row, max(depth, 0)), _number(draw, row, 0)
            if one._sized().type.kind is other._sized().type.kind:
                return draw(st.sampled_from(comparisons))(one, other)
            return one.in_([1, 2, 3])
        case 4 if (flag := _of(draw, row, Kind.BOOLEAN)) is not None:
            return Condition(flag._truth())
        case _:
            return draw(st.sampled_from(comparisons))(_text(draw, row, max(depth, 0)), draw(st.sampled_from(_SHORT)))
