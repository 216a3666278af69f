"""Mistakes in the app file and in settings: the process does not start and lists them all, each with its source."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

BAD = '''from __future__ import annotations

from typing import Any

from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from mainspring import Mainspring


class Base(DeclarativeBase):
    pass


class Post(Base):
    __tablename__ = "posts"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]


app = Mainspring(models=Base)


@app.policy(Post, "selct")
def first(post: Any, me: Any) -> Any:
    return True


@app.policy(Post, "insert", to="authenticated")
def second(post: Any, me: Any) -> Any:
    return post.titel == "x"


@app.policy(str, "select")
def third(row: Any, me: Any) -> Any:
    return True
'''
GOOD = BAD[: BAD.index("@app.policy")]


def serve(folder: Path, app: str, *args: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """Run `mainspring serve` with an app file; it must end by itself."""
    (folder / "app.py").write_text(app)
    program = Path(sys.executable).parent / "mainspring"
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAINSPRING_")}
    command = [str(program), "serve", "app.py", "--data", str(folder / "data"), *args]
    return subprocess.run(command, cwd=folder, env={**inherited, **(env or {})}, capture_output=True, text=True, timeout=20)


def test_mistakes_in_the_app_are_listed_at_once(tmp_path: Path) -> None:
    done = serve(tmp_path, BAD)
    assert done.returncode == 2, done.stderr
    lines = [line for line in done.stderr.splitlines() if "app.py:" in line]
    assert len(lines) == 3, done.stderr
    for line, words in zip(lines, (("selct", "select"), ("titel", "title"), ("str",)), strict=True):
        assert all(word in line for word in words), line
    assert "Traceback" not in done.stderr
    assert not list((tmp_path / "data").glob("*.sqlite")), "a process that does not start must not make a database"


def test_mistakes_in_settings_are_listed_at_once(tmp_path: Path) -> None:
    (tmp_path / "mainspring.toml").write_text('[server]\nworkers = 0\n[databse]\nurl = "x"\n')
    env = {"MAINSPRING_AUTH__JWT_SECRET": "short", "MAINSPRING_REST__MAX_ROW": "5"}
    done = serve(tmp_path, GOOD, "--port", "many", env=env)
    assert done.returncode == 2, done.stderr
    named = ("mainspring.toml: server.workers", "mainspring.toml: databse", "MAINSPRING_AUTH__JWT_SECRET", "--port")
    for source in named:
        assert source in done.stderr, done.stderr
    assert "did you mean database?" in done.stderr
    assert "did you mean MAINSPRING_REST__MAX_ROWS?" in done.stderr
    assert "short" not in done.stderr, "a secret is shown"


def test_mistakes_in_both_are_listed_at_once(tmp_path: Path) -> None:
    done = serve(tmp_path, BAD, "--port", "many")
    assert done.returncode == 2, done.stderr
    assert "--port" in done.stderr
    assert "titel" in done.stderr, done.stderr


def test_an_app_that_raises_is_told_with_its_line(tmp_path: Path) -> None:
    done = serve(tmp_path, "from __future__ import annotations\n\nvalue = 1\nvalue.missing\n")
    assert done.returncode == 2, done.stderr
    assert "app.py:4" in done.stderr or "line 4" in done.stderr, done.stderr


def test_a_database_that_cannot_be_opened(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("this is no database, and it is long enough to be looked at as one " * 20)
    done = serve(tmp_path, GOOD, "--database", f"sqlite:///{tmp_path / 'file'}")
    assert done.returncode == 2, done.stderr
    assert "database.url" in done.stderr, done.stderr
    done = serve(tmp_path, GOOD, "--database", "oracle://x")
    assert done.returncode == 2, done.stderr
    assert "oracle" in done.stderr
