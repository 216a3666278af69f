"""`mainspring types`: writes the types of an app's (or a database's) tables for clients in TypeScript and Python."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path

from msgspec.structs import replace

from mainspring.catalog.model import Catalog
from mainspring.cli import bare
from mainspring.cli.pydantic import pydantic
from mainspring.cli.target import app_of, parse, read_settings
from mainspring.cli.typescript import typescript
from mainspring.engines.registry import look, open_native
from mainspring.settings import Settings

_WRITERS = {"typescript": typescript, "python": pydantic}


def types(language: str, app: str, flags: Mapping[str, str]) -> int:
    """Print the types in `language`. Raises ConfigError, and what reading a database raises."""
    settings = read_settings(flags, parse(app).folder if app else Path.cwd())
    print(_WRITERS[language](_catalog(app, settings), settings.rest.schemas), end="")
    return 0


def _catalog(app: str, settings: Settings) -> Catalog:
    if settings.database.auth_mode == "database":
        return asyncio.run(_introspected(settings))
    if app == bare.__name__:
        return look(settings, Path(settings.server.data)).catalog
    found = app_of(app)
    catalog = found.catalog()
    if not found.opened.roles:
        return catalog
    there = asyncio.run(_introspected(settings))
    return replace(catalog, routines={**catalog.routines, **found.opened.found(there)})


async def _introspected(settings: Settings) -> Catalog:
    engine = open_native(settings)
    try:
        await engine.reload()
        return engine.catalog()
    finally:
        await engine.stop()
