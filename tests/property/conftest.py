"""The engines of the property tests."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from mainspring.engines.registry import open_engine
from mainspring.errors import ConfigError
from mainspring.settings import DatabaseSettings
from tests.property.cases import ENGINES, IN_CI
from tests.property.engines import Lab, MemoryPlace, postgres_place, sqlite_place
from tests.support.servers import PostgresServer


@pytest.fixture(scope="session")
def server(request: pytest.FixtureRequest) -> PostgresServer | None:
    """The real PostgreSQL; None where it cannot start (a failure under CI=true)."""
    try:
        found: PostgresServer = request.getfixturevalue("postgres")
    except (pytest.skip.Exception, RuntimeError, OSError) as error:
        if IN_CI:
            pytest.fail(f"PostgreSQL could not start: {error}", pytrace=False)
        return None
    return found


@pytest.fixture(scope="session")
def labs(server: PostgresServer | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Lab, Lab]]:
    """Two sets of all engines."""
    loop = asyncio.new_event_loop()
    made = tuple(_lab(loop, server, tmp_path_factory.mktemp("lab")) for _ in range(2))
    yield made[0], made[1]
    for lab in made:
        lab.stop()
    loop.close()


def _lab(loop: asyncio.AbstractEventLoop, server: PostgresServer | None, folder: Path) -> Lab:
    lab = Lab(loop)
    lab.places = [MemoryPlace(), sqlite_place(folder, lab.run)]
    if server is not None and _has_engine():
        lab.places.append(postgres_place(server.database("property"), folder, lab.run))
    ENGINES.update(dict.fromkeys(place.name for place in lab.places))
    return lab


def _has_engine() -> bool:
    """Whether the PostgreSQL engine and its driver can be imported; a failure under CI=true when not."""
    try:
        open_engine(DatabaseSettings(url="postgresql://nowhere"), Path())
    except ConfigError as error:
        if IN_CI:
            pytest.fail(error.message, pytrace=False)
        return False
    return True


@pytest.fixture(scope="session")
def lab(labs: tuple[Lab, Lab]) -> Lab:
    """All engines, once."""
    return labs[0]
