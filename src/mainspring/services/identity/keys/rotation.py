"""What an operator does about signing keys: rotate them, end one at once. Safe to be killed at any point and run again."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from pathlib import Path

from mainspring.datatypes import format_utc
from mainspring.errors import ConfigError, Mistake
from mainspring.principal import ANON, SERVICE
from mainspring.services.identity.keys import signing
from mainspring.services.identity.keys.api_files import opaque_file, signed_files
from mainspring.services.identity.keys.folder import alone, sync
from mainspring.services.identity.keys.keys import CURRENT, NEXT, RETIRED, KeySet
from mainspring.services.identity.keys.signing import SigningKey


def rotate(keys: KeySet, overlap: int) -> SigningKey:
    """The key that will sign `overlap` seconds from now, published at once; one that waits already comes sooner, never later.

    Keys whose tokens have all expired are removed. Raises ConfigError where one waits and would not come sooner.
    """
    with alone(keys.folder):
        keys.read()
        made = _bring(keys, int(time.time()) + overlap)
        for key, state, _ in keys.states():
            if state == RETIRED:
                key.path.unlink(missing_ok=True)
        sync(keys.folder)
        keys.read()
    return made


def revoke(keys: KeySet, kid: str) -> list[Path]:
    """End a key at once, with every token and API key that it signed; the API keys' files, which are no more.

    Where it is the one that signs, another does so from now on. Raises ConfigError for an unknown kid.
    """
    with alone(keys.folder):
        keys.read()
        ended = next(((key, state) for key, state, _ in keys.states() if key.kid == kid), None)
        issued = [path for role in (ANON, SERVICE) for path, _, signer in signed_files(keys.folder, role) if signer == kid]
        if ended is None and not issued:
            cure = "mainspring keys list shows those there are"
            raise ConfigError([Mistake(kid[:64], "is no key of the folder", cure)])
        if ended is not None and ended[1] == CURRENT:
            _bring(keys, int(time.time()))
        for path in issued:
            path.unlink(missing_ok=True)
        if ended is not None:
            ended[0].path.unlink(missing_ok=True)  # last, so that the command can be repeated until it is done
        sync(keys.folder)
        keys.read()
    return issued


def replace_plain(keys: KeySet, role: str) -> None:
    """End the role's key that is no token, at once; the next to look for it makes another."""
    with alone(keys.folder):
        opaque_file(keys.folder, role).unlink(missing_ok=True)
        sync(keys.folder)
        keys.read()


def _bring(keys: KeySet, at: int) -> SigningKey:
    """The key that signs from the second `at`: the one that waits, or a new one."""
    waiting = [key for key, state, _ in keys.states() if state == NEXT and key.algorithm == keys.algorithm]
    if not waiting:
        return signing.read(signing.make(keys.folder, keys.algorithm, max(at, keys.current.signs_from + 1)))
    if waiting[0].signs_from <= at:
        from_then = format_utc(datetime.fromtimestamp(waiting[0].signs_from, UTC))
        cure = f"wait, or let it sign at once with --now (kid {waiting[0].kid})"
        raise ConfigError([Mistake("keys rotate", f"a next key waits already and signs from {from_then}", cure)])
    sooner = waiting[0].path.with_name(f"{keys.algorithm.lower()}.{max(at, keys.current.signs_from + 1)}.pem")
    os.rename(waiting[0].path, sooner)
    return signing.read(sooner)
