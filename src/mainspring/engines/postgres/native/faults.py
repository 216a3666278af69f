"""What PostgreSQL says of a caller's request, for the caller to read: its own code, message, detail and hint."""

from __future__ import annotations

import psycopg

from mainspring.engines.sql.groups import refused
from mainspring.errors import DatabaseRefused, EngineUnavailable, MainspringError


def leaf(error: psycopg.Error, anonymous: bool = False) -> MainspringError:
    """The typed error for a driver's; the driver's own is to be its cause. `anonymous`: signing in could help."""
    said = error.diag
    if error.sqlstate is None or said.message_primary is None:
        return EngineUnavailable()
    if error.sqlstate == "22P02" and (grouped := refused(said.message_primary)):
        return grouped
    return DatabaseRefused(error.sqlstate, said.message_primary, said.message_detail, said.message_hint, anonymous)
