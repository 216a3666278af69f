"""`mainspring token`: signs a user's token as an auth server of the project would. For development; needs no app."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

from mainspring.cli.target import read_settings
from mainspring.errors import ConfigError, Mistake
from mainspring.principal import AUTHENTICATED
from mainspring.services.identity.keys.keys import open_keys


def token(flags: Mapping[str, str], user: str, roles: str, hours: float) -> int:
    """Print a token for the user id `user`, good for `hours`. Raises ConfigError."""
    settings = read_settings(flags, Path.cwd())
    now = int(time.time())
    claims = {
        "iss": settings.auth.issuer,
        "aud": settings.auth.audience,
        "role": AUTHENTICATED,
        "sub": _user_id(user),
        "iat": now,
        "exp": now + round(hours * 3600),
        "app_metadata": {"roles": [role.strip() for role in roles.split(",") if role.strip()]},
    }
    print(open_keys(Path(settings.server.data) / "keys", settings.auth).sign(claims))
    return 0


def _user_id(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise ConfigError([Mistake("--user", f'"{text}" is not a UUID')]) from None
