"""A request body, read whole and never beyond its bound. Knows nothing of what is in it."""

from __future__ import annotations

from mainspring.errors import BodyInvalid, LimitExceeded
from mainspring.http.headers import Headers, Receive, find


class ClientGone(Exception):
    """The client hung up before its request was whole; there is nobody to answer."""


async def read_body(receive: Receive, headers: Headers, limit: int) -> bytes:
    """The body of a request, at most `limit` bytes.

    Raises LimitExceeded (before reading, where the length is announced), BodyInvalid on a length that is no
    number, and ClientGone.
    """
    _check_announced(find(headers, b"content-length"), limit)
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


def _check_announced(length: bytes | None, limit: int) -> None:
    if length is None:
        return
    if not length.isdigit():
        raise BodyInvalid("The Content-Length header is not a number")
    if len(length) > 18 or int(length) > limit:
        raise _too_large(limit)


def _bounded(body: bytes, limit: int) -> bytes:
    if len(body) > limit:
        raise _too_large(limit)
    return body


def _too_large(limit: int) -> LimitExceeded:
    return LimitExceeded(what="The request body", limit=limit, unit="bytes", too_large_body=True)
