"""Relations: what can be embedded where, from the foreign keys alone, and which of them a request means.

The rules are PostgREST's. It knows no privileges: a caller's view comes in as `visible`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import permutations

from mainspring.catalog.model import Cardinality, Catalog, ForeignKey, Junction, Relation, Table
from mainspring.catalog.names import nearest
from mainspring.errors import Candidate, RelationAmbiguous, RelationUnknown
from mainspring.query.ast import TableName

Visible = Callable[[TableName], bool]


# ---------------------------------------------------------------- from keys to relations


def relations(tables: Mapping[TableName, Table]) -> Mapping[TableName, tuple[Relation, ...]]:
    """The ways out of every table: to its referrers, along its foreign keys, through junctions."""
    forward = [_forward(table, key) for table in tables.values() for key in table.foreign_keys if key.target in tables]
    found = [_inverse(relation) for relation in forward] + forward
    found += [relation for table in tables.values() for relation in _through(table, tables)]
    gathered: dict[TableName, list[Relation]] = {name: [] for name in tables}
    for relation in found:
        gathered[relation.source].append(relation)
    return {name: tuple(ways) for name, ways in gathered.items()}


def _forward(table: Table, key: ForeignKey) -> Relation:
    single = any(set(unique) == set(key.columns) for unique in table.unique_keys())
    cardinality = Cardinality.ONE_TO_ONE if single else Cardinality.MANY_TO_ONE
    return Relation(key.name, table.name, key.target, cardinality, key.columns, key.target_columns)


def _inverse(relation: Relation) -> Relation:
    single = relation.cardinality is Cardinality.ONE_TO_ONE
    return Relation(
        name=relation.name,
        source=relation.target,
        target=relation.source,
        cardinality=Cardinality.ONE_TO_ONE if single else Cardinality.ONE_TO_MANY,
        columns=relation.target_columns,
        target_columns=relation.columns,
    )


def _through(table: Table, tables: Mapping[TableName, Table]) -> Iterator[Relation]:
    """A junction's relations: ordered pairs of foreign keys whose columns are part of its primary key."""
    keys = [
        key
        for key in table.foreign_keys
        if key.target in tables
        and set(key.columns) <= set(table.primary_key)
        and _forward(table, key).cardinality is Cardinality.MANY_TO_ONE
    ]
    for left, right in permutations(keys, 2):
        yield Relation(
            name=table.name.name,
            source=left.target,
            target=right.target,
            cardinality=Cardinality.MANY_TO_MANY,
            columns=left.target_columns,
            target_columns=right.target_columns,
            junction=Junction(table.name, left.columns, right.columns, left.name, right.name),
        )


# ---------------------------------------------------------------- from a request to one relation


def resolve(
    catalog: Catalog, source: TableName, target: str, hint: str | None, visible: Visible, *, abroad: bool = False
) -> Relation:
    """The relation that `target!hint` means when it is embedded in `source`.

    `target` is a table, a foreign key constraint or a foreign key column; `hint` is a constraint, a column of
    either side or a junction. Only the source's schema is searched, and `abroad` the others where it holds none; what is not
    visible does not exist. Raises RelationUnknown, or RelationAmbiguous with the candidates.
    """
    near, far = _within_reach(catalog, source, visible)
    reachable = near + far if abroad else near
    found = [relation for relation in near if _meant(catalog, relation, target, hint)]
    if not found and abroad:
        found = [relation for relation in far if _meant(catalog, relation, target, hint)]
    if not found:
        known = {relation.target.name for relation in reachable}
        suggestion = None if target in known else nearest(target, sorted(known), least=0.5)
        raise RelationUnknown(source.schema, source.name, target, hint, suggestion)
    if len(found) > 1:
        raise RelationAmbiguous(source.name, target, tuple(_candidate(relation) for relation in found))
    return found[0]


def _within_reach(catalog: Catalog, source: TableName, visible: Visible) -> tuple[list[Relation], list[Relation]]:
    """The visible ways out of a table: those inside its schema, those that leave it."""
    near, far = list[Relation](), list[Relation]()
    for relation in catalog.relations.get(source, ()):
        junction = relation.junction
        if visible(relation.target) and (junction is None or visible(junction.table)):
            (near if relation.target.schema == source.schema else far).append(relation)
    return near, far


def _meant(catalog: Catalog, relation: Relation, target: str, hint: str | None) -> bool:
    if relation.function is not None:
        return target == relation.function.name
    if relation.source == relation.target:
        return _meant_of_self(catalog, relation, target, hint)
    if hint is None:
        by_key = _is_key(relation, target) or (target,) == _own_columns(relation)
        return target == relation.target.name or (by_key and not _is_view(catalog, relation.target))
    return target == relation.target.name and (
        _is_key(relation, hint)
        or (hint,) in (_own_columns(relation), _other_columns(relation))
        or (relation.junction is not None and relation.junction.table.name == hint)
    )


def _meant_of_self(catalog: Catalog, relation: Relation, target: str, hint: str | None) -> bool:
    """A table that refers to itself: its name leads to the referrers, the column or constraint to its target.

    No name tells the directions of its many-to-many relations with itself apart; nest the junction instead.
    """
    if relation.junction:
        return False
    if _is_forward(catalog, relation):
        return hint is None and (_is_key(relation, target) or (target,) == relation.columns)
    named = target == relation.target.name
    return named and (hint is None or _is_key(relation, hint) or (hint,) == relation.target_columns)


def _is_view(catalog: Catalog, name: TableName) -> bool:
    """A view has no keys of its own, so that none of them names it."""
    table = catalog.tables.get(name)
    return table is not None and table.view


def _is_forward(catalog: Catalog, relation: Relation) -> bool:
    if relation.cardinality is not Cardinality.ONE_TO_ONE:
        return relation.cardinality is Cardinality.MANY_TO_ONE
    keys = catalog.tables[relation.source].foreign_keys
    return any(key.name == relation.name and key.columns == relation.columns for key in keys)


def _is_key(relation: Relation, name: str) -> bool:
    return relation.junction is None and relation.name == name


def _own_columns(relation: Relation) -> tuple[str, ...]:
    return () if relation.junction else relation.columns


def _other_columns(relation: Relation) -> tuple[str, ...]:
    return () if relation.junction else relation.target_columns


def _candidate(relation: Relation) -> Candidate:
    source, target = relation.source.name, relation.target.name
    junction = relation.junction
    if junction:
        left = f"{junction.source_key}({', '.join(junction.source_columns)})"
        right = f"{junction.target_key}({', '.join(junction.target_columns)})"
    else:
        left = f"{source}({', '.join(relation.columns)})"
        right = f"{target}({', '.join(relation.target_columns)})"
    return Candidate(
        cardinality=relation.cardinality.value,
        relationship=f"{relation.name} using {left} and {right}",
        embedding=f"{source} with {target}",
        hint=f"{target}!{relation.name}",
    )
