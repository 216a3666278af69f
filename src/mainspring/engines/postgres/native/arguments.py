"""The arguments of one statement: every value is a parameter whose type the database infers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from mainspring.principal import Principal
from mainspring.query.ast import Slot

Encode = Callable[[Any], bytes | None]


@dataclass(slots=True)
class Arguments:
    """Collects arguments in the order of their placeholders, which begin `after` those of others."""

    after: int = 0
    places: list[tuple[int | None, Encode, bytes]] = field(default_factory=list)

    def slot(self, slot: Slot, encode: Encode) -> str:
        """The placeholder of a request's value."""
        self.places.append((slot.index, encode, b""))
        return f"${self.after + len(self.places)}"

    def constant(self, text: str) -> str:
        """The placeholder of a text that is part of the request's shape."""
        self.places.append((None, plain, text.replace("\0", "").encode()))
        return f"${self.after + len(self.places)}"

    def bind(self, values: Sequence[Any], principal: Principal) -> list[bytes | None]:
        """The arguments of one request, whoever asks."""
        return [fixed if index is None else encode(values[index]) for index, encode, fixed in self.places]


def plain(value: Any) -> bytes | None:
    """A text or number as it is; a NUL, which no PostgreSQL text can hold, is left out."""
    return None if value is None else str(value).replace("\0", "").encode()


def array(values: Sequence[Any]) -> bytes:
    """An array literal of texts."""
    return b"{" + b",".join(map(_element, values)) + b"}"


def _element(value: Any) -> bytes:
    return b'"' + (plain(value) or b"").replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def raw(value: bytes) -> bytes:
    """A body as it came."""
    return value


def binary(value: bytes) -> bytes:
    """A body of bytes in the hexadecimal form of bytea."""
    return b"\\x" + value.hex().encode()


def listed(values: Sequence[str]) -> bytes:
    """The values of an `in`; one empty text stands for none."""
    return array([] if list(values) == [""] else values)
