"""How many cases are run: MAINSPRING_TEST_CASES in all, shared out between the properties, counted as they run."""

from __future__ import annotations

import os
from collections import Counter

from hypothesis import HealthCheck, Phase, settings

IN_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}
TOTAL = int(os.environ.get("MAINSPRING_TEST_CASES", "9000"))
SHRINK = "MAINSPRING_TEST_SHRINK" in os.environ
"""Whether a failure is made smaller before it is shown: whole databases take minutes, so it must be asked for."""
SECONDS_PER_CASE = 0.5
REQUESTS = 16
"""Requests per example: a schema costs more than a request."""

ENGINES: dict[str, None] = {}
RUN: Counter[str] = Counter()
DECLINED: Counter[str] = Counter()


def ran(what: str, number: int = 1) -> None:
    """Count cases."""
    RUN[what] += number


def examples(share: float, per_example: int = 1) -> settings:
    """Hypothesis' settings for a property that runs `share` of all cases.

    Random outside CI. The examples are whole databases with requests, so that drawing them takes long and much
    entropy by nature: those two health checks say nothing here.
    """
    return settings(
        max_examples=max(1, round(TOTAL * share / per_example)),
        derandomize=IN_CI,
        database=None,
        deadline=None,
        phases=(Phase.generate, Phase.shrink) if SHRINK else (Phase.generate,),
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )


def seconds() -> float:
    """The time limit of one property."""
    return 120 + 600 * SHRINK + TOTAL * SECONDS_PER_CASE
