"""What looks wrong in a set of policies that is valid: findings for start-up and `mainspring audit`. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mainspring.catalog.model import Catalog
from mainspring.catalog.names import nearest
from mainspring.policy.registry import BUILT_IN_ROLES, COMMANDS, Registry
from mainspring.principal import ANON, SERVICE
from mainspring.query.ast import FALSE, TRUE, Auth, Expr, TableName
from mainspring.query.walk import below

WRITES = ("insert", "update", "delete")


@dataclass(frozen=True, slots=True)
class Finding:
    """Something worth a second look. `code` is stable; `source` is the place in the application, where there is one."""

    code: str
    table: TableName
    problem: str
    source: str | None = None

    def __str__(self) -> str:
        return f"{self.source}: {self.problem}" if self.source else self.problem


def audit(registry: Registry, catalog: Catalog) -> list[Finding]:
    """Everything found, in the order of the checks below."""
    return [
        *_unreachable(registry, catalog),
        *_open_to_all(registry),
        *_idle_grants(registry),
        *_blind_writes(registry, catalog),
        *_only_restrictive(registry),
        *_trusting(registry),
        *_misspelt_roles(registry),
    ]


def _unreachable(registry: Registry, catalog: Catalog) -> Iterator[Finding]:
    for table in registry.unreachable(catalog):
        yield Finding("unreachable", table, f"no role can reach {table}: it has no policy")


def _open_to_all(registry: Registry) -> Iterator[Finding]:
    for policy in registry.policies:
        if policy.restrictive or not (policy.roles is None or ANON in policy.roles):
            continue
        for command in (command for command in WRITES if command in policy.commands):
            condition = policy.using if command == "delete" else policy.written
            if condition == TRUE:
                problem = f"anyone, signed in or not, may {command} any row of {policy.table}"
                yield Finding("open_write", policy.table, problem, policy.source)


def _idle_grants(registry: Registry) -> Iterator[Finding]:
    for grant in registry.grants:
        roles = registry.roles if grant.roles is None else grant.roles
        pairs = ((role, command) for role in sorted(roles) for command in sorted(grant.commands))
        if not any(registry.may(grant.table, role, command) for role, command in pairs):
            problem = f"this grant on {grant.table} gives nothing: no policy lets a row through"
            yield Finding("idle_grant", grant.table, problem, grant.source)


def _blind_writes(registry: Registry, catalog: Catalog) -> Iterator[Finding]:
    """An update or delete reaches only rows that its role may also select."""
    for table in sorted(catalog.tables):
        for role in sorted(registry.roles - {SERVICE}):
            blind = [command for command in ("update", "delete") if registry.may(table, role, command)]
            if blind and registry.using(table, role, "select") == FALSE:
                problem = f"{role} may {' and '.join(blind)} rows of {table} but select none of them"
                yield Finding("blind_write", table, problem)


def _only_restrictive(registry: Registry) -> Iterator[Finding]:
    for policy in registry.policies:
        roles = registry.roles if policy.roles is None else policy.roles
        pairs = ((role, command) for role in roles for command in COMMANDS if command in policy.commands)
        if policy.restrictive and not any(registry.may(policy.table, *pair) for pair in pairs):
            problem = f"this restrictive policy on {policy.table} narrows nothing: there is no permissive one"
            yield Finding("only_restrictive", policy.table, problem, policy.source)


def _trusting(registry: Registry) -> Iterator[Finding]:
    """What users can write about themselves says nothing about what they may do."""
    for policy in registry.policies:
        claims = {fact.path[1:2] for part in (policy.using, policy.written) for fact in _facts(part)}
        if ("user_metadata",) in claims:
            problem = f"a policy of {policy.table} trusts user_metadata, which users can change themselves"
            yield Finding("trusts_user", policy.table, problem, policy.source)


def _facts(node: Expr) -> Iterator[Auth]:
    return (each for each in below(node) if isinstance(each, Auth))


def _misspelt_roles(registry: Registry) -> Iterator[Finding]:
    for rule in (*registry.policies, *registry.grants):
        for role in sorted((rule.roles or frozenset()) - BUILT_IN_ROLES):
            near = nearest(role, BUILT_IN_ROLES)
            if near:
                problem = f"the role {role} is no built-in one: did you mean {near}?"
                yield Finding("unusual_role", rule.table, problem, rule.source)
