"""Content negotiation: which of the offered forms of an answer the `Accept` header takes first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from mainspring.errors import NotSupported
from mainspring.surfaces.rest.errors import Refused


@dataclass(frozen=True, slots=True)
class Media:
    """A form of the answer: its Content-Type, and whether it is one object instead of an array."""

    content_type: bytes
    singular: bool = False


ARRAY: Final = Media(b"application/json; charset=utf-8")
OBJECT: Final = Media(b"application/vnd.pgrst.object+json; charset=utf-8", singular=True)

_OFFERED: Final = {
    "application/json": ARRAY,
    "application/vnd.pgrst.array+json": ARRAY,
    "application/vnd.pgrst.array": ARRAY,
    "application/*": ARRAY,
    "*/*": ARRAY,
    "application/vnd.pgrst.object+json": OBJECT,
    "application/vnd.pgrst.object": OBJECT,
}
_LATER: Final = ("text/csv", "application/geo+json", "application/openapi+json", "application/vnd.pgrst.plan")


def negotiate(headers: Sequence[str]) -> Media:
    """The first offered form, by quality and then by order.

    Raises Refused (PGRST107) when there is none, NotSupported when the only ones wanted are still to come.
    """
    if not headers:
        return ARRAY
    wanted = sorted(_ranges(",".join(headers)), key=lambda each: -each[1])
    for name, quality, stripped in wanted:
        if name in _OFFERED and quality > 0 and not stripped:
            return _OFFERED[name]
    for name, _, stripped in wanted:
        if stripped or name.startswith(_LATER):
            raise NotSupported(f"the media type {name}{';nulls=stripped' if stripped else ''}")
    told = ", ".join(name for name, _, _ in wanted)
    raise Refused(406, "PGRST107", f"None of these media types are available: {told}")


def _ranges(accept: str) -> Iterator[tuple[str, float, bool]]:
    """The media types named: name, quality, and whether nulls are to be left out."""
    for text in accept.split(","):
        name, *parameters = (part.strip() for part in text.split(";"))
        pairs = dict(parameter.lower().partition("=")[::2] for parameter in parameters)
        if name:
            yield name.lower(), _quality(pairs.get("q", "1")), pairs.get("nulls") == "stripped"


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 1.0
