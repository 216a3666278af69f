"""Who asks, from the headers: a bearer token, else an apikey, else nobody. Knows no token's inside."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mainspring.errors import KeyMissing, TokenInvalid
from mainspring.http.headers import Header
from mainspring.principal import Principal

Identify = Callable[[Sequence[Header]], Principal]


def identifier(verify: Callable[[bytes], Principal], require_key: bool = False) -> Identify:
    """A function from raw ASGI headers to the principal.

    A request without any key is anonymous, as it is for PostgREST, unless `require_key`. A credential other
    than a bearer token is not for us and is passed over. An apikey is checked even where a bearer decides.
    The function raises TokenInvalid, TokenExpired or KeyMissing.
    """
    nobody = Principal()

    def identify(headers: Sequence[Header]) -> Principal:
        given = dict(headers)
        if len(given) != len(headers):
            _refuse_twice(headers)
        bearer, apikey = given.get(b"authorization"), given.get(b"apikey")
        if bearer is not None and (bearer[:7] == b"Bearer " or bearer[:7].lower() == b"bearer "):
            token = bearer[7:]
            if apikey is not None and apikey != token:
                verify(apikey)
            return verify(token)
        if bearer is not None and bearer.lower() == b"bearer":
            return verify(b"")
        if apikey is not None:
            return verify(apikey)
        if require_key:
            raise KeyMissing
        return nobody

    return identify


def _refuse_twice(headers: Sequence[Header]) -> None:
    names = [name for name, _ in headers]
    for name, shown in ((b"authorization", "Authorization"), (b"apikey", "apikey")):
        if names.count(name) > 1:
            raise TokenInvalid(f"More than one {shown} header")
