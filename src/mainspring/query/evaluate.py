"""The reference evaluator: what a resolved condition means, row by row, in PostgreSQL's three-valued logic.

It is the oracle that engines are tested against and the matcher of realtime. It knows no engine and does no
I/O: rows are mappings of canonical values, and where a condition looks into another table it asks the caller
for that table's rows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from mainspring.datatypes import DataType, Document, Kind, json_text
from mainspring.query.aggregates import aggregate
from mainspring.query.ast import Quantifier
from mainspring.query.casts import cast
from mainspring.query.expr import (
    Aggregate,
    And,
    Apply,
    Case,
    Compare,
    Condition,
    Exists,
    Holds,
    Is,
    Key,
    Lookup,
    Not,
    Operand,
    Or,
    Param,
    Position,
    Ref,
    Search,
    Source,
    Truth,
)
from mainspring.query.functions import apply, fitted
from mainspring.query.ops import INSIDE, Form, Operator, operand, order_key
from mainspring.query.search import matches

Row = Mapping[str, Any]
Rows = Mapping[int, Row]
Tables = Callable[[Source], Iterable[Row]]


class _Absent:
    """What a JSON path yields where it leads nowhere: SQL null, as opposed to a JSON null that is there."""


_ABSENT = _Absent()


def evaluate(condition: Condition, rows: Rows, params: Sequence[Any], tables: Tables) -> bool | None:
    """Whether `condition` holds: True, False or None (unknown).

    Takes the row standing under each alias, the canonical parameter values, and `tables`, which gives all
    rows of a source's table (guards are applied here).
    """
    return Scope(rows, params, tables).holds(condition)


@dataclass(frozen=True, slots=True)
class Scope:
    """The rows in sight of an expression, the parameters and the way to further tables.

    `group` are the scopes of the rows that stand together in a group, where this one stands for it; `keys` the values of its
    outputs (None of aggregates).
    """

    rows: Rows
    params: Sequence[Any]
    tables: Tables
    group: Sequence[Scope] = ()
    keys: Sequence[Any] = ()

    def holds(self, condition: Condition) -> bool | None:
        """The truth of `condition` here."""
        match condition:
            case And(items):
                return _all(map(self.holds, items))
            case Or(items):
                return _negate(_all(_negate(self.holds(item)) for item in items))
            case Not(item):
                return _negate(self.holds(item))
            case Compare():
                return self._compare(condition)
            case Search():
                return self._search(condition)
            case Is(operand, what):
                return self._is(operand, what)
            case Truth(operand):
                return _truth(self.value(operand))
            case Exists(source, where):
                return any(scope.holds(where) for scope in self.standing(source))

    def standing(self, source: Source) -> Iterator[Scope]:
        """A scope for every row of `source` (with its joined tables) that its guards let through."""
        for row in self.tables(source):
            yield from self.having(source, row)

    def having(self, source: Source, row: Row) -> Iterator[Scope]:
        """The scopes in which `row` of `source` stands (one per combination of joined rows); none when a guard hides it."""
        scope = Scope({**self.rows, source.alias: row}, self.params, self.tables)
        if scope.holds(source.guard):
            yield from scope._joined(source.joined)

    def _joined(self, sources: tuple[Source, ...]) -> Iterator[Scope]:
        if not sources:
            yield self
            return
        for scope in self.standing(sources[0]):
            yield from scope._joined(sources[1:])

    def value(self, operand: Operand) -> Any:
        """The canonical value of `operand`; null is None."""
        match operand:
            case Param(index):
                return self.params[index]
            case Ref():
                place = self._place(operand)
                return None if place is _ABSENT else place
            case Apply(function, arguments, type_):
                values = [self.value(argument) for argument in arguments]
                return apply(function, type_, [argument.type for argument in arguments], values)
            case Case(when, then, otherwise, type_):
                return fitted(type_, self.value(then if self.holds(when) is True else otherwise))
            case Holds(condition):
                return self.holds(condition)
            case Lookup(source, where, ref, first):
                found = self.first(source, where, first)
                return found.value(ref) if found else None
            case Aggregate():
                return self._aggregate(operand)
            case Key(index):
                return self.keys[index]
            case Position(ref, values):
                return self.params[values.index].index(self.value(ref))

    def first(self, source: Source, where: Condition, by: tuple[Ref, ...]) -> Scope | None:
        """The scope of the first row (by the columns `by`, else of any) of `source` for which `where` holds, if there is one."""
        fit = (scope for scope in self.standing(source) if scope.holds(where))
        if not by:
            return next(fit, None)
        return min(fit, key=lambda scope: [order_key(ref.type, scope.value(ref)) for ref in by], default=None)

    def _aggregate(self, node: Aggregate) -> Any:
        if node.of is None:
            return len(self.group)
        of = node.of
        type_ = node.input or of.type
        values = [scope.value(of) for scope in self.group if not scope.is_null(of)]
        return aggregate(node.function, type_, values if node.input is None else [cast(of.type, type_, each) for each in values])

    def compared(self, operand: Operand | Lookup) -> Any:
        """The value of `operand` as conditions and orders take it: JSON as a Document, so that None is only SQL's null."""
        match operand:
            case Ref(type=DataType(kind=Kind.JSON)):
                place = self._place(operand)
                stored = not operand.path and operand.formula is None
                return None if place is _ABSENT or (place is None and stored) else Document(place)
            case Lookup(source, where, ref, first):
                found = self.first(source, where, first)
                return found.compared(ref) if found else None
            case _:
                return self.value(operand)

    def is_null(self, operand: Operand) -> bool:
        """Whether `operand` is SQL null; a JSON null inside a document is a value."""
        match operand:
            case Ref(path=path, formula=formula) if path or formula is not None:
                return self._place(operand) is _ABSENT
            case Lookup(source, where, ref, first):
                found = self.first(source, where, first)
                return found is None or found.is_null(ref)
            case _:
                return self.value(operand) is None

    def _place(self, ref: Ref) -> Any:
        place = self._computed(ref.formula) if ref.formula is not None else self.rows[ref.alias][ref.column.name]
        if place is None or not (ref.path or ref.as_text):
            return place if not ref.path else _ABSENT
        for step in ref.path:
            place = _step(place, self.params[step.index])
        return _text_of(place) if ref.as_text else place

    def _computed(self, formula: Operand) -> Any:
        """The value of a formula; a null is absent, so that the null of a JSON document is something else."""
        if isinstance(formula, Ref):
            place = self._place(formula)
            return _ABSENT if place is None and not formula.path else place
        value = self.value(formula)
        return _ABSENT if value is None else value

    def _is(self, operand: Operand, what: str) -> bool:
        match what:
            case "null" | "unknown":
                return self.is_null(operand)
            case "not_null":
                return not self.is_null(operand)
            case "true":
                return self.value(operand) is True
            case "false":
                return self.value(operand) is False
            case _:
                raise ValueError(what)

    def _search(self, search: Search) -> bool | None:
        query = self.value(search.right)
        if query is None or self.is_null(search.left):
            return None
        return matches(search.op, search.config, query, self.value(search.left))

    def _compare(self, compare: Compare) -> bool | None:
        left, right = self.compared(compare.left), self.compared(compare.right)
        if compare.quantifier is not None:
            truths = [self._holds(compare, left, item) for item in right]
            return _all(truths) if compare.quantifier is Quantifier.ALL else _negate(_all(map(_negate, truths)))
        return self._holds(compare, left, right)

    def _holds(self, compare: Compare, left: Any, right: Any) -> bool | None:
        if compare.op.form is Form.LIST:
            return _among(compare.left.type, left, right)
        if compare.op.name == "isdistinct" and (left is None or right is None):
            return left is not right
        if left is None or right is None:
            return None
        return test(compare.op, compare.left.type, left, right)


def test(op: Operator, type_: DataType, left: Any, right: Any) -> bool:
    """Whether `left op right` for non-null canonical values of `type_` (right is what the operator's form says)."""
    if op.name in INSIDE:
        return op.test(operand(type_, left), operand(type_, right))
    if op.form is Form.SCALAR and type_.kind in _KEYED:
        return op.test(order_key(type_, left), order_key(type_, right))
    return op.test(*_alike(left, right))


_KEYED = frozenset({Kind.ENUM, Kind.JSON, Kind.ARRAY, Kind.RANGE})


def _all(truths: Iterable[bool | None]) -> bool | None:
    unknown = False
    for truth in truths:
        if truth is False:
            return False
        unknown = unknown or truth is None
    return None if unknown else True


def _negate(truth: bool | None) -> bool | None:
    return None if truth is None else not truth


def _truth(value: Any) -> bool | None:
    return value if isinstance(value, bool) else None


def _among(type_: DataType, left: Any, items: Sequence[Any] | None) -> bool | None:
    """`left = ANY(items)`: of no items false even for null, of a null among the items unknown unless another one fits."""
    if items is None:
        return None
    if not items:
        return False
    if left is None:
        return None
    if type_.kind is Kind.JSON:
        left, items = order_key(type_, left), [None if item is None else order_key(type_, item) for item in items]
    if any(item is not None and left == item for item in items):
        return True
    return None if None in items else False


def _alike(left: Any, right: Any) -> tuple[Any, Any]:
    """A float beside an exact number compares as floats do, as in PostgreSQL."""
    if isinstance(left, float) and isinstance(right, int | Decimal):
        return left, float(right)
    if isinstance(right, float) and isinstance(left, int | Decimal):
        return float(left), right
    return left, right


def _step(place: Any, key: str | int) -> Any:
    """`place -> key`: object keys are strings, array indexes integers (negative ones count from the end)."""
    if isinstance(place, dict) and isinstance(key, str):
        return place.get(key, _ABSENT)
    if isinstance(place, list | tuple) and isinstance(key, int) and -len(place) <= key < len(place):
        return place[key]
    return _ABSENT


def _text_of(place: Any) -> Any:
    """`->>`: the text of a place; a JSON null has none."""
    if place is None or place is _ABSENT:
        return _ABSENT
    return place if isinstance(place, str) else json_text(place)
