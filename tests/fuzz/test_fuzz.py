"""Hostile requests at random: whatever is asked, the answer is one, it is no failure of ours, and it comes soon.

3,000 requests as part of the suite, the same in every run. MAINSPRING_TEST_FUZZ says how many else, MAINSPRING_TEST_FUZZ_SEED
which (`make fuzz`).
"""

from __future__ import annotations

import os
import random
from collections import Counter

import pytest

from tests.fuzz.grammar import Grammar
from tests.fuzz.mutate import mutated
from tests.fuzz.served import Served, app_mode, database_mode, wrong
from tests.support import native
from tests.support.servers import PostgresServer

REQUESTS = int(os.environ.get("MAINSPRING_TEST_FUZZ", "3000"))
SEED = int(os.environ.get("MAINSPRING_TEST_FUZZ_SEED", "1"))
SHARES = {"memory": 0.2, "sqlite": 0.3, "postgres": 0.25, "database": 0.25}
SECONDS = 10.0
MOST_SHOWN = 20


async def bombard(served: Served, count: int, seed: int) -> tuple[list[str], Counter[int]]:
    """What went wrong among `count` requests, and how often which status came."""
    found: list[str] = []
    statuses: Counter[int] = Counter()
    for number in range(count):
        rng = random.Random(f"{seed}.{number}")
        request = Grammar(served.world, rng).request()
        if rng.random() < 0.4:
            request = mutated(request, rng)
        answer = await served.ask(request, rng.randrange(len(served.callers)))
        statuses[answer.status] += 1
        problem = wrong(request, answer, SECONDS)
        if problem is not None:
            found.append(f"seed {seed}.{number}: {problem}\n    {request}")
    return found, statuses


@pytest.mark.timeout(0 if REQUESTS > 3000 else 120)
@pytest.mark.parametrize("target", SHARES)
async def test_every_request_gets_an_answer_that_is_no_failure(target: str, request: pytest.FixtureRequest) -> None:
    count = int(REQUESTS * SHARES[target])
    server: PostgresServer | None = request.getfixturevalue("postgres") if target in ("postgres", "database") else None
    if target == "database" and server is not None:
        running = database_mode(native.make(server.database("fuzz")))
    else:
        running = app_mode({"memory": "memory://", "sqlite": ""}.get(target) or (server.database("fuzz") if server else ""))
    async with running as served:
        found, statuses = await bombard(served, count, SEED)
    print(f"{target}: {count} requests, seed {SEED}, statuses {dict(sorted(statuses.items()))}")
    assert not found, f"{len(found)} of {count}:\n" + "\n".join(found[:MOST_SHOWN])
    assert served.faults() == []
    assert statuses[200] > count / 10, "the fuzzer asks hardly anything that makes sense"
