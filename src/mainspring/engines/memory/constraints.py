"""What the schema demands of rows after a statement: not null, unique keys, foreign keys and their actions.

Check constraints and indexes in SQL are the model author's own text and are not evaluated here. Knows no plan and no condition.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from mainspring.catalog.model import Catalog, Column, ForeignKey, Table
from mainspring.engines.memory.store import Draft, Row, key_of
from mainspring.errors import ConfigError, ForeignKeyViolated, Mistake, NotNullViolated, UniqueViolated
from mainspring.query.ast import TableName

ServerDefault = Callable[[Draft, Table, Column], object]


def enforce(draft: Draft, server_default: ServerDefault) -> None:
    """Carry out foreign key actions, then check every constraint that the statement may have broken.

    Raises NotNullViolated, UniqueViolated or ForeignKeyViolated.
    """
    _rows_alone(draft)
    _follow(draft, server_default)
    _rows_alone(draft)
    for name, numbers in draft.touched.items():
        for number in numbers:
            _references(draft, draft.catalog.tables[name], draft.rows(name)[number])


def _rows_alone(draft: Draft) -> None:
    """What databases check while rows are written: before foreign keys, and again for rows that those changed."""
    for name, numbers in draft.touched.items():
        table = draft.catalog.tables[name]
        for number in numbers:
            not_null(table, draft.rows(name)[number])
        unique(draft, table, numbers)


def not_null(table: Table, row: Row) -> None:
    """Raises NotNullViolated for a row that lacks what its table requires."""
    for column in table.columns.values():
        required = not column.nullable or column.name in table.primary_key
        if required and row[column.name] is None and not _computed(column):
            raise NotNullViolated(table=table.name.name, columns=(column.name,))


def _computed(column: Column) -> bool:
    return column.generated is not None and not column.autoincrement


def named_keys(table: Table) -> list[tuple[str, tuple[str, ...]]]:
    """Every unique key with the name under which a violation is reported, the primary key first."""
    keys = [(f"{table.name.name}_pkey", table.primary_key)] if table.primary_key else []
    keys += [(unique.name, unique.columns) for unique in table.uniques]
    return keys + [(index.name, index.columns) for index in table.indexes if index.unique]


def unique(draft: Draft, table: Table, numbers: Iterable[int]) -> None:
    """Every key of the rows written is theirs alone; the first row written that shares one is named, as on a database."""
    keys = named_keys(table)
    taken: dict[tuple[str, tuple[object, ...]], int] = {}
    for number, row in draft.rows(table.name).items():
        if number not in draft.touched[table.name]:
            taken.update(dict.fromkeys(_keys_of(row, keys), number))
    for number in numbers:
        for name, key in _keys_of(draft.rows(table.name)[number], keys):
            if (name, key) in taken:
                raise UniqueViolated(table=table.name.name, constraint=name, columns=dict(keys)[name])
            taken[name, key] = number


def _keys_of(row: Row, keys: list[tuple[str, tuple[str, ...]]]) -> Iterator[tuple[str, tuple[object, ...]]]:
    for name, columns in keys:
        key = key_of(row, columns)
        if key is not None:
            yield name, key


def _references(draft: Draft, table: Table, row: Row) -> None:
    for foreign in table.foreign_keys:
        key = key_of(row, foreign.columns)
        if key is not None and not _has(draft, foreign.target, foreign.target_columns, key):
            raise _violated(table, foreign)


def _has(draft: Draft, table: TableName, columns: tuple[str, ...], key: tuple[object, ...]) -> bool:
    return any(key_of(row, columns) == key for row in draft.rows(table).values())


def _violated(table: Table, foreign: ForeignKey) -> ForeignKeyViolated:
    return ForeignKeyViolated(table=table.name.name, constraint=foreign.name, columns=foreign.columns)


# ---------------------------------------------------------------- actions


def _follow(draft: Draft, server_default: ServerDefault) -> None:
    """Removed and changed keys, until nothing refers to one that is gone."""
    while draft.removed or draft.replaced:
        removed, draft.removed = draft.removed, {}
        replaced, draft.replaced = draft.replaced, {}
        for name, rows in removed.items():
            for row in rows.values():
                _leave(draft, name, row, None, server_default)
        for name, rows in replaced.items():
            for number, row in rows.items():
                _leave(draft, name, row, draft.rows(name).get(number), server_default)


def _leave(draft: Draft, name: TableName, old: Row, new: Row | None, server_default: ServerDefault) -> None:
    """`old` has gone (or became `new`): what refers to it follows the foreign key's action."""
    for table, foreign in _referring(draft, name):
        key = key_of(old, foreign.target_columns)
        moved = new is not None and key_of(new, foreign.target_columns) == key
        if key is None or moved or _has(draft, name, foreign.target_columns, key):
            continue
        for number, child in list(draft.rows(table.name).items()):
            if key_of(child, foreign.columns) == key:
                _act(draft, table, foreign, number, new, server_default)


def _referring(draft: Draft, target: TableName) -> Iterator[tuple[Table, ForeignKey]]:
    for table in draft.catalog.tables.values():
        for foreign in table.foreign_keys:
            if foreign.target == target:
                yield table, foreign


def _act(
    draft: Draft,
    table: Table,
    foreign: ForeignKey,
    number: int,
    new: Row | None,
    server_default: ServerDefault,
) -> None:
    child = draft.rows(table.name)[number]
    action = (foreign.ondelete if new is None else foreign.onupdate) or "no action"
    match action.lower():
        case "cascade" if new is None:
            draft.remove(table, number)
        case "cascade" if new is not None:
            pairs = zip(foreign.columns, foreign.target_columns, strict=True)
            draft.replace(table, number, {**child, **{column: new[target] for column, target in pairs}})
        case "set null":
            draft.replace(table, number, {**child, **dict.fromkeys(foreign.columns)})
        case "set default":
            defaults = {column: server_default(draft, table, table.columns[column]) for column in foreign.columns}
            draft.replace(table, number, {**child, **defaults})
        case _:
            raise _violated(table, foreign)


# ---------------------------------------------------------------- what is not kept here


def refuse_unkept(catalog: Catalog) -> None:
    """Raises ConfigError for what would make other answers here than in the database that has it."""
    found = [
        Mistake(f"{table.name}.{column.name}", f'the memory engine has no collation "{column.collation}"', _ELSEWHERE)
        for table in catalog.tables.values()
        for column in table.columns.values()
        if column.collation is not None
    ]
    found += [
        Mistake(str(table.name), f"the memory engine has no exclusion constraints, such as {each.name}", _ELSEWHERE)
        for table in catalog.tables.values()
        for each in table.exclusions
    ]
    if found:
        raise ConfigError(found)


_ELSEWHERE = "run it on the database that has it"
