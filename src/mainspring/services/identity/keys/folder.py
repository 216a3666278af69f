"""The key folder: files that only their owner can read, made whole or not at all. Knows no key."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mainspring.errors import ConfigError, Mistake


def publish(path: Path, content: bytes) -> None:
    """Give `path` `content` whole or not at all; where another process was first, its content stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)  # unlike a rename, a link never replaces what is there
    except FileExistsError:
        pass
    finally:
        draft.unlink()
    sync(path.parent)


def sync(folder: Path) -> None:
    """Return once what was made or removed in `folder` survives a power cut."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Hold off every other process that changes which keys there are. One that dies holds nothing."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def unreadable(path: Path, error: OSError) -> ConfigError:
    """What is raised where a file of the folder cannot be read or made."""
    return ConfigError([Mistake(str(path), f"cannot be read or made: {error.strerror or error}")])
