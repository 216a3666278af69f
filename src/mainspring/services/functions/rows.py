"""The handle by which a function reaches data: bound to its caller, through the one door, behind the caller's policies."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec.structs import replace

from mainspring.errors import RequestError
from mainspring.policy.expr import condition
from mainspring.policy.language import Names
from mainspring.policy.mistakes import Misuse
from mainspring.principal import SERVICE_PRINCIPAL, Principal
from mainspring.query import ast
from mainspring.query.ast import Column, Delete, Field, Insert, Order, Read, Selection, Slot, Star, Update
from mainspring.services.data import Data

Where = Callable[[Any], object]


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of models, as far as the caller may. Conditions are written as policies are: `lambda post: post.id == 1`."""

    names: Names
    data: Data
    principal: Principal

    def as_service(self) -> Rows:
        """The same with the application's own authority: no policy is looked at."""
        return dataclasses.replace(self, principal=SERVICE_PRINCIPAL)

    async def select(
        self, model: object, *columns: str, where: Where | None = None, order: Sequence[str] = (), limit: int | None = None
    ) -> list[dict[str, Any]]:
        """The rows of `model` for which `where` holds, each a dict; `order` names columns (`-` before one: falling).

        Raises what reading raises: ColumnUnknown, PermissionDenied, ...
        """
        values: list[Any] = []
        picked = self._where(model, where, values)
        selection = Selection(_items(columns), picked, tuple(map(_order, order)), _slot(values, limit))
        result = await self.data.execute(Read(self.names.table(model).name, selection), values, self.principal)
        return _decoded(result.body)

    async def insert(self, model: object, *rows: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Write new rows; them as they now are. Raises what writing raises: RowCheckViolated, UniqueViolated, ..."""
        columns = tuple(dict.fromkeys(name for row in rows for name in row))
        query = Insert(self.names.table(model).name, columns, Slot(0), missing_default=True, returning=Selection())
        return _decoded((await self.data.execute(query, [list(map(dict, rows))], self.principal)).body)

    async def update(self, model: object, changes: Mapping[str, Any], *, where: Where) -> list[dict[str, Any]]:
        """Change the rows for which `where` holds; them as they now are."""
        values: list[Any] = [dict(changes)]
        picked = self._where(model, where, values)
        query = Update(self.names.table(model).name, tuple(changes), Slot(0), picked, returning=Selection())
        return _decoded((await self.data.execute(query, values, self.principal)).body)

    async def delete(self, model: object, *, where: Where) -> int:
        """Remove the rows for which `where` holds; how many there were."""
        values: list[Any] = []
        picked = self._where(model, where, values)
        return (await self.data.execute(Delete(self.names.table(model).name, picked), values, self.principal)).count

    def _where(self, model: object, where: Where | None, values: list[Any]) -> ast.Expr | None:
        """The condition that `where` says. Raises ValueInvalid, ValueOutOfRange for a value that a column cannot hold."""
        if where is None:
            return None
        try:
            return lifted(condition(where(self.names.row(model))), values)
        except Misuse as mistake:
            if isinstance(mistake.__cause__, RequestError):
                raise mistake.__cause__ from None  # a value that the column cannot hold: an argument's, most likely
            raise


def lifted(node: ast.Expr, values: list[Any]) -> ast.Expr:
    """The condition with its constants taken out into `values`, so that one plan serves all of them."""
    match node:
        case ast.And(items):
            return ast.And(tuple(lifted(item, values) for item in items))
        case ast.Or(items):
            return ast.Or(tuple(lifted(item, values) for item in items))
        case ast.Not(item):
            return ast.Not(lifted(item, values))
        case ast.Exists():
            return replace(node, where=lifted(node.where, values))
        case ast.Compare(right=ast.Const(value)):
            values.append(value)
            return replace(node, right=Slot(len(values) - 1))
        case _:
            return node


def _items(columns: Sequence[str]) -> tuple[ast.Item, ...]:
    return tuple(Field(Column(name)) for name in columns) or (Star(),)


def _order(term: str) -> Order:
    return Order(Column(term.removeprefix("-")), descending=term.startswith("-"))


def _slot(values: list[Any], limit: int | None) -> Slot | None:
    if limit is None:
        return None
    values.append(limit)
    return Slot(len(values) - 1)


def _decoded(body: bytes | None) -> list[dict[str, Any]]:
    return msgspec.json.decode(body or b"[]", type=list[dict[str, Any]])
