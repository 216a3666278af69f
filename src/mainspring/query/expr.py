"""Resolved expressions: the planner's form of the AST's conditions, which engines compile and `evaluate` evaluates.

Every column knows its type and the alias of its table; every value is a parameter. No names are left to resolve.
"""

from __future__ import annotations

import msgspec

from mainspring.catalog.model import Column, Table
from mainspring.datatypes import BOOLEAN, DataType
from mainspring.query.ast import Quantifier
from mainspring.query.ops import Operator


class Ref(msgspec.Struct, frozen=True):
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


class Param(msgspec.Struct, frozen=True):
    """The plan's parameter number `index`."""

    index: int
    type: DataType


class Source(msgspec.Struct, frozen=True):
    """A table standing in a plan under `alias`, and what its reader may see of it. The guard is required: no table without one.

    `joined` are further tables in the same FROM (a junction), each with its own guard.
    """

    alias: int
    table: Table
    guard: Condition
    joined: tuple[Source, ...] = ()


class Lookup(msgspec.Struct, frozen=True):
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


class Aggregate(msgspec.Struct, frozen=True):
    """`function` over the rows of a group: of the values of `of` (cast to `input` first), or of the rows themselves."""

    function: str
    of: Ref | Lookup | None
    type: DataType
    input: DataType | None = None


class Position(msgspec.Struct, frozen=True):
    """The place of the value of `ref` in the list `values`, where it stands there."""

    ref: Ref
    values: Param
    type: DataType


class Key(msgspec.Struct, frozen=True):
    """The value of a group's output number `index`."""

    index: int
    type: DataType


class Apply(msgspec.Struct, frozen=True):
    """A function of `query.functions` and what it is applied to."""

    function: str
    arguments: tuple[Operand, ...]
    type: DataType


class Case(msgspec.Struct, frozen=True):
    """`then` where `when` holds, else `otherwise`."""

    when: Condition
    then: Operand
    otherwise: Operand
    type: DataType


class Holds(msgspec.Struct, frozen=True):
    """A condition as a boolean value."""

    condition: Condition

    @property
    def type(self) -> DataType:
        """Boolean."""
        return BOOLEAN


Operand = Ref | Param | Lookup | Aggregate | Key | Position | Apply | Case | Holds


class Compare(msgspec.Struct, frozen=True):
    """`left op right` in three-valued logic. Both sides have the same type, or right is a list or pattern of it.

    With a `quantifier` right is a list, for any or all of whose items the comparison must hold.
    """

    op: Operator
    left: Operand
    right: Operand
    quantifier: Quantifier | None = None


class Search(msgspec.Struct, frozen=True):
    """Whether a text, or the texts in a JSON document, fit the search query that `op` makes of `right`.

    `table` is that of a column on the left.
    """

    op: str
    config: str
    left: Operand
    right: Param
    table: Table | None = None


class Is(msgspec.Struct, frozen=True):
    """`IS null | not_null | true | false | unknown`."""

    operand: Operand
    what: str


class Truth(msgspec.Struct, frozen=True):
    """A boolean operand as a condition."""

    operand: Operand


class And(msgspec.Struct, frozen=True):
    """All of them (none: true)."""

    items: tuple[Condition, ...]


class Or(msgspec.Struct, frozen=True):
    """Any of them (none: false)."""

    items: tuple[Condition, ...]


class Not(msgspec.Struct, frozen=True):
    """Three-valued not."""

    item: Condition


class Exists(msgspec.Struct, frozen=True):
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
