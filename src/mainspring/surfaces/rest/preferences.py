"""The `Prefer` header: what is understood, what was applied, what cannot be honoured. Knows no table."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from mainspring.query.ast import Count, End, Resolution
from mainspring.surfaces.rest.errors import Refused
from mainspring.zones import known


class Return(StrEnum):
    """What a write answers with."""

    MINIMAL = "minimal"
    HEADERS = "headers-only"
    ROWS = "representation"


@dataclass(frozen=True, slots=True)
class Preferences:
    """What the client prefers; `applied` are those that were heeded, in the order in which Preference-Applied names them."""

    returning: Return = Return.MINIMAL
    resolution: Resolution | None = None
    count: Count = Count.NONE
    missing_default: bool = False
    end: End | None = None
    timezone: str | None = None
    max_affected: int | None = None
    applied: tuple[tuple[str, str], ...] = ()


_RESOLUTIONS: Final = {"merge-duplicates": Resolution.MERGE, "ignore-duplicates": Resolution.IGNORE}
_ACCEPTED: Final = {
    "resolution": tuple(_RESOLUTIONS),
    "missing": ("default", "null"),
    "return": tuple(Return),
    "count": ("exact", "planned", "estimated"),
    "tx": ("commit", "rollback"),
    "handling": ("strict", "lenient"),
}
_WRITES: Final = ("POST", "PATCH", "PUT", "DELETE")
_ALWAYS: Final = ("GET", "HEAD", *_WRITES)
_APPLIES: Final = {
    "resolution": ("POST",),
    "missing": ("POST", "PATCH"),
    "return": _WRITES,
    "count": _ALWAYS,
    "tx": _ALWAYS,
    "handling": _ALWAYS,
    "timezone": _ALWAYS,
    "max-affected": ("PATCH", "DELETE"),
}
"""Which preferences which methods heed, in the order in which Preference-Applied names them."""

_CALLS: Final = ("count", "tx", "handling", "timezone", "max-affected")
_PLAIN: Final = Preferences()
_LONGEST_ZONE: Final = 64
_NUMBER = re.compile(r"[0-9]{1,18}")


def parse_preferences(
    headers: Sequence[str], method: str, *, override: bool = False, call: bool = False, any_zone: bool = False
) -> Preferences:
    """The preferences of all `Prefer` headers; of one given twice, the first counts.

    `override`: the client may end its transaction; `call`: of a function; `any_zone`: what a time zone is, the database decides.
    Raises Refused (PGRST122) for what is not understood, when strict.
    """
    if not headers:
        return _PLAIN
    given: dict[str, str] = {}
    unknown: list[str] = []
    for text in ",".join(headers).split(","):
        preference = text.strip()
        name, _, value = preference.partition("=")
        if _understood(name, value, any_zone):
            given.setdefault(name, value)
        elif preference:
            unknown.append(preference)
    if given.get("handling") == "strict" and unknown:
        told = f"Invalid preferences: {', '.join(unknown)}"
        raise Refused(400, "PGRST122", "Invalid preferences given with handling=strict", told)
    if not override:
        given.pop("tx", None)
    return _heeded(given, method, call)


def _understood(name: str, value: str, any_zone: bool) -> bool:
    if name == "timezone":
        return 0 < len(value) <= _LONGEST_ZONE if any_zone else known(value)
    return _NUMBER.fullmatch(value) is not None if name == "max-affected" else value in _ACCEPTED.get(name, ())


def _heeded(given: dict[str, str], method: str, call: bool) -> Preferences:
    if given.get("handling") != "strict":
        given.pop("max-affected", None)
    names = _CALLS if call else tuple(name for name, methods in _APPLIES.items() if method in methods)
    heeded = {name: given[name] for name in _APPLIES if name in given and name in names}
    return Preferences(
        Return(heeded.get("return", "minimal")),
        _RESOLUTIONS.get(heeded.get("resolution", "")),
        Count(heeded.get("count", "none")),
        heeded.get("missing") == "default",
        End(heeded["tx"]) if "tx" in heeded else None,
        heeded.get("timezone"),
        int(heeded["max-affected"]) if "max-affected" in heeded else None,
        tuple(heeded.items()),
    )
