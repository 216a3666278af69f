"""A scope only takes away: a caller with one is answered, byte by byte, as if the policies outside it had never been written.

For a key of the service role that means: as if it had the policy True on what the scope names, and nothing else.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, note
from hypothesis import strategies as st
from hypothesis.strategies import DataObject, DrawFn

from mainspring.catalog.model import Catalog
from mainspring.errors import ForeignKeyViolated
from mainspring.policy.registry import COMMANDS, Policy, Registry
from mainspring.principal import SERVICE, SERVICE_PRINCIPAL, Principal, Scope
from mainspring.query.ast import TRUE
from tests.property.cases import REQUESTS, examples, ran, seconds
from tests.property.engines import Lab
from tests.property.strategies.policies import callers, registries
from tests.property.strategies.requests import reads, writes
from tests.property.strategies.schemas import worlds
from tests.property.test_non_interference import exact

pytestmark = pytest.mark.timeout(seconds())


@st.composite
def scopes(draw: DrawFn, catalog: Catalog) -> Scope:
    """Some commands on some tables."""
    every = [(*name, command) for name, command in product(catalog.tables, COMMANDS)]
    return Scope(frozenset(draw(st.sets(st.sampled_from(every)))))


def narrowed(registry: Registry, scope: Scope) -> Registry:
    """The policies without those outside the scope."""

    def within(policy: Policy) -> Policy:
        return replace(policy, commands=frozenset(each for each in policy.commands if (*policy.table, each) in scope.allowed))

    return replace(registry, policies=tuple(map(within, registry.policies)))


def opened(catalog: Catalog, scope: Scope) -> Registry:
    """Everything that the scope names, for everybody, and nothing else."""
    commands = {name: frozenset(each for each in COMMANDS if (*name, each) in scope.allowed) for name in catalog.tables}
    policies = tuple(Policy(name, each, None, "tests", TRUE) for name, each in commands.items() if each)
    computed = {name: {each: made.reads for each, made in table.computed.items()} for name, table in catalog.tables.items()}
    return Registry({name: frozenset(table.columns) for name, table in catalog.tables.items()}, policies, (), computed)


@examples(0.1, REQUESTS)
@given(data=st.data())
def test_a_scope_only_takes_away(labs: tuple[Lab, Lab], data: DataObject) -> None:
    schema = labs[0].schema()
    world = data.draw(worlds(keyless=False, actions=False)).named(schema)
    registry = data.draw(registries(world.catalog))
    scope = data.draw(scopes(world.catalog))
    service = data.draw(st.booleans())
    principal = SERVICE_PRINCIPAL if service else data.draw(callers())
    scoped, plain = replace(principal, scope=scope), Principal(SERVICE) if service else principal
    other = opened(world.catalog, scope) if service else narrowed(registry, scope)
    note(f"{scoped}")
    with labs[0].holding(world, registry, schema) as ones, labs[1].holding(world, other, schema) as others:
        for name, side in (*ones.items(), *others.items()):
            assert not [answer for answer in side.fill(world) if isinstance(answer, Exception)], name
        for number in range(REQUESTS):
            make = reads if number < REQUESTS * 2 // 3 else writes
            request = data.draw(make(world.catalog, other, plain))
            for name in list(ones):
                answers = ones[name].answer(replace(request, principal=scoped)), others[name].answer(request)
                if any(isinstance(answer, ForeignKeyViolated) for answer in answers):
                    del ones[name]
                    continue
                said = [exact(answer) for answer in answers]
                if said[0] != said[1]:
                    note(f"{name}: {request}")
                assert said[0] == said[1]
            ran("scopes")
