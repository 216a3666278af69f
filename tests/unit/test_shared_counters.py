"""Counters and the inbox that processes share: they agree with those of one process, and survive what happens to processes."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from mainspring.backends.counters.base import Rate
from mainspring.backends.counters.memory import MemoryCounters
from mainspring.backends.counters.shared import SharedCounters
from mainspring.backends.mail.base import Mail
from mainspring.backends.mail.memory import MOST_KEPT, Inbox
from mainspring.backends.mail.shared import SharedInbox
from mainspring.backends.registry import open_counters, open_mailer
from mainspring.settings import MailSettings

pytestmark = pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
FORK = multiprocessing.get_context("fork")


async def test_they_count_as_those_of_one_process_do(tmp_path: Path) -> None:
    now = 1_000_000.0
    mine, shared = MemoryCounters(lambda: now), SharedCounters(tmp_path / "counters", lambda: now)
    rates = [Rate(1, 60), Rate(3, 10), Rate(30, 300), Rate(0, 1), Rate(150, 300)]
    chance = random.Random(4)
    for _ in range(20_000):
        now += chance.choice([0, 0, 0, 0.5, 3, 40])
        number = chance.randrange(20)
        key, rate = f"key {number}", rates[number % len(rates)]
        if chance.random() < 0.01:
            await mine.forget(key)
            await shared.forget(key)
        wanted, got = await mine.take(key, rate), await shared.take(key, rate)
        assert got == pytest.approx(wanted, abs=1e-3), (key, rate)


async def test_others_see_what_was_counted_and_so_does_who_comes_later(tmp_path: Path) -> None:
    path, rate = tmp_path / "counters", Rate(2, 1000)
    one, other = SharedCounters(path), SharedCounters(path)
    assert [await one.take("a", rate), await other.take("a", rate)] == [0, 0]
    assert await one.take("a", rate) > 400
    assert await SharedCounters(path).take("a", rate) > 400
    await other.forget("a")
    assert await one.take("a", rate) == 0
    assert path.stat().st_mode & 0o777 == 0o600
    size = path.stat().st_size
    for number in range(1000):
        await one.take(f"key {number}", rate)
    assert path.stat().st_size == size < 4_000_000
    assert b"key" not in path.read_bytes()


@pytest.mark.parametrize("damage", [b"", b"x" * 10_000, None])
async def test_a_file_that_is_not_whole_is_made_anew(tmp_path: Path, damage: bytes | None) -> None:
    path = tmp_path / "counters"
    await SharedCounters(path).take("a", Rate(1, 1000))
    path.write_bytes(path.read_bytes()[:-1] if damage is None else damage)
    counters = SharedCounters(path)
    assert await counters.take("a", Rate(1, 1000)) == 0
    assert await counters.take("a", Rate(1, 1000)) > 900


async def test_a_clock_that_is_set_back_locks_nobody_out(tmp_path: Path) -> None:
    now = 2_000_000.0
    counters = SharedCounters(tmp_path / "counters", lambda: now)
    for _ in range(3):
        await counters.take("a", Rate(3, 60))
    now -= 86_400
    assert await counters.take("a", Rate(3, 60)) == pytest.approx(20)


async def test_a_full_file_forgets_who_may_soon_again(tmp_path: Path) -> None:
    now = 1_000_000.0
    counters = SharedCounters(tmp_path / "counters", lambda: now, sets=1)
    await counters.take("long", Rate(1, 1000))
    for number in range(100):
        assert await counters.take(f"short {number}", Rate(1, 10)) == 0
    assert await counters.take("long", Rate(1, 1000)) > 900


def _count(path: Path, times: int, answers: Any) -> None:
    counters = SharedCounters(path)

    async def run() -> int:
        return sum([await counters.take("all", Rate(500, 100_000)) == 0 for _ in range(times)])

    answers.put(asyncio.run(run()))


def test_processes_together_get_no_more_than_one(tmp_path: Path) -> None:
    answers = FORK.Queue()
    processes = [FORK.Process(target=_count, args=(tmp_path / "counters", 400, answers)) for _ in range(4)]
    for process in processes:
        process.start()
    allowed = [answers.get(timeout=30) for _ in processes]
    for process in processes:
        process.join()
    assert sum(allowed) == 500


def _forever(path: Path) -> None:
    counters = SharedCounters(path)

    async def run() -> None:
        while True:
            await counters.take("all", Rate(5, 0.001))
            await counters.forget("all")

    asyncio.run(run())


@pytest.mark.alone
async def test_kill_9_leaves_no_lock_behind(tmp_path: Path) -> None:
    path = tmp_path / "counters"
    for _ in range(5):
        process = FORK.Process(target=_forever, args=(path,))
        process.start()
        await asyncio.sleep(0.1)
        assert process.pid
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        begun = time.monotonic()
        counters = SharedCounters(path)
        assert await counters.take("all", Rate(5, 100)) == 0
        assert time.monotonic() - begun < 1


async def test_the_inbox_is_everybodys(tmp_path: Path) -> None:
    path = tmp_path / "inbox"
    one = SharedInbox(path)
    other = SharedInbox(path)
    for number in range(MOST_KEPT * 3):
        mail = Mail(f"{number % 2}@example.com", f"mail {number}\nline", "<p>ü</p>", "text", "recovery")
        await (one if number % 3 else other).send(mail)
    found = other.mails()
    assert [kept.mail.subject for kept in found[:2]] == [f"mail {MOST_KEPT * 3 - 1}\nline", f"mail {MOST_KEPT * 3 - 2}\nline"]
    assert len(found) == MOST_KEPT
    assert {kept.mail.recipient for kept in one.mails("1@example.com")} == {"1@example.com"}
    with path.open("ab") as file:
        file.write(b'{"number":1,"at":"2026')  # somebody was killed here
    await one.send(Mail("x@example.com", "after", "", "", ""))
    assert (other.mails()[0].mail.subject, len(other.mails())) == ("after", MOST_KEPT - 1)
    assert path.stat().st_size < 2_000_000
    assert path.stat().st_mode & 0o777 == 0o600
    one.clear()
    assert other.mails() == []


def test_who_is_alone_shares_nothing(tmp_path: Path) -> None:
    assert isinstance(open_counters(1, tmp_path), MemoryCounters)
    assert isinstance(open_counters(2, tmp_path), SharedCounters)
    assert type(open_mailer(MailSettings(), True)) is Inbox
    assert type(open_mailer(MailSettings(), True, tmp_path)) is SharedInbox
