"""Relations of a database's tables and views: along foreign keys, through junctions, and computed by functions."""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mainspring.catalog.model import Cardinality, ForeignKey, Junction, Relation, Table
from mainspring.engines.postgres.introspect.views import View
from mainspring.query.ast import TableName


@dataclass(frozen=True, slots=True)
class Key:
    """A foreign key of `table`; `single`: its columns are a unique key themselves."""

    table: TableName
    key: ForeignKey
    single: bool


@dataclass(frozen=True, slots=True)
class _Way:
    """A foreign key as it is seen from a table or a view to a table or a view."""

    name: str
    source: TableName
    target: TableName
    columns: tuple[str, ...]
    target_columns: tuple[str, ...]
    single: bool


def relations(
    tables: Mapping[TableName, Table],
    exposed: Container[TableName],
    keys: Sequence[Key],
    shown: Sequence[View],
    functions: Sequence[Relation],
) -> Mapping[TableName, tuple[Relation, ...]]:
    """The ways out of every table and view; a junction counts only where it is exposed itself."""
    ways = [way for key in keys for way in _ways(key, shown)]
    found = [*_through(ways, tables), *map(_backward, ways), *map(_forward, ways)]
    overruled = {(each.source, each.name) for each in functions}
    gathered: dict[TableName, list[Relation]] = {}
    for relation in found:
        if relation.junction is not None and relation.junction.table not in exposed:
            continue
        if (relation.source, relation.target.name) not in overruled:
            gathered.setdefault(relation.source, []).append(relation)
    for relation in functions:
        gathered.setdefault(relation.source, []).append(relation)
    return {name: tuple(dict.fromkeys(each)) for name, each in gathered.items()}


def _ways(key: Key, shown: Sequence[View]) -> Iterator[_Way]:
    """A key between tables, and between the views that show all of its columns."""
    near: list[tuple[TableName, tuple[str, ...]]] = [(key.table, key.key.columns)]
    near += [(view.name, columns) for view in shown for columns in view.ways(key.table, key.key.columns)]
    far: list[tuple[TableName, tuple[str, ...]]] = [(key.key.target, key.key.target_columns)]
    far += [(view.name, columns) for view in shown for columns in view.ways(key.key.target, key.key.target_columns)]
    for source, columns in near:
        for target, target_columns in far:
            yield _Way(key.key.name, source, target, columns, target_columns, key.single)


def _forward(way: _Way) -> Relation:
    cardinality = Cardinality.ONE_TO_ONE if way.single else Cardinality.MANY_TO_ONE
    return Relation(way.name, way.source, way.target, cardinality, way.columns, way.target_columns)


def _backward(way: _Way) -> Relation:
    cardinality = Cardinality.ONE_TO_ONE if way.single else Cardinality.ONE_TO_MANY
    return Relation(way.name, way.target, way.source, cardinality, way.target_columns, way.columns)


def _through(ways: Iterable[_Way], tables: Mapping[TableName, Table]) -> Iterator[Relation]:
    """Junctions: tables (or views) with two foreign keys whose columns are all part of the primary key."""
    by_source: dict[TableName, list[_Way]] = {}
    for way in ways:
        if not way.single:
            by_source.setdefault(way.source, []).append(way)
    for junction, out in by_source.items():
        key = set(tables[junction].primary_key) if junction in tables else set()
        for left in out:
            for right in out:
                if left.name != right.name and key >= {*left.columns, *right.columns}:
                    yield _junction(left, right)


def _junction(left: _Way, right: _Way) -> Relation:
    return Relation(
        left.source.name,
        left.target,
        right.target,
        Cardinality.MANY_TO_MANY,
        left.target_columns,
        right.target_columns,
        Junction(left.source, left.columns, right.columns, left.name, right.name),
    )


def computed(facts: Mapping[str, Any]) -> Relation:
    """A function from a row of one table to rows of another."""
    cardinality = Cardinality.MANY_TO_ONE if facts["single"] else Cardinality.ONE_TO_MANY
    return Relation(
        facts["name"],
        TableName(facts["source_schema"], facts["source"]),
        TableName(facts["target_schema"], facts["target"]),
        cardinality,
        (),
        (),
        function=TableName(facts["schema"], facts["name"]),
    )
