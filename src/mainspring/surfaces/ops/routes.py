"""Where the operational endpoints lie. Knows how things stand only through the functions it is given."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from mainspring.http.headers import ASGIApp
from mainspring.surfaces.ops.handle import health, jwks


def routes(serving: Callable[[], bool], public_keys: Callable[[], Mapping[str, Any]]) -> dict[str, ASGIApp]:
    """The endpoints by whole path. `serving` tells whether requests are served, `public_keys` the JWKS as it is now.

    It lies where clients of Supabase look for it as well, unless something else answers there.
    """
    keys = jwks(public_keys)
    return {
        "/healthz": health(serving),
        "/.well-known/jwks.json": keys,
        "/auth/v1/.well-known/jwks.json": keys,
    }
