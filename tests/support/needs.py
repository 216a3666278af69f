"""What a test does when a thing it needs is not on this machine: fail in CI, skip elsewhere."""

from __future__ import annotations

import os
from typing import NoReturn

import pytest


def missing(what: str, cure: str) -> NoReturn:
    """End the test because something is not installed.

    Takes the missing thing and how to get it. Raises a test failure under CI=true, a skip elsewhere.
    """
    reason = f"{what} is missing: {cure}"
    if os.environ.get("CI", "").lower() in {"1", "true", "yes"}:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
