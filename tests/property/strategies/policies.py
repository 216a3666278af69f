"""Random policies (conditions over columns, facts about the caller, other tables), grants, and callers."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from mainspring.catalog.model import Catalog, Table
from mainspring.datatypes import DataType, Kind
from mainspring.errors import MainspringError
from mainspring.policy.expr import Operand
from mainspring.policy.language import Row
from mainspring.policy.registry import COMMANDS, Grant, Policy, Registry
from mainspring.principal import SERVICE_PRINCIPAL, Principal
from mainspring.query import regex
from mainspring.query.ast import TRUE, And, Auth, Column, Compare, Const, Exists, Expr, Is, Not, Or, Truth
from mainspring.query.ops import INSIDE, OPERATORS
from tests.property.strategies.formulas import operand
from tests.property.strategies.values import JSONS, PATHS, PATTERNS, REGEXES, TEXTS, UIDS, value

ROLES = ("anon", "authenticated", "editor")


@st.composite
def registries(draw: DrawFn, catalog: Catalog) -> Registry:
    """Policies and grants for a catalog; most tables can be read by most roles."""
    policies: list[Policy] = []
    grants: list[Grant] = []
    for table in catalog.tables.values():
        policies += [_policy(draw, catalog, table, number) for number in range(draw(st.integers(0, 3)))]
        if draw(st.integers(0, 3)) == 3:
            grants.append(_grant(draw, table))
    columns = {name: frozenset(table.columns) for name, table in catalog.tables.items()}
    computed = {
        name: {each: computed.reads for each, computed in table.computed.items()} for name, table in catalog.tables.items()
    }
    return Registry(columns, tuple(policies), tuple(grants), computed)


def _roles(draw: DrawFn) -> frozenset[str] | None:
    return None if draw(st.booleans()) else frozenset(draw(st.sets(st.sampled_from(ROLES), min_size=1)))


def _policy(draw: DrawFn, catalog: Catalog, table: Table, number: int) -> Policy:
    whole = number == 0 or draw(st.booleans())
    commands = COMMANDS if whole else draw(st.sets(st.sampled_from(COMMANDS), min_size=1))
    return Policy(
        table=table.name,
        commands=frozenset(commands),
        roles=_roles(draw),
        source="tests",
        using=condition(draw, catalog, table),
        check=condition(draw, catalog, table) if draw(st.integers(0, 3)) == 3 else None,
        restrictive=number > 0 and draw(st.integers(0, 3)) == 3,
        name=f"{table.name.name}_{number}",
    )


def _grant(draw: DrawFn, table: Table) -> Grant:
    columns = frozenset(draw(st.sets(st.sampled_from(sorted((*table.columns, *table.computed))))))
    if draw(st.booleans()):
        columns |= set(table.primary_key)
    commands = draw(st.sets(st.sampled_from(COMMANDS), min_size=1))
    return Grant(table.name, frozenset(commands), _roles(draw), "tests", columns)


# ---------------------------------------------------------------- conditions


def condition(draw: DrawFn, catalog: Catalog, table: Table) -> Expr:
    """A policy's condition on rows of `table`."""
    if draw(st.integers(0, 2)) == 0:
        return TRUE
    return _tree(draw, catalog, (table,), 2)


def _tree(draw: DrawFn, catalog: Catalog, scopes: tuple[Table, ...], depth: int) -> Expr:
    match draw(st.integers(0, 9)) if depth else 0:
        case 6:
            return And((_tree(draw, catalog, scopes, depth - 1), _tree(draw, catalog, scopes, depth - 1)))
        case 7:
            return Or((_tree(draw, catalog, scopes, depth - 1), _tree(draw, catalog, scopes, depth - 1)))
        case 8:
            return Not(_tree(draw, catalog, scopes, depth - 1))
        case 9 if len(scopes) < 3:
            return _exists(draw, catalog, scopes, depth)
        case _:
            return _leaf(draw, scopes)


_UNJOINED = (Kind.JSON, Kind.ARRAY, Kind.ENUM)


def _exists(draw: DrawFn, catalog: Catalog, scopes: tuple[Table, ...], depth: int) -> Expr:
    inner = draw(st.sampled_from(list(catalog.tables.values())))
    scope, outer = len(scopes), scopes[-1]
    pairs = [
        Compare("eq", Column(mine.name, scope=scope), Column(theirs.name, scope=scope - 1))
        for mine in inner.columns.values()
        for theirs in outer.columns.values()
        if mine.type.kind is theirs.type.kind and mine.type.item == theirs.type.item and mine.type.kind not in _UNJOINED
    ]
    rest = _tree(draw, catalog, (*scopes, inner), depth - 1)
    joined = draw(st.sampled_from(pairs)) if pairs and draw(st.integers(0, 3)) < 3 else TRUE
    return Exists(inner.name, And((joined, rest)), scope)


def _leaf(draw: DrawFn, scopes: tuple[Table, ...]) -> Expr:
    if draw(st.integers(0, 6)) == 6:
        return _about_caller(draw)
    scope = draw(st.integers(0, len(scopes) - 1))
    if draw(st.integers(0, 5)) == 5:
        return _about_computed(draw, operand(draw, Row(scopes[scope], {}, scope), 2))
    column = draw(st.sampled_from(list(scopes[scope].columns.values())))
    type_, node = column.type, Column(column.name, scope=scope)
    match type_.kind:
        case Kind.JSON if draw(st.booleans()):
            path = draw(st.sampled_from([(), *PATHS]))
            operator = draw(st.sampled_from(["eq", "lt", "cs", "cd"]))
            return Compare(operator, Column(column.name, path, scope=scope), Const(draw(st.sampled_from(JSONS))))
        case Kind.ARRAY | Kind.RANGE if draw(st.booleans()):
            return _inside(draw, node, type_)
        case Kind.JSON:
            place = Column(column.name, draw(st.sampled_from(PATHS)), True, scope)
            return Compare("eq", place, Const(draw(st.sampled_from(TEXTS))))
        case Kind.BOOLEAN if draw(st.booleans()):
            return Truth(node)
        case Kind.UUID | Kind.TEXT if draw(st.booleans()):
            return Compare("eq", node, Auth(draw(st.sampled_from([("uid",), ("email",), ("role",), ("claims", "org")]))))
        case Kind.TEXT if draw(st.booleans()):
            patterns = draw(st.sampled_from([PATTERNS, _READABLE]))
            operators = ["like", "ilike"] if patterns is PATTERNS else ["match", "imatch"]
            return Compare(draw(st.sampled_from(operators)), node, Const(draw(st.sampled_from(patterns))))
    match draw(st.integers(0, 4)):
        case 3:
            return Is(node, draw(st.sampled_from(["null", "not_null"])))
        case 4 if OPERATORS["in"].accepts(type_):
            return Compare("in", node, Const(tuple(value(draw, type_) for _ in range(draw(st.integers(0, 3))))))
        case _:
            operators = ("eq", "neq", "gt", "gte", "lt", "lte") if OPERATORS["lt"].accepts(type_) else ("eq", "neq")
            return Compare(draw(st.sampled_from(operators)), node, _constant(draw, type_))


def _inside(draw: DrawFn, node: Column, type_: DataType) -> Expr:
    operator = draw(st.sampled_from([name for name in sorted(INSIDE) if OPERATORS[name].accepts(type_)]))
    if type_.kind is Kind.ARRAY and draw(st.booleans()):
        return Compare(operator, node, Auth(("claims", "tags")))
    return Compare(operator, node, _constant(draw, type_))


def _readable(pattern: str) -> bool:
    try:
        regex.check(pattern)
    except MainspringError:
        return False
    return True


_READABLE = tuple(filter(_readable, REGEXES))


def _about_computed(draw: DrawFn, made: Operand) -> Expr:
    type_, node = made._sized().type, made._node()
    if not OPERATORS["lt"].accepts(type_):
        return Is(node, draw(st.sampled_from(["null", "not_null"])))
    return Compare(draw(st.sampled_from(["eq", "neq", "gt", "lte"])), node, _constant(draw, type_))


def _constant(draw: DrawFn, type_: DataType) -> Const:
    raw = value(draw, type_)
    return Const(tuple(raw) if isinstance(raw, list) else raw)


def _about_caller(draw: DrawFn) -> Expr:
    match draw(st.integers(0, 4)):
        case 0:
            return Compare("eq", Auth(("role",)), Const("editor"))
        case 1:
            return Truth(Auth(("claims", "tags"), contains="red"))
        case 2:
            return Truth(Auth(("claims", "admin")))
        case 3:
            return Is(Auth(("uid",)), "not_null")
        case _:
            return Compare("gt", Auth(("claims", "level")), Const(1))


# ---------------------------------------------------------------- callers


@st.composite
def callers(draw: DrawFn) -> Principal:
    """A caller who is bound by policies."""
    role = draw(st.sampled_from(ROLES))
    if role == "anon":
        return Principal()
    claims = {
        "email": draw(st.sampled_from(["a", "A", "é"])),
        "org": draw(st.sampled_from(["a", UIDS[1], None, 5, {"x": 1}])),
        "tags": draw(st.sampled_from([["red"], [], "red", None])),
        "admin": draw(st.sampled_from([True, False, None, "yes", "x"])),
        "level": draw(st.sampled_from([0, 2, "3", None, "x"])),
    }
    return Principal(role, draw(st.sampled_from(UIDS)), claims)


@st.composite
def anyone(draw: DrawFn) -> Principal:
    """Any caller, the service role among them."""
    return SERVICE_PRINCIPAL if draw(st.integers(0, 2)) == 0 else draw(callers())
