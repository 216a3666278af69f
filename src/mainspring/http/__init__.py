"""The front door: from an ASGI scope to a surface. Knows no protocol of a surface."""

from __future__ import annotations
