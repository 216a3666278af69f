"""The identity service by itself, on the memory engine: no HTTP, nothing that runs in the background."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from mainspring.backends.counters.memory import MemoryCounters
from mainspring.backends.mail.memory import Inbox
from mainspring.backends.sms.memory import InboxSms
from mainspring.catalog.build import build
from mainspring.engines.registry import open_memory
from mainspring.observe import discard
from mainspring.plan.planner import Planner
from mainspring.policy.registry import Registry
from mainspring.services.data import Data
from mainspring.services.identity.keys.keys import KeySet, open_keys
from mainspring.services.identity.service import Identity, open_identity
from mainspring.services.identity.tokens.tokens import TokenVerifier
from tests.support.people import settings


@cache
def keys() -> KeySet:
    """Signing keys, made once."""
    with tempfile.TemporaryDirectory() as folder:
        return open_keys(Path(folder), settings().auth)


async def open_in_memory(**said: Any) -> Identity:
    """The service with these settings, on tables that are empty."""
    whole, catalog, engine = settings(**said), build([], system=True), open_memory()
    await engine.start(catalog)
    await engine.migrate(catalog)
    data = Data(engine, Planner(catalog, Registry({}), exposed=frozenset({"auth"})))
    verifier, inbox = TokenVerifier(keys(), whole.auth), Inbox()
    return open_identity(whole, data, keys(), b"s" * 32, verifier, inbox, InboxSms(inbox), MemoryCounters(), discard)
