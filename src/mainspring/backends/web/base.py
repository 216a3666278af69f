"""The contract of a client of other servers, and what it brings back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Reply:
    """What a server answered; the names of headers in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Unreachable(Exception):
    """A server could not be asked, or said more than it may; the cause says why. `late`: it took too long."""

    def __init__(self, text: str = "", *, late: bool = False) -> None:
        super().__init__(text)
        self.late = late


class ReplyTooLarge(Unreachable):
    """A server said more than it may."""


class Web(Protocol):
    """A way to ask other servers."""

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], seconds: float, most: int) -> Reply:
        """Ask with a body, and read an answer of `most` bytes. Follows no redirect. Raises Unreachable."""
        ...

    async def close(self) -> None:
        """Let connections go."""
        ...
