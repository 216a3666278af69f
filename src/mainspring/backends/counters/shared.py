"""Counters of all processes of a machine: a file of fixed size that they map into memory.

A key has a place in one of many small sets, found by a keyed hash, so that the file tells nobody who asked and nobody can choose
whom to push out. A place holds until when the key's bucket is not full (the theoretical arrival time of the generic cell rate
algorithm): one number, which a process killed in between leaves old or new. Where a set is full, the key gives way whose bucket
is full soonest. The file outlives the processes, so limits outlive restarts.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import mmap
import os
import struct
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from mainspring.backends.counters.base import Rate

_MAGIC: Final = b"mainspring cnt 1"
_SECRET: Final = 32
_HEAD: Final = 4096
_PLACES: Final = 8
_PLACE: Final = struct.Struct("<16sd")
_SET: Final = _PLACE.size * _PLACES
_LOCKS: Final = 64
SETS: Final = 16_384
"""With as many places, 131,072 keys in 3 MB."""
_NOBODY: Final = bytes(16)
_ROUNDING: Final = 1e-6


class SharedCounters:
    """Token buckets in the file at `path`, which is made where there is none (or one that is not whole)."""

    def __init__(self, path: Path, clock: Callable[[], float] = time.time, sets: int = SETS) -> None:
        self._clock, self._sets = clock, sets
        self._file = _opened(path, _HEAD + _SET * sets)
        self._map = mmap.mmap(self._file, _HEAD + _SET * sets)
        self._secret = self._map[len(_MAGIC) : len(_MAGIC) + _SECRET]

    async def take(self, key: str, rate: Rate) -> float:
        """Count one more under `key`. 0 when it may happen now, else the seconds until it may."""
        if not rate.times:
            return 0.0
        name, number = self._hash(key)
        each = rate.seconds / rate.times
        with self._locked(number):
            now = self._clock()
            place, until = self._find(number, name)
            until = min(max(until, now), now + rate.seconds)  # a clock that was set back locks nobody out
            wait = until + each - now - rate.seconds
            if wait > _ROUNDING:
                return wait
            _PLACE.pack_into(self._map, place, name, until + each)
            return 0.0

    async def forget(self, key: str) -> None:
        """Begin anew under `key`."""
        name, number = self._hash(key)
        with self._locked(number):
            place, until = self._find(number, name)
            if until:
                _PLACE.pack_into(self._map, place, _NOBODY, 0.0)

    async def close(self) -> None:
        """Nothing: the file is mapped while the process lives."""

    def _hash(self, key: str) -> tuple[bytes, int]:
        """The name of a key in the file, and its set."""
        made = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=24, key=self._secret).digest()
        return made[:16], int.from_bytes(made[16:], "little") % self._sets

    def _find(self, number: int, name: bytes) -> tuple[int, float]:
        """The place of a key and until when its bucket is not full; the place of another (0) where it has none."""
        start = _HEAD + number * _SET
        first, soonest = start, float("inf")
        for place in range(start, start + _SET, _PLACE.size):
            kept, until = _PLACE.unpack_from(self._map, place)
            if kept == name:
                return place, until
            if until < soonest:
                first, soonest = place, until
        return first, 0.0

    @contextlib.contextmanager
    def _locked(self, number: int) -> Iterator[None]:
        """Nobody else's for some microseconds; the kernel lets go where a process dies."""
        at = number % _LOCKS
        fcntl.lockf(self._file, fcntl.LOCK_EX, 1, at)
        try:
            yield
        finally:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, at)


def _opened(path: Path, size: int) -> int:
    """The file, whole. Its blocks are there, so that a full disk is found here and not on the way."""
    path.parent.mkdir(parents=True, exist_ok=True)
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.lockf(file, fcntl.LOCK_EX, 1, _LOCKS)
    try:
        if os.fstat(file).st_size != size or os.pread(file, len(_MAGIC), 0) != _MAGIC:
            os.ftruncate(file, 0)
            os.posix_fallocate(file, 0, size)
            os.pwrite(file, os.urandom(_SECRET), len(_MAGIC))
            os.pwrite(file, _MAGIC, 0)
    except BaseException:
        os.close(file)
        raise
    fcntl.lockf(file, fcntl.LOCK_UN, 1, _LOCKS)
    return file
