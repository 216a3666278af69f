"""Requests through httpx2 (extra: web). Only https, but to this machine itself; no redirect is followed, no proxy guessed."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import httpx2

from mainspring.backends.web.base import Reply, ReplyTooLarge, Unreachable
from mainspring.backends.web.urls import is_safe

_CONNECTIONS = httpx2.Limits(max_connections=50, max_keepalive_connections=10)


class HttpWeb:
    """One pool of connections. `agent` is how it introduces itself."""

    def __init__(self, agent: str) -> None:
        self._client = httpx2.AsyncClient(
            follow_redirects=False, trust_env=False, limits=_CONNECTIONS, headers={"user-agent": agent}
        )

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], seconds: float, most: int) -> Reply:
        """Ask with a body, and read an answer of `most` bytes. Raises Unreachable."""
        if not is_safe(url):
            raise Unreachable("neither https nor this machine")
        try:
            async with asyncio.timeout(seconds):
                return await self._post(url, body, headers, seconds, most)
        except (TimeoutError, httpx2.TimeoutException) as error:
            raise Unreachable("took too long", late=True) from error
        except (httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError) as error:
            raise Unreachable("could not be asked") from error

    async def _post(self, url: str, body: bytes, headers: Mapping[str, str], seconds: float, most: int) -> Reply:
        async with self._client.stream("POST", url, content=body, headers=dict(headers), timeout=seconds) as answer:
            found = bytearray()
            async for part in answer.aiter_bytes():  # unpacked, so that a small bomb is bounded as well
                found += part
                if len(found) > most:
                    raise ReplyTooLarge("said too much")
            return Reply(answer.status_code, {name.lower(): value for name, value in answer.headers.items()}, bytes(found))

    async def close(self) -> None:
        """Let connections go."""
        await self._client.aclose()
