"""kill -9 while people are taken in from elsewhere: nobody is half there, and running it again takes the rest."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

import httpx
import psycopg
import pytest
from pysqlite3 import dbapi2 as sqlite

from tests.support.live import LiveServer
from tests.support.orphans import end_with_parent
from tests.support.servers import PostgresServer

APP = Path(__file__).parents[1] / "support" / "people.py"
MANY, BATCH, KILLS, SEED = 4_000, 500, 2, 20_261_125
SECONDS = 60.0


def people(path: Path) -> Path:
    """A file of many, each with an account elsewhere."""
    with path.open("w") as file:
        for number in range(MANY):
            uid, email = str(UUID(int=number + 1)), f"person{number}@example.com"
            google = {"provider": "google", "provider_id": str(number), "identity_data": {"sub": str(number), "email": email}}
            own = {"provider": "email", "provider_id": uid, "identity_data": {"sub": uid, "email": email}}
            file.write(json.dumps({"id": uid, "email": email, "identities": [own, google]}) + "\n")
    return path


class Command:
    """`mainspring users import` into one database, in a process of its own."""

    def __init__(self, source: Path, data: Path, database: str) -> None:
        said = ["users", "import", str(APP), "--from", str(source), "--database", database, "--data", str(data)]
        self._command = [sys.executable, "-m", "mainspring.cli", *said, "--format", "json"]

    def start(self) -> subprocess.Popen[str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith("MAINSPRING_")}
        return subprocess.Popen(
            self._command,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=end_with_parent(signal.SIGTERM),
        )

    def finish(self) -> dict[str, Any]:
        """Run it to its end; its sums."""
        with self.start() as process:
            told, wrong = process.communicate(timeout=SECONDS)
        assert process.returncode == 0, wrong
        return dict(json.loads(told))


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_kill_while_people_are_taken_in(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    database = f"sqlite:///{tmp_path}/people.sqlite"
    if engine == "postgres":
        postgres: PostgresServer = request.getfixturevalue("postgres")
        database = postgres.database("half_import")
    random, data = Random(SEED), tmp_path / "data"
    command = Command(people(tmp_path / "people.jsonl"), data, database)
    count = 0
    for _ in range(KILLS):
        with command.start() as process:
            wait_for_more_than(count, database)
            time.sleep(random.uniform(0, 0.1))
            process.kill()
        before, count = count, everybody(data, database)
        assert count > before, "who was taken in is gone"
        assert count % BATCH == 0, "a batch is there in part"
    assert count < MANY, "nothing was broken off: the test shows nothing"
    told = command.finish()
    assert (told["taken"], told["already_there"], told["passed_over"]) == (MANY - count, count, 0)
    assert everybody(data, database) == MANY


def wait_for_more_than(count: int, database: str) -> None:
    """Return once there are more people than `count`."""
    deadline = time.monotonic() + SECONDS
    while stored(database) <= count:
        assert time.monotonic() < deadline, "nobody is taken in"
        time.sleep(0.01)


def stored(database: str) -> int:
    """How many people the database holds; none while it has no table of them."""
    try:
        if database.startswith("postgresql"):
            with psycopg.connect(database) as connection:
                found = connection.execute("SELECT count(*) FROM auth.users").fetchone()
        else:
            with contextlib.closing(sqlite.connect(database.removeprefix("sqlite:///"))) as file:
                found = file.execute("SELECT count(*) FROM auth_users").fetchone()
    except (psycopg.Error, sqlite.Error):
        return 0
    return int(found[0]) if found else 0


def everybody(data: Path, database: str) -> int:
    """How many there are, all of them whole."""
    with LiveServer(APP, data=data, database=database) as server:
        headers = {"apikey": server.anon_key, "authorization": f"Bearer {server.service_key}"}
        with httpx.Client(base_url=f"{server.url}/auth/v1/admin", headers=headers, timeout=30) as service:
            count, page = 0, 1
            while found := service.get("/users", params={"page": page, "per_page": 1000}).json()["users"]:
                assert {len(user["identities"]) for user in found} == {2}, "somebody is half there"
                count, page = count + len(found), page + 1
            return count
