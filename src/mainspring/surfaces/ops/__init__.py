"""What operators and their probes ask: is it up, and which keys does it sign with."""

from __future__ import annotations
