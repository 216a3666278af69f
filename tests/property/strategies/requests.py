"""Random requests: reads with embeds, filters, orders and pages; inserts, upserts, updates and deletes."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from msgspec.structs import replace

from mainspring.catalog.model import Catalog, Column, Relation, Table
from mainspring.datatypes import BOOLEAN, DataType, Kind
from mainspring.policy.registry import Registry
from mainspring.principal import Principal
from mainspring.query import ast
from mainspring.query.aggregates import result_type
from mainspring.query.casts import castable, type_named
from mainspring.query.ops import INSIDE, OPERATORS, QUANTIFIED, Form
from tests.property.strategies.schemas import key_columns, key_value, row
from tests.property.strategies.searches import queries
from tests.property.strategies.values import JSONS, PATHS, PATTERNS, REGEXES, SEARCHED, TEXTS, UNFIT, document, said, written

_CASTS = ("text", "int8", "numeric", "float8", "date", "int4", "jsonb", "timestamptz", "boolean")
_PATTERNS = {"like": PATTERNS, "ilike": PATTERNS, "match": REGEXES, "imatch": REGEXES}
_COMPARING = ("eq", "neq", "gt", "gte", "lt", "lte", "isdistinct", "in")


@dataclass(frozen=True, slots=True)
class Request:
    """A query with its values and who asks."""

    query: ast.Query
    values: tuple[Any, ...]
    principal: Principal

    @property
    def writes(self) -> bool:
        """Whether it may change something."""
        return not isinstance(self.query, ast.Read)


@dataclass(slots=True)
class _Asking:
    """A request being drawn: what may be named, and the values collected so far."""

    draw: DrawFn
    catalog: Catalog
    registry: Registry
    principal: Principal
    values: list[Any] = field(default_factory=list)

    def slot(self, raw: Any) -> ast.Slot:
        self.values.append(raw)
        return ast.Slot(len(self.values) - 1)

    def chance(self, of: int) -> bool:
        """True once in `of` times; False is the simpler one."""
        return self.draw(st.integers(0, of - 1)) == of - 1

    def columns(self, table: Table, command: str = "select") -> list[Column]:
        """The columns worth naming: mostly those that the caller may use."""
        every = list(table.readable() if command == "select" or self.chance(30) else table.columns.values())
        if table.computed and command == "select" and self.draw(st.booleans()):
            every = [column for column in every if column.name in table.computed]
        if self.principal.bypass or self.chance(40):
            return every
        allowed = self.registry.columns(table.name, self.principal.role, command)
        return [column for column in every if column.name in allowed] or every

    def sees(self, relation: Relation) -> bool:
        """Whether the caller may read all that the relation leads through (rarely: or not)."""
        tables = [relation.target, *([relation.junction.table] if relation.junction else [])]
        readable = all(self.registry.may(name, self.principal.role, "select") for name in tables)
        return readable or self.principal.bypass or self.chance(20)

    def table(self, command: str) -> Table:
        tables = list(self.catalog.tables.values())
        may = [table for table in tables if self.principal.bypass or self.registry.may(table.name, self.principal.role, command)]
        return self.draw(st.sampled_from(tables if not may or self.chance(20) else may))


@st.composite
def reads(draw: DrawFn, catalog: Catalog, registry: Registry, principal: Principal) -> Request:
    """A read."""
    asking = _Asking(draw, catalog, registry, principal)
    table = asking.table("select")
    selection = _selection(asking, table, 2, paged=True)
    count = ast.Count.EXACT if asking.chance(3) else ast.Count.NONE
    placed = selection.offset is None and table.primary_key and asking.chance(3)
    cursor = ast.Cursor() if placed else None
    read = ast.Read(table.name, selection, count, terms=ast.Terms(timezone=_zone(asking)), cursor=cursor)
    return Request(read, tuple(asking.values), principal)


def following(request: Request, after: list[Any]) -> Request:
    """The read of the page after the row at which the order has these values."""
    cursor = ast.Cursor(ast.Slot(len(request.values)))
    return dataclasses.replace(request, query=dataclasses.replace(request.query, cursor=cursor), values=(*request.values, after))


@st.composite
def writes(draw: DrawFn, catalog: Catalog, registry: Registry, principal: Principal) -> Request:
    """An insert, upsert, update or delete."""
    asking = _Asking(draw, catalog, registry, principal)
    kinds: tuple[Callable[[_Asking], ast.Query], ...] = (_update, _insert, _upsert, _delete, _insert)
    query = draw(st.sampled_from(kinds))(asking)
    end = ast.End.ROLLBACK if asking.chance(8) else None
    query = dataclasses.replace(query, terms=ast.Terms(end=end, timezone=_zone(asking)))
    return Request(query, tuple(asking.values), principal)


def _zone(asking: _Asking) -> str | None:
    """Zones of whose history every database of zones tells the same."""
    zones = ("America/Los_Angeles", "Asia/Kolkata", "Australia/Lord_Howe")
    return asking.draw(st.sampled_from(zones)) if asking.chance(4) else None


# ---------------------------------------------------------------- selections


def _selection(asking: _Asking, table: Table, depth: int, *, paged: bool) -> ast.Selection:
    if asking.chance(5):
        return _groups(asking, table, depth, paged=paged)
    embeds = _embeds(asking, table, depth) if depth else []
    where = _where(asking, table, 2) if asking.chance(2) else None
    order = _orders(asking, table, embeds)
    whole = paged and bool(table.primary_key)
    limit = asking.slot(asking.draw(st.integers(0, 4))) if whole and asking.chance(4) else None
    offset = asking.slot(asking.draw(st.integers(0, 3))) if whole and asking.chance(6) else None
    return ast.Selection((*_fields(asking, table), *embeds), where, order, limit, offset)


def _groups(asking: _Asking, table: Table, depth: int, *, paged: bool) -> ast.Selection:
    """Groups: by a few columns and perhaps by what an embed holds, with aggregates, HAVING and an order of their own."""
    columns = [column for column in asking.columns(table) if column.type.kind is not Kind.JSON]
    keys = [asking.draw(st.sampled_from(columns)) for _ in range(asking.draw(st.integers(0, 2)))] if columns else []
    fields: list[ast.Item] = [_field(asking, column, f"f{place}") for place, column in enumerate(keys)]
    aggregates = [_aggregate(asking, table, f"a{place}") for place in range(asking.draw(st.integers(0, 2)))]
    embeds = _embeds(asking, table, 1) if depth and asking.chance(4) else []
    if not (fields or aggregates or embeds):
        aggregates = [ast.Aggregate("count")]
    where = _where(asking, table, 1) if asking.chance(2) else None
    having = _having(asking, table) if asking.chance(3) else None
    plain = [item.column for item in fields if isinstance(item, ast.Field) and item.cast is None]
    order = _group_orders(asking, table, plain, [*aggregates, ast.Aggregate("count")])
    page = (None, None)
    if paged and not embeds and all(column.type.kind is not Kind.ARRAY for column in keys) and asking.chance(3):
        page = asking.slot(asking.draw(st.integers(0, 3))), asking.slot(asking.draw(st.integers(0, 2)))
    return ast.Selection((*fields, *aggregates, *embeds), where, order, *page, having, asking.draw(st.booleans()))


def _aggregate(asking: _Asking, table: Table, alias: str | None = None) -> ast.Aggregate:
    """An aggregate, mostly one that its column's type has. Totals of doubles depend on their order, so there are none."""
    if asking.chance(3):
        return ast.Aggregate("count", alias=alias)
    column = asking.draw(st.sampled_from(asking.columns(table)))
    numbers = ("sum", "avg") if column.type.kind in (Kind.INTEGER, Kind.NUMERIC) else ()
    ranked = result_type("min", column.type) is not None
    functions = ("count", *numbers, *(("min", "max") if ranked else ()))
    function = "sum" if column.type.kind is not Kind.FLOAT and asking.chance(30) else asking.draw(st.sampled_from(functions))
    return ast.Aggregate(function, ast.Column(column.name), alias, cast="text" if alias and asking.chance(6) else None)


def _having(asking: _Asking, table: Table) -> ast.Expr:
    if asking.chance(3):
        tested = ast.Is(_aggregate(asking, table), asking.draw(st.sampled_from(["null", "not_null"])))
        return ast.Or((tested, _having(asking, table)))
    operator = asking.draw(st.sampled_from(["eq", "neq", "gt", "gte", "lt", "lte"]))
    return ast.Compare(operator, ast.Aggregate("count"), asking.slot(str(asking.draw(st.integers(0, 3)))))


def _group_orders(
    asking: _Asking, table: Table, keys: list[ast.Column], aggregates: list[ast.Aggregate]
) -> tuple[ast.Order, ...]:
    sortable = [key for key in keys if _type(table, key.name).kind is not Kind.ARRAY]
    terms: list[ast.Column | ast.Aggregate] = [*sortable, *(replace(each, alias=None, cast=None) for each in aggregates)]
    picked = [asking.draw(st.sampled_from(terms)) for _ in range(asking.draw(st.integers(0, 2)))]
    nulls = st.sampled_from([None, True, False])
    return tuple(ast.Order(term, asking.draw(st.booleans()), asking.draw(nulls)) for term in picked)


def _fields(asking: _Asking, table: Table) -> list[ast.Item]:
    if asking.draw(st.booleans()):
        return [ast.Star()]
    columns = asking.columns(table)
    picked = [asking.draw(st.sampled_from(columns)) for _ in range(asking.draw(st.integers(1, 3)))]
    return [_field(asking, column, f"f{place}") for place, column in enumerate(picked)]


def _field(asking: _Asking, column: Column, alias: str) -> ast.Field:
    if column.type.kind is Kind.JSON and asking.draw(st.integers(0, 2)) < 2:
        path = asking.draw(st.sampled_from(PATHS))
        place = ast.Column(column.name, path, asking.draw(st.booleans()))
        return ast.Field(place, alias, "text" if asking.chance(4) else None)
    return ast.Field(ast.Column(column.name), alias, _cast(asking, column) if asking.chance(3) else None)


def _cast(asking: _Asking, column: Column) -> str:
    fit = [name for name in _CASTS if castable(column.type, type_named(name) or column.type)]
    return asking.draw(st.sampled_from(_CASTS if not fit or asking.chance(20) else fit))


def _embeds(asking: _Asking, table: Table, depth: int) -> list[ast.Embed]:
    relations = [relation for relation in asking.catalog.relations[table.name] if asking.sees(relation)]
    count = asking.draw(st.integers(0, 2)) if relations else 0
    picked = [asking.draw(st.sampled_from(relations)) for _ in range(count)]
    return [_embed(asking, relation, f"e{place}", depth) for place, relation in enumerate(picked)]


def _embed(asking: _Asking, relation: Relation, alias: str, depth: int) -> ast.Embed:
    table = asking.catalog.tables[relation.target]
    selection = _selection(asking, table, depth - 1, paged=not relation.cardinality.single)
    target, hint = _address(asking.catalog, relation)
    spread = asking.chance(3)
    if spread:  # outputs that are lifted have names of their own
        items = tuple(_renamed(item, alias) for item in selection.items if item != ast.Star())
        selection = replace(selection, items=items, having=None, distinct=False)
    return ast.Embed(target, selection, alias, hint, inner=asking.chance(4), spread=spread)


def _renamed(item: ast.Item, before: str) -> ast.Item:
    if isinstance(item, ast.Field | ast.Embed | ast.Aggregate) and item.alias is not None:
        return replace(item, alias=f"{before}{item.alias}")
    return item


def _address(catalog: Catalog, relation: Relation) -> tuple[str, str | None]:
    """How a request names the relation."""
    if relation.function is not None:
        return relation.function.name, None
    if relation.junction is not None:
        return relation.target.name, relation.junction.table.name
    keys = catalog.tables[relation.source].foreign_keys
    forward = any(key.name == relation.name and key.columns == relation.columns for key in keys)
    if relation.source == relation.target and forward:
        return relation.name, None
    return relation.target.name, relation.name


def _orders(asking: _Asking, table: Table, embeds: list[ast.Embed]) -> tuple[ast.Order, ...]:
    terms = []
    for _ in range(asking.draw(st.integers(0, 2))):
        related = asking.draw(st.sampled_from(embeds)) if embeds and asking.chance(4) else None
        terms.append(_order(asking, table, related))
    return tuple(terms)


def _order(asking: _Asking, table: Table, related: ast.Embed | None) -> ast.Order:
    target = table if related is None else _target(asking, table, related)
    columns = asking.columns(target)
    column = asking.draw(st.sampled_from(columns))
    nulls = asking.draw(st.sampled_from([None, True, False]))
    key = ast.Column(column.name)
    if column.type.kind is Kind.JSON:
        path = asking.draw(st.sampled_from([(), *PATHS]))
        key = ast.Column(column.name, path, bool(path) and asking.draw(st.booleans()))
    return ast.Order(key, asking.draw(st.booleans()), nulls, related.key if related else None)


def _target(asking: _Asking, table: Table, embed: ast.Embed) -> Table:
    return next(
        asking.catalog.tables[relation.target]
        for relation in asking.catalog.relations[table.name]
        if _address(asking.catalog, relation) == (embed.target, embed.hint)
    )


# ---------------------------------------------------------------- filters


def _where(asking: _Asking, table: Table, depth: int) -> ast.Expr:
    match asking.draw(st.integers(0, 7)) if depth else 0:
        case 5:
            return ast.And((_where(asking, table, depth - 1), _where(asking, table, depth - 1)))
        case 6:
            return ast.Or((_where(asking, table, depth - 1), _where(asking, table, depth - 1)))
        case 7:
            return ast.Not(_where(asking, table, depth - 1))
        case _:
            return _test(asking, asking.draw(st.sampled_from(asking.columns(table))), table)


def _test(asking: _Asking, column: Column, table: Table) -> ast.Expr:
    node, type_ = ast.Column(column.name), column.type
    if type_.kind is Kind.JSON:
        return _place_test(asking, column)
    if asking.chance(6):
        tests = ("null", "not_null", *(("true", "false", "unknown") if type_ == BOOLEAN else ()))
        return ast.Is(node, asking.draw(st.sampled_from(tests)))
    if type_.kind is Kind.TEXT and asking.chance(5):
        return _search(asking, node)
    if type_.kind is not Kind.ARRAY and asking.chance(6):
        return _quantified(asking, column, table)
    if type_.kind is Kind.TEXT and asking.chance(3):
        operator = asking.draw(st.sampled_from(list(_PATTERNS)))
        return ast.Compare(operator, node, asking.slot(asking.draw(st.sampled_from(_PATTERNS[operator]))))
    inside = type_.kind in (Kind.ARRAY, Kind.RANGE) and asking.draw(st.booleans())
    operators = sorted(INSIDE) if inside else _COMPARING
    operator = asking.draw(st.sampled_from([name for name in operators if OPERATORS[name].accepts(type_)]))
    one = _one(asking, column, table)
    if OPERATORS[operator].form is Form.LIST:
        return ast.Compare(operator, node, asking.slot([one, *_several(asking, column, table)]))
    return ast.Compare(operator, node, asking.slot(one))


def _search(asking: _Asking, place: ast.Column) -> ast.Compare:
    """A full-text search, mostly for words that the texts have."""
    operator = asking.draw(st.sampled_from(sorted(SEARCHED)))
    config = asking.draw(st.sampled_from([None, "english", "simple"]))
    query = asking.draw(queries(operator) if asking.chance(3) else st.sampled_from(SEARCHED[operator]))
    return ast.Compare(operator, place, asking.slot(query), config=config)


def _quantified(asking: _Asking, column: Column, table: Table) -> ast.Expr:
    """A comparison with any or all of a few values, nulls among them."""
    patterns = column.type.kind is Kind.TEXT and asking.chance(2)
    operator = asking.draw(st.sampled_from([name for name in sorted(QUANTIFIED) if OPERATORS[name].accepts(column.type)]))
    operator = asking.draw(st.sampled_from(list(_PATTERNS))) if patterns else operator
    items = [
        asking.draw(st.sampled_from(_PATTERNS[operator])) if operator in _PATTERNS else _one(asking, column, table)
        for _ in range(asking.draw(st.integers(0, 3)))
    ]
    quantifier = asking.draw(st.sampled_from(list(ast.Quantifier)))
    listed = ["NULL" if asking.chance(8) else _quoted(item) for item in items]
    return ast.Compare(operator, ast.Column(column.name), asking.slot("{" + ",".join(listed) + "}"), quantifier)


def _quoted(item: str) -> str:
    return '"' + item.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _several(asking: _Asking, column: Column, table: Table) -> list[str]:
    return [_one(asking, column, table) for _ in range(asking.draw(st.integers(0, 2)))]


def _one(asking: _Asking, column: Column, table: Table) -> str:
    if asking.chance(30):
        return asking.draw(st.sampled_from([raw for raw in UNFIT[column.type.kind] if isinstance(raw, str)]))
    if column.name in key_columns(table):
        return written(column.type, key_value(column.type, asking.draw(st.integers(0, 9))))
    return said(asking.draw, column.type)


def _document_test(asking: _Asking, node: ast.Column) -> ast.Expr:
    """A comparison of a JSON value with another one."""
    operator = asking.draw(st.sampled_from([*_COMPARING, "cs", "cs", "cd"]))
    texts = [*map(document, JSONS), *map(document, JSONS), "x", "", "[1,", "1.0"]
    items = [asking.draw(st.sampled_from(texts)) for _ in range(asking.draw(st.integers(0, 3)))]
    if OPERATORS[operator].form is Form.LIST:
        return ast.Compare(operator, node, asking.slot(items))
    if operator in QUANTIFIED and asking.chance(4):
        listed = ["NULL" if asking.chance(8) else _quoted(item) for item in items]
        quantifier = asking.draw(st.sampled_from(list(ast.Quantifier)))
        return ast.Compare(operator, node, asking.slot("{" + ",".join(listed) + "}"), quantifier)
    return ast.Compare(operator, node, asking.slot(asking.draw(st.sampled_from(texts))))


def _place_test(asking: _Asking, column: Column) -> ast.Expr:
    path = asking.draw(st.sampled_from(PATHS))
    if asking.chance(6):
        place = ast.Column(column.name, path if asking.draw(st.booleans()) else ())
        return _search(asking, replace(place, as_text=bool(place.path) and asking.draw(st.booleans())))
    if asking.draw(st.booleans()):
        return _document_test(asking, ast.Column(column.name, path if asking.draw(st.booleans()) else ()))
    match asking.draw(st.integers(0, 3)):
        case 0:
            return ast.Is(ast.Column(column.name, path), asking.draw(st.sampled_from(["null", "not_null"])))
        case 1:
            operator = asking.draw(st.sampled_from(list(_PATTERNS)))
            pattern = asking.draw(st.sampled_from(_PATTERNS[operator]))
            return ast.Compare(operator, ast.Column(column.name, path, True), asking.slot(pattern))
        case _:
            operator = asking.draw(st.sampled_from(_COMPARING[:-1]))
            text = asking.draw(st.sampled_from([*TEXTS, "1", "2.50", "true", '{"b": 1}', "10", "[1]"]))
            return ast.Compare(operator, ast.Column(column.name, path, True), asking.slot(text))


# ---------------------------------------------------------------- writes


def _insert(asking: _Asking) -> ast.Insert:
    table = asking.table("insert")
    columns = _named(asking, table, "insert", required=True)
    rows = [_body(asking, table, columns) for _ in range(asking.draw(st.integers(1, 3)))]
    return ast.Insert(
        table.name,
        columns,
        asking.slot(rows),
        missing_default=asking.draw(st.booleans()),
        returning=_returning(asking, table),
        singular=asking.chance(8),
    )


def _upsert(asking: _Asking) -> ast.Query:
    table = asking.table("insert")
    keys = [key for key in table.unique_keys() if key]
    if not keys:
        return _insert(asking)
    on = asking.draw(st.sampled_from([(), *keys]))
    columns = tuple(dict.fromkeys((*(on or table.primary_key), *_named(asking, table, "insert", required=True))))
    rows = [_body(asking, table, columns) for _ in range(asking.draw(st.integers(1, 3)))]
    resolution = asking.draw(st.sampled_from(list(ast.Resolution)))
    conflict = ast.Conflict(resolution, on if on or table.primary_key else keys[0])
    return ast.Insert(
        table.name,
        columns,
        asking.slot(rows),
        missing_default=asking.draw(st.booleans()),
        conflict=conflict,
        returning=_returning(asking, table),
        singular=asking.chance(8),
    )


def _named(asking: _Asking, table: Table, command: str, *, required: bool) -> tuple[str, ...]:
    columns = [column for column in asking.columns(table, command) if column.writable or asking.chance(20)]
    wanted = {column.name for column in columns if asking.draw(st.integers(0, 3)) < 2}
    if required and not asking.chance(10):
        wanted |= {column.name for column in columns if not column.nullable or column.name in table.primary_key}
    return tuple(column.name for column in columns if column.name in wanted)


def _body(asking: _Asking, table: Table, columns: tuple[str, ...]) -> dict[str, Any]:
    whole = row(asking.draw, table, 11)
    found = {name: whole.get(name) for name in columns if not asking.chance(20)}
    if found and asking.chance(40):
        name = asking.draw(st.sampled_from(sorted(found)))
        found[name] = asking.draw(st.sampled_from(UNFIT[_type(table, name).kind]))
    return found


def _type(table: Table, name: str) -> DataType:
    return next(column.type for column in table.readable() if column.name == name)


def _update(asking: _Asking) -> ast.Update:
    table = asking.table("update")
    keys = key_columns(table)
    columns = tuple(name for name in _named(asking, table, "update", required=False) if name not in keys or asking.chance(3))
    changes = _body(asking, table, columns)
    where, order, limit, offset = _picking(asking, table)
    return ast.Update(
        table.name, tuple(changes), asking.slot(changes), where, order, limit, offset, _returning(asking, table),
        singular=asking.chance(8),
    )  # fmt: skip


def _delete(asking: _Asking) -> ast.Delete:
    table = asking.table("delete")
    where, order, limit, offset = _picking(asking, table)
    return ast.Delete(table.name, where, order, limit, offset, _returning(asking, table), singular=asking.chance(8))


_Picking = tuple[ast.Expr | None, tuple[ast.Order, ...], ast.Slot | None, ast.Slot | None]


def _picking(asking: _Asking, table: Table) -> _Picking:
    where = _where(asking, table, 1) if asking.draw(st.integers(0, 5)) < 5 else None
    if not (table.primary_key and asking.chance(4)):
        return where, (), None, None
    order = (_order(asking, table, None),)
    return where, order, asking.slot(asking.draw(st.integers(0, 3))), asking.slot(0) if asking.chance(2) else None


def _returning(asking: _Asking, table: Table) -> ast.Selection | None:
    if asking.chance(3):
        return None
    embeds = _embeds(asking, table, 1) if asking.chance(3) else []
    return ast.Selection((*_fields(asking, table), *embeds), None, _orders(asking, table, []))
