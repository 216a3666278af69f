"""The fixtures every test may use: a real PostgreSQL server, the packages of the JavaScript tests."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.needs import missing
from tests.support.servers import PostgresServer

pytest_plugins = ["tests.property.counted"]  # here, because what adds up others' counts reads no other conftest
JAVASCRIPT = Path(__file__).parent / "clients" / "js"


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A running PostgreSQL server; `postgres.database()` makes an empty database and returns its address."""
    server = PostgresServer()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def postgres_url(postgres: PostgresServer) -> str:
    """The address of the session's PostgreSQL server (its maintenance database, as superuser)."""
    return postgres.url


@pytest.fixture(scope="session")
def node_modules() -> Path:
    """The folder of the JavaScript tests with their packages installed as the lock file says."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        missing("node with npm", "install Node.js 20 or newer")
    lock, installed = JAVASCRIPT / "package-lock.json", JAVASCRIPT / "node_modules" / ".package-lock.json"
    if not installed.exists() or installed.stat().st_mtime < lock.stat().st_mtime:
        done = subprocess.run(["npm", "ci"], cwd=JAVASCRIPT, capture_output=True, text=True)
        if done.returncode:
            missing("an npm package of tests/clients/js", f"npm ci failed:\n{done.stdout}{done.stderr}")
    return JAVASCRIPT
