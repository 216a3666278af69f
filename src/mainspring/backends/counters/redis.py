"""Counters of all machines, in Redis or what speaks its protocol (extra: redis).

A key holds until when its bucket is not full (the theoretical arrival time of the generic cell rate algorithm), by the clock of
the server there, and goes when the bucket is full. Its name is a keyed hash, so that Redis tells nobody who asked.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from typing import Final
from urllib.parse import urlsplit

from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from mainspring.backends.counters.base import Away, Rate

_DATABASE: Final = re.compile(r"(/[0-9]*)?")
PREFIX: Final = "mainspring:count:"
_TAKE: Final = """
local time = redis.call('TIME')
local now = tonumber(time[1]) + tonumber(time[2]) / 1000000
local each, seconds = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = tonumber(redis.call('GET', KEYS[1]) or '0')
full = math.min(math.max(full, now), now + seconds)
local wait = full + each - now - seconds
if wait > 0.000001 then
    return string.format('%.6f', wait)
end
redis.call('SET', KEYS[1], string.format('%.6f', full + each), 'PX', math.ceil((full + each - now) * 1000))
return '0'
"""
"""One step there, so that nobody comes between. A clock that was set back locks nobody out."""


class RedisCounters:
    """Token buckets in the server at `url`; `secret` is what all machines name keys with.

    At most `pool_size` connections; whoever gets no answer within `seconds` is told that the counters are away. Raises ValueError
    for an address that is none.
    """

    def __init__(self, url: str, secret: bytes, pool_size: int, seconds: float) -> None:
        self._secret, self._seconds = hashlib.sha256(b"names of counters" + secret).digest(), seconds
        _check(url)
        pool = BlockingConnectionPool.from_url(
            url,
            max_connections=pool_size,
            timeout=seconds,
            socket_timeout=seconds,
            socket_connect_timeout=seconds,
            retry=Retry(NoBackoff(), 0),
        )
        try:
            pool.make_connection()  # type: ignore[no-untyped-call]  # looks at what stands after the question mark
        except TypeError as error:
            raise ValueError from error
        self._redis = Redis(connection_pool=pool)
        self._pool = pool
        self._take = self._redis.register_script(_TAKE)

    async def take(self, key: str, rate: Rate) -> float:
        """Count one more under `key`. 0 when it may happen now, else the seconds until it may. Raises Away."""
        if not rate.times:
            return 0.0
        try:
            async with asyncio.timeout(self._seconds):
                return float(await self._take(keys=[self._name(key)], args=[rate.seconds / rate.times, rate.seconds]))
        except (RedisError, OSError, TimeoutError) as error:
            raise Away from error

    async def forget(self, key: str) -> None:
        """Begin anew under `key`. Raises Away."""
        try:
            async with asyncio.timeout(self._seconds):
                await self._redis.delete(self._name(key))
        except (RedisError, OSError, TimeoutError) as error:
            raise Away from error

    async def close(self) -> None:
        """Close the connections."""
        await self._pool.disconnect()

    def _name(self, key: str) -> str:
        return PREFIX + hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16, key=self._secret).hexdigest()


def _check(url: str) -> None:
    """Return when an address has a server and a number of a database, which would else be another than is meant."""
    parts = urlsplit(url)
    if parts.scheme not in ("redis", "rediss") or not parts.hostname or not _DATABASE.fullmatch(parts.path):
        raise ValueError
