"""`mainspring keys create`: makes a key for a service in the database of a project. Needs no app."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path

from mainspring.catalog.build import build
from mainspring.engines.registry import open_engine
from mainspring.errors import BodyInvalid, ConfigError, Mistake
from mainspring.plan.planner import Planner
from mainspring.policy.registry import Registry
from mainspring.services.data import Data
from mainspring.services.identity.people import now
from mainspring.services.identity.scoped_keys import ScopedKeys
from mainspring.services.identity.scopes import read_age, read_tables
from mainspring.services.identity.store import Store
from mainspring.settings import Settings


def create(settings: Settings, given: argparse.Namespace) -> None:
    """Make the key that `given` describes and print it, once. Raises ConfigError."""
    if settings.database.auth_mode == "database" or settings.database.url.startswith("memory:"):
        raise ConfigError([Mistake("keys create", "this database keeps no API keys", "they are part of app mode, on disk")])
    if not given.name:
        raise ConfigError([Mistake("--name", "is needed: by it the key is known later", '--name "nightly import"')])
    try:
        print(asyncio.run(_create(settings, given)))
    except BodyInvalid as error:
        raise ConfigError([Mistake("keys create", error.message)]) from error


async def _create(settings: Settings, given: argparse.Namespace) -> str:
    tables = read_tables(given.tables) if given.tables else None
    expires = now() + read_age(given.expires) if given.expires else None
    engine, catalog = open_engine(settings.database, Path(settings.server.data)), build([], system=True)
    await engine.start(catalog)
    try:
        await engine.migrate(catalog)
        door = Data(engine, Planner(catalog, Registry({}), exposed=frozenset({"auth"})))
        _, key = await ScopedKeys(Store(door), {given.role}).create(given.name, given.role, tables, expires)
        return key
    finally:
        await engine.stop()
