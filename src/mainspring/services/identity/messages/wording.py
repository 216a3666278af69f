"""What messages say: templates, the operator's own before ours, read anew when they change."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from jinja2 import Environment

OWN: Final = Path(__file__).parent / "templates"
_GO: Final = re.compile(r"\{\{\s*\.(\w+)")


class Wording:
    """Fills templates in. `folder` holds the operator's own; empty: there are none."""

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._made: Environment | None = None

    def fill(self, name: str, values: Mapping[str, Any]) -> str:
        """The template of a name, with values; escaped where it is HTML."""
        return self._templates.get_template(name).render(values)

    @property
    def _templates(self) -> Environment:
        """Made with the first message: most processes start to serve data."""
        if self._made is None:
            from jinja2 import FunctionLoader
            from jinja2.sandbox import SandboxedEnvironment

            self._made = SandboxedEnvironment(autoescape=_is_html, loader=FunctionLoader(self._source))
        return self._made

    def _source(self, name: str) -> tuple[str, str, Any]:
        """A template's text: the operator's own where there is one. `{{ .Token }}`, as Go has it, is understood as well."""
        own = Path(self._folder) / name if self._folder else None
        path = own if own is not None and own.is_file() else OWN / name
        changed = path.stat().st_mtime_ns

        def fresh() -> bool:
            now_own = own is not None and own.is_file()
            return (path == own) == now_own and path.stat().st_mtime_ns == changed

        return _GO.sub(r"{{ \1", path.read_text("utf-8")), str(path), fresh


def _is_html(name: str | None) -> bool:
    return name is None or name.endswith(".html")
