"""What is said of somebody, by the names of GoTrue's columns, and the reading of its values. Pure.

No text that was said is part of a reason: reasons are printed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import msgspec

from mainspring.datatypes import BOOLEAN, JSON, TEXT, TIMESTAMPTZ, UUID_, DataType, from_json
from mainspring.errors import ValueInvalid, ValueOutOfRange

MOST: Final = 1 << 18
"""Bytes that one record may have."""
_LONGEST: Final = 255


class Unfit(Exception):
    """Why somebody, or something of theirs, cannot be taken in."""


class Record(msgspec.Struct, frozen=True):
    """What is said of somebody, and in which place; or, where that cannot be read, why (`problem`)."""

    place: str
    said: Mapping[str, Any] = {}
    problem: str = ""


def parsed(place: str, text: str | None) -> Record:
    """The record that a JSON object is; None: it was too large to be read."""
    if text is None:
        return Record(place, problem="is too large")
    try:
        said = _decoded(text)
    except Unfit as error:
        return Record(place, problem=str(error))
    return Record(place, said) if isinstance(said, dict) else Record(place, problem="is no JSON object")


def _decoded(text: str) -> Any:
    try:
        return msgspec.json.decode(text.encode())
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        raise Unfit("is not JSON") from None


class Values:
    """The values of one record. What is null, empty or not there is None. All raise Unfit."""

    def __init__(self, said: Mapping[str, Any]) -> None:
        self._said = said

    def __contains__(self, name: str) -> bool:
        """Whether there is such a column."""
        return name in self._said

    def needed(self, name: str) -> str:
        """A text that must be there."""
        return self.text(name) or _absent(name)

    def uuid(self, name: str) -> str:
        """An id that must be there."""
        return self._read(UUID_, name) or _absent(name)

    def text(self, name: str, longest: int = _LONGEST) -> str | None:
        """A text of so many bytes at most."""
        found: str | None = self._read(TEXT, name)
        if found is not None and len(found.encode()) > longest:
            raise Unfit(f"{name} is too long")
        return found

    def moment(self, name: str) -> str | None:
        """A moment, in UTC."""
        found: str | None = self._read(TIMESTAMPTZ, name)
        return found

    def flag(self, name: str) -> bool:
        """A truth value, false where nothing is said."""
        return bool(self._read(BOOLEAN, name))

    def document(self, name: str, most: int) -> dict[str, Any] | None:
        """A JSON object of so many bytes at most, or the text of one."""
        if not self.said(name):
            return None
        found = self._said[name]
        try:
            found = _decoded(found) if isinstance(found, str) else found
        except Unfit as error:
            raise Unfit(f"{name} {error}") from None
        if not isinstance(found, dict):
            raise Unfit(f"{name} is no JSON object")
        self._canonical(JSON, name, found)
        if len(msgspec.json.encode(found)) > most:
            raise Unfit(f"{name} is larger than {most} bytes")
        return found

    def items(self, name: str) -> list[Values]:
        """The objects of a list."""
        found = self._said.get(name) or []
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise Unfit(f"{name} is no list of objects")
        return [Values(each) for each in found]

    def said(self, name: str) -> bool:
        """Whether anything is said."""
        return self._said.get(name) not in (None, "")

    def raw(self, name: str) -> Any:
        """What is said, as it is."""
        return self._said.get(name)

    def _read(self, type_: DataType, name: str) -> Any:
        return self._canonical(type_, name, self._said[name]) if self.said(name) else None

    def _canonical(self, type_: DataType, name: str, value: Any) -> Any:
        try:
            return from_json(type_, value)
        except (ValueInvalid, ValueOutOfRange, RecursionError):
            raise Unfit(f"{name} is nothing of type {type_}") from None


def _absent(name: str) -> str:
    raise Unfit(f"{name} is missing")
