"""The record shop of examples/store and the library, served by live processes, once for each module and engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.clients.library.database import fill
from tests.support.live import LiveServer, user_token
from tests.support.provider import CLIENT, SECRET, FakeProvider
from tests.support.servers import PostgresServer

STORE = Path(__file__).parents[2] / "examples" / "store" / "app.py"
ALICE = "a11ce000-0000-4000-8000-000000000001"
BRUNO = "a11ce000-0000-4000-8000-000000000002"
STAFF = "5aff0000-0000-4000-8000-000000000001"


@pytest.fixture(scope="session")
def provider() -> Iterator[FakeProvider]:
    """What the shop takes for Google."""
    with FakeProvider() as found:
        yield found


@pytest.fixture(scope="module", params=["sqlite", "postgres"])
def shop(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, provider: FakeProvider
) -> Iterator[LiveServer]:
    """The shop with its seed rows. The tests of a module share it, so whoever writes cleans up."""
    database: str | None = None
    if request.param == "postgres":
        postgres: PostgresServer = request.getfixturevalue("postgres")
        database = postgres.database("shop")
    arguments = ["--auth-phone", "true", "--auth-mfa-phone", "on"]
    env = {
        "MAINSPRING_AUTH__PROVIDERS__GOOGLE__ISSUER": provider.url,
        "MAINSPRING_AUTH__PROVIDERS__GOOGLE__CLIENT_ID": CLIENT,
        "MAINSPRING_AUTH__PROVIDERS__GOOGLE__CLIENT_SECRET": SECRET,
        "MAINSPRING_AUTH__CUSTOM_PROVIDERS_PRIVATE": "true",
        "MAINSPRING_AUTH__MANUAL_LINKING": "true",
        "MAINSPRING_AUTH__WEB3_ETHEREUM": "true",
        "MAINSPRING_AUTH__WEB3_SOLANA": "true",
    }
    with LiveServer(STORE, data=tmp_path_factory.mktemp("shop"), database=database, env=env, args=arguments) as server:
        yield server


@pytest.fixture(scope="session")
def tokens() -> dict[str, str]:
    """The tokens of the people who use the shop in the tests."""
    return {
        "alice": user_token(ALICE),
        "bruno": user_token(BRUNO),
        "staff": user_token(STAFF, roles=["staff"]),
    }


@dataclass(frozen=True, slots=True)
class Library:
    """The library as one place serves it: app mode on `sqlite` or `postgres`, or PostgreSQL's own `database` mode."""

    place: str
    url: str
    anon_key: str
    service_key: str


@pytest.fixture(scope="module", params=["sqlite", "postgres", "database"])
def library(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """The library with its seed rows. The tests of a module share it, so whoever writes cleans up."""
    app: Path | None = Path(__file__).parent / "library" / "app.py"
    database: str | None = None
    arguments = ["--database-tx-end", "commit-allow-override", "--rest-plan-enabled", "true"]
    if request.param != "sqlite":
        postgres: PostgresServer = request.getfixturevalue("postgres")
        database = postgres.database("library")
    if request.param == "database":
        assert database is not None
        fill(database)
        app = None
        arguments += ["--database-auth-mode", "database", "--database-channel", ""]
    with LiveServer(app, data=tmp_path_factory.mktemp("library"), database=database, args=arguments) as server:
        yield Library(request.param, server.url, server.anon_key, server.service_key)
