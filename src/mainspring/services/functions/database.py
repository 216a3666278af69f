"""`app.database_function`: functions of the database itself, for the roles they are opened to and nobody else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Container, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from mainspring.catalog.model import Catalog
from mainspring.catalog.names import nearest
from mainspring.catalog.routines import Routine
from mainspring.errors import ConfigError, Mistake, RoutineDenied, RoutineWrites
from mainspring.principal import ANON, Principal
from mainspring.query.ast import Call, TableName
from mainspring.services.data import Data, Result


@dataclass(slots=True)
class Opened:
    """Collects declarations: which functions are opened, and to which roles."""

    roles: dict[TableName, frozenset[str]] = field(default_factory=dict)

    def open(self, name: str, to: str | Sequence[str]) -> None:
        """Open the function `name` (with its schema, else in public) to the roles `to` and to those it is open to already."""
        schema, _, plain = name.rpartition(".")
        found = TableName(schema or "public", plain)
        self.roles[found] = self.roles.get(found, frozenset()) | ({to} if isinstance(to, str) else set(to))

    def all_roles(self) -> frozenset[str]:
        """Every role that one is opened to."""
        return frozenset().union(*self.roles.values())

    def named(self, catalog: Catalog) -> Catalog:
        """A catalog in which each has its name, for who only asks whether there is such a function."""
        return replace(catalog, routines={**catalog.routines, **dict.fromkeys(self.roles, ())})

    def found(self, catalog: Catalog) -> dict[TableName, tuple[Routine, ...]]:
        """Each with its overloads, as the database has them. Raises ConfigError naming those that it has not."""
        self.check(catalog)
        return {name: catalog.routines[name] for name in self.roles}

    def check_names(self, others: Container[TableName], schemas: Sequence[str]) -> None:
        """Return when each can be called by its own name. Raises ConfigError."""
        mistakes = [Mistake(f"function {name}", "is one of the app's too", "rename one") for name in self.roles if name in others]
        hidden = [name for name in self.roles if name.schema not in schemas]
        mistakes += [Mistake(f"function {name}", "its schema is not served", "add it to rest.schemas") for name in hidden]
        if mistakes:
            raise ConfigError(mistakes)

    def check(self, catalog: Catalog) -> None:
        """Return when the database has them all. Raises ConfigError naming those that it has not."""
        missing = [name for name in self.roles if name not in catalog.routines]
        known = {str(name) for name in catalog.routines}
        problem = "the database has none of that name"
        if missing:
            raise ConfigError([Mistake(f"function {name}", problem, _cure(name, known)) for name in missing])


def _cure(name: TableName, known: set[str]) -> str:
    close = nearest(str(name), known)
    return f"did you mean {close}?" if close else "create it there first, or mend the name"


@dataclass(slots=True)
class DatabaseFunctions:
    """Calls them through `data`, a door that plans nothing but calls.

    `opened` says which there are, and to whom; `look` looks for them in the database, and `catalog` is what it has found.
    """

    opened: Opened
    data: Data
    look: Callable[[], Awaitable[None]]
    catalog: Callable[[], Catalog]

    async def start(self) -> None:
        """Look for them. Raises ConfigError where one is missing."""
        await self.look()
        self.opened.check(self.catalog())

    def visible(self, schema: str, principal: Principal) -> list[Routine]:
        """Those of a schema that the caller may call, each with all its overloads."""
        names = [name for name in self.opened.roles if name.schema == schema and self.open_to(name, principal)]
        return [routine for name in names for routine in self.catalog().routines[name]]

    def open_to(self, name: TableName, principal: Principal) -> bool:
        """Whether the caller may call it."""
        allowed = principal.bypass or principal.role in self.opened.roles.get(name, ())
        return allowed and principal.within_scope(*name, "execute")

    def require_routine(self, call: Call) -> Routine:
        """The overload that a call means. Raises RoutineUnknown, RoutineAmbiguous."""
        return self.data.require_routine(call)

    def prepare(self, call: Call, principal: Principal) -> None:
        """Plan a call. Raises RoutineDenied, RoutineUnknown, RoutineAmbiguous, RoutineWrites, NotSupported, MediaUnavailable."""
        self._checked(call, principal)
        self.data.prepare(call, principal)

    async def execute(self, call: Call, values: Sequence[Any], principal: Principal) -> Result:
        """Answer a call. Raises what planning it raises, and DatabaseRefused."""
        routine = self._checked(call, principal)
        result = await self.data.execute(call, values, principal)
        return _rows(result) if routine.returns.many or call.terms.explain is not None else result

    def _checked(self, call: Call, principal: Principal) -> Routine:
        if not self.open_to(call.routine, principal):
            raise RoutineDenied(call.routine.name, principal.role == ANON)
        routine = self.require_routine(call)
        if call.read_only and not routine.read_only:
            raise RoutineWrites(call.routine.name)
        return routine


def _rows(result: Result) -> Result:
    """Rows, or an execution plan, which take whatever form the request wants."""
    result.media = None
    return result
