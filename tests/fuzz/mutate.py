"""What goes wrong on the way: requests cut off, repeated, with bytes in them that nobody meant."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.fuzz.grammar import Request

PIECES = (
    *(
        b"%",
        b"%0",
        b"%00",
        b"%zz",
        b"%ff",
        b"%C3",
        b"%E2%80%AE",
        b"\x00",
        b"\x1f",
        b"\x7f",
        b"\xff",
        b"\xed\xa0\x80",
        b"+",
        b"&",
        b"=",
    ),
    *(
        b"(",
        b")",
        b"((((((((",
        b"))))",
        b",",
        b".",
        b"..",
        b"...",
        b":",
        b"::",
        b"!",
        b"->",
        b"->>",
        b"*",
        b'"',
        b"\\",
        b"'",
        b";",
        b"--",
    ),
    *(
        b"not.",
        b"not.not.",
        b"and(",
        b"or=(",
        b"select=",
        b"{",
        b"}",
        b"[",
        b"%22",
        b"%5C",
        b"%28",
        b"9" * 40,
        b"1e999",
        b"\r\n",
        b"%0d%0a",
    ),
    *(
        "é".encode(),
        "\u2028".encode(),
        "𝒳".encode(),
        b"a" * 500,
        b"eq.",
        b"in.(",
        b"is.",
        b"null",
        b"%2525",
        b"/",
        b"../",
        b"%2F",
        b"#",
        b"?",
    ),
)


def mutated(request: Request, rng: random.Random) -> Request:
    """The request with one to three mistakes in it."""
    for _ in range(rng.randint(1, 3)):
        rng.choice(MISTAKES)(request, rng)
    return request


def _bytes(data: bytes, rng: random.Random) -> bytes:
    place, end = sorted((rng.randint(0, len(data)), rng.randint(0, len(data))))
    match rng.randint(0, 5):
        case 0:
            return data[:place]
        case 1:
            return data[:place] + data[end:]
        case 2:
            return data[:end] + data[place:]
        case 3:
            return data[:place] + rng.choice(PIECES) * rng.choice([1, 1, 1, 2, 50]) + data[place:]
        case 4:
            return data[:place] + bytes([rng.randrange(256)]) + data[place + 1 :]
        case _:
            return data[:place] + rng.choice(PIECES) + data[end:]


def _query(request: Request, rng: random.Random) -> None:
    request.query = _bytes(request.query, rng)


def _body(request: Request, rng: random.Random) -> None:
    request.body = _bytes(request.body, rng) if request.body else rng.choice(PIECES)


def _header(request: Request, rng: random.Random) -> None:
    if request.headers:
        place = rng.randrange(len(request.headers))
        name, value = request.headers[place]
        # a server hands on no line breaks and no NUL in a header
        request.headers[place] = name, _bytes(value, rng).translate(None, b"\r\n\x00")


def _path(request: Request, rng: random.Random) -> None:
    # a server hands on the path as text
    request.path = "/" + _bytes(request.path[1:].encode(), rng).decode("utf-8", "replace")


def _method(request: Request, rng: random.Random) -> None:
    request.method = rng.choice(["GET", "POST", "PATCH", "DELETE", "PUT", "HEAD", "OPTIONS", "TRACE", "get", "X" * 40])


def _nested(request: Request, rng: random.Random) -> None:
    depth = rng.choice([10, 100, 1000, 3000])
    request.query = rng.choice(
        [
            b"and=" + b"(and" * depth + b"(id.eq.1" + b")" * depth,
            b"or=(" + b"not.and(" * depth + b"id.eq.1" + b")" * depth,
            b"select=" + b"books(" * depth + b"*" + b")" * depth,
            b"select=id" + b"->a" * depth,
            b"select=" + b"id," * depth + b"id",
            b"id=in.(" + b"1," * depth + b"1)",
            b"&".join([b"id=eq.1"] * depth),
            b"order=" + b"id," * depth + b"id",
            b"title=like." + b"%25" * depth + b"x",
            b"title=match." + b"(a*)*" * (depth // 10),
        ]
    )


def _deep_body(request: Request, rng: random.Random) -> None:
    depth = rng.choice([60, 500, 20_000])
    request.method, opener = "POST", rng.choice([(b"[", b"]"), (b'{"data":', b"}"), (b'[{"data":', b"}]")])
    request.body = opener[0] * depth + b"1" + opener[1] * depth
    request.headers.append((b"content-type", b"application/json"))


MISTAKES: tuple[Callable[[Request, random.Random], None], ...] = (
    *(_query,) * 8,
    *(_body,) * 3,
    *(_header,) * 3,
    _path,
    _method,
    _nested,
    _deep_body,
)
