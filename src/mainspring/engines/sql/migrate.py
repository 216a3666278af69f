"""What creating a schema has in common on SQL databases: order, keys, indexes, and what may be added later.

Pure: catalog in, statements out. The spelling is each engine's `ddl`; nothing here ever drops or rewrites.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from itertools import zip_longest
from typing import Any, Protocol

from mainspring.catalog.model import Catalog, Check, Column, Definition, ForeignKey, Index, SqlIndex, Table
from mainspring.catalog.pieces import mentions
from mainspring.datatypes import from_json
from mainspring.errors import ConfigError, Mistake
from mainspring.query.ast import Const, TableName

LONGEST_NAME = 63


class Names(Protocol):
    """An engine's `names` module; `INDEX_METHODS`: indexes are of several kinds, with operator classes and columns included."""

    INDEX_METHODS: bool

    def quote(self, identifier: str, /) -> str:
        """An identifier, quoted."""
        ...

    def table(self, name: TableName, /) -> str:
        """A table's name, quoted."""
        ...

    def index(self, name: TableName, own: str, /) -> str:
        """The name of one of a table's indexes, quoted."""
        ...


class Refused(Exception):
    """A piece of the catalog that the database cannot hold: the problem and how to mend it."""

    def __init__(self, problem: str, hint: str) -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint


class Draft:
    """Statements in the making: what is refused becomes a mistake, and all are raised together."""

    def __init__(self) -> None:
        self._mistakes: list[Mistake] = []

    def attempt(self, where: str, make: Callable[[], str]) -> str:
        """What `make` makes, or nothing (with a mistake noted)."""
        try:
            return make()
        except Refused as refused:
            self.refuse(where, refused.problem, refused.hint)
            return ""

    def refuse(self, where: str, problem: str, hint: str | None) -> None:
        """Note a mistake."""
        self._mistakes.append(Mistake(where, problem, hint))

    def done(self) -> None:
        """Raises ConfigError when anything was refused."""
        if self._mistakes:
            raise ConfigError(tuple(self._mistakes))


# ---------------------------------------------------------------- order


def new_tables(catalog: Catalog, existing: Collection[TableName]) -> list[Table]:
    """The tables that are not there yet, each after those it refers to as far as cycles allow."""
    ordered: dict[TableName, Table] = {}

    def visit(name: TableName, waiting: frozenset[TableName]) -> None:
        if name in ordered or name in waiting or name in existing or name not in catalog.tables:
            return
        for key in catalog.tables[name].foreign_keys:
            visit(key.target, waiting | {name})
        if catalog.tables[name].definition is None:
            ordered[name] = catalog.tables[name]

    for name in catalog.tables:
        visit(name, frozenset())
    views = [table.name for table in ordered.values() if table.view]
    if views:
        cure = "create it in the database itself"
        raise ConfigError([Mistake(str(name), "the view does not exist", cure) for name in views])
    return list(ordered.values())


# ---------------------------------------------------------------- views


def views(catalog: Catalog) -> list[tuple[Table, Definition]]:
    """The views to be made, in the order in which they were declared."""
    return [(table, table.definition) for table in catalog.tables.values() if table.definition is not None]


def check_view(table: Table, columns: Collection[str]) -> None:
    """Raises ConfigError where a view lacks columns of its model."""
    missing = [name for name in table.columns if name not in columns]
    if missing:
        cure = "select it under this name, with label() in a select()"
        raise ConfigError([Mistake(f"{table.name}.{name}", "the view has no such column", cure) for name in missing])


# ---------------------------------------------------------------- keys and indexes


def listed(columns: Iterable[str], names: Names) -> str:
    """Columns, quoted, with commas between."""
    return ", ".join(names.quote(column) for column in columns)


def references(key: ForeignKey, names: Names) -> str:
    """A foreign key's REFERENCES clause."""
    actions = (("DELETE", key.ondelete), ("UPDATE", key.onupdate))
    tail = "".join(f" ON {event} {action}" for event, action in actions if action)
    return f"REFERENCES {names.table(key.target)} ({listed(key.target_columns, names)}){tail}"


def foreign_key(key: ForeignKey, names: Names) -> str:
    """A foreign key as a table constraint."""
    columns = listed(key.columns, names)
    return f"CONSTRAINT {names.quote(key.name)} FOREIGN KEY ({columns}) {references(key, names)}"


def constraints(table: Table, names: Names) -> Iterator[str]:
    """Unique and check constraints as table constraints."""
    for unique in table.uniques:
        yield f"CONSTRAINT {names.quote(unique.name)} UNIQUE ({listed(unique.columns, names)})"
    for own in table.checks:
        yield check(own, names)


def indexes(table: Table) -> tuple[Index, ...]:
    """The table's indexes, and one for each foreign key that none leads with: embeds search by it."""
    leading = [*table.unique_keys(), *(index.columns for index in table.indexes)]
    found = list(table.indexes)
    for key in table.foreign_keys:
        if not any(columns[: len(key.columns)] == key.columns for columns in leading):
            found.append(Index(_index_name(table, key), key.columns))
            leading.append(key.columns)
    return tuple(found)


def _index_name(table: Table, key: ForeignKey) -> str:
    name = key.name.removesuffix("_fkey")
    name = name if name.startswith(table.name.name) else f"{table.name.name}_{name}"
    return name.encode()[: LONGEST_NAME - len("_idx")].decode(errors="ignore") + "_idx"


def create_index(table: Table, index: Index, names: Names) -> str:
    """CREATE INDEX; it may stand already."""
    parts = [(names.quote(name), name in index.descending) for name in index.columns]
    return _create_index(table, index, parts, names)


def create_indexes(table: Table, names: Names) -> list[str]:
    """CREATE INDEX for every index of a new table that the database can have."""
    plain = [create_index(table, index, names) for index in indexes(table)]
    return plain + [create_sql_index(table, index, names) for index in table.sql_indexes if _can_have(index, names)]


def create_sql_index(table: Table, index: SqlIndex, names: Names) -> str:
    """CREATE INDEX of the author's own parts; it may stand already."""
    parts = [(part.removesuffix(" DESC"), part.endswith(" DESC")) for part in index.parts]
    return _create_index(table, index, parts, names)


def _can_have(index: SqlIndex, names: Names) -> bool:
    """An index of another kind only makes some searches fast."""
    return index.method is None or names.INDEX_METHODS


def _create_index(table: Table, index: Index | SqlIndex, parts: Iterable[tuple[str, bool]], names: Names) -> str:
    own = index if isinstance(index, SqlIndex) else SqlIndex(index.name, ())
    classes = index.classes if names.INDEX_METHODS else ()
    over = ", ".join(
        f"{part}{f' {own_class}' if own_class else ''}{' DESC' if falls else ''}"
        for (part, falls), own_class in zip_longest(parts, classes)
    )
    using = f" USING {names.quote(own.method)}" if own.method else ""
    include = f" INCLUDE ({listed(index.include, names)})" if index.include and names.INDEX_METHODS else ""
    where = "" if own.where is None else f" WHERE {own.where}"
    kind = "UNIQUE INDEX" if index.unique else "INDEX"
    place = f"{names.table(table.name)}{using} ({over}){include}{where}"
    return f"CREATE {kind} IF NOT EXISTS {names.index(table.name, index.name)} ON {place}"


# ---------------------------------------------------------------- additions to what stands


def additions(
    catalog: Catalog, existing_columns: Mapping[TableName, Collection[str]]
) -> Iterator[tuple[Table, tuple[Column, ...]]]:
    """The tables that stand but lack columns, with those columns."""
    for name, present in existing_columns.items():
        table = catalog.tables.get(name)
        if table is not None and table.view:
            continue
        missing = tuple(column for column in table.columns.values() if column.name not in present) if table else ()
        if table and missing:
            yield table, missing


def check_addition(table: Table, column: Column) -> None:
    """Raises Refused for a column that rows already there could not have."""
    if column.name in table.primary_key:
        raise Refused("a column of the primary key cannot be added later", "migrate the table by hand")
    filled = column.server_default is not None or column.generated is not None or column.autoincrement
    if not column.nullable and not filled and not isinstance(column.default, Const):
        raise Refused(
            "the column is required, and rows already there would have no value for it",
            "make it nullable, give it a constant default, or add it to the database by hand",
        )
    alone = any(set(key) == {column.name} for key in table.unique_keys())
    if alone and (isinstance(column.default, Const) and not column.nullable):
        raise Refused("the column is unique, and all rows already there would get its default", "make it nullable")


def fill(column: Column) -> Any:
    """The canonical constant that rows already there get in a required column, or None."""
    constant = column.default if isinstance(column.default, Const) else None
    return None if column.nullable or constant is None else from_json(column.type, constant.value)


def new_keys(table: Table, added: Collection[str], names: Names) -> Iterator[str]:
    """CREATE INDEX for the unique keys and indexes in which an added column takes part."""
    for unique in table.uniques:
        if set(unique.columns) & set(added):
            yield create_index(table, Index(unique.name, unique.columns, unique=True), names)
    for index in indexes(table):
        if set(index.columns) & set(added):
            yield create_index(table, index, names)
    for own in table.sql_indexes:
        if _can_have(own, names) and about((*own.parts, *own.include, own.where or ""), added):
            yield create_sql_index(table, own, names)


def new_checks(table: Table, added: Collection[str]) -> list[Check]:
    """The checks in which an added column takes part. The database looks at the rows already there."""
    return [own for own in table.checks if about((own.sql,), added)]


def about(texts: Iterable[str], columns: Iterable[str]) -> bool:
    """Whether SQL of the author's own names one of the columns, which minds no case outside quotes."""
    return any(mentions(text.lower(), name.lower()) for text in texts for name in columns)


def check(own: Check, names: Names) -> str:
    """A check as a constraint of a table or column."""
    return f"CONSTRAINT {names.quote(own.name)} CHECK ({own.sql})"
