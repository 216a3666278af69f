"""Reads a whole database into a Catalog: one round trip of questions, then the pieces put together."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec

from mainspring.catalog.model import Catalog, Column, ForeignKey, Table, Unique
from mainspring.catalog.routines import Handler, Parameter, Representation, Returns, Routine, Volatility
from mainspring.engines.postgres.introspect import questions
from mainspring.engines.postgres.introspect.relations import Key, computed, relations
from mainspring.engines.postgres.introspect.types import logical
from mainspring.engines.postgres.introspect.views import View, views
from mainspring.query.ast import TableName

Ask = Callable[[Sequence[str], Sequence[str]], Awaitable[Sequence[bytes]]]
"""Runs the questions, each with the schemas as its argument; one JSON document for each."""

_VOLATILITIES = {"i": Volatility.IMMUTABLE, "s": Volatility.STABLE, "v": Volatility.VOLATILE}
_ACTIONS = {"c": "CASCADE", "n": "SET NULL", "d": "SET DEFAULT", "r": "RESTRICT"}
_ALIASES = {
    **{name: name for name in ("int", "integer", "decimal", "dec", "float", "real", "boolean", "double precision", "char")},
    **{name: name for name in ("character", "nchar", "national character", "bit", "varbit", "numeric", "timestamp", "time")},
}
"""Names of types that SQL spells in ways of its own."""
_LENGTH_FREE = {
    "bit": "bit varying",
    "bit[]": "bit varying[]",
    "character": "character varying",
    "character[]": "character varying[]",
}

Facts = Mapping[str, Any]


async def introspect(ask: Ask, schemas: Sequence[str]) -> Catalog:
    """The catalog of `schemas`, and of what their tables refer to."""
    documents = await ask(tuple(questions.EVERY.values()), schemas)
    return assemble({name: msgspec.json.decode(text) for name, text in zip(questions.EVERY, documents, strict=True)})


def assemble(facts: Facts) -> Catalog:
    """The catalog that the answers to `questions.EVERY` describe."""
    keys = [_key(each) for each in facts["foreign_keys"]]
    shown = views(facts["views"], facts["origins"])
    primary = {_name(each): _primary(each) for each in facts["tables"]}
    every = {_name(each): _table(each, keys, shown, primary) for each in facts["tables"]}
    exposed = {_name(each) for each in facts["tables"] if each["exposed"]}
    return Catalog(
        {name: table for name, table in every.items() if name in exposed},
        relations(every, exposed, keys, shown, [computed(each) for each in facts["computed"]]),
        _routines(facts["routines"]),
        tuple(_representation(each) for each in facts["representations"]),
        tuple(_handler(each) for each in facts["handlers"]),
        {**facts["types"], **_ALIASES},
        {schema: text for schema, text in facts["comments"].items() if text is not None},
    )


# ---------------------------------------------------------------- tables


def _name(facts: Facts) -> TableName:
    return TableName(facts["schema"], facts["name"])


def _primary(facts: Facts) -> tuple[str, ...]:
    return next((tuple(key["columns"]) for key in facts["keys"] or () if key["primary"]), ())


def _table(facts: Facts, keys: Sequence[Key], shown: Sequence[View], primary: Mapping[TableName, tuple[str, ...]]) -> Table:
    name = _name(facts)
    own = [key.key for key in keys if key.table == name]
    return Table(
        name,
        {column["name"]: _column(column) for column in facts["columns"] or ()},
        _view_key(name, shown, primary) if facts["kind"] in ("v", "m") else primary[name],
        tuple(Unique(key["name"], tuple(key["columns"])) for key in facts["keys"] or () if not key["primary"]),
        foreign_keys=tuple(own),
        comment=facts["comment"],
        view=facts["kind"] in ("v", "m"),
        insertable=facts["insertable"],
        updatable=facts["updatable"],
        deletable=facts["deletable"],
    )


def _view_key(name: TableName, shown: Sequence[View], primary: Mapping[TableName, tuple[str, ...]]) -> tuple[str, ...]:
    """The primary keys that a view shows whole, of whichever tables."""
    view = next((view for view in shown if view.name == name), None)
    if view is None:
        return ()
    tables = dict.fromkeys(table for table, _ in view.shows)
    ways = (next(view.ways(table, primary.get(table, ())), ()) for table in tables if primary.get(table))
    return tuple(dict.fromkeys(column for way in ways for column in way))


def _column(facts: Facts) -> Column:
    return Column(
        facts["name"],
        logical(dict(facts)),
        facts["nullable"],
        server_default=facts["default"],
        generated=facts["generated"],
        autoincrement=facts["identity"],
        comment=facts["comment"],
        native=facts["type"],
        base=facts["base"],
        max_length=facts["length"],
        choices=tuple(facts["choices"] or ()),
    )


def _key(facts: Facts) -> Key:
    key = ForeignKey(
        facts["name"],
        tuple(facts["columns"]),
        TableName(facts["target_schema"], facts["target"]),
        tuple(facts["target_columns"]),
        _ACTIONS.get(facts["ondelete"]),
        _ACTIONS.get(facts["onupdate"]),
    )
    return Key(TableName(facts["schema"], facts["table"]), key, facts["single"])


# ---------------------------------------------------------------- routines and the rest


def _routines(every: Sequence[Facts]) -> Mapping[TableName, tuple[Routine, ...]]:
    found: dict[TableName, tuple[Routine, ...]] = {}
    for facts in every:
        parameters = [_parameter(each) for each in facts["parameters"] or ()]
        unnamed = [each for each in parameters if not each.name]
        if unnamed and (len(unnamed) > 1 or unnamed[0].type not in ("bytea", "json", "jsonb", "text", "xml")):
            continue
        found[_name(facts)] = (*found.get(_name(facts), ()), _routine(facts, tuple(parameters)))
    return {name: tuple(sorted(overloads, key=lambda each: len(each.parameters))) for name, overloads in found.items()}


def _parameter(facts: Facts) -> Parameter:
    return Parameter(facts["name"], facts["type"], facts["required"], facts["mode"] == "v", _LENGTH_FREE.get(facts["type"]))


def _routine(facts: Facts, parameters: tuple[Parameter, ...]) -> Routine:
    answered = TableName(facts["type_schema"], facts["type"])
    table = answered if facts["composite"] else None
    settings = [tuple(setting.split("=", 1)) for setting in facts["settings"] or ()]
    isolation = next((value for name, value in settings if name == "default_transaction_isolation"), None)
    return Routine(
        _name(facts),
        parameters,
        Returns(answered, facts["many"], table, facts["composite"]),
        _VOLATILITIES[facts["volatility"]],
        facts["comment"],
        tuple((name, value) for name, value in settings),
        isolation,
    )


def _representation(facts: Facts) -> Representation:
    return Representation(facts["source"], facts["target"], TableName(facts["schema"], facts["function"]))


def _handler(facts: Facts) -> Handler:
    rows_of = TableName(facts["rows_schema"], facts["rows_of"]) if facts["rows_of"] is not None else None
    return Handler(facts["name"], facts["made"], TableName(facts["function_schema"], facts["function"]), rows_of)
