"""The API keys that lie in the key folder: which there are, and whose. Makes none."""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from mainspring.errors import ConfigError, Mistake
from mainspring.principal import ANON, SERVICE
from mainspring.services.identity.keys.folder import unreadable
from mainspring.services.identity.opaque import digest

PREFIXES: Final[Mapping[str, str]] = {ANON: "sb_publishable_", SERVICE: "sb_secret_"}


def opaque_file(folder: Path, role: str) -> Path:
    """Where the role's key that is no token lies."""
    return folder / f"{role}.key"


def token_file(folder: Path, role: str, mark: str) -> Path:
    """Where the role's key that is a token lies; `mark` tells those of one signing key from those of another."""
    return folder / f"{role}.{mark}.jwt"


def read_key(path: Path) -> str:
    """The key in a file. Raises ConfigError."""
    try:
        return path.read_text("ascii").strip()
    except OSError as error:
        raise unreadable(path, error) from error
    except UnicodeDecodeError as error:
        raise ConfigError([Mistake(str(path), "is not a key", "remove it to have a new one made")]) from error


def signed_files(folder: Path, role: str) -> Iterator[tuple[Path, str, str]]:
    """The role's tokens that a key of the folder has signed: file, token and the key's id."""
    for path in sorted(folder.glob(f"{role}.*.jwt")):
        token = read_key(path)
        kid = _segment(token, 0).get("kid")
        if isinstance(kid, str):
            yield path, token, kid


def issued_at(token: str) -> int:
    """When a token of the folder was signed."""
    at = _segment(token, 1).get("iat")
    return at if isinstance(at, int) else 0


def known_keys(folder: Path) -> Mapping[bytes, str]:
    """The roles of the folder's API keys by their digests: they stay good when the key that signed them is no more.

    Tokens signed with a shared secret are none of them: who changes it means them to end.
    """
    found = {}
    for role in (ANON, SERVICE):
        if opaque_file(folder, role).exists():
            found[digest(read_key(opaque_file(folder, role)).encode())] = role
        for _, token, _ in signed_files(folder, role):
            found[digest(token.encode())] = role
    return found


def _segment(token: str, place: int) -> dict[str, Any]:
    try:
        part = token.split(".")[place]
        value = json.loads(urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (ValueError, IndexError):
        return {}
    return value if isinstance(value, dict) else {}
