"""The API keys that a project hands out: for anybody and for its own servers, each as a token and as a plain key.

They are made once and outlive the key that signed them, because apps hold them in their builds: what lies in the folder is
known by its digest, whatever has become of the signing key. Only revoking that key ends them.
"""

from __future__ import annotations

import hashlib
import hmac
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from mainspring.principal import ANON, SERVICE
from mainspring.services.identity.keys.api_files import PREFIXES, issued_at, opaque_file, read_key, signed_files, token_file
from mainspring.services.identity.keys.folder import publish, unreadable
from mainspring.services.identity.keys.keys import KeySet
from mainspring.services.identity.opaque import new_key
from mainspring.settings import Secret

API_KEY_SECONDS: Final = 10 * 365 * 24 * 3600


class ApiKeys(msgspec.Struct, frozen=True):
    """The keys a project hands out, and where the secret token lies. `publishable` and `private` are no tokens."""

    anon: str
    service: Secret
    service_file: Path
    publishable: str
    private: Secret


def open_api_keys(folder: Path, keys: KeySet) -> ApiKeys:
    """The API keys in `folder`: made once, the same ever after.

    Raises ConfigError when a file in `folder` cannot be read or made.
    """
    mark = _mark(folder, keys)
    anon, service = (_token(token_file(folder, role, mark), role, keys) for role in (ANON, SERVICE))
    publishable, private = (_opaque(opaque_file(folder, role), role) for role in (ANON, SERVICE))
    return ApiKeys(anon, Secret(service), token_file(folder, SERVICE, mark), publishable, Secret(private))


def _mark(folder: Path, keys: KeySet) -> str:
    """Of which signing key the tokens are: the first whose tokens still hold. A changed secret makes new ones."""
    if keys.signs_with == "HS256":
        return hmac.new(keys.secret.reveal().encode(), b"mainspring api keys", hashlib.sha256).hexdigest()[:12]
    there = [(issued_at(token), path.name.split(".")[1]) for path, token, _ in signed_files(folder, ANON)]
    return min(there)[1] if there else keys.kid[:12]


def _token(path: Path, role: str, keys: KeySet) -> str:
    now = int(time.time())
    claims = {"iss": keys.issuer, "role": role, "iat": now, "exp": now + API_KEY_SECONDS}
    return _made(path, lambda: keys.sign(claims))


def _opaque(path: Path, role: str) -> str:
    return _made(path, lambda: new_key(PREFIXES[role]))


def _made(path: Path, make: Callable[[], str]) -> str:
    try:
        if not path.exists():
            publish(path, make().encode() + b"\n")
    except OSError as error:
        raise unreadable(path, error) from error
    return read_key(path)
