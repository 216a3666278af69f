"""The catalog: tables, columns, keys and relations, as every other part of Mainspring sees them.

It is built once (from models, or by introspection) and never changes. It knows no SQLAlchemy, no wire and no policy.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum
from typing import Any

import msgspec

from mainspring.catalog.pieces import pieces
from mainspring.catalog.routines import Handler, Representation, Routine
from mainspring.datatypes import DataType
from mainspring.query.ast import Auth, Const, Expr, Now, Operand, TableName
from mainspring.query.walk import columns


class Produced(msgspec.Struct, frozen=True):
    """A default made in Python: called once per row, its result taken as the column's value."""

    produce: Callable[[], Any]


Default = Const | Auth | Now | Produced


class Column(msgspec.Struct, frozen=True):
    """A column of a table.

    `default` and `onupdate` are applied by Mainspring; `server_default` is SQL text of the database's own (or `Now`), known
    here so that engines can create it and so that inserts know that a missing value is no null. `generated` columns (computed,
    or identity always) cannot be written. `autoincrement` marks an integer key that the database fills. `native` is the
    database's own name of the type, `base` that of the type below a domain, `max_length` and `choices` (of an enum) its bounds,
    where the column was found in a database. `search` names the text search configuration by which it is indexed.
    `collation` is what its texts are compared by, as its database calls it, where that is not the order of code points.
    """

    name: str
    type: DataType
    nullable: bool = True
    default: Default | None = None
    onupdate: Default | None = None
    server_default: str | Now | None = None
    generated: str | None = None
    autoincrement: bool = False
    comment: str | None = None
    native: str | None = None
    base: str | None = None
    max_length: int | None = None
    choices: tuple[str, ...] = ()
    search: str | None = None
    collation: str | None = None

    @property
    def writable(self) -> bool:
        """Whether a request may name it in a write."""
        return self.generated is None


class Computed(msgspec.Struct, frozen=True):
    """A column that is not stored: the value of `formula` over the row (scope 0). It is read when named and never written."""

    column: Column
    formula: Operand

    @property
    def reads(self) -> frozenset[str]:
        """The columns that it tells something about."""
        return frozenset(columns(self.formula))


class Unique(msgspec.Struct, frozen=True):
    """A unique key (or index) over columns."""

    name: str
    columns: tuple[str, ...]


class Check(msgspec.Struct, frozen=True):
    """A check constraint; `sql` is the model author's own text."""

    name: str
    sql: str


class Exclusion(msgspec.Struct, frozen=True):
    """No two rows (of those of which `where` is true) for which every operator holds between the two values of its part.

    Each of `parts` is what an index of the kind `method` is over, as in `SqlIndex`, with its operator.
    """

    name: str
    parts: tuple[tuple[str, str], ...]
    method: str
    where: str | None = None


class Index(msgspec.Struct, frozen=True):
    """A secondary index over columns (`descending` names those that fall).

    Where the database has such things, it holds the columns `include` too, and `classes` names the operator class of each
    column ("" for the usual one).
    """

    name: str
    columns: tuple[str, ...]
    unique: bool = False
    descending: frozenset[str] = frozenset()
    include: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()


class SqlIndex(msgspec.Struct, frozen=True):
    """An index in the model author's own SQL: over expressions, or over those rows only of which `where` is true.

    Each of `parts` is what stands between the commas of CREATE INDEX; a column is quoted there. No plan counts on it: it
    identifies no row. `method` is its kind, where that is no B-tree: then only databases that have the kind have the index.
    `include` and `classes` as those of an `Index`.
    """

    name: str
    parts: tuple[str, ...]
    unique: bool = False
    where: str | None = None
    method: str | None = None
    include: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it is over; none where a part is more than a column."""
        over = [pieces(part.removesuffix(" DESC")) for part in self.parts]
        plain = all(len(part) == 1 and part[0].kind == "name" for part in over)
        return tuple(part[0].name for part in over) if plain else ()


class ForeignKey(msgspec.Struct, frozen=True):
    """`columns` of this table refer to `target_columns` of `target`."""

    name: str
    columns: tuple[str, ...]
    target: TableName
    target_columns: tuple[str, ...]
    ondelete: str | None = None
    onupdate: str | None = None


class Definition(msgspec.Struct, frozen=True):
    """The SELECT of a view; `flat` where a table's schema is a prefix of its name."""

    sql: str
    flat: str


class Table(msgspec.Struct, frozen=True):
    """A table, or with `view` a view; `insertable`, `updatable` and `deletable` say what the database lets be written there.

    A view with a `definition` is made by Mainspring, one without stands already. Without `with_rowid` SQLite keeps the rows under
    their primary key alone.
    `computed` are columns that the application's author declares; they are no part of `*`.
    """

    name: TableName
    columns: Mapping[str, Column]
    primary_key: tuple[str, ...] = ()
    uniques: tuple[Unique, ...] = ()
    checks: tuple[Check, ...] = ()
    indexes: tuple[Index, ...] = ()
    sql_indexes: tuple[SqlIndex, ...] = ()
    exclusions: tuple[Exclusion, ...] = ()
    foreign_keys: tuple[ForeignKey, ...] = ()
    comment: str | None = None
    view: bool = False
    definition: Definition | None = None
    insertable: bool = True
    updatable: bool = True
    deletable: bool = True
    with_rowid: bool = True
    computed: Mapping[str, Computed] = msgspec.field(default_factory=dict)

    def __hash__(self) -> int:
        return hash(self.name)

    def readable(self) -> tuple[Column, ...]:
        """The columns that a request can read: those stored and those computed."""
        return (*self.columns.values(), *(computed.column for computed in self.computed.values()))

    def unique_keys(self) -> tuple[tuple[str, ...], ...]:
        """Every set of columns that identifies a row, the primary key first."""
        keys = [self.primary_key] if self.primary_key else []
        keys += [unique.columns for unique in self.uniques]
        keys += [index.columns for index in self.indexes if index.unique]
        return tuple(keys)


class Cardinality(StrEnum):
    """How many rows of the target one row of the source can have."""

    MANY_TO_ONE = "many-to-one"
    ONE_TO_ONE = "one-to-one"
    ONE_TO_MANY = "one-to-many"
    MANY_TO_MANY = "many-to-many"

    @property
    def single(self) -> bool:
        """Whether an embed answers an object (or null) rather than an array."""
        return self in (Cardinality.MANY_TO_ONE, Cardinality.ONE_TO_ONE)


class Junction(msgspec.Struct, frozen=True):
    """The table between the two sides of a many-to-many relation.

    `source_columns` join it to the source (paired with `Relation.columns`), `target_columns` to the target.
    """

    table: TableName
    source_columns: tuple[str, ...]
    target_columns: tuple[str, ...]
    source_key: str
    target_key: str


class Relation(msgspec.Struct, frozen=True):
    """A way from `source` to `target`: source.columns[i] = target.target_columns[i], through `junction` where there is one.

    `name` is the foreign key constraint's name (for many-to-many the junction's name). `function` is set for a relation that a
    function of the database computes from a row, or that the application's author declares: then there are no columns. Of a
    declared one `on` is the condition on the two rows (scope 0 the source's, scope 1 the target's); where it leads to a single
    row and several fit, the first by the target's primary key is meant.
    """

    name: str
    source: TableName
    target: TableName
    cardinality: Cardinality
    columns: tuple[str, ...]
    target_columns: tuple[str, ...]
    junction: Junction | None = None
    function: TableName | None = None
    on: Expr | None = None


class Catalog(msgspec.Struct, frozen=True):
    """Everything that exists. `relations` holds, per table, the ways out of it in a stable order.

    `routines` holds the overloads of each function. `types` are the names by which the database knows its types, mapped to how
    it spells them in SQL (casts look here). `comments` are those of schemas. `representations` and `handlers` are found
    in a database only.
    """

    tables: Mapping[TableName, Table]
    relations: Mapping[TableName, tuple[Relation, ...]] = msgspec.field(default_factory=dict)
    routines: Mapping[TableName, tuple[Routine, ...]] = msgspec.field(default_factory=dict)
    representations: tuple[Representation, ...] = ()
    handlers: tuple[Handler, ...] = ()
    types: Mapping[str, str] = msgspec.field(default_factory=dict)
    comments: Mapping[str, str] = msgspec.field(default_factory=dict)

    def schemas(self) -> tuple[str, ...]:
        """The schemas that hold tables, sorted."""
        return tuple(sorted({name.schema for name in self.tables}))
