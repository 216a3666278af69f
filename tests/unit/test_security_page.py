"""docs/security.md says of every requirement how it is met and which test shows it; what it names is there."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from mainspring.settings import FAMILIES, OPTIONS, load

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "security.md").read_text("utf-8")
SECTIONS = {  # of ASVS 5.0.0: how many requirements of levels 1 and 2 each has; they are the first ones of it
    "6.1": 3,
    "6.2": 12,
    "6.3": 4,
    "6.4": 4,
    "6.5": 5,
    "6.6": 3,
    "6.8": 4,
    "7.1": 3,
    "7.2": 4,
    "7.3": 2,
    "7.4": 5,
    "7.5": 2,
    "7.6": 2,
    "9.1": 3,
    "9.2": 4,
    "10.1": 2,
    "10.2": 2,
    "10.3": 4,
    "10.4": 11,
    "10.5": 5,
    "10.6": 2,
    "10.7": 3,
}
FIRST_LEVEL = (
    "6.1.1 6.2.1 6.2.2 6.2.3 6.2.4 6.2.5 6.2.6 6.2.7 6.2.8 6.3.1 6.3.2 6.4.1 6.4.2 7.2.1 7.2.2 7.2.3 7.2.4 7.4.1 7.4.2 "
    "9.1.1 9.1.2 9.1.3 9.2.1 10.4.1 10.4.2 10.4.3 10.4.4 10.4.5"
)
SHOWN = ("met", "by setting", "in part")
STATUSES = (*SHOWN, "not met", "documented", "not applicable")
_TEST = re.compile(r"`(tests/\S+?\.py)::(\w+)`")
_FOREIGN = ("random", "numpy.random")


class Row(NamedTuple):
    """One requirement."""

    number: str
    level: str
    asked: str
    status: str
    how: str
    tests: str


ROWS = [Row(*map(str.strip, line[1:-1].split("|"))) for line in re.findall(r"^\| \d+\.\d.*", PAGE, re.M)]


@cache
def defined(path: str) -> frozenset[str]:
    """The tests in a file."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def endpoints() -> Iterator[str]:
    """The paths of `/auth/v1`, as the table of routes has them."""
    tree = ast.parse((ROOT / "src/mainspring/surfaces/auth/routes.py").read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            keys = (key.value for key in node.keys if isinstance(key, ast.Constant))
            yield from (key for key in keys if isinstance(key, str) and key.startswith("/"))


def test_every_requirement_is_there_once() -> None:
    wanted = [f"{section}.{number}" for section, count in SECTIONS.items() for number in range(1, count + 1)]
    assert len(wanted) == 89
    assert [row.number for row in ROWS] == wanted
    assert {row.number for row in ROWS if row.level == "1"} == set(FIRST_LEVEL.split())
    assert {row.level for row in ROWS} == {"1", "2"}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.number)
def test_what_is_claimed_is_shown(row: Row) -> None:
    assert row.status in STATUSES
    named = _TEST.findall(row.tests)
    assert len(named) == row.tests.count("`") // 2, "tests are written as `tests/path.py::test_name`"
    assert [name for path, name in named if name not in defined(path)] == []
    assert bool(named) is (row.status in SHOWN), "what is met names a test, and nothing else does"
    assert row.how or row.status == "met"
    for anchor in re.findall(r"\]\(#([a-z-]+)\)", row.how):
        assert re.search(rf"^## {anchor.replace('-', ' ')}$", PAGE, re.M | re.I), anchor
    if row.status == "documented":
        assert "](#" in row.how
    if row.status == "by setting":
        assert set(re.findall(r"`([a-z]+\.\w+)`", row.how)) & set(OPTIONS)


def test_every_setting_that_is_named_exists() -> None:
    known = {*OPTIONS, *FAMILIES}
    sections = {key.partition(".")[0] for key in known}
    named = [name for name in re.findall(r"`([a-z]+\.[a-z0-9_.]+)`", PAGE) if name.partition(".")[0] in sections]
    assert len(named) > 50
    assert [name for name in named if name not in known] == []


def test_the_settings_that_are_advised_are_good() -> None:
    [toml] = re.findall(r"^```toml\n(.*?)^```", PAGE, re.M | re.S)
    settings = load({}, {}, toml)
    assert settings.auth.password_current
    advised = {f"auth.{name}" for name in tomllib.loads(toml)["auth"]}
    for number, said in ((row.number, row.how) for row in ROWS if row.status == "by setting" and row.number != "10.1.1"):
        assert advised & set(re.findall(r"`(auth\.\w+)`", said)), number


def test_every_endpoint_is_on_the_page() -> None:
    """There are no ways in that are not written down."""
    found = list(endpoints())
    assert {"/token", "/verify", "/oauth/token"} <= set(found)
    assert [path for path in found if f"`{path}`" not in PAGE] == []


def test_the_bounds_that_are_written_down_are_the_defaults() -> None:
    table = PAGE.partition("\n## Guessing\n")[2].partition("\n## ")[0]
    found = re.findall(r"\| (one in a minute|\d+)[^|]*\| ([^|]+) \|$", table, re.M)
    assert len(found) == 9
    for bound, names in found:
        for name in re.findall(r"`(\S+)`", names):
            assert OPTIONS[name].default == (60 if bound == "one in a minute" else int(bound)), name


@pytest.mark.parametrize("name", ["auth.code_length", "sms.code_length"])
def test_codes_have_six_digits_at_least(name: str) -> None:
    assert OPTIONS[name].minimum == 6


def test_nothing_is_drawn_from_a_generator_that_can_be_foretold() -> None:
    """No module that has to do with signing in imports one."""
    for folder in ("services/identity", "surfaces/auth", "backends", "http"):
        for path in (ROOT / "src" / "mainspring" / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                names = [each.name for each in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                assert not set(names) & set(_FOREIGN), path
