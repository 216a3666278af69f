"""Views as models declare them: the SQL that is made of a select, and what is refused."""

from __future__ import annotations

import enum
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import (
    Column,
    DateTime,
    Enum,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
    Uuid,
    func,
    literal,
    select,
    text,
)

from mainspring.catalog.build import build
from mainspring.catalog.model import Definition
from mainspring.errors import ConfigError
from mainspring.query.ast import TableName


class Mood(enum.Enum):
    SAD = 1
    GLAD = 2


def tables() -> tuple[MetaData, Table, Table]:
    metadata = MetaData()
    goods = Table(
        "goods", metadata, Column("id", Integer, primary_key=True), Column("title", Text), Column("at", DateTime(timezone=True))
    )
    columns = (Column("id", Integer, primary_key=True), Column("good", ForeignKey("goods.id")))
    kinds = Table("kinds", metadata, *columns, schema="stock")
    return metadata, goods, kinds


def declared(view: Any, metadata: MetaData, *more: Any, key: bool = True) -> Definition | None:
    """The definition of a view with the column id."""
    Table("v", metadata, Column("id", Integer, primary_key=key), *more, info={"view": view})
    return build(metadata).tables[TableName("public", "v")].definition


def test_text_is_taken_as_it_is() -> None:
    metadata, *_ = tables()
    assert declared("SELECT id FROM goods ;", metadata) == Definition(*["SELECT id FROM goods"] * 2)
    metadata, *_ = tables()
    assert declared(text("SELECT id FROM goods WHERE title = 'a\\:b'"), metadata) == Definition(
        *["SELECT id FROM goods WHERE title = 'a:b'"] * 2
    )


def test_a_view_that_stands_already_has_none() -> None:
    metadata, *_ = tables()
    assert declared(True, metadata) is None
    table = build(metadata).tables[TableName("public", "v")]
    assert (table.view, table.insertable, table.deletable) == (True, False, False)


def test_a_schema_is_a_prefix_where_there_are_none() -> None:
    metadata, goods, kinds = tables()
    found = declared(select(kinds.c.id, goods.c.title).join(goods), metadata)
    assert found is not None
    assert " ".join(found.sql.split()) == (
        "SELECT stock.kinds.id, goods.title FROM stock.kinds JOIN goods ON goods.id = stock.kinds.good"
    )
    assert " ".join(found.flat.split()) == (
        "SELECT stock_kinds.id, goods.title FROM stock_kinds JOIN goods ON goods.id = stock_kinds.good"
    )
    metadata, _, kinds = tables()
    other = kinds.alias("k")
    found = declared(select(other.c.id).where(other.c.id.in_(select(kinds.c.good))), metadata)
    assert found is not None
    assert " ".join(found.flat.split()) == (
        "SELECT k.id FROM stock_kinds AS k WHERE k.id IN (SELECT stock_kinds.good FROM stock_kinds)"
    )


@pytest.mark.parametrize(
    ("value", "written"),
    [
        (literal("it's"), "'it''s'"),
        (literal(7), "7"),
        (literal(Decimal("1.50"), Numeric(5, 2)), "1.50"),
        (literal(True), "true"),
        (literal(date(2026, 1, 2)), "'2026-01-02'"),
        (literal(datetime(2026, 1, 2, 3, tzinfo=UTC), DateTime(timezone=True)), "'2026-01-02T03:00:00+00:00'"),
        (literal(Mood.GLAD, Enum(Mood)), "'GLAD'"),
        (literal(UUID(int=5), Uuid()), "'00000000-0000-0000-0000-000000000005'"),
    ],
)
def test_values_are_written_in_the_form_in_which_they_are_stored(value: Any, written: str) -> None:
    metadata, goods, _ = tables()
    found = declared(select(goods.c.id, value.label("x")), metadata)
    assert found is not None
    assert f"SELECT goods.id, {written} AS x" in found.flat.replace("\n", " ")


@pytest.mark.parametrize(
    ("view", "told"),
    [
        (lambda goods: select(goods.c.id).where(goods.c.at < func.now()), "now"),
        (lambda goods: select(goods.c.id, literal(b"x", LargeBinary)), "bytea"),
        (lambda goods: goods.insert(), "select"),
        (lambda goods: 7, "select"),
    ],
)
def test_what_cannot_be_a_view_is_a_mistake(view: Any, told: str) -> None:
    metadata, goods, _ = tables()
    with pytest.raises(ConfigError, match=told):
        declared(view(goods), metadata)


def test_a_view_has_a_key_and_no_indexes_and_nothing_refers_to_it() -> None:
    metadata, *_ = tables()
    with pytest.raises(ConfigError, match="identify"):
        declared("SELECT 1 AS id", metadata, key=False)
    metadata, *_ = tables()
    with pytest.raises(ConfigError, match="indexes"):
        declared("SELECT 1 AS id", metadata, Column("x", Integer), Index("i", "x"))
    metadata, *_ = tables()
    Table("child", metadata, Column("id", Integer, primary_key=True), Column("v_id", ForeignKey("v.id")))
    with pytest.raises(ConfigError, match="refers to the view"):
        declared("SELECT 1 AS id", metadata)
