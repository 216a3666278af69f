"""The `Prefer` header: what is understood, what was applied, what cannot be honoured. Knows no table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from mainspring.errors import NotSupported
from mainspring.query.ast import Count, Resolution
from mainspring.surfaces.rest.errors import Refused


class Return(StrEnum):
    """What a write answers with."""

    MINIMAL = "minimal"
    HEADERS = "headers-only"
    ROWS = "representation"


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the client prefers; `applied` is the value of Preference-Applied (empty: none)."""

    returning: Return = Return.MINIMAL
    resolution: Resolution | None = None
    count: Count = Count.NONE
    missing_default: bool = False
    applied: str = ""


_RESOLUTIONS: Final = {"merge-duplicates": Resolution.MERGE, "ignore-duplicates": Resolution.IGNORE}
_ACCEPTED: Final = {
    "resolution": tuple(_RESOLUTIONS),
    "missing": ("default", "null"),
    "return": tuple(Return),
    "count": ("exact", "planned", "estimated"),
    "tx": ("commit", "rollback"),
    "handling": ("strict", "lenient"),
}
_APPLIES: Final = {
    "resolution": ("POST",),
    "missing": ("POST", "PATCH"),
    "return": ("POST", "PATCH", "DELETE"),
    "count": ("GET", "HEAD", "POST", "PATCH", "DELETE"),
    "handling": ("GET", "HEAD", "POST", "PATCH", "DELETE"),
}
"""Which preferences which methods heed, in the order in which Preference-Applied names them."""

_PLAIN: Final = Preferences()


def parse_preferences(headers: Sequence[str], method: str) -> Preferences:
    """The preferences of all `Prefer` headers; of one given twice, the first counts.

    Raises NotSupported for what would change the answer but is not offered, Refused (PGRST122) when strict.
    """
    if not headers:
        return _PLAIN
    given: dict[str, str] = {}
    unknown: list[str] = []
    for text in ",".join(headers).split(","):
        preference = text.strip()
        name, _, value = preference.partition("=")
        if value in _ACCEPTED.get(name, ()) or name in ("timezone", "max-affected"):
            given.setdefault(name, value)
        elif preference:
            unknown.append(preference)
    if given.get("handling") == "strict" and unknown:
        told = f"Invalid preferences: {', '.join(unknown)}"
        raise Refused(400, "PGRST122", "Invalid preferences given with handling=strict", told)
    _refuse_later(given)
    return _heeded(given, method)


def _refuse_later(given: dict[str, str]) -> None:
    if given.get("count") in ("planned", "estimated"):
        raise NotSupported(f"Prefer: count={given['count']}", instead="Use count=exact.")
    if given.get("tx") == "rollback":
        raise NotSupported("Prefer: tx=rollback")
    for name in ("timezone", "max-affected"):
        if name in given:
            raise NotSupported(f"Prefer: {name}")


def _heeded(given: dict[str, str], method: str) -> Preferences:
    heeded = {name: given[name] for name, methods in _APPLIES.items() if name in given and method in methods}
    return Preferences(
        Return(heeded.get("return", "minimal")),
        _RESOLUTIONS.get(heeded.get("resolution", "")),
        Count(heeded.get("count", "none")),
        heeded.get("missing") == "default",
        ", ".join(f"{name}={value}" for name, value in heeded.items()),
    )
