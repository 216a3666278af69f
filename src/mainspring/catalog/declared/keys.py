"""A model's keys, constraints and indexes, each with the name it has in every database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, TypeVar

import sqlalchemy as sa

from mainspring.catalog.declared.defaults import sql_text
from mainspring.catalog.declared.indexes import as_sql, is_key, operator_classes
from mainspring.catalog.declared.names import Names
from mainspring.catalog.declared.source import Source, Unfit, table_name
from mainspring.catalog.model import Check, Exclusion, ForeignKey, Unique

_ACTIONS = ("CASCADE", "SET NULL", "SET DEFAULT", "RESTRICT", "NO ACTION")


def read_primary_key(table: sa.Table) -> tuple[str, ...]:
    """The primary key's columns; none is allowed."""
    return _names(table.primary_key.columns)


def read_uniques(table: sa.Table, source: Source) -> tuple[Unique, ...]:
    """The unique constraints. Constraints of kinds that are not served become mistakes."""
    for other in table.constraints:
        if not isinstance(other, _SERVED) and not _excludes(other):
            unfit = Unfit(f"a {type(other).__name__} is not served", "use a unique, check or foreign key constraint")
            source.mistake(source.where(table), unfit)
    names = Names(str(table.name))
    found = [constraint for constraint in table.constraints if isinstance(constraint, sa.UniqueConstraint)]
    return tuple(
        Unique(names.take(constraint.name, _names(constraint.columns), "key"), _names(constraint.columns))
        for constraint in _ordered(table, found)
    )


_SERVED = (sa.PrimaryKeyConstraint, sa.UniqueConstraint, sa.CheckConstraint, sa.ForeignKeyConstraint)


def _excludes(constraint: sa.Constraint) -> bool:
    return constraint.__visit_name__ == "exclude_constraint"  # by name: importing the dialect costs a tenth of the start


def read_exclusions(table: sa.Table, source: Source) -> tuple[Exclusion, ...]:
    """The exclusion constraints."""
    found: list[Exclusion] = []
    for constraint in table.constraints:
        try:
            found += [_exclusion(constraint)] if _excludes(constraint) else []
        except Unfit as unfit:
            source.mistake(source.where(table), unfit)
    return tuple(sorted(found, key=lambda each: each.name))


def _exclusion(constraint: Any) -> Exclusion:
    if not isinstance(constraint.name, str):
        raise Unfit("an exclusion constraint has no name", "give it one: name=")
    if constraint.deferrable or constraint.initially:
        raise Unfit("an exclusion constraint that waits is not served", "leave deferrable and initially out")
    parts, _, operators = zip(*constraint._render_exprs, strict=True)
    classes = operator_classes(parts, constraint.ops) or ("",) * len(parts)
    written = [f"{as_sql(part)} {own}".strip() for part, own in zip(parts, classes, strict=True)]
    where = None if constraint.where is None else sql_text(constraint.where)
    return Exclusion(constraint.name, tuple(zip(written, operators, strict=True)), constraint.using, where)


def read_checks(table: sa.Table, source: Source) -> tuple[Check, ...]:
    """The check constraints that the author wrote (not those SQLAlchemy makes for booleans and enums)."""
    names = Names(str(table.name))
    found: list[Check] = []
    for columns, check in _written_checks(table):
        try:
            found.append(
                Check(
                    names.take(check.name, columns if len(columns) == 1 else (), "check"),
                    sql_text(check.sqltext),
                )
            )
        except Unfit as unfit:
            source.mistake(source.where(table), unfit)
    return tuple(found)


def _written_checks(table: sa.Table) -> Iterator[tuple[tuple[str, ...], sa.CheckConstraint]]:
    """The checks with the columns they are about: those written on a column, then the table's."""
    for column in table.columns:
        own = [check for check in column.constraints if isinstance(check, sa.CheckConstraint)]
        yield from (((str(column.name),), check) for check in sorted(own, key=_check_order))
    whole = [check for check in table.constraints if isinstance(check, sa.CheckConstraint) and not check._type_bound]
    yield from ((_names(check.columns), check) for check in sorted(whole, key=_check_order))


def _check_order(check: sa.CheckConstraint) -> tuple[str, str]:
    return str(check.sqltext), str(check.name)


def read_foreign_keys(table: sa.Table, source: Source) -> tuple[ForeignKey, ...]:
    """The foreign keys, in the order of their columns."""
    names = Names(str(table.name))
    found: list[ForeignKey] = []
    for constraint in _ordered(table, table.foreign_key_constraints):
        targets = [target for key in constraint.elements if (target := source.target(key)) is not None]
        if len(targets) < len(constraint.elements):
            continue
        try:
            found.append(_foreign_key(constraint, targets, names))
        except Unfit as unfit:
            source.mistake(source.where(table, constraint.elements[0].parent), unfit)
    return tuple(found)


def _foreign_key(constraint: sa.ForeignKeyConstraint, targets: list[sa.Column[Any]], names: Names) -> ForeignKey:
    columns = _names(element.parent for element in constraint.elements)
    target, target_columns = targets[0].table, _names(targets)
    assert isinstance(target, sa.Table)
    if not _identifies(target, target_columns):
        place = f"{target.fullname} ({', '.join(target_columns)})"
        raise Unfit(
            f"the foreign key refers to {place}, which is no unique key",
            "refer to the primary key, or make those columns unique",
        )
    return ForeignKey(
        name=names.take(constraint.name, columns, "fkey"),
        columns=columns,
        target=table_name(target),
        target_columns=target_columns,
        ondelete=_action("ondelete", constraint.ondelete),
        onupdate=_action("onupdate", constraint.onupdate),
    )


def _identifies(table: sa.Table, columns: tuple[str, ...]) -> bool:
    keys = [_names(key.columns) for key in table.constraints if isinstance(key, sa.PrimaryKeyConstraint | sa.UniqueConstraint)]
    keys += [_names(index.columns) for index in table.indexes if is_key(index)]
    return any(sorted(key) == sorted(columns) for key in keys)


def _action(which: str, action: str | None) -> str | None:
    if action is None or action.upper() in _ACTIONS:
        return action.upper() if action else None
    raise Unfit(f"{which}={action!r} is not served", f"one of {', '.join(_ACTIONS)}")


def _names(columns: Iterable[Any]) -> tuple[str, ...]:
    return tuple(str(column.name) for column in columns)


def _positions(table: sa.Table, columns: Iterable[Any]) -> tuple[int, ...]:
    places = {column: place for place, column in enumerate(table.columns)}
    return tuple(places[column] for column in columns)


Constraint = TypeVar("Constraint", sa.ForeignKeyConstraint, sa.UniqueConstraint)


def _ordered(table: sa.Table, constraints: Iterable[Constraint]) -> list[Constraint]:
    """A set of constraints in a stable order: by their columns' places, then by name."""
    return sorted(constraints, key=lambda item: (_positions(table, item.columns), str(item.name)))
