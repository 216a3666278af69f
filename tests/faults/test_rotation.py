"""Signing keys rotate under two serving workers: nobody is refused who should not be, nobody let in who should."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest

from tests.support.live import LiveServer

pytestmark = pytest.mark.alone
ES256 = {"MAINSPRING_AUTH__JWT_ALGORITHM": "ES256", "MAINSPRING_AUTH__AUTOCONFIRM": "true", "MAINSPRING_AUTH__RATE_TOKEN": "0"}
NOTICED = 2.0
"""Seconds within which workers look at the key folder."""
GRACE = 2.0


def keys(data: Path, *arguments: str) -> str:
    done = subprocess.run(
        [Path(sys.executable).parent / "mainspring", "keys", *arguments, "--data", str(data)],
        cwd=data,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def ask(server: LiveServer, method: str, path: str, token: str | None = None, **more: Any) -> httpx.Response:
    """A request on a connection of its own, so that any of the workers may answer."""
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return httpx.request(method, server.url + path, headers={**headers, **more.pop("headers", {})}, trust_env=False, **more)


def statuses(server: LiveServer, token: str) -> set[int]:
    return {ask(server, "GET", "/rest/v1/items?limit=1", token).status_code for _ in range(16)}


def refreshed(server: LiveServer, session: dict[str, Any]) -> dict[str, Any]:
    answer = ask(server, "POST", "/auth/v1/token?grant_type=refresh_token", json={"refresh_token": session["refresh_token"]})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def kid(session: dict[str, Any]) -> str:
    return str(jwt.get_unverified_header(session["access_token"])["kid"])


def published(server: LiveServer) -> set[str]:
    return {key["kid"] for key in ask(server, "GET", "/auth/v1/.well-known/jwks.json").json()["keys"]}


def test_a_rotation_is_not_noticed_and_a_revocation_is(tmp_path: Path, app: Path) -> None:
    data = tmp_path / "data"
    with LiveServer(app, data=data, env=ES256, args=["--workers", "2"]) as server:
        anon = server.anon_key
        signed = ask(server, "POST", "/auth/v1/signup", json={"email": "jo@example.com", "password": "correct horse 1"}).json()
        first = kid(signed)
        keys(data, "rotate", "--auth-key-overlap-seconds", "5")
        rotated, session, seen = time.monotonic(), signed, set[str]()
        while kid(session) == first:
            session = refreshed(server, session)
            fresh = kid(session)
            if time.monotonic() - rotated > NOTICED + GRACE:
                assert len(published(server)) == 2
                seen |= published(server)
            assert fresh == first or fresh in seen, "a key signed before it was published"
            assert statuses(server, session["access_token"]) == {200}
            assert time.monotonic() - rotated < 30
        for _ in range(8):
            session = refreshed(server, session)
            assert statuses(server, session["access_token"]) == statuses(server, signed["access_token"]) == {200}
        assert keys(data, "list").count("previous") == 1
        assert statuses(server, anon) == {200}

        told = keys(data, "revoke", first)
        assert "ANON_KEY=" in told
        time.sleep(NOTICED + GRACE / 2)
        assert statuses(server, signed["access_token"]) == statuses(server, anon) == {401}
        assert statuses(server, session["access_token"]) == {200}
        after = told.partition("ANON_KEY=")[2].splitlines()[0]
        assert statuses(server, after) == {200}


def test_keys_that_are_no_tokens(tmp_path: Path, app: Path) -> None:
    data = tmp_path / "data"
    with LiveServer(app, data=data, env=ES256, args=["--workers", "2"]) as server:
        for name in ("PUBLISHABLE_KEY", "SECRET_KEY"):
            for _ in range(8):
                answer = ask(server, "GET", "/rest/v1/items?limit=1", headers={"apikey": server.keys[name]})
                assert answer.status_code == 200
        for _ in range(8):
            secret = server.keys["SECRET_KEY"]
            assert ask(server, "GET", "/auth/v1/admin/users", headers={"apikey": secret}).status_code == 200
            assert ask(server, "GET", "/auth/v1/admin/users", headers={"apikey": server.service_key}).status_code == 401
            publishable = {"apikey": server.keys["PUBLISHABLE_KEY"]}
            assert ask(server, "GET", "/auth/v1/admin/users", headers=publishable).status_code == 401
            assert ask(server, "GET", "/auth/v1/user", headers=publishable).status_code == 401
        wrong = {"apikey": server.keys["SECRET_KEY"][:-1] + "0"}
        assert ask(server, "GET", "/rest/v1/items", headers=wrong).status_code == 401
        assert server.keys["SECRET_KEY"] not in server.log()


def test_a_key_for_a_service_is_made_on_the_command_line(tmp_path: Path, app: Path) -> None:
    data = tmp_path / "data"
    with LiveServer(app, data=data, env=ES256, args=["--workers", "2"]) as server:
        limits = ["--tables", "public.items:select", "public.things:insert,delete", "--expires", "90d"]
        key = keys(data, "create", "--name", "nightly", *limits).strip()
        assert key.startswith("ms_")
        time.sleep(NOTICED + GRACE / 2)
        assert statuses(server, key) == {200}
        for _ in range(8):
            assert ask(server, "GET", "/rest/v1/things", key).status_code == 403
            assert ask(server, "POST", "/rest/v1/items", key, json={"key": "a", "batch": "b"}).status_code == 403
            assert ask(server, "GET", "/rest/v1/items", headers={"apikey": key}).status_code == 200
        listed = ask(server, "GET", "/auth/v1/admin/api-keys", server.service_key).json()["api_keys"]
        assert [(each["name"], each["hint"]) for each in listed] == [("nightly", key[:9])]
        shown = keys(data, "services")
        assert "nightly: service_role, public.items:select public.things:insert,delete, expires" in shown
        assert key not in shown
        assert "is revoked" in keys(data, "revoke", listed[0]["id"])
        time.sleep(NOTICED + GRACE / 2)
        assert statuses(server, key) == {401}
        assert keys(data, "services").strip() == "There is none."
        assert key not in server.log()
