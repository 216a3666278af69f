"""`@app.rpc`: what a Python function takes and answers, read from its annotations once, at start."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints
from uuid import UUID

from mainspring.catalog.model import Table
from mainspring.catalog.routines import Parameter, Returns, Routine, Volatility
from mainspring.errors import ConfigError, MainspringError, Mistake
from mainspring.principal import AUTHENTICATED, Principal
from mainspring.query.ast import TableName
from mainspring.services.functions.answers import shape
from mainspring.services.functions.rows import Rows

F = TypeVar("F", bound=Callable[..., Any])

_TYPES = {
    bool: "boolean",
    int: "bigint",
    float: "double precision",
    Decimal: "numeric",
    str: "text",
    bytes: "bytea",
    date: "date",
    datetime: "timestamp with time zone",
    UUID: "uuid",
}


@dataclass(frozen=True, slots=True)
class Function:
    """A declared function. `types` are those of its arguments, `injected` the parameters that the caller does not give.

    `table` is set where it answers rows of a model, `made` where it makes rows of its own (the table they would make).
    """

    routine: Routine
    call: Callable[..., Any]
    types: Mapping[str, Any]
    injected: Mapping[str, type]
    roles: frozenset[str]
    table: TableName | None
    made: Table | None

    def open_to(self, principal: Principal) -> bool:
        """Whether the caller may call it."""
        allowed = principal.bypass or principal.role in self.roles
        return allowed and principal.within_scope(*self.routine.name, "execute")

    @property
    def lists(self) -> frozenset[str]:
        """The names of the arguments that are lists."""
        return frozenset(each.name for each in self.routine.parameters if each.type.endswith("[]"))


@dataclass(slots=True)
class Said:
    """A declaration as it was written."""

    call: Callable[..., Any]
    to: tuple[str, ...]
    read_only: bool
    name: TableName


@dataclass(slots=True)
class Functions:
    """Collects declarations while the application file runs; nothing is looked at before `resolve`."""

    said: list[Said] = field(default_factory=list)

    def rpc(
        self,
        to: str | Sequence[str] = AUTHENTICATED,
        *,
        read_only: bool = False,
        name: str | None = None,
        schema: str = "public",
    ) -> Callable[[F], F]:
        """A decorator: the function can be called by the roles `to`."""
        roles = (to,) if isinstance(to, str) else tuple(to)

        def declare(function: F) -> F:
            self.said.append(Said(function, roles, read_only, TableName(schema, name or function.__name__)))
            return function

        return declare

    def resolve(self, table_of: Callable[[object], TableName]) -> Mapping[TableName, Function]:
        """The functions by name. Raises ConfigError with every mistake."""
        found: dict[TableName, Function] = {}
        mistakes: list[Mistake] = []
        for said in self.said:
            try:
                function = _function(said, table_of)
            except (TypeError, ValueError, NameError) as error:
                mistakes.append(Mistake(f"function {said.name.name}", str(error)))
                continue
            if function.routine.name in found:
                mistakes.append(Mistake(f"function {said.name.name}", "is declared twice", "give one of them a name="))
            found[function.routine.name] = function
        if mistakes:
            raise ConfigError(mistakes)
        return found


def _function(said: Said, table_of: Callable[[object], TableName]) -> Function:
    hints = get_type_hints(said.call)
    returned = hints.pop("return", Any)
    given = inspect.signature(said.call).parameters
    injected = {name: hints[name] for name in given if hints.get(name) in (Principal, Rows)}
    taken = {name: each for name, each in given.items() if name not in injected}
    for name, each in taken.items():
        if each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD, each.POSITIONAL_ONLY) or name not in hints:
            raise TypeError(f'the parameter "{name}" must be named and have a type')
    if Rows in injected.values() and not inspect.iscoroutinefunction(said.call):
        raise TypeError("only an async function can take Rows")
    many, item = _item(returned)
    table = _table(item, table_of)
    parameters = tuple(Parameter(name, _type_name(hints[name]), each.default is each.empty) for name, each in taken.items())
    answered = table or TableName("pg_catalog", "void" if returned is type(None) else _type_name(item))
    routine = Routine(
        said.name,
        parameters,
        Returns(answered, many, table, composite=table is not None),
        Volatility.STABLE if said.read_only else Volatility.VOLATILE,
        inspect.getdoc(said.call),
    )
    made = shape(routine.name, item) if table is None else None
    return Function(routine, said.call, {name: hints[name] for name in taken}, injected, frozenset(said.to), table, made)


def _item(returned: Any) -> tuple[bool, Any]:
    """Whether several are answered, and the type of each."""
    if get_origin(returned) in (list, Sequence, tuple) and get_args(returned):
        return True, get_args(returned)[0]
    return False, returned


def _table(item: Any, table_of: Callable[[object], TableName]) -> TableName | None:
    try:
        return table_of(item) if isinstance(item, type) and item not in _TYPES else None
    except (MainspringError, LookupError, TypeError, ValueError, AttributeError):
        return None


def _type_name(type_: Any) -> str:
    """The database's name for a Python type, for descriptions."""
    many, item = _item(type_)
    if many:
        return f"{_type_name(item)}[]"
    given = [each for each in get_args(item) if each is not NoneType] if get_origin(item) in (Union, UnionType) else [item]
    return _TYPES.get(given[0], "jsonb") if len(given) == 1 else "jsonb"
