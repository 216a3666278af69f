"""`mainspring keys`: prints the API keys of a data folder, and changes which keys sign tokens. Needs no app."""

from __future__ import annotations

import argparse
import json
import math
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from mainspring.cli.target import parse, read_settings
from mainspring.errors import ConfigError, Mistake
from mainspring.services.identity.keys import rotation
from mainspring.services.identity.keys.api_files import PREFIXES
from mainspring.services.identity.keys.api_keys import open_api_keys
from mainspring.services.identity.keys.keys import NEXT, KeySet, open_keys
from mainspring.settings import Settings

_UUID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")
_SHARED: Final = "auth.jwt_secret signs access tokens here; these keys sign only OpenID Connect's id tokens."


def keys(flags: Mapping[str, str], given: argparse.Namespace) -> int:
    """Carry out `given.action`. Returns the exit code. Raises ConfigError."""
    settings = read_settings(flags, parse(given.app).folder if given.app else Path.cwd())
    held = open_keys(Path(settings.server.data) / "keys", settings.auth)
    do: Mapping[str, Callable[[Settings, KeySet, argparse.Namespace], None]] = {
        "print": _print,
        "list": _list,
        "rotate": _rotate,
        "revoke": _revoke,
        "create": _about_services,
        "services": _about_services,
    }
    do[given.action](settings, held, given)
    return 0


def _print(settings: Settings, held: KeySet, given: argparse.Namespace) -> None:
    """ANON_KEY, SERVICE_KEY, the two that are no tokens, and JWT_SECRET where one is set, as `env` or `json`."""
    api = open_api_keys(held.folder, held)
    found = {
        "ANON_KEY": api.anon,
        "SERVICE_KEY": api.service.reveal(),
        "PUBLISHABLE_KEY": api.publishable,
        "SECRET_KEY": api.private.reveal(),
    }
    if held.secret:
        found["JWT_SECRET"] = held.secret.reveal()
    print(json.dumps(found, indent=2) if given.format == "json" else "\n".join(f"{name}={text}" for name, text in found.items()))


def _list(settings: Settings, held: KeySet, given: argparse.Namespace) -> None:
    print(f"{'KID':<45}{'ALGORITHM':<11}{'STATE':<10}")
    for key, state, until in held.states():
        when = f"signs from {_moment(key.signs_from)}" if state == NEXT else ""
        when = f"verifies until {_moment(until)}" if until < math.inf else when
        print(f"{key.kid:<45}{key.algorithm:<11}{state:<10}{when}".rstrip())
    if held.signs_with == "HS256":
        print(_SHARED)


def _rotate(settings: Settings, held: KeySet, given: argparse.Namespace) -> None:
    overlap = 0 if given.now else settings.auth.key_overlap_seconds
    made = rotation.rotate(held, overlap)
    begins = "now" if made.signs_from <= time.time() else f"from {_moment(made.signs_from)}"
    print(f"{made.kid} is published and signs {begins}. Tokens of the key before it stay good until they expire.")
    print("The API keys that apps hold stay good: mainspring keys prints the same ones as before.")
    if held.signs_with == "HS256":
        print(_SHARED)


def _revoke(settings: Settings, held: KeySet, given: argparse.Namespace) -> None:
    if not given.kid:
        raise ConfigError([Mistake("keys revoke", "names no key", "mainspring keys list shows their ids")])
    if _UUID.match(given.kid):
        _about_services(settings, held, given)
        return
    role = next((role for role, prefix in PREFIXES.items() if given.kid.startswith(prefix.rstrip("_"))), None)
    if role is not None:
        rotation.replace_plain(held, role)
        open_api_keys(held.folder, held)
        print(f"{PREFIXES[role]}... is revoked within seconds; mainspring keys prints the new one.")
        return
    ended = rotation.revoke(held, given.kid)
    print(f"{given.kid} is revoked: within seconds its tokens are refused, and people's apps fetch new ones by refreshing.")
    if ended:
        api = open_api_keys(held.folder, held)
        print("It had signed API keys, which are refused as well. Apps that hold them need the new ones:")
        print(f"ANON_KEY={api.anon}\nSERVICE_KEY: mainspring keys prints it, it lies in {api.service_file}")


def _about_services(settings: Settings, held: KeySet, given: argparse.Namespace) -> None:
    from mainspring.cli import api_keys  # here: it brings SQLAlchemy and an engine along

    getattr(api_keys, given.action)(settings, given)


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
