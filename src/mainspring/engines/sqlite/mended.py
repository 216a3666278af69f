"""Answers from tables that Mainspring did not make: SQLite keeps texts that are not UTF-8, which no JSON may hold."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mainspring.engines.base import Prepared, Request, Result
from mainspring.principal import Principal


class Mended:
    """A prepared plan whose answers are valid UTF-8: what is not becomes U+FFFD."""

    __slots__ = ("prepared",)

    def __init__(self, prepared: Prepared) -> None:
        self.prepared = prepared

    async def run(self, values: Sequence[Any], principal: Principal, request: Request | None = None) -> Result:
        """Run it."""
        return mended(await self.prepared.run(values, principal, request))


def mended(result: Result) -> Result:
    """The result with a valid body."""
    if result.body is not None and not result.body.isascii():
        result.body = result.body.decode(errors="replace").encode()
    return result
