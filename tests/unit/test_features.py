"""Which columns are geometries, by the names that PostgreSQL gives their types."""

from __future__ import annotations

import pytest

from mainspring.catalog.model import Column, Table
from mainspring.datatypes import TEXT, DataType, Kind
from mainspring.errors import MediaUnavailable
from mainspring.plan.nodes import Feature, OutColumn, ReadPlan, Rows
from mainspring.plan.passes.features import as_features
from mainspring.query.ast import TableName
from mainspring.query.expr import TRUE, Ref, Source


def planned(type_: DataType) -> ReadPlan:
    column = Column("at", type_)
    table = Table(TableName("public", "places"), {"at": column}, ())
    return ReadPlan(Rows(Source(0, table, TRUE), (OutColumn("at", Ref(0, column, type_)),), TRUE), ())


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("geometry", ""),
        ("geography", ""),
        ("geometry(Point,4326)", ""),
        ("extensions.geography(PolygonZM,4326)", "extensions."),
        ('"My ""gis"""', None),
        ('"My gis".geometry', '"My gis".'),
        ("geometry[]", None),
        ("geometry_dump", None),
        ("my_geometry", None),
        ("x; y.geometry", None),
    ],
)
def test_a_type_is_a_geometry_by_its_name(name: str, schema: str | None) -> None:
    plan = planned(DataType(Kind.NATIVE, name=name))
    if schema is not None:
        assert as_features(plan).rows.feature == Feature("at", schema)
        return
    with pytest.raises(MediaUnavailable):
        as_features(plan)


def test_a_domain_is_what_lies_below_it() -> None:
    assert as_features(planned(DataType(Kind.NATIVE, name="place", base="gis.geometry"))).rows.feature == Feature("at", "gis.")
    with pytest.raises(MediaUnavailable):
        as_features(planned(DataType(Kind.NATIVE, name="geometry", base="inet")))


def test_only_the_databases_own_types_are_geometries() -> None:
    with pytest.raises(MediaUnavailable):
        as_features(planned(TEXT))
