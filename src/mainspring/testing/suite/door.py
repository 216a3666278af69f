"""What the suite's tests hold in hand: an open engine behind the door to the data, and short words for queries."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from mainspring.catalog.model import Catalog
from mainspring.datatypes import decode_body
from mainspring.engines.base import Engine, Result
from mainspring.plan.planner import Planner
from mainspring.policy.registry import Registry
from mainspring.principal import SERVICE_PRINCIPAL, Principal
from mainspring.query.ast import (
    Column,
    Compare,
    Conflict,
    Const,
    Count,
    Delete,
    Expr,
    Field,
    Insert,
    Item,
    Order,
    Read,
    Selection,
    Slot,
    Star,
    Terms,
    Update,
)
from mainspring.services.data import Data
from mainspring.testing.suite import world
from mainspring.testing.suite.world import ALICE, BRUNO, named

Row = Mapping[str, Any]
Page = tuple[int | None, int | None]
ANYBODY = Principal()
ALICE_ = Principal("authenticated", ALICE)
BRUNO_ = Principal("authenticated", BRUNO)
ALL = Selection()


def compare(column: str, op: str, value: Any) -> Compare:
    """`column op value`."""
    return Compare(op, Column(column), Const(value))


def fields(*names: str) -> tuple[Field, ...]:
    """Columns as outputs."""
    return tuple(Field(Column(name)) for name in names)


def selected(*items: Item | str, where: Expr | None = None, order: Sequence[Order] = (), limit: int | None = None) -> Selection:
    """A selection without a page of its own, columns by their names."""
    outputs = tuple(Field(Column(item)) if isinstance(item, str) else item for item in items)
    return Selection(outputs or (Star(),), where, tuple(order), None if limit is None else Slot(limit))


def rows_of(result: Result) -> list[dict[str, Any]]:
    """The rows in a result's body, numbers exact."""
    assert result.body is not None
    rows: list[dict[str, Any]] = decode_body(result.body, 100)
    assert len(rows) == result.count
    return rows


def raw_rows(result: Result) -> list[dict[str, str]]:
    """The rows in a result's body, each value as its JSON text."""
    assert result.body is not None
    decoded = msgspec.json.decode(result.body, type=list[dict[str, msgspec.Raw]])
    return [{key: bytes(value).decode().strip() for key, value in row.items()} for row in decoded]


def _paged(page: Page | None, first: int) -> tuple[tuple[Slot | None, Slot | None], list[int]]:
    """The slots of limit and offset, from number `first` on, and the values to put there."""
    numbers: list[int] = []
    slots: list[Slot | None] = []
    for number in page or (None, None):
        slots.append(None if number is None else Slot(first + len(numbers)))
        numbers += [] if number is None else [number]
    return (slots[0], slots[1]), numbers


class Door:
    """An engine behind the door to the data. Without `me` the caller is the service, which passes every policy."""

    def __init__(self, engine: Engine, catalog: Catalog, registry: Registry) -> None:
        self.engine = engine
        self._data = Data(engine, Planner(catalog, registry, exposed=frozenset({"public", "geo"})))

    async def run(self, query: Any, values: Sequence[Any] = (), me: Principal = SERVICE_PRINCIPAL) -> Result:
        """Any query."""
        return await self._data.execute(query, values, me)

    async def together(self, *writes: tuple[Any, Sequence[Any]], me: Principal = SERVICE_PRINCIPAL) -> list[Result]:
        """Several writes, each with its values, all of them or none."""
        return await self._data.together(writes, me)

    async def read(
        self,
        table: str,
        *items: Item | str,
        where: Expr | None = None,
        order: Sequence[Order] = (),
        page: Page | None = None,
        values: Sequence[Any] = (),
        count: bool = False,
        me: Principal = SERVICE_PRINCIPAL,
    ) -> Result:
        """Rows. `page` is (limit, offset), in the slots after `values`."""
        outputs = tuple(Field(Column(item)) if isinstance(item, str) else item for item in items) or (Star(),)
        slots, numbers = _paged(page, len(values))
        query = Read(
            named(table),
            Selection(outputs, where, tuple(order), *slots),
            Count.EXACT if count else Count.NONE,
        )
        return await self.run(query, [*values, *numbers], me)

    async def rows(self, table: str, *items: Item | str, **more: Any) -> list[dict[str, Any]]:
        """The rows of `read`."""
        return rows_of(await self.read(table, *items, **more))

    async def ids(self, table: str, where: Expr | None = None, **more: Any) -> list[int]:
        """The ids of the rows for which `where` holds, in the order of the answer."""
        return [row["id"] for row in await self.rows(table, "id", where=where, **more)]

    async def insert(
        self,
        table: str,
        *rows: Row,
        columns: Sequence[str] | None = None,
        missing_default: bool = False,
        conflict: Conflict | None = None,
        returning: Selection | None = None,
        singular: bool = False,
        me: Principal = SERVICE_PRINCIPAL,
    ) -> Result:
        """New rows; `columns` are those of the first row unless they are said."""
        names = tuple(columns if columns is not None else rows[0])
        query = Insert(named(table), names, Slot(0), missing_default, conflict, returning, singular=singular)
        return await self.run(query, [list(rows)], me)

    async def update(
        self,
        table: str,
        changes: Row,
        where: Expr | None = None,
        *,
        order: Sequence[Order] = (),
        page: Page | None = None,
        returning: Selection | None = None,
        singular: bool = False,
        most: int | None = None,
        defaults: Sequence[str] = (),
        me: Principal = SERVICE_PRINCIPAL,
    ) -> Result:
        """Changes to the rows that `where` picks; the columns `defaults` take their default."""
        slots, numbers = _paged(page, 1)
        query = Update(
            named(table),
            (*changes, *defaults),
            Slot(0),
            where,
            tuple(order),
            *slots,
            returning,
            singular=singular,
            missing_default=bool(defaults),
            terms=Terms(max_affected=most),
        )
        return await self.run(query, [changes, *numbers], me)

    async def delete(
        self,
        table: str,
        where: Expr | None = None,
        *,
        order: Sequence[Order] = (),
        page: Page | None = None,
        returning: Selection | None = None,
        singular: bool = False,
        most: int | None = None,
        me: Principal = SERVICE_PRINCIPAL,
    ) -> Result:
        """Removal of the rows that `where` picks."""
        slots, numbers = _paged(page, 0)
        query = Delete(named(table), where, tuple(order), *slots, returning, singular=singular, terms=Terms(max_affected=most))
        return await self.run(query, numbers, me)


class Suite:
    """What every part of the suite stands on. A subclass says how its engine is made."""

    def make_engine(self, folder: Path) -> Engine:
        """An engine on an empty database, not started; `folder` is empty and its own. Called once a test."""
        raise NotImplementedError

    @pytest.fixture
    async def door(self, tmp_path: Path) -> AsyncIterator[Door]:
        """The suite's tables on a fresh engine."""
        engine = self.make_engine(tmp_path)
        catalog = world.catalog(computed=engine.capabilities.expressions)
        await engine.start(catalog)
        try:
            await engine.migrate(catalog)
            yield Door(engine, catalog, world.registry())
        finally:
            await engine.stop()
