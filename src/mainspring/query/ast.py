"""The query AST: what a surface's parser produces and a policy's expression becomes.

Names are not resolved yet. Values never stand in a node: a `Slot` points at a value that comes with the request, so that one
AST serves (and keys the caches for) every request of its shape. Nodes are frozen, hashable and compared by value.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, NamedTuple

import msgspec

from mainspring.datatypes import BOOLEAN, DataType


class TableName(NamedTuple):
    """A table's place: its schema and its name."""

    schema: str
    name: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.name}"


# ---------------------------------------------------------------- values


class Slot(msgspec.Struct, frozen=True):
    """The request's value number `index`."""

    index: int


class Const(msgspec.Struct, frozen=True):
    """A value fixed when the expression was written (policies). Canonicalised against `type`, else the type it meets."""

    value: Any
    type: DataType | None = None

    def __hash__(self) -> int:
        return hash((type(self.value), repr(self.value)))


class Auth(msgspec.Struct, frozen=True):
    """A fact about the caller: `("uid",)`, `("role",)`, `("email",)` or `("claims", key, ...)`.

    With `contains`, whether the list at that place holds the text (a boolean).
    """

    path: tuple[str, ...]
    contains: str | None = None


class Now(msgspec.Struct, frozen=True):
    """The moment the statement began."""


class Element(msgspec.Struct, frozen=True):
    """Element number `place` of the list that is the request's value number `slot` (what a cursor says of a row)."""

    slot: int
    place: int


Value = Slot | Const | Auth | Now | Element


# ---------------------------------------------------------------- expressions


class Column(msgspec.Struct, frozen=True):
    """A column, or with `path` a place inside its JSON (str: object key, int: array index).

    `as_text` is `->>`: the place's text. `scope` counts tables from the outside: 0 the table asked for,
    1 the table of the first `Exists` around this expression, and so on.
    """

    name: str
    path: tuple[str | int, ...] = ()
    as_text: bool = False
    scope: int = 0


class Aggregate(msgspec.Struct, frozen=True):
    """`function` (count, sum, avg, min or max) over the rows of a group: an output of it, or what HAVING and ORDER BY compare.

    `column` None: rows are counted. `input` casts each value before, `cast` the result.
    """

    function: str
    column: Column | None = None
    alias: str | None = None
    input: str | None = None
    cast: str | None = None


class Apply(msgspec.Struct, frozen=True):
    """A function of `query.functions` applied to operands; it yields a value of `type`."""

    function: str
    arguments: tuple[Operand, ...]
    type: DataType


class Case(msgspec.Struct, frozen=True):
    """`then` where `when` holds, `otherwise` where it does not or is unknown; both yield values of `type`."""

    when: Expr
    then: Operand
    otherwise: Operand
    type: DataType


class Holds(msgspec.Struct, frozen=True):
    """A condition standing as a boolean value; unknown is null."""

    condition: Expr

    @property
    def type(self) -> DataType:
        """Boolean."""
        return BOOLEAN


Formula = Apply | Case | Holds
"""What is computed from other operands. Only the application's author writes it."""

Operand = Column | Aggregate | Value | Formula


class Quantifier(StrEnum):
    """Whether a comparison must hold for one or for each of the values in a list."""

    ANY = "any"
    ALL = "all"


class Compare(msgspec.Struct, frozen=True):
    """`left op right`, op being a name of the operator table (`query.ops`).

    With a `quantifier` right is a list of values. `config` names the text search configuration of the operators that take one.
    """

    op: str
    left: Operand
    right: Operand
    quantifier: Quantifier | None = None
    config: str | None = None


class Is(msgspec.Struct, frozen=True):
    """`IS null | not_null | true | false | unknown`: never unknown itself."""

    operand: Operand
    what: str


class Related(msgspec.Struct, frozen=True):
    """Whether the embed known as `key` in the same selection has rows (`exists`) or none, as the caller sees them."""

    key: str
    exists: bool


class Truth(msgspec.Struct, frozen=True):
    """A boolean operand standing as a condition."""

    operand: Operand


class And(msgspec.Struct, frozen=True):
    """All of them (none: true)."""

    items: tuple[Expr, ...]


class Or(msgspec.Struct, frozen=True):
    """Any of them (none: false)."""

    items: tuple[Expr, ...]


class Not(msgspec.Struct, frozen=True):
    """Three-valued not: not unknown is unknown."""

    item: Expr


class Exists(msgspec.Struct, frozen=True):
    """Whether `table` has a row for which `where` holds; inside it that row is scope `scope`.

    Only policies build it: it sees the table's rows with the application's own authority, not the caller's.
    """

    table: TableName
    where: Expr
    scope: int


Expr = Compare | Is | Related | Truth | And | Or | Not | Exists

TRUE = And(())
FALSE = Or(())


# ---------------------------------------------------------------- selections


class Star(msgspec.Struct, frozen=True):
    """Every column the caller may read."""


class Field(msgspec.Struct, frozen=True):
    """One output: a column (or JSON path), perhaps renamed, perhaps cast to the type named."""

    column: Column
    alias: str | None = None
    cast: str | None = None


class Embed(msgspec.Struct, frozen=True):
    """Related rows inside each row: `target` is a table or a relation, `hint` picks among several.

    `inner` drops rows that have none. `spread` lifts its outputs into the row itself: of a to-one relation as they are, of a
    to-many one as an array each.
    """

    target: str
    selection: Selection
    alias: str | None = None
    hint: str | None = None
    inner: bool = False
    spread: bool = False

    @property
    def key(self) -> str:
        """The name under which it appears, and by which filters address it."""
        return self.alias or self.target


Item = Star | Field | Aggregate | Embed


class Position(msgspec.Struct, frozen=True):
    """The place of a column's value in the list that is the request's value at `values`."""

    column: Column
    values: Slot


class Order(msgspec.Struct, frozen=True):
    """One ordering term. `related` names an embedded to-one relation whose column orders this table."""

    column: Column | Aggregate | Position
    descending: bool = False
    nulls_first: bool | None = None
    related: str | None = None

    @property
    def nulls_lead(self) -> bool:
        """Where nulls go: as said, else as PostgreSQL has it (last ascending, first descending)."""
        return self.descending if self.nulls_first is None else self.nulls_first


class Selection(msgspec.Struct, frozen=True):
    """What is read of one table: outputs, condition, order and page.

    With an `Aggregate` among the outputs, with `having` or when `distinct`, the rows answered are groups: of the rows that
    share the values of all other outputs. `having` is a condition over aggregates.
    """

    items: tuple[Item, ...] = (Star(),)
    where: Expr | None = None
    order: tuple[Order, ...] = ()
    limit: Slot | None = None
    offset: Slot | None = None
    having: Expr | None = None
    distinct: bool = False


class Count(StrEnum):
    """How the number of all rows is to be found."""

    NONE = "none"
    EXACT = "exact"
    PLANNED = "planned"
    ESTIMATED = "estimated"


class End(StrEnum):
    """How the transaction of a query ends."""

    COMMIT = "commit"
    ROLLBACK = "rollback"


class MediaForm(StrEnum):
    """What a media type asks of the rows; OTHER is for the database to make, ANY takes whatever comes first."""

    JSON = "json"
    OBJECT = "object"
    CSV = "csv"
    GEOJSON = "geojson"
    ANY = "any"
    OTHER = "other"


class Explain(msgspec.Struct, frozen=True):
    """Instead of the answer, the database's plan for it: as JSON or text, with options such as `analyze`."""

    json: bool
    options: tuple[str, ...] = ()


class Accepted(msgspec.Struct, frozen=True):
    """A media type that a client takes, as it is to be named in the answer. `stripped`: without the members that are null.

    With `explain` it is the form whose plan is asked for.
    """

    media: str
    form: MediaForm
    stripped: bool = False
    explain: Explain | None = None


class Terms(msgspec.Struct, frozen=True):
    """How a query is to be carried out, beyond what it asks for.

    `end` None: as the settings say. More than `max_affected` rows changed or answered by a function undo everything. `timezone`
    is the zone in which moments are shown. `accept` lists media types by preference where the database has a say in the form
    of the answer (database mode). With `explain` the answer is the database's plan for it instead of its rows. With `features`
    they are told as GeoJSON.
    """

    end: End | None = None
    max_affected: int | None = None
    timezone: str | None = None
    accept: tuple[Accepted, ...] = ()
    explain: Explain | None = None
    features: bool = False


USUAL = Terms()


# ---------------------------------------------------------------- queries


_WHOLE: Final = Selection()


@dataclass(frozen=True)
class _Query:
    """Queries key the caches: their hash is computed once."""

    def __hash__(self) -> int:
        try:
            return self._hash
        except AttributeError:
            value = hash(tuple(getattr(self, name) for name in self.__dataclass_fields__ if name != "_hash"))
            object.__setattr__(self, "_hash", value)
            return value

    _hash: int = field(init=False, repr=False, compare=False)


class Cursor(msgspec.Struct, frozen=True):
    """Pages by position: the rows that come after the one whose place the value at `after` tells (None: from the first on)."""

    after: Slot | None = None


@dataclass(frozen=True, eq=True)
class Read(_Query):
    """Rows of a table. `rows=False` asks for counts only (HEAD); with a `cursor` the answer tells where the page ends."""

    table: TableName
    selection: Selection
    count: Count = Count.NONE
    rows: bool = True
    terms: Terms = USUAL
    cursor: Cursor | None = None

    __hash__ = _Query.__hash__


class Resolution(StrEnum):
    """What an upsert does with a row whose key is taken."""

    MERGE = "merge"
    IGNORE = "ignore"


class Conflict(msgspec.Struct, frozen=True):
    """`on` names the unique key (empty: the primary key)."""

    resolution: Resolution
    on: tuple[str, ...] = ()


@dataclass(frozen=True, eq=True)
class Insert(_Query):
    """New rows. The value at `rows` is a list of dicts; `columns` are the keys taken from each.

    A key missing from a row is null, or the column's default with `missing_default`. `where` holds for the one row that a PUT
    names: the row given must satisfy it.
    `returning` None asks for no rows back. `singular`: exactly one row or nothing is written.
    """

    table: TableName
    columns: tuple[str, ...]
    rows: Slot
    missing_default: bool = False
    conflict: Conflict | None = None
    returning: Selection | None = None
    count: Count = Count.NONE
    singular: bool = False
    where: Expr | None = None
    keys: bool = False
    terms: Terms = USUAL

    __hash__ = _Query.__hash__


@dataclass(frozen=True, eq=True)
class Update(_Query):
    """Changes to the rows that `where` (with order and page) picks. The value at `changes` is one dict.

    With `missing_default` a column named but missing from the dict takes its default.
    """

    table: TableName
    columns: tuple[str, ...]
    changes: Slot
    where: Expr | None = None
    order: tuple[Order, ...] = ()
    limit: Slot | None = None
    offset: Slot | None = None
    returning: Selection | None = None
    count: Count = Count.NONE
    singular: bool = False
    missing_default: bool = False
    terms: Terms = USUAL

    __hash__ = _Query.__hash__


@dataclass(frozen=True, eq=True)
class Delete(_Query):
    """Removal of the rows that `where` (with order and page) picks."""

    table: TableName
    where: Expr | None = None
    order: tuple[Order, ...] = ()
    limit: Slot | None = None
    offset: Slot | None = None
    returning: Selection | None = None
    count: Count = Count.NONE
    singular: bool = False
    terms: Terms = USUAL

    __hash__ = _Query.__hash__


class Given(StrEnum):
    """In which form a function's arguments come: by name, as JSON that holds them by name or is the one argument, or bare."""

    NAMED = "named"
    JSON = "json"
    TEXT = "text"
    BYTES = "bytes"
    XML = "xml"


@dataclass(frozen=True, eq=True)
class Call(_Query):
    """A function's answer, read like a table's rows.

    The value at `given` is a dict of the `arguments` named (texts or lists of texts from a query string, JSON values from a
    body), or for the other forms of `form` the body's bytes. `read_only`: it must change nothing (GET). `body`: the arguments
    came in one.
    """

    routine: TableName
    arguments: tuple[str, ...]
    given: Slot
    form: Given = Given.NAMED
    read_only: bool = False
    body: bool = False
    selection: Selection = _WHOLE
    count: Count = Count.NONE
    rows: bool = True
    singular: bool = False
    terms: Terms = USUAL

    __hash__ = _Query.__hash__


Query = Read | Insert | Update | Delete | Call
