"""Live servers to attack, on the loopback interface only: app mode on SQLite and PostgreSQL, and database mode.

The application is the fuzzer's, or with the names that begin so the record shop of examples/store.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import jwt

from tests.support import native
from tests.support.live import JWT_SECRET, LiveServer, user_token
from tests.support.servers import PostgresServer

HERE = Path(__file__).parent
CALLER = "a0000000-0000-4000-8000-000000000001"
SHOP = HERE.parents[1] / "examples" / "store" / "app.py"
CUSTOMER = "a11ce000-0000-4000-8000-000000000001"
NAMES = ("sqlite", "postgres", "database")
SHOPS = ("store-sqlite", "store-postgres")


@dataclass(frozen=True)
class Target:
    """A running server, whose database it asks, and the token of a caller who may do much."""

    name: str
    url: str
    dbms: str
    token: str
    log: Path


@contextmanager
def running(name: str) -> Iterator[Target]:
    """One of NAMES or SHOPS, started anew with a database of its own."""
    with tempfile.TemporaryDirectory(prefix="mainspring-hostile-") as folder:
        data = Path(folder) / "data"
        if name.endswith("sqlite"):
            with LiveServer(_app(name), data=data, env=_path()) as server:
                yield Target(name, server.url, "SQLite", _token(name), data)
            return
        postgres = PostgresServer()
        postgres.start()
        try:
            url = postgres.database("hostile")
            with _on_postgres(name, url, data) as server:
                yield Target(name, server.url, "PostgreSQL", _token(name), data)
        finally:
            postgres.stop()


def _on_postgres(name: str, url: str, data: Path) -> LiveServer:
    if name != "database":
        return LiveServer(_app(name), data=data, database=url, env=_path())
    env = {
        "MAINSPRING_DATABASE__AUTH_MODE": "database",
        "MAINSPRING_DATABASE__ANON_ROLE": "guest",
        "MAINSPRING_REST__SCHEMAS": "api",
    }
    return LiveServer(None, data=data, database=native.make(url), env={**env, **_path()})


def _app(name: str) -> Path:
    return SHOP if name in SHOPS else HERE / "app.py"


def _token(name: str) -> str:
    if name == "database":
        return jwt.encode({"role": "member", "aud": "authenticated"}, JWT_SECRET, algorithm="HS256")
    return user_token(CUSTOMER, ["staff"]) if name in SHOPS else user_token(CALLER)


def _path() -> dict[str, str]:
    """The app file imports the tests' modules."""
    root = HERE.parents[1]
    return {"PYTHONPATH": f"{root / 'src'}:{root}"}
