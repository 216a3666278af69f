"""Who asks. Built by the front door from a verified token; nothing below reads a header."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

Claims = Mapping[str, Any]
NO_CLAIMS: Claims = MappingProxyType({})

ANON = "anon"
AUTHENTICATED = "authenticated"
SERVICE = "service_role"


@dataclass(frozen=True, slots=True)
class Scope:
    """The only things a caller may do, each (schema, table or function, command), of what its role may do."""

    allowed: frozenset[tuple[str, str, str]]


@dataclass(frozen=True, slots=True)
class Principal:
    """A caller: its role, its user id (text form, None when there is no user), its claims.

    `bypass` lifts every policy and privilege (service keys only). A `scope` narrows what is left; None does not.
    """

    role: str = ANON
    uid: str | None = None
    claims: Claims = field(default_factory=lambda: NO_CLAIMS)
    bypass: bool = False
    scope: Scope | None = None

    def within_scope(self, schema: str, name: str, command: str) -> bool:
        """Whether the scope lets the caller use a command on a table, or `execute` a function, if its role may."""
        return self.scope is None or (schema, name, command) in self.scope.allowed

    def claim(self, *path: str) -> Any:
        """The claim at `path` (keys from the outside in), or None where there is none."""
        value: Any = self.claims
        for key in path:
            if type(value) is not dict and not isinstance(value, Mapping):  # the first test is the fast one
                return None
            value = value.get(key)
        return value


SERVICE_PRINCIPAL = Principal(role=SERVICE, bypass=True)
