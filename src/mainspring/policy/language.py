"""What a policy function is run with: `row`, `me` and `exists`. It runs once and builds a condition.

Functions of computed columns and relations are run with rows alone.

It must not know SQLAlchemy: how models become tables and attributes become columns is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import NoReturn

from mainspring.catalog.model import Catalog, Column, Table
from mainspring.catalog.names import nearest
from mainspring.errors import MainspringError
from mainspring.policy.expr import Condition, Fact, Field, Formula, Operand, condition, value_of
from mainspring.policy.mistakes import Misuse, PolicyMistake, UnknownColumn
from mainspring.query import ast
from mainspring.query.functions import sized
from mainspring.query.walk import moved


@dataclass(frozen=True, slots=True)
class Names:
    """How models become tables and attributes become columns: `table_of` takes a model class or a table's
    name and raises when there is none, `attributes` maps a model's attribute names to its column names.
    """

    catalog: Catalog
    table_of: Callable[[object], ast.TableName]
    attributes: Callable[[object], Mapping[str, str]]

    def table(self, model: object) -> Table:
        """The table of `model`. Raises PolicyMistake when there is none."""
        try:
            return self.catalog.tables[self.table_of(model)]
        except (LookupError, MainspringError, TypeError, ValueError):
            said = model if isinstance(model, str) else getattr(model, "__name__", repr(model))
            near = nearest(str(said), (name.name for name in self.catalog.tables))
            raise PolicyMistake(f"{said} is no table that Mainspring knows", f"did you mean {near}?" if near else None) from None

    def row(self, model: object, scope: int = 0) -> Row:
        """The proxy of a row of `model`. Raises PolicyMistake when it has no table."""
        table = self.table(model)
        return Row(table, self.attributes(model), scope)

    def column(self, model: object, name: object) -> Column:
        """The column called `name` (attribute or column name, or the mapped attribute itself) of `model`."""
        said = name if isinstance(name, str) else str(getattr(name, "key", name))
        return self.row(model)._found(said)


class Row:
    """A row of a table: its columns, the computed ones among them, are attributes (or items, for names that Python cannot
    write)."""

    __slots__ = ("_columns", "_scope", "_table")

    def __init__(self, table: Table, attributes: Mapping[str, str], scope: int) -> None:
        self._table, self._scope = table, scope
        known = {name: column for name, column in attributes.items() if column in table.columns}
        self._columns = {**{column.name: column.name for column in table.readable()}, **known}

    def __getattr__(self, name: str) -> Operand:
        if name.startswith("__"):
            raise AttributeError(name)
        return self[name]

    def __getitem__(self, name: str) -> Operand:
        column = self._found(name)
        computed = self._table.computed.get(column.name)
        if computed is None:
            return Field(self._table, column, self._scope)
        return Formula(moved(computed.formula, lambda scope: scope + self._scope), sized(column.type))

    def _found(self, name: str) -> Column:
        """The column meant by an attribute's or a column's name. Raises UnknownColumn."""
        try:
            name = self._columns[name]
        except KeyError:
            near = nearest(name, self._columns)
            hint = f"did you mean {near}?" if near else None
            raise UnknownColumn(f"{self._table.name.name} has no column {name}", hint) from None
        computed = self._table.computed.get(name)
        return self._table.columns[name] if computed is None else computed.column


class Me:
    """The caller."""

    __slots__ = ()

    @property
    def uid(self) -> Fact:
        """The user's id (null for anonymous callers)."""
        return Fact("uid")

    @property
    def role(self) -> Fact:
        """The role the caller acts in."""
        return Fact("role")

    @property
    def email(self) -> Fact:
        """The user's email address."""
        return Fact("email")

    def claim(self, *path: str) -> Fact:
        """A claim of the caller's token, by its keys from the outside in."""
        if not path or not all(isinstance(key, str) for key in path):
            raise Misuse("me.claim takes the claim's keys", 'as in me.claim("app_metadata", "org")')
        return Fact("claims", *path)

    def has_role(self, role: str) -> Condition:
        """Whether `app_metadata.roles` of the caller's token lists `role`."""
        if not isinstance(role, str):
            raise Misuse(f"me.has_role takes a string, not {role!r:.80}")
        return Condition(ast.Truth(ast.Auth(("claims", "app_metadata", "roles"), contains=role)))

    def __getattr__(self, name: str) -> NoReturn:
        known = ("uid", "role", "email", "claim", "has_role")
        near = nearest(name, known)
        hint = f"did you mean me.{near}?" if near else f"it has {', '.join(known)}"
        raise UnknownColumn(f"me has no {name}", hint)


@dataclass(frozen=True, slots=True)
class _Building:
    names: Names
    scope: int


_building: ContextVar[_Building] = ContextVar("mainspring_policy_building")


def build(function: Callable[[Row, Me], object], model: object, names: Names) -> ast.Expr:
    """The condition that `function` builds for rows of `model`. Raises PolicyMistake, and whatever `function` raises."""
    row = names.row(model)
    with _within(names, 0):
        return condition(function(row, Me()))


def build_value(function: Callable[[Row], object], model: object, names: Names) -> Operand:
    """What `function` answers of a row of `model`. Raises PolicyMistake, and whatever `function` raises."""
    return value_of(function(names.row(model)))


def build_join(function: Callable[[Row, Row], object], model: object, target: object, names: Names) -> ast.Expr:
    """The condition that `function` builds for a row of `model` (scope 0) and one of `target` (scope 1). Raises PolicyMistake,
    and whatever `function` raises."""
    return condition(function(names.row(model), names.row(target, 1)))


@contextmanager
def _within(names: Names, scope: int) -> Iterator[None]:
    token = _building.set(_Building(names, scope))
    try:
        yield
    finally:
        _building.reset(token)


def exists(model: object, where: Callable[[Row], object]) -> Condition:
    """Whether a row of `model` satisfies `where`. That row is seen with the application's own authority, not
    the caller's.

    Takes a model class or a table's name. Raises PolicyMistake outside of a policy.
    """
    around = _building.get(None)
    if around is None:
        raise PolicyMistake("exists() only means something inside a policy function")
    scope = around.scope + 1
    row = around.names.row(model, scope)
    with _within(around.names, scope):
        inner = condition(where(row))
    return Condition(ast.Exists(row._table.name, inner, scope))
