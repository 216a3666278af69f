"""Which columns of which tables the columns of a view are, read from the view's parsed definition."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from mainspring.query.ast import TableName

Place = tuple[int, int]
"""A column: its table's object id and its number."""

_TOKEN = re.compile(r"\\.|[{}]|:targetList |:resno (\d+)|:resorigtbl (\d+)|:resorigcol (\d+)", re.DOTALL)


def targets(definition: str) -> Iterator[tuple[int, int, int]]:
    """(number of the view's column, object id of the table, number of the column) of a definition's own target list.

    A definition is a `pg_node_tree`: braces nest, a backslash escapes. Subqueries have target lists of their own, deeper down.
    """
    depth, within = 0, False
    entry: dict[str, int] = {}
    for token in _TOKEN.finditer(definition):
        text = token[0]
        if text == "{":
            depth += 1
        elif text == "}":
            depth -= 1
            if within and depth == 1 and entry.keys() >= {"number", "table", "column"}:
                yield entry["number"], entry["table"], entry["column"]
            entry = {} if depth <= 1 else entry
        elif text == ":targetList " and depth == 1:
            within = True
        elif within and depth == 2:
            _note(token, entry)


def _note(token: re.Match[str], entry: dict[str, int]) -> None:
    for name, group in (("number", 1), ("table", 2), ("column", 3)):
        if token[group] is not None:
            entry[name] = int(token[group])


@dataclass(frozen=True, slots=True)
class View:
    """A view, and for every column of a table by which names it shows it."""

    name: TableName
    shows: Mapping[tuple[TableName, str], tuple[str, ...]]

    def ways(self, table: TableName, columns: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        """Every choice of the view's columns that stands for all `columns` of `table`."""
        yield from product(*(self.shows.get((table, column), ()) for column in columns))


def views(found: list[dict[str, Any]], origins: Mapping[str, dict[str, Any]]) -> list[View]:
    """The exposed views, traced through the views that they are made of."""
    known = {view["oid"]: {number: (table, column) for number, table, column in targets(view["definition"])} for view in found}
    return [_view(view, known, origins) for view in found if view["exposed"]]


def _view(view: Mapping[str, Any], known: Mapping[int, Mapping[int, Place]], origins: Mapping[str, dict[str, Any]]) -> View:
    shows: dict[tuple[TableName, str], list[str]] = {}
    for number, place in sorted(known[view["oid"]].items()):
        name = view["columns"].get(str(number))
        for table, column in _traced(place, known):
            origin = origins.get(str(table))
            if origin is not None and name is not None and str(column) in origin["columns"]:
                key = TableName(origin["schema"], origin["name"]), origin["columns"][str(column)]
                shows.setdefault(key, []).append(name)
    return View(TableName(view["schema"], view["name"]), {key: tuple(names) for key, names in shows.items()})


def _traced(place: Place, known: Mapping[int, Mapping[int, Place]]) -> Iterator[Place]:
    """The column itself, and where it is a view's, the column that one shows. A view cannot be made of itself."""
    seen = set()
    following: Place | None = place
    while following is not None and following not in seen:
        seen.add(following)
        yield following
        table, column = following
        following = known.get(table, {}).get(column)
