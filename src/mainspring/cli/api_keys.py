"""`mainspring keys create`, `services` and `revoke ID`: keys for services, in the database of a project.

Needs no app; where one is named, a new key's tables, functions and role must be there.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

from mainspring.catalog.build import build
from mainspring.cli.target import app_of, people_of
from mainspring.engines.registry import open_engine
from mainspring.errors import ApiKeyUnknown, BodyInvalid, ConfigError, Mistake
from mainspring.plan.planner import Planner
from mainspring.policy.registry import Registry
from mainspring.services.data import Data
from mainspring.services.identity.keys.scoped_keys import ApiKey, ScopedKeys
from mainspring.services.identity.keys.scopes import read_age, read_tables
from mainspring.services.identity.people import now
from mainspring.services.identity.store import Store
from mainspring.settings import Settings

_SHOWN: Final = 1000


def create(settings: Settings, given: argparse.Namespace) -> None:
    """Make the key that `given` describes and print it, once. Raises ConfigError."""
    if not given.name:
        raise ConfigError([Mistake("--name", "is needed: by it the key is known later", '--name "nightly import"')])

    async def work(keys: ScopedKeys) -> str:
        tables = read_tables(given.tables) if given.tables else None
        expires = now() + read_age(given.expires) if given.expires else None
        if tables and given.app is None:
            print("The tables are not checked, since no app is named (--app).", file=sys.stderr)
        return (await keys.create(given.name, given.role, tables, expires))[1]

    print(_done(settings, given, work))


def services(settings: Settings, given: argparse.Namespace) -> None:
    """Print the keys for services, as far as they may be seen. Raises ConfigError."""

    async def work(keys: ScopedKeys) -> str:
        found, count = await keys.page(1, _SHOWN)
        more = [f"and {count - len(found)} older ones"] if count > len(found) else []
        return "\n".join([*map(_line, found), *more]) or "There is none."

    print(_done(settings, given, work))


def revoke(settings: Settings, given: argparse.Namespace) -> None:
    """End the key for a service whose id is `given.kid`. Raises ConfigError."""

    async def work(keys: ScopedKeys) -> str:
        await keys.revoke(given.kid)
        return f"{given.kid} is revoked: every worker refuses it within {settings.auth.revocation_seconds:g} seconds."

    print(_done(settings, given, work))


def _line(key: ApiKey) -> str:
    limits = " ".join(f"{table}:{','.join(commands)}" for table, commands in (key.tables or {}).items())
    moments = [f"{name} {at[:16]}Z" for name, at in (("expires", key.expires_at), ("last used", key.last_used_at)) if at]
    return f"{key.id}  {key.hint}...  {key.name}: {', '.join(filter(None, [key.role, limits, *moments]))}"


def _done(settings: Settings, given: argparse.Namespace, work: Callable[[ScopedKeys], Awaitable[str]]) -> str:
    what = f"keys {given.action}"
    if settings.database.auth_mode == "database" or settings.database.url.startswith("memory:"):
        raise ConfigError([Mistake(what, "this database keeps no API keys", "they are part of app mode, on disk")])
    try:
        return asyncio.run(_with_keys(settings, given, work))
    except (BodyInvalid, ApiKeyUnknown) as error:
        raise ConfigError([Mistake(what, error.message)]) from error


async def _with_keys(settings: Settings, given: argparse.Namespace, work: Callable[[ScopedKeys], Awaitable[str]]) -> str:
    if given.app is not None:
        async with people_of(app_of(given.app), settings) as identity:
            return await work(identity.scoped_keys)
    engine, catalog = open_engine(settings.database, Path(settings.server.data)), build([], system=True)
    await engine.start(catalog)
    try:
        await engine.migrate(catalog)
        door = Data(engine, Planner(catalog, Registry({}), exposed=frozenset({"auth"})))
        return await work(ScopedKeys(Store(door), {given.role}, None))
    finally:
        await engine.stop()
