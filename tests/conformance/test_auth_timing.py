"""Who has an account shows neither in what is answered nor in how long that takes: a rank test over many tries.

The known and an unknown address are asked in turn, some pairs at a time, so that whatever else the machine does meets both alike.
"""

from __future__ import annotations

import asyncio
import math
import os
import random
import time
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from mainspring.settings import AuthSettings
from mainspring.testing.client import TestClient
from tests.support.people import PASSWORD, People, app, settings

TRIES = int(os.environ.get("MAINSPRING_TEST_TRIES", "200"))
AT_ONCE = 10
UNLIKELY = 4.5
"""Standard deviations that chance alone exceeds once in 150,000 runs."""

Tried = tuple[float, int, str]
Ask = Callable[[str], tuple[str, dict[str, Any]]]
ASKED: dict[str, Ask] = {
    "a wrong password": lambda email: ("/token?grant_type=password", {"email": email, "password": "wrong horse 1"}),
    "a recovery": lambda email: ("/recover", {"email": email}),
    "a link": lambda email: ("/otp", {"email": email, "create_user": True}),
    "a sign-up": lambda email: ("/signup", {"email": email, "password": PASSWORD}),
    "a mail once more": lambda email: ("/resend", {"email": email, "type": "signup"}),
    "a wrong code": lambda email: ("/verify", {"email": email, "token": "000000", "type": "email"}),
}


def rank_test(one: Sequence[float], other: Sequence[float]) -> float:
    """Mann and Whitney's U in standard deviations from what chance gives (the normal approximation, with ties)."""
    pairs = sorted([(value, 0) for value in one] + [(value, 1) for value in other])
    ranks, ties, place = 0.0, 0.0, 0
    while place < len(pairs):
        end = place
        while end < len(pairs) and pairs[end][0] == pairs[place][0]:
            end += 1
        middle = (place + 1 + end) / 2
        ranks += middle * sum(1 for _, which in pairs[place:end] if which == 0)
        ties += (end - place) ** 3 - (end - place)
        place = end
    n, m, total = len(one), len(other), len(pairs)
    spread = math.sqrt(n * m / 12 * (total + 1 - ties / (total * (total - 1))))
    return (ranks - n * (n + 1) / 2 - n * m / 2) / spread if spread else 0.0


def test_the_rank_test_knows_a_difference_and_none() -> None:
    draw = random.Random(3)
    one, other = ([draw.gauss(5, 1) for _ in range(1000)] for _ in range(2))
    assert abs(rank_test(one, other)) < UNLIKELY
    assert rank_test([value + 0.3 for value in one], other) > UNLIKELY
    assert rank_test([1.0] * 50, [1.0] * 50) == 0


@pytest.mark.alone
@pytest.mark.parametrize("what", list(ASKED))
async def test_known_and_unknown_addresses_are_answered_alike_and_as_fast(what: str) -> None:
    ask = ASKED[what]
    async with TestClient(app, settings=settings(mail={"rate_hour": 0}, even_seconds=AuthSettings().even_seconds)) as client:
        people = People(client)

        async def tried(email: str) -> Tried:
            path, body = ask(email)
            began = time.perf_counter()
            answer = await people.post(path, body)
            took = time.perf_counter() - began
            await asyncio.sleep(0)  # without a network nothing waits, and what is done after an answer would never be begun
            return took, answer.status_code, answer.text.replace(email, "...")

        async def pairs(tries: int) -> list[tuple[Tried, Tried]]:
            """Pairs one after the other, about somebody known of their own."""
            known, found = people.address(), list[tuple[Tried, Tried]]()
            await people.member(known)
            for number in range(tries):
                if number % 2:
                    found.append((await tried(known), await tried(people.address())))
                else:
                    other = await tried(people.address())
                    found.append((await tried(known), other))
            return found

        every = [pair for found in await asyncio.gather(*(pairs(TRIES // AT_ONCE) for _ in range(AT_ONCE))) for pair in found]
    times = [found[0] for found, _ in every], [found[0] for _, found in every]
    assert abs(rank_test(*times)) < UNLIKELY, what
    answers = {(status, shape(text)) for two in every for _, status, text in two}
    assert len(answers) == 1, answers


def shape(text: str) -> str:
    """An answer without what is new in each: ids and moments."""
    return "" if '"id":' in text else text
