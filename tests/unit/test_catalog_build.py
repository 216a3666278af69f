"""The catalog of SQLAlchemy models: every type, default and key, and every mistake at once."""

from __future__ import annotations

import enum
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import (
    ARRAY,
    CheckConstraint,
    Column,
    DateTime,
    Enum,
    FetchedValue,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    Sequence,
    String,
    Table,
    Text,
    Time,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import INET, ExcludeConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from tests.support.every_type import Base, Everything, Mood, Visit

from mainspring import datatypes
from mainspring.catalog.build import build
from mainspring.catalog.model import Catalog, Check, Exclusion, Produced, SqlIndex, Unique
from mainspring.catalog.model import Column as CatalogColumn
from mainspring.catalog.model import ForeignKey as Key
from mainspring.catalog.model import Index as CatalogIndex
from mainspring.catalog.model import Table as CatalogTable
from mainspring.datatypes import DataType, Kind
from mainspring.errors import ConfigError
from mainspring.query.ast import Auth, Const, Now, TableName


class Shape(enum.Enum):
    square = "square"


CATALOG = build(Base)
EVERYTHING = CATALOG.tables[TableName("public", "everything")]


def column(name: str) -> CatalogColumn:
    return EVERYTHING.columns[name]


def one_table(*items: Any, **options: Any) -> CatalogTable:
    """The catalog's form of one table `t` of these columns and constraints."""
    metadata = MetaData(**options)
    Table("t", metadata, *items)
    return build(metadata).tables[TableName("public", "t")]


def mistakes(*items: Any) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        one_table(*items)
    return [str(mistake) for mistake in caught.value.mistakes]


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("id", datatypes.BIGINT),
        ("an_integer", datatypes.INTEGER),
        ("a_smallint", datatypes.SMALLINT),
        ("a_numeric", DataType(Kind.NUMERIC, precision=10, scale=2)),
        ("a_free_numeric", datatypes.NUMERIC),
        ("a_float", datatypes.FLOAT),
        ("a_double", datatypes.FLOAT),
        ("a_boolean", datatypes.BOOLEAN),
        ("a_text", datatypes.TEXT),
        ("a_varchar", DataType(Kind.TEXT, length=20)),
        ("a_unicode", DataType(Kind.TEXT, length=5)),
        ("a_decorated", DataType(Kind.TEXT, length=40)),
        ("an_enum", DataType(Kind.ENUM, name="mood", values=("happy", "it_s"))),
        ("an_enum_by_value", DataType(Kind.ENUM, name="mood_value", values=(":)", "it's"))),
        ("a_word", DataType(Kind.ENUM, name="everything_a_word", values=("one", "two"))),
        ("a_date", datatypes.DATE),
        ("a_time", datatypes.TIME),
        ("a_timestamp", datatypes.TIMESTAMP),
        ("a_timestamptz", datatypes.TIMESTAMPTZ),
        ("an_interval", datatypes.INTERVAL),
        ("a_uuid", datatypes.UUID_),
        ("a_json", datatypes.JSON),
        ("a_jsonb", datatypes.JSON),
        ("an_array", DataType(Kind.ARRAY, item=datatypes.TEXT)),
        ("a_range", datatypes.RANGES["int4range"]),
        ("a_period", datatypes.RANGES["tstzrange"]),
        ("some_bytes", datatypes.BYTES),
        ("owner", datatypes.UUID_),
    ],
)
def test_every_type_has_its_logical_type(name: str, type_: DataType) -> None:
    assert column(name).type == type_


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("a_numeric", Const(Decimal("1.50"))),
        ("a_float", Const(0.5)),
        ("an_enum", Const("it_s")),
        ("an_enum_by_value", Const(":)")),
        ("an_interval", Const(timedelta(hours=1))),
        ("owner", Auth(("uid",))),
        ("an_integer", None),
    ],
)
def test_python_defaults(name: str, default: object) -> None:
    assert column(name).default == default


def test_functions_are_called_for_each_row() -> None:
    made, fresh = column("a_uuid").default, column("a_json").default
    assert isinstance(made, Produced)
    assert isinstance(fresh, Produced)
    assert isinstance(made.produce(), UUID)
    assert made.produce() != made.produce()
    assert fresh.produce() == {}
    assert fresh.produce() is not fresh.produce()


def test_a_function_of_the_context_is_called_without_one() -> None:
    produced = one_table(Column("a", Text, default=lambda context: f"made {context}")).columns["a"].default
    assert isinstance(produced, Produced)
    assert produced.produce() == "made None"


def test_produced_enum_members_are_stored_as_the_column_stores_them() -> None:
    kind = Enum(Mood, values_callable=lambda members: [member.value for member in members])
    produced = one_table(Column("a", kind, default=lambda: Mood.happy)).columns["a"].default
    assert isinstance(produced, Produced)
    assert produced.produce() == ":)"


@pytest.mark.parametrize(
    ("name", "default"),
    [
        ("an_integer", "'7'"),
        ("a_smallint", "3"),
        ("a_boolean", "true"),
        ("a_varchar", "'it''s'"),
        ("a_date", Now()),
        ("a_time", Now()),
        ("a_timestamp", Now()),
        ("a_timestamptz", Now()),
        ("a_uuid", "gen_random_uuid()"),
        ("an_array", "'{a,b}'"),
        ("a_text", None),
    ],
)
def test_server_defaults(name: str, default: object) -> None:
    assert column(name).server_default == default


def test_onupdate() -> None:
    assert column("a_timestamptz").onupdate == Now()
    assert column("a_timestamp").onupdate is None


def test_computed_columns_and_identities() -> None:
    visit = CATALOG.tables[TableName("public", "visits")].columns["id"]
    assert column("doubled").generated == "an_integer * 2"
    assert not column("doubled").writable
    assert column("id").autoincrement
    assert column("id").writable
    assert visit.autoincrement
    assert not visit.writable
    assert not CATALOG.tables[TableName("public", "trips")].columns["id"].autoincrement
    assert not CATALOG.tables[TableName("geo", "places")].columns["number"].autoincrement


def test_columns_go_by_their_database_names() -> None:
    assert "order" in EVERYTHING.columns
    assert "renamed" not in EVERYTHING.columns


def test_comments_and_nullability() -> None:
    assert EVERYTHING.comment == "It's everything"
    assert column("a_text").comment == "some text; it's free"
    assert column("a_double").nullable
    assert not column("a_float").nullable


def test_constraints_without_a_name_get_postgresql_s() -> None:
    assert EVERYTHING.uniques == (
        Unique("everything_a_varchar_a_date_key", ("a_varchar", "a_date")),
        Unique("everything_a_unicode_key", ("a_unicode",)),
    )
    assert EVERYTHING.checks == (
        Check("everything_an_integer_check", "an_integer > 0"),
        Check("everything_check", "an_integer < 100 or a_float > 1.5"),
    )


def test_indexes() -> None:
    assert EVERYTHING.indexes == (
        CatalogIndex("everything_once", ("a_date", "a_time", "a_float"), unique=True),
        CatalogIndex("ix_everything_a_numeric", ("a_numeric",)),
    )
    assert CATALOG.tables[TableName("public", "visits")].indexes == (
        CatalogIndex("visits_falling", ("country", "number"), descending=frozenset({"country"})),
    )


def test_foreign_keys() -> None:
    users, places = TableName("auth", "users"), TableName("geo", "places")
    assert EVERYTHING.foreign_keys == (Key("everything_owner_fkey", ("owner",), users, ("id",), ondelete="SET NULL"),)
    assert CATALOG.tables[TableName("public", "visits")].foreign_keys == (
        Key(
            "visits_country_number_fkey",
            ("country", "number"),
            places,
            ("country", "number"),
            ondelete="CASCADE",
        ),
        Key("visits_trip_id_fkey", ("trip_id",), TableName("public", "trips"), ("id",)),
    )


def test_names_follow_a_naming_convention() -> None:
    convention = {"uq": "uq_%(table_name)s_%(column_0_name)s", "ck": "ck_%(table_name)s_%(constraint_name)s"}
    table = one_table(
        Column("a", Integer, CheckConstraint("a > 0", name="positive")),
        UniqueConstraint("a"),
        naming_convention=convention,
    )
    assert table.uniques == (Unique("uq_t_a", ("a",)),)
    assert table.checks == (Check("ck_t_positive", "a > 0"),)


def test_names_made_up_are_unique_and_fit() -> None:
    long = "a" * 60
    table = one_table(
        Column(long, Integer, unique=True),
        Column("b", Integer),
        CheckConstraint("b > 0"),
        CheckConstraint("b > 1"),
    )
    assert [check.name for check in table.checks] == ["t_check", "t_check1"]
    assert len(table.uniques[0].name) == 63
    assert table.uniques[0].name.endswith("a_key")


def test_checks_written_as_expressions_are_plain_sql() -> None:
    a = Column("a", String)
    assert one_table(a, CheckConstraint(a.in_(["x", "it's"]))).checks == (Check("t_a_check", "a IN ('x', 'it''s')"),)


def test_text_is_taken_as_it_is_written() -> None:
    said = "a like '1%' and a <> '12:30 :x'"
    assert one_table(Column("a", String), CheckConstraint(said)).checks[0].sql == said
    assert one_table(Column("a", String, server_default=text(":b").bindparams(b="x"))).columns["a"].server_default == "'x'"


@pytest.mark.parametrize(
    "said", ["now()", "(now())", "CURRENT_TIMESTAMP", "timezone('utc', now())", "(now() at time zone 'utc')"]
)
def test_every_spelling_of_now(said: str) -> None:
    assert one_table(Column("a", DateTime, server_default=text(said))).columns["a"].server_default == Now()


def test_a_key_with_a_default_is_not_counted() -> None:
    assert not one_table(Column("a", Integer, primary_key=True, default=5)).columns["a"].autoincrement
    assert one_table(Column("a", Integer, primary_key=True)).columns["a"].autoincrement


def test_the_users_are_there_only_when_referred_to() -> None:
    assert TableName("auth", "users") in CATALOG.tables
    assert one_table(Column("a", Integer, primary_key=True)).primary_key == ("a",)
    metadata = MetaData()
    Table("t", metadata, Column("a", Integer))
    assert list(build(metadata).tables) == [TableName("public", "t")]


def test_the_users_can_be_referred_to_by_name() -> None:
    table = one_table(Column("a", ForeignKey("auth.users.id")))
    assert table.columns["a"].type == datatypes.UUID_
    assert table.foreign_keys[0].target == TableName("auth", "users")


def test_models_may_be_given_one_by_one() -> None:
    catalog = build([Visit])
    assert set(catalog.tables) == set(CATALOG.tables)  # what it refers to comes with it
    assert set(build([Everything]).tables) == {EVERYTHING.name, TableName("auth", "users")}
    assert isinstance(build([Base, MetaData()]), Catalog)


def test_a_table_needs_no_primary_key() -> None:
    assert one_table(Column("a", Integer)).primary_key == ()


def test_every_mistake_is_listed_with_its_class_and_attribute() -> None:
    class Wrong(DeclarativeBase):
        pass

    class Thing(Wrong):
        __tablename__ = "things"
        __table_args__ = (
            Index("nulls", "size", unique=True, postgresql_nulls_not_distinct=True),
            Index("some", "size", postgresql_where=text("size > 1"), sqlite_where=text("size > 2")),
        )

        id: Mapped[int] = mapped_column(primary_key=True)
        address: Mapped[str] = mapped_column("addr", INET)
        size: Mapped[int] = mapped_column(default="large")
        shape: Mapped[Shape] = mapped_column(default=func.random())
        owner: Mapped[int] = mapped_column(ForeignKey("nobody.id"))

    with pytest.raises(ConfigError) as caught:
        build(Wrong)
    assert [str(mistake) for mistake in caught.value.mistakes] == [
        "Thing.owner: the foreign key refers to nobody.id, which does not exist (name a table and column of the models)",
        "Thing.address: the type INET is not served (use one of SQLAlchemy's generic types, or a TypeDecorator)",
        "Thing.size: the default 'large' does not fit the column: invalid input syntax for type integer: \"large\"",
        "Thing.shape: the default random() is an SQL expression (use a value, a Python function, func.now() or server_default=)",
        "Thing (index nulls): nulls that are not distinct are not served (leave postgresql_nulls_not_distinct out)",
        "Thing (index some): its conditions for PostgreSQL and SQLite differ (write one that both understand)",
    ]


def test_indexes_in_sql() -> None:
    a, b = Column("a", Text), Column('b"', Integer)
    table = one_table(
        a,
        b,
        Index("part", a, b.desc(), unique=True, sqlite_where=b > 1),
        Index("lowered", func.lower(a).desc(), text('a COLLATE "C"'), a + "x", postgresql_where=text("a <> '\\:b'")),
        Index("plain", a, unique=True),
    )
    assert table.sql_indexes == (
        SqlIndex("lowered", ("(lower(a)) DESC", 'a COLLATE "C"', "(a || 'x')"), where="a <> ':b'"),
        SqlIndex("part", ('"a"', '"b""" DESC'), unique=True, where='"b""" > 1'),
    )
    assert [index.columns for index in table.sql_indexes] == [(), ("a", 'b"')]
    assert table.unique_keys() == (("a",),)


def test_indexes_of_postgresql_s_kinds() -> None:
    a, b = Column("a", Text), Column("b", Integer)
    table = one_table(
        a,
        b,
        Index("covering", a, unique=True, postgresql_include=[b]),
        Index("found", a, func.lower(a).label("low"), postgresql_using="GIN", postgresql_ops={"a": "x_ops", "low": "y_ops"}),
        Index("like", a, b.desc(), postgresql_using="btree", postgresql_include=["b"], postgresql_ops={"a": "text_pattern_ops"}),
        Index("some", a, postgresql_where=b > 1, postgresql_ops={"a": "text_pattern_ops"}),
    )
    assert table.indexes == (
        CatalogIndex("covering", ("a",), unique=True, include=("b",)),
        CatalogIndex("like", ("a", "b"), descending=frozenset("b"), include=("b",), classes=("text_pattern_ops", "")),
    )
    assert table.sql_indexes == (
        SqlIndex("found", ('"a"', "(lower(a))"), method="gin", classes=("x_ops", "y_ops")),
        SqlIndex("some", ('"a"',), where="b > 1", classes=("text_pattern_ops",)),
    )
    assert table.unique_keys() == (("a",),)


def test_exclusion_constraints() -> None:
    a, b = Column("a", Text), Column("b", Integer)
    first = ExcludeConstraint((a, "="), (func.lower(a), "<>"), name="first", using="gist", where=b > 1, ops={"a": "x_ops"})
    table = one_table(a, b, ExcludeConstraint(("b", "="), (text("b + 1"), "&&"), name="second"), first)
    assert table.exclusions == (
        Exclusion("first", (('"a" x_ops', "="), ("(lower(a))", "<>")), "gist", "b > 1"),
        Exclusion("second", (('"b"', "="), ("b + 1", "&&")), "gist"),
    )


def test_collations_are_kept_where_they_are_not_the_order_of_code_points() -> None:
    table = one_table(
        Column("a", String(3, collation="NOCASE")),
        Column("b", ARRAY(Text(collation="de-x-icu"))),
        Column("c", Text(collation="C")),
        Column("d", Enum("x", name="kind")),
    )
    assert [column.collation for column in table.columns.values()] == ["NOCASE", "de-x-icu", None, None]


def test_a_foreign_key_to_a_part_of_the_rows_is_a_mistake() -> None:
    metadata = MetaData()
    Table("t", metadata, Column("a", Integer), Index("some", "a", unique=True, sqlite_where=text("a > 1")))
    Table("s", metadata, Column("b", ForeignKey("t.a")))
    with pytest.raises(ConfigError, match="which is no unique key"):
        build(metadata)


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        (Column("a", ARRAY(Integer, dimensions=2)), "arrays of more than one dimension"),
        (Column("a", Time(timezone=True)), "a time with time zone"),
        (Column("a"), "no type"),
        (ExcludeConstraint((text("1"), "=")), "has no name"),
        (ExcludeConstraint((text("1"), "="), name="late", deferrable=True), "that waits"),
        (Column("a", Numeric(3, 5)), "out of bounds"),
        (Column("a", Integer, Identity(start=100)), "an identity starts at 1"),
        (Column("a", Integer, Sequence("s")), "a sequence"),
        (Column("a", Integer, server_default=FetchedValue()), "FetchedValue"),
        (Column("a" * 64, Integer), "longer than 63 bytes"),
        (Column("a", Integer, ForeignKey(Everything.a_date)), "which is no unique key"),
        (Column("a", Integer, ForeignKey("t.b", ondelete="EXPLODE")), "does not exist"),
        (Column("a", Enum("x", name="t")), "has the name of a table"),
        (Column("a", DateTime, default=3), "does not fit"),
    ],
)
def test_what_cannot_be_served_is_refused(item: Any, problem: str) -> None:
    assert any(problem in mistake for mistake in mistakes(item))


def test_names_that_some_engine_cannot_tell_apart_are_refused() -> None:
    metadata = MetaData()
    Table("geo_places", metadata, Column("a", Integer), Column("A", Integer))
    Table("places", metadata, Column("a", Integer), Index("shared", "a"), schema="geo")
    Table("geo_shared", metadata, Column("a", Enum("x", name="kind")))
    Table("more", metadata, Column("a", Enum("y", name="kind")), schema="auth")
    with pytest.raises(ConfigError) as caught:
        build(metadata)
    found = caught.value.message
    assert 'the columns "a" and "A" differ in case only' in found
    assert 'geo.places: the name "geo_places" is already used by public.geo_places' in found
    assert 'public.geo_shared: the name "geo_shared" is already used by geo.places' in found
    assert 'two enums are named "kind" and differ' in found
    assert 'auth.more: the schema "auth" is Mainspring\'s own' in found
