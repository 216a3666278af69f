"""The parameters that operations share, and those that filter by a column."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from mainspring.catalog.model import Column
from mainspring.query.ops import OPERATORS as TYPED
from mainspring.surfaces.rest.filters import OPERATORS, QUANTIFIED
from mainspring.surfaces.rest.openapi.types import Json, example

RESERVED: Final = frozenset({"select", "columns", "on_conflict", "order", "limit", "offset", "and", "or", "not.and", "not.or"})
"""The names that mean something else than a column in a query string."""


def _parameter(name: str, told: str, example: Any = None, place: str = "query", schema: Json | None = None) -> Json:
    spec = {"name": name, "in": place, "description": told, "schema": schema or {"type": "string"}}
    return spec if example is None else {**spec, "example": example}


_COUNT: Final[Json] = {"type": "integer", "minimum": 0, "maximum": 2**63 - 1}

SHARED: Final[Mapping[str, Json]] = {
    "select": _parameter(
        "select",
        "What each row tells: columns, `alias:column`, `column::type`, `column->json->>path`, and the related tables that the "
        "row's schema names: `table(*)`, `table!inner(*)`, `...table(column)`.",
        "*",
    ),
    "order": _parameter("order", "`column.asc`, `column.desc.nullslast`, several with commas between."),
    "limit": _parameter("limit", "Most rows to answer.", 10, schema=_COUNT),
    "offset": _parameter("offset", "Rows to pass over.", 0, schema=_COUNT),
    "and": _parameter("and", "Conditions that must all hold: `(price.gte.1,or(a.is.null,b.eq.2))`."),
    "or": _parameter("or", "Conditions of which one must hold: `(price.lt.5,title.like.S*)`."),
    "having": _parameter("having", "Which groups of an aggregating `select` to answer: `(count().gt.2,price.sum().lt.100)`."),
    "distinct": _parameter("distinct", "Every row once.", schema={"type": "string", "enum": ["true", "false"]}),
    "cursor": _parameter(
        "cursor", "Empty for the first page by position; then what `Next-Cursor` said. Not with `offset`, and with any `order`."
    ),
    "columns": _parameter("columns", "The columns to take from the body, whatever else stands in it."),
    "on_conflict": _parameter("on_conflict", "The unique columns by which an upsert knows a row; else the primary key."),
    "Range": _parameter("Range", "Rows `from-to`, the first is 0.", "0-9", "header"),
    "Prefer.read": _parameter("Prefer", "`count=exact`, `handling=strict`.", "count=exact", "header"),
    "Prefer.insert": _parameter(
        "Prefer",
        "`return=representation` (answer the rows), `resolution=merge-duplicates` (upsert), `missing=default`, `count=exact`, "
        "`handling=strict`.",
        "return=representation",
        "header",
    ),
    "Prefer.put": _parameter(
        "Prefer", "`return=representation` (answer the row), `handling=strict`.", "return=representation", "header"
    ),
    "Prefer.change": _parameter(
        "Prefer",
        "`return=representation` (answer the rows), `max-affected=N` with `handling=strict`, `count=exact`.",
        "return=representation",
        "header",
    ),
}


def refs(*names: str) -> list[Json]:
    """References to shared parameters."""
    return [{"$ref": f"#/components/parameters/{name}"} for name in names]


def by_column(column: Column, *, native: bool, only: str | None = None) -> Json:
    """The parameter that filters by a column, with one operator `only`. `native`: the database has operators of its own."""
    if only is not None:
        return {
            "name": column.name,
            "in": "query",
            "description": f"The row whose `{column.name}` is this: `{only}.value`.",
            "schema": {"type": "string", "pattern": f"^{only}\\."},
            "example": f"{only}.{text_of(example(column))}",
            "x-operators": [only],
        }
    operators = list(OPERATORS) if native else [name for name in OPERATORS if name in TYPED and TYPED[name].accepts(column.type)]
    listed = ", ".join(f"`{name}`" for name in (*operators, "is"))
    spec: Json = {
        "name": column.name,
        "in": "query",
        "description": f"Only rows whose `{column.name}` is as said: `operator.value` or `not.operator.value`, with {listed}.",
        "schema": {"type": "array", "items": {"type": "string", "pattern": _pattern(operators)}},
        "style": "form",
        "explode": True,
        "x-operators": [*operators, "is"],
    }
    return spec | ({"example": [f"eq.{text_of(example(column))}"]} if "eq" in operators else {"example": ["not.is.null"]})


def _pattern(operators: Iterable[str]) -> str:
    """What a filter's text looks like. Searches may name a configuration, comparisons any or all."""
    names = [f"{name}(\\((any|all)\\))?" if name in QUANTIFIED else name for name in operators]
    names = [f"{name}(\\([^)]*\\))?" if name.endswith("fts") else name for name in names]
    return f"^(not\\.)?(({'|'.join(names)})\\.|is\\.(not\\.)?(null|not_null|true|false|unknown)$)" if names else "^(not\\.)?is\\."


def text_of(value: Any) -> str:
    """A value as a query string says it."""
    if isinstance(value, list):
        return "{" + ",".join(text_of(item) for item in value) + "}"
    return value if isinstance(value, str) else json.dumps(value)
