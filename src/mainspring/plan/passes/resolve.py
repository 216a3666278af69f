"""Names in conditions become typed references and parameters. Used by every pass that meets a condition."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from mainspring.catalog.model import Computed, Table
from mainspring.catalog.names import nearest
from mainspring.datatypes import BIGINT, BOOLEAN, FLOAT, JSON, TEXT, DataType, Kind
from mainspring.errors import ColumnUnknown, LimitExceeded, NotSupported, OperatorInvalid, PermissionDenied, SyntaxInvalid
from mainspring.plan.draft import Planning
from mainspring.query import ast, expr
from mainspring.query.aggregates import result_type
from mainspring.query.casts import castable, type_named
from mainspring.query.ops import OPERATORS, QUANTIFIED, Form, Operator
from mainspring.query.search import SEARCHES, known


@dataclass(frozen=True, slots=True)
class Scope:
    """A table that a condition may name columns of. `columns` None: all of them (policies).

    `related` answers the condition that an embed of a key has rows.
    """

    alias: int
    table: Table
    columns: frozenset[str] | None = None
    related: Callable[[str], expr.Condition] | None = None


def column_ref(planning: Planning, scope: Scope, column: ast.Column) -> expr.Ref:
    """The typed reference. Raises ColumnUnknown, or PermissionDenied for a column the caller may not read."""
    computed = scope.table.computed.get(column.name)
    found = computed.column if computed is not None else scope.table.columns.get(column.name)
    if found is None:
        known = scope.columns if scope.columns is not None else scope.table.columns
        raise ColumnUnknown(scope.table.name.name, column.name, nearest(column.name, known))
    if scope.columns is not None and column.name not in scope.columns:
        raise PermissionDenied(scope.table.name.name, column.name, planning.guards.anonymous)
    formula = None if computed is None else _formula(planning, scope, computed)
    if not column.path:
        return expr.Ref(scope.alias, found, found.type, formula=formula)
    if found.type.kind is not Kind.JSON:
        raise OperatorInvalid("->>" if column.as_text else "->", str(found.type))
    path = tuple(planning.param(ast.Const(step), BIGINT if isinstance(step, int) else TEXT) for step in column.path)
    return expr.Ref(scope.alias, found, TEXT if column.as_text else JSON, path, column.as_text, formula)


def _formula(planning: Planning, scope: Scope, computed: Computed) -> expr.Operand:
    """What a computed column stands for. Its author may read every column; no limit on requests is about it."""
    before = planning.conditions
    resolved = _operand(planning, computed.formula, computed.column.type, (Scope(scope.alias, scope.table),))
    planning.conditions = before
    return resolved


def condition(planning: Planning, node: ast.Expr, scopes: Sequence[Scope]) -> expr.Condition:
    """The resolved form of `node`; `scopes[n]` is the table that `Column.scope == n` means."""
    planning.conditions += 1
    if planning.conditions > planning.limits.max_conditions:
        raise LimitExceeded(what="the number of conditions in one request", limit=planning.limits.max_conditions)
    match node:
        case ast.And(items):
            return expr.both(*(condition(planning, item, scopes) for item in items))
        case ast.Or(items):
            return expr.either(*(condition(planning, item, scopes) for item in items))
        case ast.Not(item):
            return expr.Not(condition(planning, item, scopes))
        case ast.Compare():
            return _compare(planning, node, scopes)
        case ast.Is(operand, what):
            return _is(planning, operand, what, scopes)
        case ast.Truth(operand):
            return expr.Truth(_operand(planning, operand, BOOLEAN, scopes))
        case ast.Related(key, exists):
            assert scopes[0].related is not None
            found = scopes[0].related(key)
            return found if exists else expr.Not(found)
        case ast.Exists():
            return _exists(planning, node, scopes)


def _is(planning: Planning, operand: ast.Operand, what: str, scopes: Sequence[Scope]) -> expr.Condition:
    resolved = _operand(planning, operand, _type_of(operand), scopes)
    if what in ("true", "false", "unknown") and resolved.type.kind is not Kind.BOOLEAN:
        raise OperatorInvalid(f"is {what}", str(resolved.type))
    return expr.Is(resolved, what)


_OF_ROWS = (ast.Column, ast.Apply, ast.Case, ast.Holds)
"""Operands that have a type of their own."""
_FLIPPED = {"gt": "lt", "gte": "lte", "lt": "gt", "lte": "gte", "eq": "eq", "neq": "neq"}


def _compare(planning: Planning, node: ast.Compare, scopes: Sequence[Scope]) -> expr.Condition:
    if not isinstance(node.left, _OF_ROWS) and isinstance(node.right, _OF_ROWS) and node.op in _FLIPPED:
        return _compare(planning, ast.Compare(_FLIPPED[node.op], node.right, node.left), scopes)
    if node.op in SEARCHES:
        return _search(planning, node, scopes)
    operator = OPERATORS.get(node.op)
    if operator is None:
        raise NotSupported(f"the operator {node.op}")
    type_ = _common_type(node.left, node.right)
    left = _operand(planning, node.left, type_, scopes)
    if not operator.accepts(left.type):
        raise OperatorInvalid(node.op, str(left.type))
    if node.quantifier is not None:
        return expr.Compare(operator, left, _several(planning, operator, left, node), node.quantifier)
    return expr.Compare(operator, left, _right(planning, operator, left, node.right, scopes))


def _search(planning: Planning, node: ast.Compare, scopes: Sequence[Scope]) -> expr.Search:
    left = _operand(planning, node.left, TEXT, scopes)
    if left.type.kind not in (Kind.TEXT, Kind.JSON):
        raise OperatorInvalid(node.op, str(left.type))
    if isinstance(node.right, ast.Aggregate | ast.Column | ast.Formula):
        raise NotSupported(f"the operator {node.op} with what rows hold on the right")
    place = f"filter on column {left.column.name}" if isinstance(left, expr.Ref) else None
    right = planning.param(node.right, TEXT, Form.SEARCH if node.op == "fts" else Form.WORDS, place)
    config = node.config or planning.search_config
    table = scopes[node.left.scope].table if isinstance(node.left, ast.Column) else None
    return expr.Search(node.op, known(config) or config, left, right, table)


def _several(planning: Planning, operator: Operator, left: expr.Operand, node: ast.Compare) -> expr.Param:
    """The values of a quantified comparison."""
    refused = NotSupported(f"the modifier {node.quantifier} of the operator {operator.name} on {left.type}")
    if operator.name not in QUANTIFIED or left.type.kind is Kind.ARRAY:
        raise refused
    if isinstance(node.right, ast.Aggregate | ast.Column | ast.Formula):
        raise refused
    form = _SEVERAL.get(operator.form, Form.VALUES)
    place = f"filter on column {left.column.name}" if isinstance(left, expr.Ref) else None
    return planning.param(node.right, left.type, form, place)


_SEVERAL = {Form.PATTERN: Form.PATTERNS, Form.REGEX: Form.REGEXES}


def _right(
    planning: Planning, operator: Operator, left: expr.Operand, right: ast.Operand, scopes: Sequence[Scope]
) -> expr.Operand:
    if isinstance(right, ast.Aggregate):
        raise NotSupported("comparing with an aggregate", instead="Put the aggregate on the left.")
    if isinstance(right, ast.Column | ast.Formula):
        ref = _operand(planning, right, left.type, scopes)
        if ref.type.kind is not left.type.kind or (ref.type.item, ref.type.values) != (left.type.item, left.type.values):
            raise OperatorInvalid(operator.name, f"{left.type} and {ref.type}")
        return ref
    place = f"filter on column {left.column.name}" if isinstance(left, expr.Ref) else None
    return planning.param(right, left.type, operator.form, place)


def _operand(planning: Planning, node: ast.Operand, type_: DataType, scopes: Sequence[Scope]) -> expr.Operand:
    match node:
        case ast.Column():
            return column_ref(planning, scopes[node.scope], node)
        case ast.Aggregate():
            return aggregate(planning, scopes[0], node)
        case ast.Apply(function, arguments, yielded):
            return expr.Apply(function, tuple(_operand(planning, each, TEXT, scopes) for each in arguments), yielded)
        case ast.Case(when, then, otherwise, yielded):
            one, other = (_operand(planning, each, yielded, scopes) for each in (then, otherwise))
            return expr.Case(condition(planning, when, scopes), one, other, yielded)
        case ast.Holds(held):
            return expr.Holds(condition(planning, held, scopes))
        case ast.Const(type=DataType() as own):
            return planning.param(node, own)
        case _:
            return planning.param(node, type_)


def aggregate(planning: Planning, scope: Scope, node: ast.Aggregate) -> expr.Aggregate:
    """The typed aggregate. Raises what naming a column raises, OperatorInvalid where the type has no such function."""
    if node.column is None:
        return expr.Aggregate(node.function, None, BIGINT)
    ref = column_ref(planning, scope, node.column)
    input_ = converted(ref, node.input)
    type_ = result_type(node.function, input_ or ref.type)
    if type_ is None:
        raise OperatorInvalid(f"{node.function}()", str(input_ or ref.type))
    return expr.Aggregate(node.function, ref, type_, input_)


def converted(ref: expr.Ref | expr.Lookup | expr.Aggregate, name: str | None) -> DataType | None:
    """The type that a cast names, None without one. Raises NotSupported for what `ref` cannot be cast to."""
    if name is None:
        return None
    target = type_named(name)
    if target is None or not castable(ref.type, target):
        raise NotSupported(f"a cast from {ref.type} to {name}", instead="Every type can be cast to text.")
    return replace(target, wide=ref.type.wide and target.kind is Kind.NUMERIC)


def _common_type(left: ast.Operand, right: ast.Operand) -> DataType:
    """The type two values are compared as, where neither is a column."""
    types = [_type_of(operand) for operand in (left, right)]
    return types[0] if types[0] != TEXT else types[1]


def _type_of(node: ast.Operand) -> DataType:
    match node:
        case ast.Apply(type=type_) | ast.Case(type=type_) | ast.Holds(type=type_) | ast.Const(type=DataType() as type_):
            return type_
        case ast.Auth(contains=str()) | ast.Const(value=bool()):
            return BOOLEAN
        case ast.Const(value=int()):
            return BIGINT
        case ast.Const(value=float()):
            return FLOAT
        case _:
            return TEXT


def _exists(planning: Planning, node: ast.Exists, scopes: Sequence[Scope]) -> expr.Condition:
    """A policy's own look at another table: unguarded on purpose, as `ast.Exists` says."""
    table = planning.catalog.tables.get(node.table)
    if table is None:
        raise SyntaxInvalid("policy", str(node.table))
    alias = planning.alias()
    inner = (*scopes[: node.scope], Scope(alias, table))
    return expr.Exists(expr.Source(alias, table, expr.TRUE), condition(planning, node.where, inner))
