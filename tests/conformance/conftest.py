"""The record shop, and the application whose people sign in, for the tests that ask them as a client would."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from mainspring import Mainspring
from mainspring.services.identity.saml import our_keys
from mainspring.testing.client import TestClient
from tests.support.people import Open, People, settings
from tests.support.people import app as people_app
from tests.support.provider import FakeProvider
from tests.support.servers import PostgresServer
from tests.support.store import store as record_shop


@pytest.fixture(scope="session")
def store() -> Mainspring:
    """The record shop's app."""
    return record_shop()


@pytest.fixture(params=["memory://", ""], ids=["memory", "sqlite"])
async def shop(request: pytest.FixtureRequest, store: Mainspring) -> AsyncIterator[TestClient]:
    """The shop with its seed rows, anew for each test."""
    async with TestClient(store, request.param) as opened:
        yield opened


@pytest.fixture(scope="module")
def provider() -> Iterator[FakeProvider]:
    """What people sign in with elsewhere."""
    with FakeProvider() as found:
        yield found


@pytest.fixture(scope="module")
def small_company_key() -> Iterator[None]:
    """Our key towards companies is made anew for each test: as small as it may be."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(our_keys, "_BITS", our_keys._LEAST_BITS)
        yield


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Open:
    """Opens the application whose people sign in, on an engine, with settings."""

    @asynccontextmanager
    async def open_(app: Mainspring = people_app, **said: Any) -> AsyncIterator[People]:
        urls = {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path}/people.sqlite"}
        url = urls.get(request.param)
        if url is None:
            postgres: PostgresServer = request.getfixturevalue("postgres")
            url = postgres.database("people")
        async with TestClient(app, url, settings=settings(**said)) as client:
            yield People(client)

    return open_
