"""70xx: the database could not answer."""

from __future__ import annotations

from typing import ClassVar

from mainspring.errors.base import MainspringError, Worded


class EngineError(MainspringError):
    """The database could not answer; the cause is logged, never shown."""

    code: ClassVar[str] = "MS7000"


class EngineUnavailable(EngineError):
    """Not reachable, or shutting down."""

    code: ClassVar[str] = "MS7001"

    @property
    def message(self) -> str:
        return "The database is not available"


class TimedOut(EngineError):
    """Took longer than allowed."""

    code: ClassVar[str] = "MS7002"
    seconds: float

    @property
    def message(self) -> str:
        return "canceling statement due to statement timeout"

    @property
    def hint(self) -> str | None:
        return f"The limit is {self.seconds:g} s; narrow the filter, add an index or ask for a smaller page."


class Busy(EngineError):
    """Too much is waiting already; trying again later helps."""

    code: ClassVar[str] = "MS7003"
    what: str = "The server"

    @property
    def message(self) -> str:
        return f"{self.what} is busy"

    @property
    def hint(self) -> str | None:
        return "Try again in a moment."


class EngineFault(EngineError):
    """Something the engine's fault table does not know. A defect of ours."""

    code: ClassVar[str] = "MS7004"

    @property
    def message(self) -> str:
        return "The database refused the statement"


class DatabaseRefused(Worded, EngineError):
    """What a database that authorises by itself has to say (database mode), or a trigger that refuses: the client reads it.

    `sqlstate` is the database's own code; `text`, `more` and `cure` its message, detail and hint; `anonymous`: nobody signed in.
    """

    code: ClassVar[str] = "MS7005"
    sqlstate: str
    text: str
    more: str | None = None
    cure: str | None = None
    anonymous: bool = False
