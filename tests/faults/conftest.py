"""Live servers for the fault tests."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.live import LiveServer

APP = Path(__file__).parent / "app.py"
DURABLE = {"MAINSPRING_REST__MAX_ROWS": "1000000", "MAINSPRING_DATABASE__SYNCHRONOUS": "FULL"}


@pytest.fixture
def app() -> Path:
    """The application file of the fault tests."""
    return APP


@pytest.fixture
def server(tmp_path: Path) -> Iterator[LiveServer]:
    """A server on SQLite that is not started yet, and does not outlive the test."""
    made = LiveServer(APP, data=tmp_path / "data", env=DURABLE)
    yield made
    made.kill()
