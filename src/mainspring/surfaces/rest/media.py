"""Content negotiation: which of the offered forms of an answer the `Accept` header takes first."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from mainspring.errors import MediaUnavailable
from mainspring.query.ast import Accepted, Explain, MediaForm


@dataclass(frozen=True, slots=True)
class Media:
    """A form of the answer and its Content-Type."""

    content_type: bytes
    form: MediaForm = MediaForm.JSON
    stripped: bool = False
    explain: Explain | None = None

    @property
    def singular(self) -> bool:
        """Whether it is one object instead of an array."""
        return self.form is MediaForm.OBJECT and self.explain is None


SWAGGER: Final = "application/openapi+json"
OPENAPI: Final = "application/vnd.oai.openapi+json;version=3.1"
"""The forms in which the API is described."""

_OBJECT: Final = "application/vnd.pgrst.object+json"
_STRIPPED: Final = "application/vnd.pgrst.array+json;nulls=stripped"
_FORMS: Final = {
    "application/json": MediaForm.JSON,
    "application/vnd.pgrst.array+json": MediaForm.JSON,
    "application/vnd.pgrst.array": MediaForm.JSON,
    _OBJECT: MediaForm.OBJECT,
    "application/vnd.pgrst.object": MediaForm.OBJECT,
    "text/csv": MediaForm.CSV,
    "application/geo+json": MediaForm.GEOJSON,
    "*/*": MediaForm.ANY,
    "application/*": MediaForm.ANY,
}
_TEXTS: Final = ("text/plain", "text/xml", SWAGGER, OPENAPI.partition(";")[0])
_PLANS: Final = {"": False, "+text": False, "+json": True}
_OPTIONS: Final = ("analyze", "verbose", "settings", "buffers", "wal")
_PARAMETER = re.compile(r';\s*([A-Za-z0-9-]+)\s*=\s*(?:"([^"]*)"|([^;,"\s]*))')
_TYPE = re.compile(r'\s*((?:[^,"]|"[^"]*")+)')

ARRAY: Final = Media(b"application/json; charset=utf-8")


def content_type(media: str) -> bytes:
    """The Content-Type of an answer in a media type; only those that are text name a charset."""
    plain = media.partition(";")[0]
    named = plain in _FORMS or plain in _TEXTS or plain.startswith("application/vnd.pgrst.plan")
    return f"{media}; charset=utf-8".encode() if named else media.encode()


def negotiate(headers: Sequence[str], *, explainable: bool = False, no_geojson: str | None) -> tuple[Media, Media | None]:
    """The first form that can be made of rows, and, where that is GeoJSON, which not all rows have, the next that is not.

    `no_geojson` is who cannot make GeoJSON. Raises MediaUnavailable.
    """
    if not headers:
        return ARRAY, None
    taken = accepted(headers)
    made = [each for each in taken if each.form is not MediaForm.OTHER and (explainable or each.explain is None)]
    others = [each for each in made if each.form is not MediaForm.GEOJSON]
    first = next(iter(others if no_geojson else made), None)
    if first is None and made:
        raise _unavailable(taken, f"GeoJSON is not supported by {no_geojson}", "Ask for application/json.")
    if first is None:
        raise _unavailable(taken)
    return _media(first), _media(others[0]) if first.form is MediaForm.GEOJSON and others else None


def _unavailable(taken: Sequence[Accepted], *told: str) -> MediaUnavailable:
    return MediaUnavailable(tuple(each.media for each in taken), *told)


def _media(each: Accepted) -> Media:
    plain = each.form in (MediaForm.ANY, MediaForm.JSON) and not each.stripped and each.explain is None
    return ARRAY if plain else Media(content_type(each.media), each.form, each.stripped, each.explain)


def accepted(headers: Sequence[str]) -> tuple[Accepted, ...]:
    """The media types of all `Accept` headers: by quality, then by order; those of quality 0 are not taken."""
    found = [(_decode(text), _quality(text)) for header in headers for text in _split(header)]
    return tuple(each for each, quality in sorted(found, key=lambda pair: -pair[1]) if quality > 0)


def _split(header: str) -> Iterator[str]:
    return (found[1].strip() for found in _TYPE.finditer(header) if found[1].strip())


def _parameters(text: str) -> Mapping[str, str]:
    return {found[1].lower(): found[2] if found[2] is not None else found[3] for found in _PARAMETER.finditer(text)}


def _quality(text: str) -> float:
    try:
        return float(_parameters(text).get("q", "1"))
    except ValueError:
        return 1.0


def _decode(text: str) -> Accepted:
    name, parameters = text.partition(";")[0].strip().lower(), _parameters(text)
    plan = name.removeprefix("application/vnd.pgrst.plan")
    if plan != name and plan in _PLANS:
        return _plan(_PLANS[plan], parameters)
    form, stripped = _FORMS.get(name, MediaForm.OTHER), parameters.get("nulls") == "stripped"
    match form:
        case MediaForm.OBJECT:
            return Accepted(f"{_OBJECT};nulls=stripped" if stripped else _OBJECT, form, stripped)
        case MediaForm.JSON if stripped and name != "application/json":
            return Accepted(_STRIPPED, form, stripped=True)
        case MediaForm.JSON:
            return Accepted("application/json", form)
        case MediaForm.OTHER:
            return Accepted(re.sub(r"\s*;\s*q\s*=[^;]*", "", text) if "/" in name else text, form)
        case _:
            return Accepted(name, form)


def _plan(json: bool, parameters: Mapping[str, str]) -> Accepted:
    of = _decode(parameters.get("for") or "application/json")
    asked = parameters.get("options", "").split("|")
    options = tuple(option for option in _OPTIONS if option in asked)
    listed = f"; options={'|'.join(options)}" if options else ""
    media = f'application/vnd.pgrst.plan+{"json" if json else "text"}; for="{of.media}"{listed}'
    return Accepted(media, of.form, of.stripped, Explain(json, options))
