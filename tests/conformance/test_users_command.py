"""`mainspring users` against the database of an application, on every engine that keeps one."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from mainspring.cli.arguments import main
from mainspring.testing.client import TestClient
from tests.support.people import PASSWORD, People, app, refused, settings
from tests.support.servers import PostgresServer

APP = str(Path(__file__).parents[1] / "support" / "people.py")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/people.sqlite"
    postgres: PostgresServer = request.getfixturevalue("postgres")
    return postgres.database("users")


@pytest.fixture
def run(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command; its exit code and what it prints."""
    monkeypatch.setenv("MAINSPRING_AUTH__PASSWORD_MEMORY_KIB", "8")
    monkeypatch.setenv("MAINSPRING_AUTH__PASSWORD_ITERATIONS", "1")

    def run_(action: str, *more: str, typed: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        code = main(["users", action, APP, *more, "--database", url, "--data", str(tmp_path / "data")])
        told = capsys.readouterr()
        return code, told.out, told.err

    return run_


def made(run: Run, *more: str, typed: str = "") -> dict[str, Any]:
    code, told, wrong = run("create", *more, "--format", "json", typed=typed)
    assert code == 0, wrong
    return dict(json.loads(told))


def test_a_user_from_beginning_to_end(run: Run) -> None:
    ann = made(run, "Ann@example.com", "--password", "--roles", "staff, editor", typed=f"{PASSWORD}\n")
    assert (ann["email"], ann["app_metadata"]["roles"]) == ("ann@example.com", ["staff", "editor"])
    assert "email_confirmed_at" in ann
    bob = made(run, "+46 701234567", "--unconfirmed")
    assert (bob["phone"], "phone_confirmed_at" in bob) == ("46701234567", False)
    _, told, _ = run("list")
    head, first, second, foot = told.splitlines()
    assert head.split() == ["id", "email", "phone", "roles", "state", "created_at"]
    assert first.split()[:3] == [bob["id"], "46701234567", "unconfirmed"]
    assert second.split()[1:4] == ["ann@example.com", "staff,editor", "confirmed"]
    assert foot == "page 1 of 1, 2 in all"
    assert json.loads(run("list", "--filter", "ann@", "--format", "json")[1])["total"] == 1
    for name in (ann["id"], "ANN@example.com"):
        assert json.loads(run("show", name, "--format", "json")[1])["id"] == ann["id"]
    assert "banned" in run("ban", "ann@example.com", "--for", "24h")[1]
    assert "confirmed" in run("unban", "ann@example.com")[1]
    assert "viewer" in run("set-roles", "ann@example.com", "viewer")[1]
    assert json.loads(run("set-role", "ann@example.com", "editor", "--format", "json")[1])["role"] == "editor"
    assert run("delete", "+46701234567", "--yes") == (0, "", "")
    assert run("show", "46701234567")[0] == 1
    assert run("delete", ann["id"], "--soft", "--yes")[0] == 0
    assert "deleted" in run("show", ann["id"])[1]


async def test_what_it_says_holds_for_who_signs_in(run: Run, url: str, tmp_path: Path) -> None:
    import asyncio

    async def command(*said: str, typed: str = "") -> None:
        code, _, wrong = await asyncio.to_thread(lambda: run(*said, typed=typed))
        assert code == 0, wrong

    await command("create", "ann@example.com", "--password", typed=PASSWORD)
    async with TestClient(app, url, settings=settings()) as client:
        people = People(client)
        await people.sign_in("ann@example.com")
        await command("set-password", "ann@example.com", typed="another horse 2\n")
        refused(
            await people.post("/token?grant_type=password", {"email": "ann@example.com", "password": PASSWORD}),
            400,
            "invalid_credentials",
        )
        session = await people.sign_in("ann@example.com", "another horse 2")
        await command("ban", "ann@example.com")
        refused(await people.refresh(session.refresh_token), 400, "user_banned")


def test_invitations_and_links(run: Run) -> None:
    code, told, _ = run("invite", "new@example.com")
    assert code == 0
    assert parse_qs(urlsplit(told.strip()).query)["type"] == ["invite"]
    told = run("invite", "new@example.com", "--auth-external-url", "https://api.example.com")[1]
    assert told.startswith("https://api.example.com/auth/v1/verify?token=")
    told = run("link", "signup", "two@example.com", "--format", "json", typed=f"{PASSWORD}\n")[1]
    assert (json.loads(told)["verification_type"], json.loads(told)["user"]["email"]) == ("signup", "two@example.com")
    assert run("link", "recovery", "nobody@example.com")[0] == 1
    assert "add it to auth.redirect_urls" in run("link", "magiclink", "a@b.c", "--redirect-to", "https://evil.example")[2]
    assert run("link", "nonsense", "a@b.c")[0] == 2


def test_what_is_wrong_is_said(run: Run) -> None:
    made(run, "ann@example.com")
    for said, told, code in (
        (("create", "ann@example.com"), "A user with this email address has already been registered", 1),
        (("create", "nonsense@"), "Unable to validate email address: invalid format", 1),
        (("create", "070"), "Invalid phone number format (E.164 required)", 1),
        (("show", "nobody@example.com"), "User not found", 1),
        (("show", "nonsense"), "User not found", 1),
        (("ban", "ann@example.com", "--for", "soon"), 'invalid format for ban duration: "soon"', 1),
        (("delete", "ann@example.com"), "delete: cannot be undone (say --yes)", 2),
        (("set-password", "ann@example.com"), "password: is empty (type it, or write it to standard input)", 2),
        (("create", "b@example.com", "--password"), "password: is empty", 2),
    ):
        got, out, wrong = run(*said)
        assert (got, out) == (code, "")
        assert told in wrong, wrong
    weak = run("set-password", "ann@example.com", typed="123\n")
    assert (weak[0], weak[2].strip()) == (1, "mainspring users set-password: Password should be at least 8 characters.")


def test_a_name_does_no_harm_to_a_terminal(run: Run, url: str) -> None:
    made(run, "ann@example.com")
    run("set-roles", "ann@example.com", "\x1b[2Jstaff")
    assert "\x1b" not in run("list")[1]


def test_where_nobody_signs_in(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAINSPRING_AUTH__ENABLED", "false")
    code, _, wrong = run("list")
    assert (code, "nobody can sign in here" in wrong) == (2, True)
