"""Resolved expressions: the planner's form of the AST's conditions, which engines compile and `evaluate` evaluates.

Every column knows its type and the alias of its table; every value is a parameter. No names are left to resolve.
"""

from __future__ import annotations

from dataclasses import dataclass

from mainspring.catalog.model import Column, Table
from mainspring.datatypes import BOOLEAN, DataType
from mainspring.query.ast import Quantifier
from mainspring.query.ops import Operator


@dataclass(frozen=True, slots=True)
class Ref:
    """A column of the table known in the plan as `alias`, or a place inside its JSON.

    `path` holds parameter numbers (object keys and array indexes are values, never text of a statement).
    `type` is what the reference yields: the column's, JSON for a path, text for a path with `as_text`.
    With a `formula` the column is not stored: it stands for the formula's value.
    """

    alias: int
    column: Column
    type: DataType
    path: tuple[Param, ...] = ()
    as_text: bool = False
    formula: Operand | None = None


@dataclass(frozen=True, slots=True)
class Param:
    """The plan's parameter number `index`."""

    index: int
    type: DataType


@dataclass(frozen=True, slots=True)
class Source:
    """A table standing in a plan under `alias`, and what its reader may see of it. The guard is required: no table without one.

    `joined` are further tables in the same FROM (a junction), each with its own guard.
    """

    alias: int
    table: Table
    guard: Condition
    joined: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class Lookup:
    """The value of `ref` in the one row of `source` for which `where` holds (a to-one relation's column).

    Where several can be, it is the first by the columns of `first`.
    """

    source: Source
    where: Condition
    ref: Ref | Lookup
    first: tuple[Ref, ...] = ()

    @property
    def type(self) -> DataType:
        """The type of the value looked up."""
        return self.ref.type


@dataclass(frozen=True, slots=True)
class Aggregate:
    """`function` over the rows of a group: of the values of `of` (cast to `input` first), or of the rows themselves."""

    function: str
    of: Ref | Lookup | None
    type: DataType
    input: DataType | None = None


@dataclass(frozen=True, slots=True)
class Position:
    """The place of the value of `ref` in the list `values`, where it stands there."""

    ref: Ref
    values: Param
    type: DataType


@dataclass(frozen=True, slots=True)
class Key:
    """The value of a group's output number `index`."""

    index: int
    type: DataType


@dataclass(frozen=True, slots=True)
class Apply:
    """A function of `query.functions` and what it is applied to."""

    function: str
    arguments: tuple[Operand, ...]
    type: DataType


@dataclass(frozen=True, slots=True)
class Case:
    """`then` where `when` holds, else `otherwise`."""

    when: Condition
    then: Operand
    otherwise: Operand
    type: DataType


@dataclass(frozen=True, slots=True)
class Holds:
    """A condition as a boolean value."""

    condition: Condition

    @property
    def type(self) -> DataType:
        """Boolean."""
        return BOOLEAN


Operand = Ref | Param | Lookup | Aggregate | Position | Apply | Case | Holds


@dataclass(frozen=True, slots=True)
class Compare:
    """`left op right` in three-valued logic. Both sides have the same type, or right is a list or pattern of it.

    With a `quantifier` right is a list, for any or all of whose items the comparison must hold.
    """

    op: Operator
    left: Operand
    right: Operand
    quantifier: Quantifier | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """Whether a text, or the texts in a JSON document, fit the search query that `op` makes of `right`.

    `table` is that of a column on the left.
    """

    op: str
    config: str
    left: Operand
    right: Param
    table: Table | None = None


@dataclass(frozen=True, slots=True)
class Is:
    """`IS null | not_null | true | false | unknown`."""

    operand: Operand
    what: str


@dataclass(frozen=True, slots=True)
class Truth:
    """A boolean operand as a condition."""

    operand: Operand


@dataclass(frozen=True, slots=True)
class And:
    """All of them (none: true)."""

    items: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Any of them (none: false)."""

    items: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Three-valued not."""

    item: Condition


@dataclass(frozen=True, slots=True)
class Exists:
    """Whether `source` has a visible row for which `where` holds."""

    source: Source
    where: Condition


Condition = Compare | Search | Is | Truth | And | Or | Not | Exists

TRUE = And(())
FALSE = Or(())


def both(*items: Condition) -> Condition:
    """The conjunction, flattened, true parts dropped."""
    flat: list[Condition] = []
    for item in items:
        flat.extend(item.items if isinstance(item, And) else (item,))
    return FALSE if FALSE in flat else flat[0] if len(flat) == 1 else And(tuple(flat))


def either(*items: Condition) -> Condition:
    """The disjunction, flattened, false parts dropped."""
    flat: list[Condition] = []
    for item in items:
        flat.extend(item.items if isinstance(item, Or) else (item,))
    return TRUE if TRUE in flat else flat[0] if len(flat) == 1 else Or(tuple(flat))
