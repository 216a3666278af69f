"""The command line. Knows the app as something that can be built, and no more."""

from __future__ import annotations

from mainspring.cli.arguments import main

__all__ = ["main"]
