"""One request from its shape to its result. Reaches data through the one door and nowhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from mainspring.catalog.model import Table
from mainspring.catalog.routines import Routine
from mainspring.principal import Principal
from mainspring.query.ast import Call, Given, Insert, Query, Read, TableName, Update
from mainspring.services.data import Request, Result
from mainspring.surfaces.rest.body import Row, columns_of, single
from mainspring.surfaces.rest.page import Range, intersect
from mainspring.surfaces.rest.shape import Recent, Shape

Q = TypeVar("Q", bound=Query)


class DataDoor(Protocol):
    """The part of `services.data.Data` that this surface uses."""

    async def execute(self, query: Query, values: Sequence[Any], principal: Principal, request: Request | None = None) -> Result:
        """Run a query with its values for a caller. Raises the errors of `mainspring.errors`."""
        ...

    def require_table(self, name: TableName, principal: Principal) -> Table:
        """The table, where requests may reach it. Raises TableUnknown."""
        ...

    def require_routine(self, call: Call) -> Routine:
        """The function that a call means. Raises RoutineUnknown, RoutineAmbiguous."""
        ...

    def prepare(self, query: Query, principal: Principal) -> None:
        """Plan a query, so that running it finds it planned. Raises what planning raises, MediaUnavailable say."""
        ...


class FunctionDoor(DataDoor, Protocol):
    """What answers calls where the data door does not."""

    def reads_bodies(self, name: TableName) -> bool:
        """Whether a function takes the body as it came, instead of arguments decoded from it."""
        ...


def work_in_range(shape: Shape, values: list[Any], asked: Range) -> None:
    """Put what a Range header asks for into the places of limit and offset. Raises RangeNotSatisfiable."""
    page, given = shape.page, len(values)
    limit = values[page.limit] if page.limit is not None and page.limit < given else None
    offset = values[page.offset] if page.offset is not None and page.offset < given else 0
    values += [None] * (max(page.limit or 0, page.offset or 0) + 1 - given)
    limit, offset = intersect(asked, limit, offset)
    for place, number in ((page.limit, limit), (page.offset, offset)):
        if place is not None:
            values[place] = number


def fit(shape: Shape, rows: list[Row]) -> tuple[tuple[str, ...], Any]:
    """The columns a write names, and the value of its body's slot: rows, or an update's one row. Raises BodyInvalid."""
    columns = shape.columns if shape.columns is not None else columns_of(rows)
    if not isinstance(shape.query, Update):
        return columns, rows
    given = single(rows)
    columns = columns if given else ()
    if shape.preferences.missing_default:
        return columns, {name: given[name] for name in columns if name in given}
    return columns, {name: given.get(name) for name in columns}


class Queries:
    """Keeps one object for all equal queries, so that the caches below find it without comparing it whole."""

    def __init__(self, size: int) -> None:
        self._same: Recent[Any] = Recent(size)
        self._fitted: Recent[Query] = Recent(size)

    def same(self, query: Q) -> Q:
        """The query kept that equals `query`; it is kept itself when there was none."""
        known: Q | None = self._same.get(query)
        if known is None:
            self._same.put(query, query)
        return query if known is None else known

    def with_arguments(self, shape: Shape, names: tuple[str, ...], form: Given, *, body: bool) -> Query:
        """The shape's call with arguments of these names, in this form, from a body or not."""
        key = (shape, names, form, body)
        query = self._fitted.get(key)
        if query is None:
            assert isinstance(shape.query, Call)
            query = self.same(replace(shape.query, arguments=names, form=form, body=body))
            self._fitted.put(key, query)
        return query

    def with_columns(self, shape: Shape, columns: tuple[str, ...]) -> Query:
        """The shape's write for a body that names `columns`."""
        query = self._fitted.get((shape, columns))
        if query is None:
            assert isinstance(shape.query, Insert | Update)
            query = self.same(replace(shape.query, columns=columns))
            self._fitted.put((shape, columns), query)
        return query

    def in_form(self, shape: Shape, query: Query) -> Query:
        """`query`, which has its columns or arguments already, in the form of `shape`."""
        form: dict[str, Any] = {} if isinstance(shape.query, Read) else {"singular": shape.query.singular}
        return self.same(replace(query, terms=shape.query.terms, **form))
