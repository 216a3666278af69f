"""A database that was found, not made: its tables as a catalog like that of models, and what had to be left out. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from mainspring.catalog.declared.defaults import is_now
from mainspring.catalog.model import Catalog, Check, Column, Exclusion, ForeignKey, Relation, SqlIndex, Table
from mainspring.catalog.pieces import mentions, quoted
from mainspring.catalog.relations import relations
from mainspring.datatypes import DataType
from mainspring.query.ast import Now, TableName

LONGEST = 63  # bytes of a name, as everywhere in Mainspring
_UNFIT = "\"'\\"


@dataclass(frozen=True, slots=True)
class Found:
    """What a database holds. `left_out` names what cannot be served, each with the reason, `unsaid` what models cannot say."""

    catalog: Catalog
    left_out: tuple[str, ...] = ()
    unsaid: tuple[str, ...] = ()


def gather(
    tables: Iterable[Table],
    left_out: Sequence[str] = (),
    further: Mapping[TableName, Sequence[Relation]] | None = None,
    unsaid: Iterable[str] = (),
) -> Found:
    """The catalog of `tables` as far as they can be served; `further` are relations that no foreign key tells."""
    missing, silent = list(left_out), list(map(plain, unsaid))
    named = [_servable(table, missing, silent) for table in tables if _fits(table.name.name, str(table.name), missing, set())]
    known = {table.name: table for table in named if table.columns}
    known = {name: replace(table, foreign_keys=_keys(table, known, missing)) for name, table in known.items()}
    found = relations(known)
    ways = {name: (*own, *(further or {}).get(name, ())) for name, own in found.items()}
    return Found(Catalog(known, ways), tuple(missing), tuple(silent))


def _servable(table: Table, missing: list[str], silent: list[str]) -> Table:
    """The table without the columns whose names cannot stand in an answer, and without keys and checks over them."""
    seen: set[str] = set()
    columns = {name: column for name, column in table.columns.items() if _fits(name, f"{table.name}.{name}", missing, seen)}
    if len(columns) == len(table.columns):
        return table
    gone = table.columns.keys() - columns.keys()
    return replace(
        table,
        columns=columns,
        checks=tuple(each for each in table.checks if _fit(table, each, (each.sql,), gone, silent)),
        sql_indexes=tuple(each for each in table.sql_indexes if _fit(table, each, _said(each), gone, silent)),
        exclusions=tuple(each for each in table.exclusions if _fit(table, each, _said(each), gone, silent)),
        primary_key=table.primary_key if columns.keys() >= set(table.primary_key) else (),
        uniques=tuple(unique for unique in table.uniques if columns.keys() >= set(unique.columns)),
        indexes=tuple(index for index in table.indexes if columns.keys() >= {*index.columns, *index.include}),
        foreign_keys=tuple(key for key in table.foreign_keys if columns.keys() >= set(key.columns)),
    )


def _said(each: SqlIndex | Exclusion) -> list[str]:
    """The SQL of an index or exclusion constraint."""
    parts = [*each.parts, *map(quoted, each.include)] if isinstance(each, SqlIndex) else [part for part, _ in each.parts]
    return [*parts, each.where or ""]


def _fit(table: Table, each: Check | SqlIndex | Exclusion, said: Iterable[str], gone: Collection[str], silent: list[str]) -> bool:
    """Whether a check, index or exclusion constraint does without the columns that are `gone`."""
    needed = sorted(name for name in gone if any(mentions(sql, name) for sql in said))
    if needed:
        kind = "check" if isinstance(each, Check) else "index" if isinstance(each, SqlIndex) else "exclusion constraint"
        silent.append(plain(f"{table.name}: its {kind} {each.name} needs the column {needed[0]}"))
    return not needed


def _fits(name: str, where: str, missing: list[str], seen: set[str]) -> bool:
    """Whether every engine could hold the name beside those `seen`, and an answer too."""
    reason = None
    if not name or len(name.encode("utf-8", "surrogatepass")) > LONGEST:
        reason = f"its name is not 1 to {LONGEST} bytes long"
    elif any(character in _UNFIT or not character.isprintable() for character in name):
        reason = "its name holds a quote, a backslash or a control character"
    elif name.lower() in seen:
        reason = "its name differs from another one in case only"
    seen.add(name.lower())
    if reason is not None:
        missing.append(f"{plain(where)}: {reason}")
    return reason is None


def plain(text: str) -> str:
    """A text that any terminal shows."""
    return "".join(each if each.isascii() and each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def _keys(table: Table, known: Mapping[TableName, Table], missing: list[str]) -> tuple[ForeignKey, ...]:
    kept: list[ForeignKey] = []
    for key in table.foreign_keys:
        target = known.get(key.target)
        if target is None or not target.columns.keys() >= set(key.target_columns):
            missing.append(f"{table.name}: its foreign key {key.name} leads to {key.target}, which is not served")
        elif not any(set(key.target_columns) == set(unique) for unique in target.unique_keys()):
            missing.append(f"{table.name}: its foreign key {key.name} leads to columns that are no unique key of {key.target}")
        else:
            kept.append(key)
    return tuple(kept)


def placed(columns: Mapping[str, Column], names: Iterable[str]) -> tuple[int, ...]:
    """The places of columns in their table, by which keys are put in order."""
    places = {name: place for place, name in enumerate(columns)}
    return tuple(places[name] for name in names)


def default_of(said: str | None, type_: DataType) -> str | Now | None:
    """A column's default as the catalog of models has it."""
    if said is None or said.strip().lower() == "null":
        return None
    return Now() if is_now(said, type_) else said
