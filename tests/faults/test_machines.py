"""Several machines that count together in Redis: what they allow in all, and what holds while Redis is away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from redis.asyncio import Redis

from mainspring.backends.counters.base import Away, Counters, Rate
from mainspring.backends.counters.fallback import PAUSE_SECONDS, FallbackCounters
from mainspring.backends.counters.memory import MemoryCounters
from mainspring.backends.counters.redis import RedisCounters
from mainspring.backends.registry import open_far_counters
from mainspring.errors import ConfigError
from mainspring.observe import CountersAway, CountersBack, Observation, discard
from mainspring.settings import CountersSettings, Secret, ServerSettings
from mainspring.testing.client import ADDRESS
from tests.support.people import PASSWORD, app, settings
from tests.support.redis_server import RedisServer
from tests.support.servers import PostgresServer

SECONDS = 0.5
pytestmark = pytest.mark.alone


@pytest.fixture(scope="module")
def server() -> Iterator[RedisServer]:
    found = RedisServer()
    found.start()
    yield found
    found.close()


@pytest.fixture
def redis(server: RedisServer) -> RedisServer:
    """Redis, as empty as it begins."""
    server.stop()
    server.start()
    return server


@asynccontextmanager
async def machines(redis: RedisServer, number: int = 2, **said: Any) -> AsyncIterator[list[RedisCounters]]:
    made = [RedisCounters(redis.url, b"s", **{"pool_size": 5, "seconds": SECONDS, **said}) for _ in range(number)]
    try:
        yield made
    finally:
        for each in made:
            await each.close()


async def taken(counters: Counters, key: str, rate: Rate, times: int) -> int:
    """How often it may happen, of so many times."""
    return sum([await counters.take(key, rate) == 0 for _ in range(times)])


# ---------------------------------------------------------------- counting


async def test_they_count_as_one_machine_does(redis: RedisServer) -> None:
    mine = MemoryCounters()
    async with machines(redis) as (one, other):
        for number in range(60):
            key, rate = f"key {number % 7}", Rate((1, 3, 10, 0)[number % 7 % 4], 1000)
            if number % 25 == 24:
                await mine.forget(key)
                await one.forget(key)
            wanted, got = await mine.take(key, rate), await (one, other)[number % 2].take(key, rate)
            assert got == pytest.approx(wanted, abs=1), (key, rate)


async def test_a_bucket_fills_up_again(redis: RedisServer) -> None:
    async with machines(redis) as (one, other):
        rate = Rate(2, 1)
        assert await taken(one, "a", rate, 5) == 2
        wait = await other.take("a", rate)
        assert 0 < wait <= 0.5
        await asyncio.sleep(wait + 0.05)
        assert await taken(other, "a", rate, 5) == 1


async def test_many_at_once_get_no_more_than_one(redis: RedisServer) -> None:
    async with machines(redis, 3, pool_size=4, seconds=5) as found:
        answers = await asyncio.gather(*(found[n % 3].take("all", Rate(50, 100_000)) for n in range(300)))
        assert sum(answer == 0 for answer in answers) == 50


async def test_redis_is_told_no_names_and_keeps_nothing(redis: RedisServer) -> None:
    async with machines(redis) as (one, _), Redis.from_url(redis.url) as asked:
        for key in ("guess ann@example.com 192.0.2.1", "x\x00\ud800", "k" * 100_000):
            await one.take(key, Rate(1, 300))
        names = await asked.keys("*")
        assert len(names) == 3
        assert all(name.startswith(b"mainspring:count:") and len(name) == 49 for name in names)
        lasts = [await asked.pttl(name) for name in names]
        assert all(0 < each <= 300_000 for each in lasts), "each goes when its bucket is full"
        another = RedisCounters(redis.url, b"another installation", 1, SECONDS)
        assert await another.take("k" * 100_000, Rate(1, 300)) == 0
        await another.close()


async def test_a_clock_that_was_set_back_locks_nobody_out(redis: RedisServer) -> None:
    async with machines(redis) as (one, _), Redis.from_url(redis.url) as asked:
        await one.take("a", Rate(3, 60))
        (name,) = await asked.keys("*")
        await asked.set(name, "9999999999")
        assert await one.take("a", Rate(3, 60)) == pytest.approx(20, abs=1)


# ---------------------------------------------------------------- Redis is away


@pytest.fixture
def seen() -> list[Observation]:
    return []


async def test_while_it_is_away_each_machine_counts_by_itself(redis: RedisServer, seen: list[Observation]) -> None:
    """Neither may everything happen, nor nothing; and what happened here before counts."""
    now, rate = 1000.0, Rate(10, 100_000)
    async with machines(redis) as far:
        found = [FallbackCounters(MemoryCounters(), each, seen.append, lambda: now) for each in far]
        assert await taken(found[0], "a", rate, 4) == 4
        redis.stop()
        assert [await taken(each, "a", rate, 20) for each in found] == [6, 10]
        assert await taken(found[0], "b", rate, 20) == 10, "others are not shut out"
        await found[0].forget("a")
        assert await taken(found[0], "a", rate, 20) == 10
        assert [type(each) for each in seen] == [CountersAway, CountersAway], "told once by each"
        redis.start()
        assert await taken(found[0], "a", rate, 1) == 0, "it is not asked yet"
        now += PAUSE_SECONDS
        assert await taken(found[0], "c", rate, 6) == 6
        assert await taken(found[1], "c", rate, 20) == 4
        assert [type(each) for each in seen[2:]] == [CountersBack, CountersBack]


async def test_nobody_waits_for_it_long(redis: RedisServer) -> None:
    """It takes connections and answers nobody: one waits, for so long at most, and then nobody does."""
    async with machines(redis, 1, pool_size=2) as (far,):
        found, rate = FallbackCounters(MemoryCounters(), far, discard), Rate(5, 1000)
        await found.take("a", rate)
        redis.hold()
        try:
            begun = time.monotonic()
            answers = await asyncio.gather(*(found.take("a", rate) for _ in range(50)))
            assert time.monotonic() - begun < SECONDS * 2
            assert sum(answer == 0 for answer in answers) == 4
            begun = time.monotonic()
            assert await taken(found, "b", rate, 50) == 5
            assert time.monotonic() - begun < SECONDS
        finally:
            redis.go_on()


async def test_nobody_gets_the_answer_to_another_question(redis: RedisServer) -> None:
    """Answers that come too late are thrown away with their connection."""
    async with machines(redis, 1, pool_size=2, seconds=0.1) as (far,), Redis.from_url(redis.url) as asked:
        assert await taken(far, "full", Rate(1, 1000), 2) == 1
        redis.hold()
        late = await asyncio.gather(*(far.take("full", Rate(1, 1000)) for _ in range(6)), return_exceptions=True)
        assert {type(each) for each in late} == {Away}
        redis.go_on()
        assert await asked.ping()
        assert await taken(far, "new", Rate(20, 1000), 20) == 20
        assert await taken(far, "full", Rate(1, 1000), 20) == 0


@pytest.mark.parametrize("refusing", [("maxmemory", "1"), ("requirepass", "another")], ids=["full", "locked"])
async def test_a_server_that_refuses_is_away(refusing: tuple[str, str], redis: RedisServer) -> None:
    async with Redis.from_url(redis.url) as asked, machines(redis, 1) as (far,):
        await asked.config_set(*refusing)
        with pytest.raises(Away):
            await far.take("a", Rate(1, 1))


# ---------------------------------------------------------------- whole servers


@asynccontextmanager
async def servers(url: str, data: Path, redis: str) -> AsyncIterator[list[httpx.AsyncClient]]:
    """Two machines that have a database, keys and Redis in common, and no file with counts in it."""
    said = settings(rate_guesses=10, autoconfirm=True)
    said = replace(
        said,
        database=replace(said.database, url=url),
        server=ServerSettings(workers=1, data=str(data)),
        counters=CountersSettings(url=Secret(redis), timeout_seconds=SECONDS),
    )
    async with AsyncExitStack() as stack:
        made = []
        for _ in range(2):
            each = app.build(said, data, discard)
            await each.start()
            stack.push_async_callback(each.stop)
            transport = httpx.ASGITransport(each)
            made.append(await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url=ADDRESS)))
        yield made


async def guesses(client: httpx.AsyncClient, email: str, times: int) -> list[int]:
    path, said = "/auth/v1/token?grant_type=password", {"email": email, "password": "a wrong guess 1"}
    return [(await client.post(path, json=said)).status_code for _ in range(times)]


async def test_guesses_are_counted_over_machines(redis: RedisServer, postgres: PostgresServer, tmp_path: Path) -> None:
    async with servers(postgres.database("machines"), tmp_path / "data", redis.url) as (one, other):
        for email in ("ann@example.com", "bob@example.com"):
            assert (await one.post("/auth/v1/signup", json={"email": email, "password": PASSWORD})).status_code == 200
        assert await guesses(one, "ann@example.com", 6) == [400] * 6
        assert await guesses(other, "ann@example.com", 6) == [400] * 4 + [429] * 2
        assert await guesses(one, "ann@example.com", 1) == [429]
        redis.stop()
        assert await guesses(one, "bob@example.com", 12) == [400] * 10 + [429] * 2, "the door is not open"
        right = {"email": "bob@example.com", "password": PASSWORD}
        answer = await other.post("/auth/v1/token?grant_type=password", json=right)
        assert answer.status_code == 200, "nor shut: the other machine has seen no guesses"


async def test_a_server_starts_while_redis_is_away(redis: RedisServer, postgres: PostgresServer, tmp_path: Path) -> None:
    redis.stop()
    async with servers(postgres.database("machines"), tmp_path / "data", redis.url) as (one, _):
        answer = await one.post("/auth/v1/signup", json={"email": "ann@example.com", "password": PASSWORD})
        assert answer.status_code == 200
        assert await guesses(one, "ann@example.com", 11) == [400] * 10 + [429]


@pytest.mark.parametrize(
    "url",
    [
        "http://:hidden@x",
        "redis://",
        "redis://:hidden@/0",
        "hidden",
        "redis://:hidden@host:port/0",
        "redis://hidden/x",
        "redis://hidden/0?x=1",
        "unix:///hidden",
    ],
)
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(ConfigError, match="names no Redis server") as told:
        open_far_counters(CountersSettings(url=Secret(url)), MemoryCounters(), b"s", discard)
    assert "hidden" not in str(told.value)


async def test_addresses_that_are_some() -> None:
    for url in ("redis://host", "redis://host/", "rediss://name:word@host:6380/15", "redis://host/0?protocol=2"):
        await open_far_counters(CountersSettings(url=Secret(url)), MemoryCounters(), b"s", discard).close()


def test_without_an_address_a_machine_counts_by_itself() -> None:
    near = MemoryCounters()
    assert open_far_counters(CountersSettings(), near, b"s", discard) is near
