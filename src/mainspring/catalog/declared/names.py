"""Names: PostgreSQL's for constraints that have none, and a check that every engine can hold all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from mainspring.catalog.declared.source import DEFAULT_SCHEMA, Source, Unfit
from mainspring.catalog.model import Exclusion, Index, SqlIndex, Table, Unique
from mainspring.catalog.system import RESERVED_SCHEMAS, SystemBase
from mainspring.datatypes import Kind

# PostgreSQL cuts longer names without a word.
LONGEST = 63


class Names:
    """The constraint names of one kind on one table."""

    def __init__(self, table: str) -> None:
        self._table = table
        self._taken: set[str] = set()

    def take(self, given: object, columns: Iterable[str], label: str) -> str:
        """The name given, or `table_columns_label` as PostgreSQL would make it, numbered when it is taken."""
        name = str(given) if isinstance(given, str) else object_name(self._table, "_".join(columns), label)
        number = 0
        while name in self._taken:
            number += 1
            name = object_name(self._table, "_".join(columns), f"{label}{number}")
        self._taken.add(name)
        return name


def object_name(table: str, columns: str, label: str) -> str:
    """`table_columns_label`, the longer of the first two cut until the whole fits."""
    parts = [part for part in (table, columns) if part]
    while len("_".join((*parts, label)).encode()) > LONGEST:
        longest = max(range(len(parts)), key=lambda place: len(parts[place].encode()))
        parts[longest] = parts[longest][:-1]
    return "_".join((*parts, label))


def check_names(tables: list[Table], source: Source) -> None:
    """Note as mistakes: reserved and overlong names, and names that some engine could not tell apart."""
    own = {str(table.fullname) for table in SystemBase.metadata.tables.values()}
    for table in tables:
        for where, unfit in _unfit_names(table, own=f"{table.name.schema}.{table.name.name}" in own):
            source.mistake(where, unfit)
    for where, unfit in (*clashes(tables), *_enum_clashes(tables)):
        source.mistake(where, unfit)


def _unfit_names(table: Table, own: bool) -> Iterator[tuple[str, Unfit]]:
    where, schema = str(table.name), table.name.schema
    if schema in RESERVED_SCHEMAS and not own:
        yield where, Unfit(f'the schema "{schema}" is Mainspring\'s own', "put the table into another schema")
    if schema.startswith("pg_") or schema == "information_schema":
        yield where, Unfit(f'the schema "{schema}" is PostgreSQL\'s own', "put the table into another schema")
    if table.name.name.lower().startswith("sqlite_"):
        yield where, Unfit("names that begin with sqlite_ are SQLite's own", "rename the table")
    for name in (schema, table.name.name, *table.columns, *_relation_names(table), *_constraint_names(table)):
        if len(name.encode()) > LONGEST:
            yield where, Unfit(f'the name "{name}" is longer than {LONGEST} bytes', "shorten it")
        if not name or "\x00" in name:
            yield (
                where,
                Unfit(f"the name {name!r} is not one", "a name has at least one character and no NUL"),
            )
    yield from _column_clashes(table)


def _column_clashes(table: Table) -> Iterator[tuple[str, Unfit]]:
    seen: dict[str, str] = {}
    for name in table.columns:
        other = seen.setdefault(name.lower(), name)
        if other != name:
            problem = f'the columns "{other}" and "{name}" differ in case only, which SQLite cannot tell apart'
            yield str(table.name), Unfit(problem, "rename one")


def _relation_names(table: Table) -> tuple[str, ...]:
    """The names that share a namespace with tables."""
    found: tuple[Unique | Index | SqlIndex | Exclusion, ...] = (
        *table.uniques,
        *table.indexes,
        *table.sql_indexes,
        *table.exclusions,
    )
    return tuple(each.name for each in found)


def _constraint_names(table: Table) -> tuple[str, ...]:
    return (*(check.name for check in table.checks), *(key.name for key in table.foreign_keys))


def flat_name(schema: str, name: str) -> str:
    """The name of a table or index where an engine has no schemas."""
    return name if schema == DEFAULT_SCHEMA else f"{schema}_{name}"


def clashes(tables: Iterable[Table], *, folded: bool = False) -> Iterator[tuple[str, Unfit]]:
    """Names given twice: tables, unique keys and indexes share one namespace, with schemas as prefixes.

    `folded`: names that differ in case only are the same.
    """
    seen: dict[str, str] = {}
    for table in tables:
        for name in (flat_name(table.name.schema, each) for each in (table.name.name, *_relation_names(table))):
            key = name.lower() if folded else name
            other = seen.get(key)
            if other is not None:
                yield (
                    str(table.name),
                    Unfit(f'the name "{name}" is already used by {other}', "rename one of the two"),
                )
            seen[key] = str(table.name)


def _enum_clashes(tables: list[Table]) -> Iterator[tuple[str, Unfit]]:
    """An enum is a type of the database: one name, one list of values, and no table of that name."""
    taken = {table.name.name for table in tables}
    values: dict[str, tuple[str, ...]] = {}
    for table in tables:
        for column in table.columns.values():
            type_ = column.type.item if column.type.item else column.type
            if type_.kind is not Kind.ENUM or type_.name is None:
                continue
            where = f"{table.name}.{column.name}"
            if values.setdefault(type_.name, type_.values) != type_.values:
                yield (
                    where,
                    Unfit(f'two enums are named "{type_.name}" and differ', "give one of them a name="),
                )
            if type_.name in taken:
                yield where, Unfit(f'the enum "{type_.name}" has the name of a table', "give it a name=")
