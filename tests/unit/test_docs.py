"""The documentation says what the code does: reference pages are generated, commands are in the README."""

from __future__ import annotations

from pathlib import Path

import pytest

from mainspring.cli.arguments import main
from mainspring.cli.reference import PAGES, render

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("page", PAGES)
def test_reference_pages_are_up_to_date(page: str) -> None:
    """Each page is what the code would write now."""
    written = (ROOT / "docs" / f"{page}.md").read_text("utf-8")
    assert written == render(page), f"run: mainspring reference {page} > docs/{page}.md"


def test_every_command_is_in_the_readme(capsys: pytest.CaptureFixture[str]) -> None:
    """A command that --help lists is explained to newcomers."""
    with pytest.raises(SystemExit):
        main(["--help"])
    listed = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.startswith("    ") and line[4] != " "]
    readme = (ROOT / "README.md").read_text("utf-8")
    assert {"serve", "keys", "token", "reference"} <= set(listed)
    assert [command for command in listed if f"mainspring {command}" not in readme] == []
