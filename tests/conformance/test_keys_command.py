"""`mainspring keys create` for an app: a key names what there is, on every engine that keeps keys."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mainspring.cli.arguments import main
from tests.support.servers import PostgresServer

APP = str(Path(__file__).parents[1] / "support" / "people.py")
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/keys.sqlite"
    postgres: PostgresServer = request.getfixturevalue("postgres")
    return postgres.database("keys")


@pytest.fixture
def run(url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    def run_(*more: str) -> tuple[int, str, str]:
        code = main(["keys", "create", "--name", "nightly", *more, "--database", url, "--data", str(tmp_path / "data")])
        told = capsys.readouterr()
        return code, told.out, told.err

    return run_


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (("--tables", "public.note:select"), 'there is no table or function "public.note"; did you mean "public.notes"?'),
        (("--tables", "pubic.notes:select"), 'there is no schema "pubic"; did you mean "public"?'),
        (("--role", "authentcated"), 'there is no role "authentcated"; did you mean "authenticated"?'),
    ],
)
def test_what_there_is_not(run: Run, said: tuple[str, ...], told: str) -> None:
    code, key, wrong = run("--app", APP, *said)
    assert (code, key) == (2, "")
    assert told in wrong


def test_a_key_of_an_app_and_one_without(run: Run) -> None:
    code, key, wrong = run("--app", APP, "--tables", "public.notes:select", "--role", "authenticated")
    assert (code, key[:3], wrong) == (0, "ms_", "")
    code, key, wrong = run("--tables", "public.note:select")
    assert (code, key[:3], wrong) == (0, "ms_", "The tables are not checked, since no app is named (--app).\n")


def test_an_app_that_there_is_not(run: Run) -> None:
    code, _, wrong = run("--app", "nowhere.py")
    assert code == 2
    assert "there is no such file" in wrong
