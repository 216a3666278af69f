"""What an application declares, kept as it was said and resolved at start: `@app.policy` and `app.grant`.

All mistakes are reported at once, each with its place in the application's files. It must not know
SQLAlchemy.
"""

from __future__ import annotations

import dis
import inspect
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import CodeType, TracebackType
from typing import Any, TypeVar

from mainspring.catalog.model import Catalog
from mainspring.catalog.names import nearest
from mainspring.errors import ConfigError, Mistake
from mainspring.policy.language import Names, build
from mainspring.policy.mistakes import PolicyMistake
from mainspring.policy.registry import COMMANDS, Grant, Policy, Registry
from mainspring.query.ast import Expr, TableName

Rule = Callable[..., object]
F = TypeVar("F", bound=Rule)
M = TypeVar("M")
Roles = str | Sequence[str] | None
_IDENTITY = re.compile(r"^IS_OP$|IF_(NOT_)?NONE$")


@dataclass(frozen=True, slots=True)
class _Policy:
    model: object
    commands: tuple[object, ...]
    to: object
    restrictive: bool
    check: Rule | None
    function: Rule
    source: str


@dataclass(slots=True)
class _Grant:
    """`model` is filled in late when the grant is written as a class decorator."""

    models: list[object]
    commands: tuple[object, ...]
    to: object
    columns: Iterable[object] | None
    exclude: Iterable[object] | None
    source: str


@dataclass(slots=True)
class Declarations:
    """Collects policies and grants while the application file runs; nothing is looked up before `resolve`."""

    _policies: list[_Policy] = field(default_factory=list)
    _grants: list[_Grant] = field(default_factory=list)

    def policy(
        self,
        model: object,
        *commands: str,
        to: Roles = None,
        restrictive: bool = False,
        check: Rule | None = None,
    ) -> Callable[[F], F]:
        """A decorator: the function says, of `(row, me)`, which rows `to` (None: every role) may use in
        `commands`.

        `check` says what rows may be written, where that differs. Commands: select, insert, update, delete,
        all.
        """

        def declare(function: F) -> F:
            said = _Policy(model, commands, to, restrictive, check, function, _function_place(function))
            self._policies.append(said)
            return function

        return declare

    def grant(
        self,
        model: object,
        *commands: str,
        to: Roles = None,
        columns: Iterable[object] | None = None,
        exclude: Iterable[object] | None = None,
    ) -> Callable[[M], M]:
        """Only these columns (or all but `exclude`) may `to` use in `commands`; several grants add up.

        A statement, `app.grant(Post, "select", ...)`, or without the model a class decorator,
        `@app.grant("select", ...)`.
        """
        bare = isinstance(model, str) and (model in (*COMMANDS, "all") or not commands)
        said = (model, *commands) if bare else commands
        grant = _Grant([] if bare else [model], said, to, columns, exclude, _caller_place())
        self._grants.append(grant)

        def decorate(decorated: M) -> M:
            if bare:
                grant.models.append(decorated)
            return decorated

        return decorate

    def resolve(
        self,
        catalog: Catalog,
        table_of: Callable[[object], TableName],
        attributes: Callable[[object], Mapping[str, str]],
    ) -> Registry:
        """The registry of everything declared. Raises ConfigError with every mistake."""
        resolver = _Resolver(Names(catalog, table_of, attributes))
        policies = [policy for said in self._policies if (policy := resolver.policy(said))]
        grants = [grant for said in self._grants for grant in resolver.grants(said)]
        if resolver.mistakes:
            raise ConfigError(tuple(resolver.mistakes))
        columns_of = {name: frozenset(table.columns) for name, table in catalog.tables.items()}
        return Registry(columns_of, tuple(policies), tuple(grants))


@dataclass(slots=True)
class _Resolver:
    """Turns what was said into rules, gathering mistakes instead of stopping at the first."""

    names: Names
    mistakes: list[Mistake] = field(default_factory=list)

    def policy(self, said: _Policy) -> Policy | None:
        before = len(self.mistakes)
        table = self._table(said.model, said.source)
        commands = self._commands(said.commands, said.source)
        roles = self._roles(said.to, said.source)
        if table is None:
            return None
        using = self._condition(said.function, said.model)
        check = self._condition(said.check, said.model) if said.check else None
        if using is None or len(self.mistakes) > before:
            return None
        name = getattr(said.function, "__name__", "policy")
        return Policy(table, commands, roles, said.source, using, check, said.restrictive, name)

    def grants(self, said: _Grant) -> list[Grant]:
        if not said.models:
            hint = "write app.grant(Model, ...) or decorate a model"
            self._mistake(said.source, "this grant names no table", hint)
        commands = self._commands(said.commands, said.source)
        roles = self._roles(said.to, said.source)
        found = [(self._table(model, said.source), model) for model in said.models]
        return [
            Grant(table, commands, roles, said.source, self._granted(said, model)) for table, model in found if table is not None
        ]

    def _granted(self, said: _Grant, model: object) -> frozenset[str]:
        columns = self.names.table(model).columns
        chosen = frozenset(columns)
        if said.columns is not None:
            chosen = self._columns(model, said.columns, said.source)
        if said.exclude is not None:
            chosen -= self._columns(model, said.exclude, said.source)
        return chosen

    def _columns(self, model: object, said: Iterable[object], source: str) -> frozenset[str]:
        found: set[str] = set()
        for name in [said] if isinstance(said, str) else said:
            try:
                found.add(self.names.column(model, name).name)
            except PolicyMistake as mistake:
                self._mistake(source, mistake.problem, mistake.hint)
        return frozenset(found)

    def _table(self, model: object, source: str) -> TableName | None:
        try:
            return self.names.table(model).name
        except PolicyMistake as mistake:
            self._mistake(source, mistake.problem, mistake.hint)
            return None

    def _commands(self, said: tuple[object, ...], source: str) -> frozenset[str]:
        if not said:
            self._mistake(source, "no command is named", f"name some of {', '.join(COMMANDS)}, or all")
        for command in said:
            if command not in (*COMMANDS, "all"):
                near = nearest(str(command), (*COMMANDS, "all"))
                hint = f"did you mean {near}?" if near else f"there are {', '.join(COMMANDS)} and all"
                self._mistake(source, f"unknown command {command!r:.80}", hint)
        return frozenset(COMMANDS if "all" in said else (str(command) for command in said))

    def _roles(self, said: object, source: str) -> frozenset[str] | None:
        if said is None:
            return None
        roles = [said] if isinstance(said, str) else list(said) if isinstance(said, Iterable) else [said]
        for role in roles:
            if not isinstance(role, str) or not role:
                self._mistake(source, f"a role is a name, not {role!r:.80}")
        if not roles:
            self._mistake(source, "`to` names no role", "leave it out to mean every role")
        return frozenset(map(str, roles))

    def _condition(self, function: Rule, model: object) -> Expr | None:
        source = _function_place(function)
        if inspect.iscoroutinefunction(function):
            self._mistake(source, "a policy cannot be async: it runs once, at start")
            return None
        if _asks_identity(getattr(function, "__code__", None)):
            hint = "write .is_null() or .is_not_null(); == None works too"
            self._mistake(source, "`is` cannot look into a policy expression", hint)
            return None
        try:
            return build(function, model, self.names)
        except PolicyMistake as mistake:
            place = _raised_at(function, mistake.__traceback__) or source
            self._mistake(place, mistake.problem, mistake.hint)
        except Exception as error:
            place = _raised_at(function, error.__traceback__) or source
            self._mistake(place, f"the policy raised {type(error).__name__}: {error}")
        return None

    def _mistake(self, source: str, problem: str, hint: str | None = None) -> None:
        self.mistakes.append(Mistake(source, problem, hint))


def _function_place(function: Any) -> str:
    code = getattr(inspect.unwrap(function), "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else repr(function)


def _asks_identity(code: object) -> bool:
    """Whether the code uses `is`. Python answers that itself, so `me.uid is not None` would let everybody in."""
    if not isinstance(code, CodeType):
        return False
    names = (instruction.opname for instruction in dis.get_instructions(code))
    return any(_IDENTITY.search(name) for name in names) or any(map(_asks_identity, code.co_consts))


def _raised_at(function: Any, traceback: TracebackType | None) -> str | None:
    """The last line of the function's own file that ran before the error."""
    code = getattr(function, "__code__", None)
    place = None
    while traceback is not None and code is not None:
        if traceback.tb_frame.f_code.co_filename == code.co_filename:
            place = f"{code.co_filename}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    return place


def _caller_place() -> str:
    """The line of the application that is being run, beyond Mainspring's own frames."""
    frame = sys._getframe(1)
    while frame.f_back is not None and str(frame.f_globals.get("__name__", "")).split(".")[0] == "mainspring":
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
