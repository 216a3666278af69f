"""What a program can be allowed to know of a person."""

from __future__ import annotations

from collections.abc import Collection

OPENID, PROFILE, EMAIL, PHONE, OFFLINE = SCOPES = ("openid", "profile", "email", "phone", "offline_access")


def scopes_of(text: str) -> list[str]:
    """The scopes in a text, each once."""
    return list(dict.fromkeys(text.split()))


def unsupported(scopes: Collection[str], allowed: Collection[str] = SCOPES) -> list[str]:
    """Those of `scopes` that are none of the `allowed` ones."""
    return [scope for scope in scopes if scope not in allowed]
