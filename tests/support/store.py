"""The record shop of examples/store, loaded as the command line loads it."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

from mainspring.app import Mainspring
from mainspring.cli.target import find_app, parse

STORE = Path(__file__).parents[2] / "examples" / "store" / "app.py"
CUSTOMER = "a11ce000-0000-4000-8000-000000000001"


@cache
def store() -> Mainspring:
    """The application, made once in a process, whatever other module is called `app` in it."""
    path = list(sys.path)
    try:
        app = find_app(parse(str(STORE)))
    finally:
        sys.path[:] = path
    assert isinstance(app, Mainspring)
    return app
