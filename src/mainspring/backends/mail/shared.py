"""The inbox of several worker processes: a file, one mail a line, of which only the latest are kept."""

from __future__ import annotations

import contextlib
import fcntl
import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import msgspec

from mainspring.backends.mail.base import Mail
from mainspring.backends.mail.memory import MOST_KEPT, Inbox, Kept

_MOST_LINES: Final = 2 * MOST_KEPT
_decode = msgspec.json.Decoder(Kept).decode


class SharedInbox(Inbox):
    """The latest mails in the file at `path`, which begins empty; the newest first."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._path = path
        self.clear()

    async def send(self, mail: Mail) -> None:
        """Keep a mail."""
        kept = Kept(time.time_ns() // 1000, datetime.now(UTC), mail)
        with self._opened() as file:
            lines = _read(file)
            if len(lines) >= _MOST_LINES:
                os.ftruncate(file, 0)
                os.write(file, b"".join(line + b"\n" for line in lines[-MOST_KEPT + 1 :]))
            os.write(file, b"\n" + msgspec.json.encode(kept) + b"\n")  # begun anew: the last line may be a part

    def mails(self, recipient: str | None = None) -> list[Kept]:
        """Those to `recipient`, or all."""
        with self._opened() as file:
            lines = _read(file)[-MOST_KEPT:]
        found = filter(None, map(_kept, reversed(lines)))
        return [kept for kept in found if recipient in (None, kept.mail.recipient)]

    def clear(self) -> None:
        """Throw everything away."""
        with self._opened() as file:
            os.ftruncate(file, 0)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[int]:
        """The file, to nobody else for a moment."""
        file = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
        finally:
            os.close(file)


def _read(file: int) -> list[bytes]:
    return [line for line in os.pread(file, os.fstat(file).st_size, 0).split(b"\n") if line]


def _kept(line: bytes) -> Kept | None:
    """What a line holds; None where a process that was killed left a part of one."""
    try:
        return _decode(line)
    except msgspec.DecodeError:
        return None
