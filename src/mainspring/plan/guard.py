"""Where policies enter a plan, and the only importer of the policy registry.

Every table node of every plan gets its condition and its visible columns from here.
"""

from __future__ import annotations

from dataclasses import dataclass

from mainspring.catalog.model import Table
from mainspring.errors import PermissionDenied
from mainspring.policy.registry import Registry
from mainspring.principal import ANON, Principal
from mainspring.query.ast import FALSE, TRUE, And, Column, Expr, Is

__all__ = ["Guards", "Registry"]


@dataclass(frozen=True, slots=True)
class Guards:
    """The policies as they bind one caller."""

    registry: Registry
    principal: Principal

    @property
    def anonymous(self) -> bool:
        """Whether signing in could help."""
        return self.principal.role == ANON

    def using(self, table: Table, *commands: str) -> Expr:
        """The rows the caller may touch with all of `commands`."""
        if not self._in_scope(table, *commands):
            return FALSE
        if self.principal.bypass:
            return TRUE
        role = self.principal.role
        return And(tuple(self.registry.using(table.name, role, command) for command in commands))

    def check(self, table: Table, command: str) -> Expr:
        """What a row must be for the caller to write it with `command`: of a view one of its rows, or none could be judged."""
        if not self._in_scope(table, command):
            return FALSE
        if self.principal.bypass:
            return TRUE
        rule = self.registry.check(table.name, self.principal.role, command)
        return And((rule, Is(Column(table.primary_key[0]), "not_null"))) if table.view else rule

    def columns(self, table: Table, command: str) -> frozenset[str]:
        """The columns the caller may use in `command`."""
        if not self._in_scope(table, command):
            return frozenset()
        if self.principal.bypass:
            return frozenset(table.columns) | frozenset(table.computed)
        return self.registry.columns(table.name, self.principal.role, command)

    def _in_scope(self, table: Table, *commands: str) -> bool:
        """Whether the caller's scope lets the role decide at all."""
        return all(self.principal.within_scope(*table.name, command) for command in commands)

    def sees(self, table: Table) -> bool:
        """Whether the caller may read anything of the table at all."""
        return bool(self.columns(table, "select"))

    def require(self, table: Table, command: str) -> frozenset[str]:
        """The columns the caller may use in `command`. Raises PermissionDenied where there are none."""
        columns = self.columns(table, command)
        if not columns:
            raise PermissionDenied(table=table.name.name, anonymous=self.anonymous)
        return columns
