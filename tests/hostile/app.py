"""The fuzzer's application, as `mainspring serve` takes it."""

from __future__ import annotations

from tests.fuzz.app import application

app = application()
