"""Computed columns and relations: what they are typed as, and every mistake with its place."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from tests.support.shop import CATALOG, POSTS, PUBLIC

from mainspring.catalog.model import Cardinality, Catalog, Column, Table
from mainspring.catalog.relations import relations
from mainspring.datatypes import BIGINT, BOOLEAN, FLOAT, INTEGER, NUMERIC, SMALLINT, TEXT, DataType, Kind
from mainspring.errors import ConfigError
from mainspring.policy.computed import Computations
from mainspring.policy.declare import Declarations
from mainspring.policy.expr import case, coalesce
from mainspring.policy.language import Me, Names, Row, build, exists
from mainspring.query.ast import TableName
from mainspring.query.functions import calculated

MONEY = DataType(Kind.NUMERIC, precision=10, scale=2)
COLUMNS = {
    "small": SMALLINT,
    "whole": INTEGER,
    "big": BIGINT,
    "money": MONEY,
    "number": NUMERIC,
    "real": FLOAT,
    "flag": BOOLEAN,
    "word": TEXT,
    "doc": DataType(Kind.JSON),
    "list": DataType(Kind.ARRAY, item=TEXT),
}
THINGS = Table(TableName("public", "things"), {name: Column(name, type_) for name, type_ in COLUMNS.items()})
KEYED = Table(TableName("public", "keyed"), {"id": Column("id", INTEGER, nullable=False)}, ("id",))
TABLES = {table.name: table for table in (THINGS, KEYED)}
WORLD = Catalog(TABLES, relations(TABLES))


def table_of(model: object) -> TableName:
    return TableName("public", str(model))


def added(app: Computations, catalog: Catalog = WORLD) -> Catalog:
    return app.added(catalog, table_of, lambda model: {})


def type_of(function: Callable[[Any], Any]) -> str:
    app = Computations()
    app.column("things", "x")(function)
    type_ = added(app).tables[THINGS.name].computed["x"].column.type
    scale = "" if type_.kind is not Kind.NUMERIC or type_.scale is None else f" scale {type_.scale}"
    return f"{type_}{scale}{' wide' if type_.wide else ''}"


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        (lambda row: row.word + "!", "text"),
        (lambda row: row.word.length(), "integer"),
        (lambda row: row.whole + row.whole, "bigint"),
        (lambda row: row.whole * row.whole, "bigint"),
        (lambda row: row.whole * row.whole * 2, "numeric scale 0 wide"),
        (lambda row: -row.small, "bigint"),
        (lambda row: row.big + 1, "numeric scale 0 wide"),
        (lambda row: row.money + row.money, "numeric scale 2"),
        (lambda row: row.money * 0.5, "numeric scale 3"),
        (lambda row: row.money * row.whole, "numeric scale 2 wide"),
        (lambda row: row.money * row.small, "numeric scale 2"),
        (lambda row: row.number + 1, "numeric wide"),
        (lambda row: row.word == "a", "boolean"),
        (lambda row: row.flag, "boolean"),
        (lambda row: coalesce(row.small, row.whole), "integer"),
        (lambda row: coalesce(row.money, 0), "numeric scale 2"),
        (lambda row: case(row.flag, row.word), "text"),
        (lambda row: case(row.flag, row.real, 1.5), "double precision"),
        (lambda row: row.doc["a"], "text"),
        (lambda row: row.doc["a"]["b"].as_json(), "jsonb"),
        (lambda row: row.real.as_text(), "text"),
    ],
)
def test_types(function: Callable[[Any], Any], expected: str) -> None:
    assert type_of(function) == expected


@pytest.mark.parametrize(
    ("function", "problem"),
    [
        (lambda row: row.word + row.whole, "+ joins texts, and things.whole is of type integer (write .as_text())"),
        (lambda row: row.real + 1, "things.real is of type double precision, which cannot be calculated with"),
        (lambda row: row.whole / 2, "there is no division"),
        (lambda row: row.flag * 2, "things.flag is of type boolean, which cannot be calculated with"),
        (lambda row: row.whole + "1", "+ joins texts, and things.whole"),
        (lambda row: row.whole * None, "None is no number to calculate with"),
        (lambda row: row.whole * float("nan"), "nan is no number to calculate with"),
        (lambda row: row.whole.lower(), "things.whole is of type integer, and lower takes a text (write .as_text() before)"),
        (lambda row: coalesce(row.word, row.whole), "coalesce takes values of one type, not of text, integer"),
        (lambda row: case(row.flag, row.doc, row.doc), "case takes values of one type, not of jsonb"),
        (lambda row: coalesce(row.word), "coalesce takes two values or more"),
        (lambda row: row.list, "a computed column cannot be of type text[]"),
        (lambda row: "fixed", "an expression over the row is needed, not 'fixed'"),
        (lambda row: None, "not nothing (is a `return` missing?)"),
        (lambda row: coalesce("a", "b"), "x reads no column of its row"),
        (lambda row: row.wrod, "things has no column wrod"),
        (lambda row: f"{row.word}", "join texts with +"),
        (lambda row: exists("keyed", lambda other: other.id == 1), "exists() only means something inside a policy function"),
        (lambda row: row.word is not None, "`is` cannot look into a policy expression"),
        (lambda row: 1 // 0, "the computed column raised ZeroDivisionError"),
    ],
)
def test_a_mistake_is_told_with_its_place(function: Callable[[Any], Any], problem: str) -> None:
    app = Computations()
    app.column("things", "x")(function)
    with pytest.raises(ConfigError) as caught:
        added(app)
    (mistake,) = caught.value.mistakes
    assert problem in str(mistake)
    assert f"{__file__}:" in str(mistake)


def test_all_mistakes_are_told_at_once() -> None:
    app = Computations()
    app.column("nowhere")(lambda row: row.x)
    app.column("things", "word")(lambda row: row.word)
    app.column("things", 'a"b')(lambda row: row.word)
    app.relation("things", "keyed", name="keyed")(lambda thing, other: other.id == thing.whole)
    app.relation("keyed", "things", single=True, name="one")(lambda other, thing: other.id == thing.whole)
    app.relation("things", "keyed", name="list")(lambda thing, other: other.id == thing.whole)
    app.relation("things", "keyed", name="bad")(lambda thing, other: thing.whole)
    with pytest.raises(ConfigError) as caught:
        added(app)
    said = "\n".join(map(str, caught.value.mistakes))
    for problem in (
        "nowhere is no table",
        "word is already the name of a column of things",
        "is no name for a column or a relation",
        "keyed is already the name of a table",
        "one is single, and things has no primary key",
        "list is already the name of a column of things",
        "things.whole is of type integer, no boolean",
    ):
        assert problem in said
    assert len(caught.value.mistakes) == 7


def test_a_relation_and_its_inverse_lead_both_ways() -> None:
    app = Computations()
    app.relation("things", "keyed", single=True, name="key", inverse="holders")(lambda thing, key: key.id == thing.whole)
    catalog = added(app)
    (there,), (back,) = catalog.relations[THINGS.name], catalog.relations[KEYED.name]
    assert (there.name, there.target, there.cardinality) == ("key", KEYED.name, Cardinality.MANY_TO_ONE)
    assert (back.name, back.target, back.cardinality) == ("holders", THINGS.name, Cardinality.ONE_TO_MANY)
    assert there.on != back.on


def test_a_name_can_be_given_once() -> None:
    app = Computations()
    app.column("things", "x")(lambda row: row.word)
    app.relation("things", "keyed", name="x")(lambda thing, other: other.id == thing.whole)
    app.relation("things", "keyed", name="y")(lambda thing, other: other.id == thing.whole)
    app.relation("things", "keyed", name="y")(lambda thing, other: other.id == thing.whole)
    with pytest.raises(ConfigError) as caught:
        added(app)
    assert ["a computed column of things" in str(caught.value.mistakes[0]), len(caught.value.mistakes)] == [True, 2]


def test_policies_and_later_columns_use_computed_ones() -> None:
    app = Computations()
    app.column("things", "loud")(lambda row: row.word.upper())
    app.column("things", "louder")(lambda row: row.loud + "!")
    catalog = added(app)
    assert catalog.tables[THINGS.name].computed["louder"].reads == {"word"}
    names = Names(catalog, table_of, lambda model: {})

    def policy(row: Row, me: Me) -> Any:
        return (row.loud == "A") & (me.email.lower() == row.word)

    assert "upper" in repr(build(policy, "things", names))


def test_excluding_one_in_a_grant_is_a_mistake() -> None:
    app = Computations()
    app.column("posts", "x")(lambda row: row.title)
    catalog = app.added(CATALOG, lambda model: PUBLIC[str(model)], lambda model: {})
    said = Declarations()
    said.grant("posts", "select", exclude=["x"])
    with pytest.raises(ConfigError) as caught:
        said.resolve(catalog, lambda model: PUBLIC[str(model)], lambda model: {})
    assert "x is computed: whoever may read the columns that it reads may read it" in str(caught.value)


def test_who_may_read_a_computed_column() -> None:
    app = Computations()
    app.column("posts", "x")(lambda row: row.title + row.data["a"])
    catalog = app.added(CATALOG, lambda model: PUBLIC[str(model)], lambda model: {})
    said = Declarations()
    said.policy("posts", "select")(lambda row, me: True)
    said.grant("posts", "select", to="whole", columns=["title", "data"])
    said.grant("posts", "select", to="half", columns=["title"])
    said.grant("posts", "select", to="named", columns=["id", "x"])
    registry = said.resolve(catalog, lambda model: PUBLIC[str(model)], lambda model: {})
    may = {role: "x" in registry.columns(POSTS.name, role, "select") for role in ("anybody", "whole", "half", "named")}
    assert may == {"anybody": True, "whole": True, "half": False, "named": True}
    assert "x" not in registry.columns(POSTS.name, "anybody", "update")


def test_numbers_of_any_length_are_exact() -> None:
    long = Decimal("1" * 900 + ".5")
    assert calculated("multiply", long, Decimal(2)) == Decimal("2" * 899 + "3")
