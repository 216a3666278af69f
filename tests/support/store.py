"""The record shop of examples/store, loaded as an application author's tests would load it."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path

from mainspring.app import Mainspring

STORE = Path(__file__).parents[2] / "examples" / "store"
CUSTOMER = "a11ce000-0000-4000-8000-000000000001"


def store() -> Mainspring:
    """The application, made once in a process."""
    if str(STORE) not in sys.path:
        sys.path.insert(0, str(STORE))
    app: Mainspring = import_module("app").app
    return app
