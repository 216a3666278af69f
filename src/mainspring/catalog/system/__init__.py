"""Mainspring's own tables and markers, as the user's models name them: `auth.User`, `auth.uid`.

Ordinary SQLAlchemy models on a metadata of their own, named as Supabase names them (their indexes begin with auth_, because
SQLite has one namespace for those of all tables). The catalog takes in those that the user's
refer to, and all of them where people can sign in.
"""

from __future__ import annotations

from typing import Any
from uuid import UUID

from mainspring.catalog.system import factors as factors  # its tables join the metadata
from mainspring.catalog.system.api_keys import ApiKey
from mainspring.catalog.system.base import RESERVED_SCHEMAS, SystemBase
from mainspring.catalog.system.oauth import OAuthClient
from mainspring.catalog.system.people import User
from mainspring.catalog.system.providers import CustomProvider, SpentMessage
from mainspring.catalog.system.sso import SsoProvider

__all__ = [
    "RESERVED_SCHEMAS",
    "ApiKey",
    "Auth",
    "CustomProvider",
    "OAuthClient",
    "SpentMessage",
    "SsoProvider",
    "SystemBase",
    "User",
    "auth",
    "uid",
]


def uid(context: Any, /) -> UUID | None:
    """A column default: the id of the signed-in user. Mainspring fills it in; a session knows no caller.

    It takes SQLAlchemy's context so that SQLAlchemy keeps the function itself, by which the catalog knows it.
    """
    return None


class Auth:
    """The `auth` namespace of the user's models."""

    User = User
    uid = staticmethod(uid)


auth = Auth()
