"""A request body, read whole and never beyond its bound. Knows nothing of what is in it."""

from __future__ import annotations

from typing import Final

from mainspring.errors import BodyInvalid, LimitExceeded
from mainspring.http.headers import Headers, Receive, find

PASSED_OVER: Final = 8
"""Up to how many times the limit a body that is too large is let go by."""


class ClientGone(Exception):
    """The client hung up before its request was whole; there is nobody to answer."""


async def read_body(receive: Receive, headers: Headers, limit: int) -> bytes:
    """The body of a request, at most `limit` bytes.

    Raises LimitExceeded (before reading, where the length is announced), BodyInvalid on a length that is no
    number, and ClientGone.
    """
    announced = _announced(find(headers, b"content-length"))
    if announced > limit:
        await _pass_over(receive, announced, PASSED_OVER * limit)
        raise _too_large(limit)
    message = await receive()
    if message["type"] == "http.disconnect":
        raise ClientGone
    first: bytes = message.get("body", b"")
    if not message.get("more_body", False):
        return _bounded(first, limit)
    chunks, size = [first], len(first)
    while message.get("more_body", False):
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            raise _too_large(limit)
        chunks.append(chunk)
    return _bounded(b"".join(chunks), limit)


def _announced(length: bytes | None) -> int:
    """The length a request announces, 0 where it announces none. Raises BodyInvalid."""
    if length is None:
        return 0
    if not length.isdigit():
        raise BodyInvalid("The Content-Length header is not a number")
    return int(length[:18])


async def _pass_over(receive: Receive, announced: int, most: int) -> None:
    """Let a body go by that will not be read, so that its sender, who still sends, hears the refusal.

    Where it is longer than `most` the connection breaks instead.
    """
    while announced <= most:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        if not message.get("more_body", False):
            return


def _bounded(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _too_large(limit: int) -> LimitExceeded:
    return LimitExceeded(what="The request body", limit=limit, unit="bytes", too_large_body=True)
