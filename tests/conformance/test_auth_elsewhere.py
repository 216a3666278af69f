"""A database that has an `auth` schema of another's: of GoTrue, or what `mainspring db bootstrap --supabase` makes."""

from __future__ import annotations

import asyncio
from pathlib import Path

import httpx
import psycopg
import pytest

from mainspring.engines.postgres.bootstrap import bootstrap
from tests.support.gotrue import GoTrue, hashed
from tests.support.live import LiveServer, user_token
from tests.support.servers import PostgresServer

APP = Path(__file__).parents[1] / "support" / "people.py"
CHEAP = {"MAINSPRING_AUTH__PASSWORD_MEMORY_KIB": "8", "MAINSPRING_AUTH__PASSWORD_ITERATIONS": "1"}
PASSWORD = "as long as I remember"
COLUMNS = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'auth' ORDER BY 1, 2"


@pytest.fixture
def gotrue(postgres: PostgresServer) -> GoTrue:
    return GoTrue(postgres.database("gotrue")).make()


def test_people_are_not_signed_in_from_the_tables_of_gotrue(gotrue: GoTrue, tmp_path: Path) -> None:
    """What looks like our users is refused with the way to move them, and nothing is touched."""
    gotrue.user("ann@example.com", PASSWORD)
    before = gotrue.asked(COLUMNS)
    with pytest.raises(RuntimeError) as refused, LiveServer(APP, data=tmp_path, database=gotrue.url, env=CHEAP):
        pass
    told = str(refused.value)
    assert "Mainspring cannot start: 1 mistake" in told
    assert "auth.users: is the table of Supabase's auth server (GoTrue), not ours" in told
    assert "mainspring users import APP --from postgresql://" in told
    assert "ALTER SCHEMA auth RENAME TO gotrue" in told
    assert gotrue.asked(COLUMNS) == before
    assert gotrue.asked("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]


def test_who_signs_in_with_gotrue_is_served_and_its_users_are_left_alone(gotrue: GoTrue, tmp_path: Path) -> None:
    ann, bob = gotrue.user("ann@example.com", PASSWORD), gotrue.user("bob@example.com", PASSWORD)
    before = gotrue.asked(COLUMNS)
    with LiveServer(APP, data=tmp_path, database=gotrue.url, env={"MAINSPRING_AUTH__ENABLED": "false"}) as server:

        def notes(uid: str) -> httpx.Client:
            headers = {"apikey": server.anon_key, "authorization": f"Bearer {user_token(uid)}"}
            return httpx.Client(base_url=f"{server.url}/rest/v1", headers=headers)

        with notes(ann) as hers, notes(bob) as his:
            assert hers.post("/notes", json={"body": "mine"}).status_code == 201
            assert [row["owner"] for row in hers.get("/notes").json()] == [ann]
            assert his.get("/notes").json() == []
        with notes("00000000-0000-4000-8000-000000000000") as nobodys:
            assert nobodys.post("/notes", json={"body": "whose?"}).status_code == 409
    assert gotrue.asked(COLUMNS) == before


def test_users_of_a_bootstrapped_database_sign_in(postgres: PostgresServer, tmp_path: Path) -> None:
    """The small table that bootstrap makes is added to; what it holds stays, and is theirs."""
    url = postgres.database("bootstrapped")
    asyncio.run(bootstrap(url, "told nobody"))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            "INSERT INTO auth.users (email, encrypted_password, email_confirmed_at) VALUES (%s, %s, now()), (%s, NULL, NULL)",
            ("ann@example.com", hashed(PASSWORD), "bob@example.com"),
        )
    served = LiveServer(APP, data=tmp_path, database=url, env=CHEAP)
    with served, httpx.Client(base_url=served.url, headers={"apikey": served.anon_key}) as asked:
        wrong = asked.post("/auth/v1/token?grant_type=password", json={"email": "bob@example.com", "password": ""})
        assert wrong.status_code == 400
        answer = asked.post("/auth/v1/token?grant_type=password", json={"email": "ann@example.com", "password": PASSWORD})
        assert answer.status_code == 200, answer.text
        hers = {"authorization": f"Bearer {answer.json()['access_token']}"}
        assert asked.post("/rest/v1/notes", json={"body": "mine"}, headers=hers).status_code == 201
        assert [row["owner"] for row in asked.get("/rest/v1/notes", headers=hers).json()] == [answer.json()["user"]["id"]]
    with psycopg.connect(url) as connection:
        kept = connection.execute("SELECT left(encrypted_password, 10) FROM auth.users ORDER BY email").fetchall()
        indexes = connection.execute("SELECT indexdef FROM pg_indexes WHERE schemaname = 'auth'").fetchall()
    assert kept == [("$argon2id$",), (None,)]
    assert any("auth.users USING btree (created_at)" in text for (text,) in indexes), "the newest users are found by reading all"
