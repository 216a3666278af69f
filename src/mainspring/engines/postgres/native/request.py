"""What a transaction is told about the request it serves: role, claims, method, path, headers, cookies, search path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie

import msgspec

from mainspring.engines.base import Request
from mainspring.engines.postgres.names import quote
from mainspring.engines.postgres.session import Command
from mainspring.principal import Principal

Setting = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What holds for every transaction: `path` are the schemas searched after the request's own, `app` its fixed settings.

    `roles` holds the settings of roles, which are to be made before the role is taken on. It is only where `impersonating`.
    """

    path: Sequence[str] = ()
    app: Sequence[Setting] = ()
    roles: Mapping[str, Sequence[Setting]] = field(default_factory=dict)
    impersonating: bool = True


def settings(
    around: Surroundings, schema: str, principal: Principal, request: Request | None, more: Sequence[Setting]
) -> Command:
    """One statement that sets everything for the transaction. `more` are settings of the query's own."""
    pairs = [("search_path", ", ".join(map(quote, (schema, *around.path)))), *around.roles.get(principal.role, ())]
    pairs += [("role", principal.role)] if around.impersonating else []
    pairs += [("request.jwt.claims", _claims(principal))]
    pairs += _facts(request) if request is not None else []
    pairs += [*more, *around.app]
    calls = ", ".join(f"set_config(${2 * number + 1}, ${2 * number + 2}, true)" for number in range(len(pairs)))
    return Command(f"SELECT {calls}", [text.replace("\0", "").encode() for pair in pairs for text in pair])


def _claims(principal: Principal) -> str:
    return msgspec.json.encode({**principal.claims, "role": principal.role}).decode()


def _facts(request: Request) -> list[Setting]:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in request.headers if name != b"cookie"}
    return [
        ("request.method", request.method),
        ("request.path", request.path),
        ("request.headers", msgspec.json.encode(headers).decode()),
        ("request.cookies", msgspec.json.encode(_cookies(request)).decode()),
    ]


def _cookies(request: Request) -> dict[str, str]:
    text = "; ".join(value.decode("latin-1") for name, value in request.headers if name == b"cookie")
    try:
        return {name: morsel.value for name, morsel in SimpleCookie(text).items()}
    except CookieError:
        return {}
