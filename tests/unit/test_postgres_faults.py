"""SQLSTATE to typed leaf."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import psycopg
import pytest

from mainspring.engines.postgres.faults import leaf
from mainspring.errors import (
    BodyInvalid,
    Busy,
    EngineFault,
    EngineUnavailable,
    MainspringError,
    NotSupported,
    TimedOut,
    ValueInvalid,
    ValueOutOfRange,
)


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("57014", TimedOut),
        ("40P01", Busy),
        ("40001", Busy),
        ("22P02", ValueInvalid),
        ("22003", ValueOutOfRange),
        ("22001", ValueOutOfRange),
        ("54000", ValueOutOfRange),
        ("57P01", EngineUnavailable),
        ("57P03", EngineUnavailable),
        ("08006", EngineUnavailable),
        ("53300", EngineUnavailable),
        ("21000", BodyInvalid),
        ("42P01", EngineFault),
        ("42501", EngineFault),
    ],
)
def test_a_state_has_its_leaf(state: str, expected: type[MainspringError]) -> None:
    error = psycopg.errors.lookup(state)("the driver's own words")
    found = leaf(error, None, 3.0)
    assert type(found) is expected
    assert "driver" not in f"{found.message}{found.details}{found.hint}"


class OfPostGIS(psycopg.errors.InternalError_):
    """An error as PostGIS raises it."""

    @property
    def diag(self) -> Any:
        return SimpleNamespace(message_primary=str(self), source_file="lwgeom_pg.c")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("parse error - invalid geometry", ValueInvalid),
        ("lwgeom_to_geojson: 'CircularString' geometry type not supported", NotSupported),
    ],
)
def test_what_postgis_refuses_is_no_fault_of_ours(said: str, expected: type[MainspringError]) -> None:
    assert type(leaf(OfPostGIS(said), None, 3.0)) is expected
    assert type(leaf(psycopg.errors.InternalError_(said), None, 3.0)) is EngineFault


def test_a_connection_that_broke_has_no_state() -> None:
    assert isinstance(leaf(psycopg.OperationalError("server closed the connection"), None, 1.0), EngineUnavailable)
    assert isinstance(leaf(psycopg.InterfaceError("?"), None, 1.0), EngineFault)


def test_the_limit_is_told() -> None:
    found = leaf(psycopg.errors.QueryCanceled("canceled"), None, 2.5)
    assert isinstance(found, TimedOut)
    assert found.seconds == 2.5
