"""Which app a command names, and what is said where there is none."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mainspring.cli.arguments import main
from mainspring.cli.reload import changed, stamps
from mainspring.cli.target import Launch, parse, prepare
from mainspring.errors import ConfigError
from mainspring.http.dispatch import Dispatcher

APP = """
from mainspring.http.dispatch import Dispatcher

class Stub:
    def build(self, settings, data):
        self.port = settings.server.port
        return Dispatcher({})

app = Stub()
other = Stub()
number = 5
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    known = set(sys.modules)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sys.path", ["", *sys.path])
    for name in ("PORT", "HOST", "DATA"):
        monkeypatch.delenv(f"MAINSPRING_SERVER__{name}", raising=False)
    yield tmp_path
    for name in [name for name in sys.modules if name not in known and not name.startswith("mainspring.")]:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def write(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    return name


def mistakes(app: str, **flags: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        prepare(Launch(app, {f"--{name}": text for name, text in flags.items()}))
    return [str(mistake) for mistake in caught.value.mistakes]


@pytest.mark.parametrize(
    ("spec", "module", "name"),
    [
        ("app.py", "app", "app"),
        ("a/b/shop.py:api", "shop", "api"),
        ("shop.main:api", "shop.main", "api"),
        ("shop", "shop", "app"),
    ],
)
def test_an_app_is_a_file_or_a_module(spec: str, module: str, name: str) -> None:
    target = parse(spec)
    assert (target.module, target.name) == (module, name)
    assert (target.file is not None) is (".py" in spec)


@pytest.mark.parametrize("spec", ["first.py", "first.py:other", "first:other"])
def test_an_app_is_found(folder: Path, spec: str) -> None:
    write(folder, "first.py", APP)
    settings, application = prepare(Launch(spec, {"--port": "9"}))
    assert isinstance(application, Dispatcher)
    assert settings.server.port == 9


def test_the_settings_file_lies_beside_the_app(folder: Path) -> None:
    (folder / "shop").mkdir()
    write(folder / "shop", "main.py", APP)
    write(folder, "mainspring.toml", "[server]\nport = 1")
    assert prepare(Launch("shop/main.py"))[0].server.port == 1
    write(folder / "shop", "mainspring.toml", "[server]\nport = 2")
    assert prepare(Launch("shop/main.py"))[0].server.port == 2


def test_an_app_may_import_its_neighbours(folder: Path) -> None:
    (folder / "shop").mkdir()
    write(folder / "shop", "shop_models.py", APP)
    write(folder / "shop", "shop_app.py", "from shop_models import app")
    prepare(Launch("shop/shop_app.py"))


def test_what_is_wrong_is_told_with_its_place(folder: Path) -> None:
    write(folder, "second.py", APP)
    write(folder, "raises.py", "def f():\n    return 1 / 0\n\nf()\n")
    write(folder, "syntax.py", "x = 1\ny = (\n")
    assert mistakes("secnd.py") == ["secnd.py: there is no such file (did you mean second.py?)"]
    assert mistakes("second.py:othr") == ['second.py: has no "othr" (did you mean second.py:other?)']
    assert '"number" is of type int, not a Mainspring' in mistakes("second.py:number")[0]
    assert '"Stub" is the class Stub, not a Mainspring' in mistakes("second.py:Stub")[0]
    assert mistakes("raises.py") == ["raises.py:2: ZeroDivisionError: division by zero"]
    assert mistakes("syntax.py") == ["syntax.py:2: SyntaxError: '(' was never closed"]
    assert "No module named 'no_such_module'" in mistakes("no_such_module")[0]


def test_mistakes_of_settings_and_app_are_told_together(folder: Path) -> None:
    assert mistakes("none.py", port="x") == [
        '--port: "x" is not a whole number',
        "none.py: there is no such file",
    ]


def test_a_mistake_ends_the_command_with_2_and_no_traceback(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "none.py", "--port", "0"]) == 2
    assert capsys.readouterr().err.splitlines() == [
        "Mainspring cannot start: 2 mistakes",
        "  --port: 0 is too small, the least is 1",
        "  none.py: there is no such file",
    ]


def test_the_keys_are_printed(folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["keys", "--data", "there"]) == 0
    first = capsys.readouterr().out
    assert [line.split("=")[0] for line in first.splitlines()] == ["ANON_KEY", "SERVICE_KEY", "PUBLISHABLE_KEY", "SECRET_KEY"]
    main(["keys", "--data", "there", "--format", "env"])
    assert capsys.readouterr().out == first
    monkeypatch.setenv("MAINSPRING_AUTH__JWT_SECRET", "0123456789abcdef0123456789abcdef")
    main(["keys", "--data", "there"])
    assert "JWT_SECRET=0123456789abcdef0123456789abcdef\n" in capsys.readouterr().out


def test_a_changed_file_is_noticed(folder: Path) -> None:
    write(folder, "a.py", "1")
    (folder / ".venv").mkdir()
    before = stamps(folder)
    write(folder / ".venv", "hidden.py", "1")
    write(folder, "b.py", "1")
    (folder / "a.py").unlink()
    assert changed(before, stamps(folder)) == {"a.py", "b.py"}
    assert not changed(before, before)
