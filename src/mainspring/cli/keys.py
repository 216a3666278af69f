"""`mainspring keys`: prints the API keys of a data folder. Needs no app."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from mainspring.cli.target import read_settings
from mainspring.services.identity.keys import open_api_keys, open_keys


def keys(flags: Mapping[str, str], form: str) -> int:
    """Print ANON_KEY, SERVICE_KEY and JWT_SECRET where one is set, as `env` or `json`. Raises ConfigError."""
    settings = read_settings(flags, Path.cwd())
    folder = Path(settings.server.data) / "keys"
    signing = open_keys(folder, settings.auth)
    api = open_api_keys(folder, signing)
    found = {"ANON_KEY": api.anon, "SERVICE_KEY": api.service.reveal()}
    if signing.secret:
        found["JWT_SECRET"] = signing.secret.reveal()
    print(json.dumps(found, indent=2) if form == "json" else "\n".join(f"{name}={text}" for name, text in found.items()))
    return 0
