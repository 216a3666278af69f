"""Supabase's auth server (GoTrue) has tables of the same names in a database: they look like ours, and mean other things.

Its identities generate their address, its codes and sessions have types of their own, and its roles may see no row: so nothing
is added to them. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from mainspring.catalog.model import Catalog
from mainspring.errors import ConfigError, Mistake
from mainspring.query.ast import TableName

_USERS: Final = TableName("auth", "users")
_SESSIONS: Final = TableName("auth", "sessions")
_MARK: Final = "instance_id"
"""A column of its users since the first of its migrations, and none of ours."""
_CURE: Final = (
    "use an empty database and move the users: mainspring users import APP --from postgresql://...; in this one first"
    " ALTER SCHEMA auth RENAME TO gotrue, then import with --schema gotrue"
)


def left_alone(catalog: Catalog, standing: Mapping[TableName, Collection[str]]) -> Mapping[TableName, Collection[str]]:
    """The tables that stand with their columns, of which that server's users count as whole: nobody adds to them.

    They are only referred to, where people sign in there. Raises ConfigError where they are to sign in here.
    """
    if _MARK not in standing.get(_USERS, ()) or _USERS not in catalog.tables:
        return standing
    if _SESSIONS in catalog.tables:
        raise ConfigError([Mistake(str(_USERS), "is the table of Supabase's auth server (GoTrue), not ours", _CURE)])
    return {**standing, _USERS: tuple(catalog.tables[_USERS].columns)}
