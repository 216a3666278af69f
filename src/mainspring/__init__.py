"""Mainspring: the whole backend in one Python process."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mainspring.app import Mainspring
    from mainspring.catalog.system import auth
    from mainspring.errors import Refusal
    from mainspring.policy.expr import case, coalesce
    from mainspring.policy.language import exists
    from mainspring.principal import Principal
    from mainspring.services.functions.rows import Rows

__version__ = "0.1.0"

__all__ = ["Mainspring", "Principal", "Refusal", "Rows", "auth", "case", "coalesce", "exists"]

_HOMES = {
    "Mainspring": "app",
    "Principal": "principal",
    "Refusal": "errors",
    "Rows": "services.functions.rows",
    "auth": "catalog.system",
    "case": "policy.expr",
    "coalesce": "policy.expr",
    "exists": "policy.language",
}


def __getattr__(name: str) -> Any:
    """A public name, imported when it is first asked for: a command that needs no app starts without one."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"{__name__}.{home}"), name)
    return found
