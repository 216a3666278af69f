"""Mainspring: the whole backend in one Python process."""

from __future__ import annotations

from mainspring.app import Mainspring
from mainspring.catalog.system import auth
from mainspring.errors import Refusal
from mainspring.policy.expr import case, coalesce
from mainspring.policy.language import exists
from mainspring.principal import Principal
from mainspring.services.functions.rows import Rows

__version__ = "0.1.0"

__all__ = ["Mainspring", "Principal", "Refusal", "Rows", "auth", "case", "coalesce", "exists"]
