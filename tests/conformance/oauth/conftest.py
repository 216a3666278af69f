"""The application as one that programs sign people in with."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

import pytest

from tests.support.people import Open, People


@pytest.fixture
def opened(opened: Open) -> Open:
    """Opens the application on an engine, with settings, as one that others sign in with."""
    return partial(opened, autoconfirm=True, oauth_server=True)


@pytest.fixture
async def people(opened: Open) -> AsyncIterator[People]:
    async with opened() as found:
        yield found
