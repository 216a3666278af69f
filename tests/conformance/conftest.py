"""The record shop, served in memory, for the tests that ask it as a client would."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mainspring import Mainspring
from mainspring.cli.target import find_app, parse
from mainspring.testing.client import TestClient

STORE = Path(__file__).parents[2] / "examples" / "store" / "app.py"


@pytest.fixture(scope="session")
def store() -> Mainspring:
    """The record shop's app."""
    path = list(sys.path)
    try:
        app = find_app(parse(str(STORE)))
    finally:
        sys.path[:] = path
    assert isinstance(app, Mainspring)
    return app


@pytest.fixture(params=["memory://", ""], ids=["memory", "sqlite"])
async def shop(request: pytest.FixtureRequest, store: Mainspring) -> AsyncIterator[TestClient]:
    """The shop with its seed rows, anew for each test."""
    async with TestClient(store, request.param) as opened:
        yield opened
