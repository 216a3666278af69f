"""`mainspring db bootstrap --supabase`: makes an empty PostgreSQL database ready for a Supabase project's migrations."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from pathlib import Path

from mainspring.cli.target import read_settings
from mainspring.engines.registry import bootstrap_supabase


def bootstrap(flags: Mapping[str, str]) -> int:
    """Prepare the database of the settings and tell what was made. Raises ConfigError."""
    settings = read_settings(flags, Path.cwd())
    password = secrets.token_urlsafe(24)
    made = asyncio.run(bootstrap_supabase(settings.database, password))
    print("The database has the roles, schemas and functions that Supabase migrations expect.")
    if made:
        print(f"Serve it as the login authenticator; its password, shown once: {password}")
    return 0
