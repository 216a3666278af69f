"""The plan of database mode: a tree of tables and what is asked of each, in the database's own terms.

Names are catalogued or left for the database to judge; values are slots. Policies have no place here: row security decides.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from mainspring.catalog.model import Relation
from mainspring.catalog.routines import Parameter, Routine
from mainspring.plan.nodes import ReadPlan
from mainspring.query.ast import Count, Explain, Given, Quantifier, Resolution, Slot, TableName, Terms

SOURCE = TableName("", "ms_source")
"""Where the rows of a write or a call are read back from: a name that no table has."""


@dataclass(frozen=True, slots=True)
class Target:
    """A column (`*`: all), or a place inside its JSON. `whole`: the row itself.

    `type` is the type that the database declares, empty where the catalog does not know the column (a computed one, or none).
    `transform` is the function that represents it; `search` asks for its text search vector in `config`.
    """

    name: str
    path: tuple[str | int, ...] = ()
    as_text: bool = False
    type: str = ""
    transform: TableName | None = None
    search: bool = False
    config: str | None = None
    default: str | None = None
    whole: bool = False

    @property
    def converted(self) -> bool:
        """Whether it has to be made JSON before a path leads into it."""
        return self.type not in ("json", "jsonb")


@dataclass(frozen=True, slots=True)
class Chosen:
    """One output of a table."""

    target: Target
    alias: str | None = None
    cast: str | None = None
    aggregate: str | None = None
    aggregate_cast: str | None = None


# ---------------------------------------------------------------- conditions


@dataclass(frozen=True, slots=True)
class Test:
    """`target op value`."""

    target: Target
    op: str
    value: Slot
    quantifier: Quantifier | None = None
    config: str | None = None


@dataclass(frozen=True, slots=True)
class Is:
    """`target IS null | ...`."""

    target: Target
    what: str


@dataclass(frozen=True, slots=True)
class Embedded:
    """Whether the embed joined as `alias` has rows."""

    alias: str
    exists: bool


@dataclass(frozen=True, slots=True)
class Not:
    """The negation."""

    item: Condition


@dataclass(frozen=True, slots=True)
class Junction:
    """Conditions joined by AND or OR."""

    word: str
    items: tuple[Condition, ...]


Condition = Test | Is | Embedded | Not | Junction


@dataclass(frozen=True, slots=True)
class OrderBy:
    """One ordering term; `related` is the alias of the embed whose column it is."""

    target: Target
    descending: bool | None
    nulls_first: bool | None
    related: str | None = None


# ---------------------------------------------------------------- tables


class Spread(StrEnum):
    """How an embed's outputs stand in its parent's row."""

    ONE = "one"
    MANY = "many"


@dataclass(frozen=True, slots=True)
class SpreadOutput:
    """One output lifted out of a spread embed."""

    name: str
    alias: str | None = None
    aggregate: str | None = None
    cast: str | None = None


@dataclass(slots=True)
class Node:
    """One table of the tree. `alias` is its name in FROM (None: its own), `join_alias` that of the joined subquery.

    `source` of the root of a write or call is SOURCE. `spread_outputs` are what the parent selects of it.
    """

    source: TableName
    table: TableName
    alias: str | None = None
    key: str = ""
    join_alias: str = ""
    relation: Relation | None = None
    parent: Node | None = None
    inner: bool = False
    spread: Spread | None = None
    depth: int = 0
    outputs: list[Chosen] = field(default_factory=list)
    where: list[Condition] = field(default_factory=list)
    order: list[OrderBy] = field(default_factory=list)
    limit: Slot | None = None
    offset: Slot | None = None
    children: list[Node] = field(default_factory=list)
    spread_outputs: list[SpreadOutput] = field(default_factory=list)

    @property
    def known_as(self) -> TableName:
        """By what its columns are addressed."""
        if self.alias is not None:
            return TableName("", self.alias)
        if self.relation is not None and self.relation.function is not None:
            return TableName("", self.relation.function.name)
        return self.source

    @property
    def single(self) -> bool:
        """Whether it is an embed of at most one row."""
        return self.relation is not None and self.relation.cardinality.single

    @property
    def empty(self) -> bool:
        """Whether nothing at all is selected of it or below."""
        return not self.outputs and all(child.empty for child in self.children)


# ---------------------------------------------------------------- the form of the answer


class Form(StrEnum):
    """Which document the rows make."""

    ARRAY = "array"
    OBJECT = "object"
    CSV = "csv"
    GEOJSON = "geojson"
    CUSTOM = "custom"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Document:
    """The form of the answer and its media type; `function` (of rows of `table`, None: of any) makes a custom one."""

    form: Form
    media: str
    stripped: bool = False
    function: TableName | None = None
    table: TableName | None = None
    explain: Explain | None = None


# ---------------------------------------------------------------- plans


@dataclass(frozen=True, slots=True)
class NativeRead:
    """Rows of a table."""

    root: Node
    document: Document
    count: Count
    schema: str
    terms: Terms
    singular: bool = False


@dataclass(frozen=True, slots=True)
class Body:
    """The JSON of the request, and the columns taken from it. With `defaults` what is missing takes its column's default."""

    slot: Slot
    columns: tuple[Target, ...]
    defaults: bool = False


@dataclass(frozen=True, slots=True)
class Written:
    """What every write has: how it is read back (`root` over SOURCE), what RETURNING must hold for that."""

    root: Node
    document: Document
    table: TableName
    returning: tuple[str, ...]
    schema: str
    terms: Terms
    singular: bool


@dataclass(frozen=True, slots=True)
class NativeInsert:
    """New rows; `key` are the columns of the primary key, told when `keys`. `put`: the condition a PUT's row must satisfy."""

    written: Written
    body: Body
    resolution: Resolution | None
    conflict: tuple[str, ...]
    put: tuple[Condition, ...]
    key: tuple[str, ...]
    keys: bool


@dataclass(frozen=True, slots=True)
class NativeUpdate:
    """Changed rows."""

    written: Written
    body: Body
    where: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class NativeDelete:
    """Removed rows."""

    written: Written
    where: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class NativeCall:
    """A routine's answer. `arguments` are the parameters given; `unnamed`: the body is the one argument.

    `direct`: they come by name from the query string or a form, not from a JSON body. `returning` are the columns needed.
    `guarded` is how its rows are read where they are those of a table with policies (app mode).
    """

    root: Node
    document: Document
    routine: Routine
    arguments: tuple[Parameter, ...]
    given: Slot
    form: Given
    unnamed: bool
    direct: bool
    returning: tuple[str, ...]
    read_only: bool
    count: Count
    schema: str
    terms: Terms
    singular: bool
    guarded: ReadPlan | None = None


NativePlan = NativeRead | NativeInsert | NativeUpdate | NativeDelete | NativeCall
