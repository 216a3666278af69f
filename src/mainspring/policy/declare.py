"""What an application declares, kept as it was said and resolved at start: `@app.policy` and `app.grant`.

All mistakes are reported at once, each with its place in the application's files. It must not know
SQLAlchemy.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from mainspring.catalog.model import Catalog
from mainspring.catalog.names import nearest
from mainspring.errors import ConfigError
from mainspring.policy.language import Names, build
from mainspring.policy.mistakes import PolicyMistake
from mainspring.policy.registry import COMMANDS, Grant, Policy, Registry
from mainspring.policy.running import Rule, Running, caller_place, function_place
from mainspring.query.ast import Expr, TableName

F = TypeVar("F", bound=Rule)
M = TypeVar("M")
Roles = str | Sequence[str] | None


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
            said = _Policy(model, commands, to, restrictive, check, function, function_place(function))
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
        grant = _Grant([] if bare else [model], said, to, columns, exclude, caller_place())
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
        computed_of = {
            name: {each: computed.reads for each, computed in table.computed.items()}
            for name, table in catalog.tables.items()
            if table.computed
        }
        return Registry(columns_of, tuple(policies), tuple(grants), computed_of)


@dataclass(slots=True)
class _Resolver(Running):
    """Turns what was said into rules."""

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
            self.mistake(said.source, "this grant names no table", hint)
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
            excluded = self._columns(model, said.exclude, said.source)
            for name in sorted(excluded - columns.keys()):
                problem = f"{name} is computed: whoever may read the columns that it reads may read it, too"
                self.mistake(said.source, problem, "exclude one of those columns")
            chosen -= excluded
        return chosen

    def _columns(self, model: object, said: Iterable[object], source: str) -> frozenset[str]:
        found: set[str] = set()
        for name in [said] if isinstance(said, str) else said:
            try:
                found.add(self.names.column(model, name).name)
            except PolicyMistake as mistake:
                self.mistake(source, mistake.problem, mistake.hint)
        return frozenset(found)

    def _table(self, model: object, source: str) -> TableName | None:
        table = self.table(model, source)
        return None if table is None else table.name

    def _commands(self, said: tuple[object, ...], source: str) -> frozenset[str]:
        if not said:
            self.mistake(source, "no command is named", f"name some of {', '.join(COMMANDS)}, or all")
        for command in said:
            if command not in (*COMMANDS, "all"):
                near = nearest(str(command), (*COMMANDS, "all"))
                hint = f"did you mean {near}?" if near else f"there are {', '.join(COMMANDS)} and all"
                self.mistake(source, f"unknown command {command!r:.80}", hint)
        return frozenset(COMMANDS if "all" in said else (str(command) for command in said))

    def _roles(self, said: object, source: str) -> frozenset[str] | None:
        if said is None:
            return None
        roles = [said] if isinstance(said, str) else list(said) if isinstance(said, Iterable) else [said]
        for role in roles:
            if not isinstance(role, str) or not role:
                self.mistake(source, f"a role is a name, not {role!r:.80}")
        if not roles:
            self.mistake(source, "`to` names no role", "leave it out to mean every role")
        return frozenset(map(str, roles))

    def _condition(self, function: Rule, model: object) -> Expr | None:
        return self.run(function, lambda: build(function, model, self.names), "policy")
