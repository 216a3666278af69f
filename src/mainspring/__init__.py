"""Mainspring: the whole backend in one Python process."""

from __future__ import annotations

from mainspring.app import Mainspring
from mainspring.catalog.system import auth
from mainspring.policy.language import exists

__version__ = "0.1.0"

__all__ = ["Mainspring", "auth", "exists"]
