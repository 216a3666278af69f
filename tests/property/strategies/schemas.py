"""Random catalogs of two to four tables with every kind of column, key and relation, and rows that fit them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from msgspec.structs import replace

from mainspring.catalog.model import Catalog, Column, ForeignKey, Relation, Table, Unique
from mainspring.catalog.relations import relations
from mainspring.datatypes import BIGINT, DATE, INTEGER, SMALLINT, TEXT, UUID_, DataType, Kind, from_json
from mainspring.engines.memory.store import key_of
from mainspring.query.ast import Auth, Const, TableName
from tests.property.strategies.formulas import computed_columns, with_relations
from tests.property.strategies.values import MOOD, TYPES, UIDS, value
from tests.property.strategies.views import View, views_of

SCHEMA = "app"
Row = dict[str, Any]
_KEYS: tuple[tuple[DataType, ...], ...] = (
    (INTEGER,), (BIGINT,), (TEXT,), (UUID_,), (INTEGER, TEXT), (SMALLINT, DATE),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class World:
    """A catalog and the rows it begins with, as decoded JSON, in an order in which they can be written."""

    catalog: Catalog
    rows: Mapping[TableName, tuple[Row, ...]]
    views: tuple[View, ...] = ()

    def __repr__(self) -> str:
        return "\n".join(("World", *map(self._described, self.catalog.tables.values()), *map(str, self.views)))

    def _described(self, table: Table) -> str:
        columns = ", ".join(
            f"{column.name} {column.type}{'' if column.nullable else ' not null'}" for column in table.columns.values()
        )
        keys = "".join(f" {key.name}->{key.target.name}/{key.ondelete}/{key.onupdate}" for key in table.foreign_keys)
        keys += "".join(f"\n    {name} = {computed.formula}" for name, computed in table.computed.items())
        led = (relation for relation in self.catalog.relations[table.name] if relation.on is not None)
        keys += "".join(f"\n    {each.name} -> {each.target.name} {each.cardinality}: {each.on}" for each in led)
        uniques = "".join(f" unique{unique.columns}" for unique in table.uniques)
        rows = "".join(f"\n    {row}" for row in self.rows.get(table.name, ()))
        return f"  {table.name.name} ({columns}) key{table.primary_key}{uniques}{keys}{rows}"

    def named(self, schema: str) -> World:
        """The same world in another schema, so that many can follow each other in one database."""
        views = tuple(view.named(schema) for view in self.views)
        tables = _with_views([_moved(table, schema) for table in self.catalog.tables.values() if not table.view], views)
        rows = {TableName(schema, name.name): rows for name, rows in self.rows.items()}
        catalog = catalog_of(tables)
        relations = {
            TableName(schema, name.name): (
                *catalog.relations[TableName(schema, name.name)],
                *(_led(relation, schema) for relation in found if relation.on is not None),
            )
            for name, found in self.catalog.relations.items()
        }
        return World(replace(catalog, relations=relations), rows, views)

    def plain(self) -> World:
        """The same world with tables instead of its views, which hold their rows."""
        tables = {
            name: replace(table, view=False, definition=None, insertable=True) for name, table in self.catalog.tables.items()
        }
        return World(replace(self.catalog, tables=tables), self.shown(self.rows))

    def shown(self, rows: Mapping[TableName, tuple[Row, ...]]) -> Mapping[TableName, tuple[Row, ...]]:
        """The rows of tables, and those that views of them have."""
        seen = {view.name: tuple(view.row(each) for each in rows[view.table] if view.shows(each)) for view in self.views}
        return {**rows, **seen}


def _with_views(tables: list[Table], views: Sequence[View]) -> list[Table]:
    known = {table.name: table for table in tables}
    return [*tables, *(view.over(known[view.table]) for view in views)]


def catalog_of(tables: list[Table]) -> Catalog:
    """The catalog of `tables` with its relations."""
    known = {table.name: table for table in tables}
    return Catalog(known, relations(known))


def _moved(table: Table, schema: str) -> Table:
    keys = (replace(key, target=TableName(schema, key.target.name)) for key in table.foreign_keys)
    return replace(table, name=TableName(schema, table.name.name), foreign_keys=tuple(keys))


def _led(relation: Relation, schema: str) -> Relation:
    """A computed relation in another schema."""
    places = {side: TableName(schema, getattr(relation, side).name) for side in ("source", "target", "function")}
    return replace(relation, **places)


@st.composite
def worlds(draw: DrawFn, keyless: bool = True, actions: bool = True, views: bool = False) -> World:
    """A catalog with rows. `keyless` allows a table without a primary key, `actions` foreign keys that act, `views` views.

    In one catalog either all foreign keys act or all refuse: where both reach a row, databases differ in which
    comes first.
    """
    tables: list[Table] = []
    actions = actions and draw(st.booleans())
    for number in range(draw(st.integers(2, 3))):
        tables.append(_table(draw, f"t{number}", tables, actions))
    if draw(st.booleans()):
        tables.append(_junction(draw, tables, actions))
    if keyless and draw(st.integers(0, 4)) == 4:
        tables.append(_keyless(draw, tables))
    tables = [computed_columns(draw, table) for table in tables]
    seen = tuple(views_of(draw, tables)) if views else ()
    catalog = with_relations(draw, catalog_of(_with_views(tables, seen)))
    return World(catalog, _rows(draw, catalog), seen)


# ---------------------------------------------------------------- tables


def _table(draw: DrawFn, name: str, others: list[Table], actions: bool) -> Table:
    types = draw(st.sampled_from(_KEYS))
    primary = [Column(f"k{place}", type_, nullable=False) for place, type_ in enumerate(types)]
    plain = [_column(draw, f"c{place}") for place in range(draw(st.integers(2, 5)))]
    table = Table(TableName(SCHEMA, name), {}, tuple(column.name for column in primary))
    columns, keys = [*primary, *plain], list[ForeignKey]()
    for target in _targets(draw, others):
        _refer(draw, table, columns, keys, target or replace(table, columns=_named(primary)), actions)
    uniques = tuple(_uniques(draw, name, plain, keys))
    return replace(table, columns=_named(columns), uniques=uniques, foreign_keys=tuple(keys))


def _named(columns: list[Column]) -> dict[str, Column]:
    return {column.name: column for column in columns}


def _column(draw: DrawFn, name: str) -> Column:
    type_ = draw(st.sampled_from(TYPES))
    search = draw(st.sampled_from([None, "english", "simple"])) if type_.kind is Kind.TEXT else None
    column = Column(name, type_, nullable=draw(st.integers(0, 3)) < 3, search=search)
    match draw(st.integers(0, 7)):
        case 6 if type_.kind in (Kind.UUID, Kind.TEXT) and type_.length is None:
            return replace(column, default=Auth(("uid",)))
        case 6 if type_.kind is not Kind.JSON:
            return replace(column, default=Const(value(draw, type_)))
        case 7 if type_.kind is Kind.TEXT:
            return replace(column, server_default="'it''s'")
        case 7 if type_.kind in (Kind.INTEGER, Kind.NUMERIC, Kind.FLOAT):
            return replace(column, server_default="7")
        case 7 if type_.kind is Kind.BOOLEAN:
            return replace(column, server_default="true")
        case 5 if type_ == MOOD:
            return replace(column, onupdate=Const("ok"))
        case _:
            return column


def _targets(draw: DrawFn, others: list[Table]) -> list[Table | None]:
    """The tables referred to; None is the table itself."""
    found: list[Table | None] = [table for table in others if draw(st.integers(0, 2)) < 2]
    if found and draw(st.integers(0, 5)) == 5:
        found.append(found[0])
    return [*found, None] if draw(st.integers(0, 3)) == 3 else found


def _refer(draw: DrawFn, table: Table, columns: list[Column], keys: list[ForeignKey], target: Table, actions: bool) -> None:
    nullable = target.name == table.name or draw(st.booleans())
    prefix = f"r{len(keys)}"
    own = [replace(target.columns[name], name=f"{prefix}_{name}", nullable=nullable) for name in target.primary_key]
    columns += own
    keys.append(_foreign(draw, table.name, own, target, nullable and actions, actions))


def _foreign(draw: DrawFn, name: TableName, own: list[Column], target: Table, null: bool, actions: bool) -> ForeignKey:
    choices = ["CASCADE", *(["SET NULL"] if null else [])] if actions else [None]
    names = tuple(column.name for column in own)
    return ForeignKey(
        f"{name.name}_{own[0].name}_fkey",
        names,
        target.name,
        target.primary_key,
        ondelete=draw(st.sampled_from(choices)),
        onupdate=draw(st.sampled_from(choices)),
    )


def _uniques(draw: DrawFn, name: str, plain: list[Column], keys: list[ForeignKey]) -> list[Unique]:
    fit = [column.name for column in plain if column.type.kind not in (Kind.JSON, Kind.ARRAY)]
    found = []
    if fit and draw(st.integers(0, 2)) == 2:
        found.append(Unique(f"{name}_own_key", (draw(st.sampled_from(fit)),)))
    if keys and draw(st.integers(0, 3)) == 3:
        found.append(Unique(f"{name}_ref_key", keys[0].columns))
    return found


def _junction(draw: DrawFn, tables: list[Table], actions: bool) -> Table:
    name = TableName(SCHEMA, "links")
    columns, keys = list[Column](), list[ForeignKey]()
    for side, target in zip("ab", (tables[0], draw(st.sampled_from(tables[1:]))), strict=True):
        own = [replace(target.columns[each], name=f"{side}_{each}") for each in target.primary_key]
        columns += own
        keys.append(_foreign(draw, name, own, target, False, actions))
    primary = tuple(column.name for column in columns)
    return Table(name, _named([*columns, Column("note", TEXT)]), primary, foreign_keys=tuple(keys))


def _keyless(draw: DrawFn, tables: list[Table]) -> Table:
    columns, keys = [_column(draw, f"c{place}") for place in range(3)], list[ForeignKey]()
    table = Table(TableName(SCHEMA, "heap"), {})
    _refer(draw, table, columns, keys, tables[0], False)
    return replace(table, columns=_named(columns), foreign_keys=tuple(keys))


# ---------------------------------------------------------------- rows


def key_value(type_: DataType, number: int) -> Any:
    """The key value number `number`: few, so that they meet."""
    match type_.kind:
        case Kind.TEXT:
            return f"{'Kk'[number % 2]}{number // 2}"
        case Kind.UUID:
            return UIDS[number] if number < len(UIDS) else f"00000000-0000-0000-0000-0000000001{number:02}"
        case Kind.DATE:
            return f"2024-01-{number + 1:02}"
        case _:
            return number


def key_columns(table: Table) -> dict[str, str]:
    """The columns that identify or refer, each with its group: columns of one group share a number."""
    found = {name: name for name in table.primary_key}
    found.update({name: key.name for key in table.foreign_keys for name in key.columns})
    return found


def row(draw: DrawFn, table: Table, numbers: int = 9) -> Row:
    """A row that the columns accept; its keys need not fit what is stored."""
    grouped: dict[str, int] = {}
    found: Row = {}
    for column in table.columns.values():
        group = key_columns(table).get(column.name)
        if group is not None and group not in grouped:
            grouped[group] = draw(st.integers(0, numbers))
        if column.nullable and draw(st.integers(0, 5)) == 5:
            found[column.name] = None
        elif group is not None:
            found[column.name] = key_value(column.type, grouped[group])
        else:
            found[column.name] = value(draw, column.type)
    return found


def _rows(draw: DrawFn, catalog: Catalog) -> Mapping[TableName, tuple[Row, ...]]:
    stored: dict[TableName, list[Row]] = {table.name: [] for table in catalog.tables.values() if not table.view}
    for table in (catalog.tables[name] for name in stored):
        for _ in range(draw(st.integers(2, 6))):
            candidate = _fitted(draw, table, stored)
            if candidate is not None:
                stored[table.name].append(candidate)
    return {name: tuple(rows) for name, rows in stored.items()}


def _fitted(draw: DrawFn, table: Table, stored: Mapping[TableName, list[Row]]) -> Row | None:
    """A row whose references exist and whose keys are free, or None."""
    candidate = row(draw, table)
    for key in table.foreign_keys:
        parents = stored[key.target]
        if parents and draw(st.integers(0, 4)) < 4:
            parent = draw(st.sampled_from(parents))
            candidate.update({own: parent[other] for own, other in zip(key.columns, key.target_columns, strict=True)})
        elif all(table.columns[name].nullable for name in key.columns):
            candidate.update(dict.fromkeys(key.columns))
        else:
            return None
    return candidate if _free(table, candidate, stored[table.name]) else None


def canonical(table: Table, raw: Mapping[str, Any]) -> Row:
    """The row in canonical values."""
    return {name: from_json(table.columns[name].type, item) for name, item in raw.items()}


def _free(table: Table, candidate: Row, others: list[Row]) -> bool:
    own = canonical(table, candidate)
    return not any(
        key_of(own, key) is not None and key_of(own, key) == key_of(canonical(table, other), key)
        for key in table.unique_keys()
        for other in others
    )
