"""What is looked at again and again: it survives what it raises, and ends between two looks, not in the middle of one."""

from __future__ import annotations

import asyncio

from mainspring.errors import EngineUnavailable
from mainspring.services.identity.watch import Watch


async def test_it_goes_on_after_what_is_raised() -> None:
    looks, failed, seen = iter([ValueError("once"), EngineUnavailable()]), list[Exception](), asyncio.Event()

    async def look() -> None:
        for error in looks:
            raise error
        seen.set()

    watch = Watch(look, 0.001, failed.append)
    await watch.start()
    await asyncio.wait_for(seen.wait(), 5)
    await watch.stop()
    assert [str(error) for error in failed] == ["once"], "a database that is away is nothing to tell about"


async def test_a_look_is_not_broken_off() -> None:
    begun, done = asyncio.Event(), list[str]()

    async def look() -> None:
        begun.set()
        await asyncio.sleep(0.05)
        done.append("whole")

    watch = Watch(look, 0.001, lambda error: None)
    for _ in range(2):
        begun.clear()
        await watch.start()
        await begun.wait()
        await watch.stop()
    assert done == ["whole", "whole"]


async def test_stopping_does_not_wait_for_the_next_look() -> None:
    async def look() -> None:
        raise AssertionError("too early")

    watch = Watch(look, 60, lambda error: None)
    await watch.start()
    await asyncio.wait_for(watch.stop(), 1)
