"""The plan: pure data, complete. Engines read nothing but a plan and its parameters; no request, no driver type is here."""

from __future__ import annotations

import msgspec

from mainspring.catalog.model import Default, Table
from mainspring.datatypes import DataType
from mainspring.errors import NotSingular, TooManyAffected
from mainspring.query.aggregates import too_many
from mainspring.query.ast import Explain, Resolution, Value
from mainspring.query.expr import TRUE, Aggregate, Condition, Key, Lookup, Param, Position, Ref, Source
from mainspring.query.ops import Form


class ParamSpec(msgspec.Struct, frozen=True):
    """Where parameter n's value comes from and what it must be: canonicalised to `type` by `plan.params`.

    `where` is how messages name the place ("filter on column x").
    """

    source: Value
    type: DataType
    form: Form = Form.SCALAR
    where: str | None = None


class OutColumn(msgspec.Struct, frozen=True):
    """An output: the value of `ref` (cast when `cast` says so) under `key`."""

    key: str
    ref: Ref | Lookup
    cast: DataType | None = None

    @property
    def type(self) -> DataType:
        """The type of what is put out."""
        return self.cast or self.ref.type


class OutAggregate(msgspec.Struct, frozen=True):
    """An output of a group: `aggregate` over its rows (cast when `cast` says so) under `key`."""

    key: str
    aggregate: Aggregate
    cast: DataType | None = None


class OutEmbed(msgspec.Struct, frozen=True):
    """An output that holds rows: an array, or with `single` one object or null. `rows.where` includes the join to the parent."""

    key: str
    rows: Rows
    single: bool


class OutSpread(msgspec.Struct, frozen=True):
    """An output lifted out of the one row of `source` for which `where` holds; null where there is none.

    Where there can be several, it is the first by the columns of `first`.
    """

    key: str
    source: Source
    where: Condition
    output: Output
    first: tuple[Ref, ...] = ()


class OutGather(msgspec.Struct, frozen=True):
    """An output lifted out of several rows: the array of their one output's values."""

    key: str
    rows: Rows


Output = OutColumn | OutAggregate | OutEmbed | OutSpread | OutGather


class OrderBy(msgspec.Struct, frozen=True):
    """One ordering term. Text orders by code point, enums by declaration. Groups order by a `Key` or an `Aggregate`."""

    key: Ref | Lookup | Aggregate | Key | Position
    descending: bool
    nulls_first: bool


class Group(msgspec.Struct, frozen=True):
    """What is answered are groups: of the rows that share the values of all outputs that are no aggregates.

    Those for which `having` holds. Without such outputs all rows are one group, even if there are none.
    Of an embed, no more than `most` rows may stand in the groups of all embeds of the statement together.
    """

    having: Condition = TRUE
    most: int | None = None


class Feature(msgspec.Struct, frozen=True):
    """A row is told as a GeoJSON feature: the output under `key` is its geometry, all others are its properties.

    `schema` is how the functions of PostGIS are addressed: with the schema (and its dot) that the geometry's type is in.
    """

    key: str
    schema: str


class Rows(msgspec.Struct, frozen=True):
    """Rows of `source` for which its guard and `where` hold, or with `group` groups of them, in order, one page of them.

    `after`: the page begins where this begins to hold. `unique`: there can be but one, because equality fixes a whole key.
    With a `feature` they are a FeatureCollection instead of an array.
    """

    source: Source
    outputs: tuple[Output, ...]
    where: Condition
    order: tuple[OrderBy, ...] = ()
    limit: Param | None = None
    offset: Param | None = None
    unique: bool = False
    group: Group | None = None
    after: Condition = TRUE
    feature: Feature | None = None

    @property
    def first(self) -> tuple[Ref, ...]:
        """What decides which one of several rows a to-one embed holds; nothing where there can be but one."""
        return () if self.unique else tuple(term.key for term in self.order if isinstance(term.key, Ref))

    def grouped_by(self) -> tuple[int, ...]:
        """The numbers of the outputs whose values make a group."""
        return tuple(number for number, output in enumerate(self.outputs) if not isinstance(output, OutAggregate))


class ReadPlan(msgspec.Struct, frozen=True):
    """Answer the rows as a JSON array; with `count`, also how many there are without the page.

    `max_rows` caps the page whatever it asks for. No more than `max_grouped` rows may stand in groups. With `cursor` the answer
    also tells the order's values in the last row of the page. Here as in every plan, `zone` is that of the moments in the answer
    (their types name it, too), and with `explain` the answer is the statement's execution plan.
    """

    rows: Rows
    params: tuple[ParamSpec, ...]
    count: bool = False
    max_rows: int | None = None
    max_grouped: int | None = None
    cursor: bool = False
    zone: str | None = None
    explain: Explain | None = None

    def judge(self, grouped: int) -> None:
        """Return when so many rows may stand in groups. Raises LimitExceeded."""
        if self.max_grouped is not None and grouped > self.max_grouped:
            raise too_many(self.max_grouped)


class Kept(msgspec.Struct, frozen=True):
    """When a write is kept, by how many rows it answers: exactly one when `singular`, at most `most`.

    `undone`: it is done, verified and answered like any other, and then undone.
    """

    singular: bool = False
    most: int | None = None
    undone: bool = False

    @property
    def judged(self) -> bool:
        """Whether what it answers decides."""
        return self.singular or self.most is not None

    @property
    def always(self) -> bool:
        """Whether it is kept whatever it answers."""
        return not self.judged and not self.undone

    def judge(self, count: int) -> None:
        """Return when the write is kept. Raises NotSingular or TooManyAffected."""
        if self.singular and count != 1:
            raise NotSingular(count)
        if self.most is not None and count > self.most:
            raise TooManyAffected(count)


ALWAYS = Kept()


class Write(msgspec.Struct, frozen=True):
    """A column of `table` that is written: from the body's key of its name, else from `default`, else null.

    `given` False: the body is not looked at (a default or onupdate of Mainspring's own).
    `database` True: a row that does not name it takes the database's own default. `required`: null is refused.
    """

    table: str
    column: str
    type: DataType
    given: bool = True
    default: Default | None = None
    database: bool = False
    required: bool = False


class Upsert(msgspec.Struct, frozen=True):
    """The conflict clause: the key's columns, what happens, which columns are overwritten.

    `existing` (guards of select and update) must hold for every row that would be overwritten, `updated` for what it becomes.
    """

    key: tuple[str, ...]
    resolution: Resolution
    overwritten: tuple[str, ...]
    existing: Condition
    updated: Condition


class InsertPlan(msgspec.Struct, frozen=True):
    """Write rows (value slot `rows`) into `target`, all or none.

    After the write `check` must hold for each new row. `returning` reads the rows written (as the caller may see them);
    engines restrict it to the rows written, in the order in which they were given when it has no order of its own.
    """

    target: Source
    writes: tuple[Write, ...]
    rows: int
    check: Condition
    params: tuple[ParamSpec, ...]
    upsert: Upsert | None = None
    returning: Rows | None = None
    kept: Kept = ALWAYS
    zone: str | None = None
    explain: Explain | None = None

    @property
    def table(self) -> Table:
        """What is written to."""
        return self.target.table


class UpdatePlan(msgspec.Struct, frozen=True):
    """Change the rows of `picked` (its guard holds select and update policies). `check` must hold for each row afterwards."""

    picked: Rows
    writes: tuple[Write, ...]
    changes: int
    check: Condition
    params: tuple[ParamSpec, ...]
    returning: Rows | None = None
    kept: Kept = ALWAYS
    zone: str | None = None
    explain: Explain | None = None

    @property
    def table(self) -> Table:
        """What is written to."""
        return self.picked.source.table


class DeletePlan(msgspec.Struct, frozen=True):
    """Remove the rows of `picked`; `returning` is read before they go."""

    picked: Rows
    params: tuple[ParamSpec, ...]
    returning: Rows | None = None
    kept: Kept = ALWAYS
    zone: str | None = None
    explain: Explain | None = None

    @property
    def table(self) -> Table:
        """What is written to."""
        return self.picked.source.table


Plan = ReadPlan | InsertPlan | UpdatePlan | DeletePlan
