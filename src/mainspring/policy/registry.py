"""The policies and grants of an application, and what they mean for a role. Default deny; knows no caller and
no plan.

Semantics are PostgreSQL's: permissive policies are OR'ed, restrictive ones AND'ed to that, and without a
permissive one nothing passes. `service_role` is not special here: whoever plans lifts the policies for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mainspring.catalog.model import Catalog
from mainspring.principal import ANON, AUTHENTICATED, SERVICE
from mainspring.query.ast import FALSE, TRUE, And, Expr, Or, TableName

COMMANDS = ("select", "insert", "update", "delete")
BUILT_IN_ROLES = frozenset({ANON, AUTHENTICATED, SERVICE})


@dataclass(frozen=True, slots=True)
class _Rule:
    """What a policy and a grant have in common. `roles` None: every role. `source` is the place in the application."""

    table: TableName
    commands: frozenset[str]
    roles: frozenset[str] | None
    source: str

    def applies(self, table: TableName, role: str, command: str) -> bool:
        """Whether it speaks about this role doing this with this table."""
        return self.table == table and command in self.commands and (self.roles is None or role in self.roles)


@dataclass(frozen=True, slots=True)
class Policy(_Rule):
    """`using` is for rows that exist, `check` for rows as they become (None: the same)."""

    using: Expr
    check: Expr | None = None
    restrictive: bool = False
    name: str = ""

    @property
    def written(self) -> Expr:
        """What a row must be after a write."""
        return self.using if self.check is None else self.check


@dataclass(frozen=True, slots=True)
class Grant(_Rule):
    """The columns that `roles` may use in `commands`."""

    columns: frozenset[str]


@dataclass(frozen=True, slots=True)
class Registry:
    """Who may do what with which rows and columns. `columns_of` holds every table's column names, `computed_of` those of its
    computed columns, each with the columns that it reads."""

    columns_of: Mapping[TableName, frozenset[str]]
    policies: tuple[Policy, ...] = ()
    grants: tuple[Grant, ...] = ()
    computed_of: Mapping[TableName, Mapping[str, frozenset[str]]] = field(default_factory=dict)
    _of_table: Mapping[TableName, list[Policy]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        found: dict[TableName, list[Policy]] = {}
        for policy in self.policies:
            found.setdefault(policy.table, []).append(policy)
        object.__setattr__(self, "_of_table", found)

    @property
    def roles(self) -> frozenset[str]:
        """Every role that is named somewhere, and the built-in ones."""
        rules: tuple[_Rule, ...] = (*self.policies, *self.grants)
        return BUILT_IN_ROLES.union(*(rule.roles for rule in rules if rule.roles is not None))

    def using(self, table: TableName, role: str, command: str) -> Expr:
        """The condition on existing rows. Inserts have none, so for them it is FALSE."""
        if command == "insert":
            return FALSE
        policies = self.policies_for(table, role, command)
        return _combined((policy.using, policy.restrictive) for policy in policies)

    def check(self, table: TableName, role: str, command: str) -> Expr:
        """The condition on new rows, of inserts and updates. Other commands write none: FALSE."""
        if command not in ("insert", "update"):
            return FALSE
        policies = self.policies_for(table, role, command)
        return _combined((policy.written, policy.restrictive) for policy in policies)

    def columns(self, table: TableName, role: str, command: str) -> frozenset[str]:
        """The columns the role may use: all of them with a permissive policy, narrowed by grants where there
        are any.

        A delete uses no columns; for it only emptiness means something. A computed column may be read by whoever may read all
        columns that it reads, or is granted it by name.
        """
        if all(policy.restrictive for policy in self.policies_for(table, role, command)):
            return frozenset()
        everything = self.columns_of.get(table, frozenset())
        granted = [grant.columns for grant in self.grants if grant.applies(table, role, command)]
        found = frozenset().union(*granted) if granted else everything
        if command != "select" or not found:
            return found
        return found.union(name for name, reads in self.computed_of.get(table, {}).items() if reads <= found)

    def may(self, table: TableName, role: str, command: str) -> bool:
        """Whether the role may use the command on the table at all."""
        return bool(self.columns(table, role, command))

    def unreachable(self, catalog: Catalog) -> tuple[TableName, ...]:
        """The tables with which no role (but the service role) may do anything, sorted."""
        return tuple(sorted(table for table in catalog.tables if not self._reachable(table)))

    def _reachable(self, table: TableName) -> bool:
        return any(self.may(table, role, command) for role in self.roles for command in COMMANDS)

    def policies_for(self, table: TableName, role: str, command: str) -> tuple[Policy, ...]:
        """The policies that speak about this role doing this with this table."""
        return tuple(policy for policy in self._of_table.get(table, ()) if policy.applies(table, role, command))


def open_to_read(catalog: Catalog) -> Registry:
    """Everybody may read every table, nobody but the service role may write."""
    roles, source = frozenset({ANON, AUTHENTICATED}), "database.open_read"
    policies = tuple(Policy(name, frozenset({"select"}), roles, source, TRUE) for name in catalog.tables)
    return Registry({name: frozenset(table.columns) for name, table in catalog.tables.items()}, policies)


def _combined(parts: Iterable[tuple[Expr, bool]]) -> Expr:
    parts = tuple(parts)
    permissive = _either(condition for condition, restrictive in parts if not restrictive)
    return _both((permissive, *(condition for condition, restrictive in parts if restrictive)))


def _either(conditions: Iterable[Expr]) -> Expr:
    flat = [part for item in conditions for part in (item.items if isinstance(item, Or) else (item,))]
    if TRUE in flat:
        return TRUE
    return flat[0] if len(flat) == 1 else Or(tuple(flat))


def _both(conditions: Iterable[Expr]) -> Expr:
    flat = [part for item in conditions for part in (item.items if isinstance(item, And) else (item,))]
    if FALSE in flat:
        return FALSE
    return flat[0] if len(flat) == 1 else And(tuple(flat))
