"""Facts about what happened, and the sinks that receive them. Knows no surface, engine or log library.

A sink is a function of one Observation. Code states facts; sinks decide what becomes of them.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, TextIO

LEVELS: Final[Mapping[str, int]] = {"debug": 10, "info": 20, "warning": 30, "error": 40}


@dataclass(frozen=True, slots=True)
class Observation:
    """Base of all facts. `level` says how much a person should care."""

    level: ClassVar[str] = "info"


@dataclass(frozen=True, slots=True)
class Started(Observation):
    """A worker serves requests."""

    url: str
    seconds: float


@dataclass(frozen=True, slots=True)
class Stopping(Observation):
    """A worker takes no new connections and finishes what it has."""

    within_seconds: float


@dataclass(frozen=True, slots=True)
class Stopped(Observation):
    """A worker has finished."""

    clean: bool = True


@dataclass(frozen=True, slots=True)
class StartFailed(Observation):
    """A step of the start raised; the process must not serve."""

    level: ClassVar[str] = "error"
    step: str
    cause: BaseException


@dataclass(frozen=True, slots=True)
class StopFailed(Observation):
    """A step of the stop raised; the others were still run."""

    level: ClassVar[str] = "error"
    step: str
    cause: BaseException


@dataclass(frozen=True, slots=True)
class RequestDone(Observation):
    """A request was answered. `target` is a path template or table, never a value a client sent."""

    level: ClassVar[str] = "debug"
    method: str
    target: str
    status: int
    seconds: float
    role: str | None
    request_id: str


@dataclass(frozen=True, slots=True)
class RequestFailed(Observation):
    """A request met an exception that nothing expected. A defect of ours."""

    level: ClassVar[str] = "error"
    method: str
    path: str
    request_id: str
    cause: BaseException


@dataclass(frozen=True, slots=True)
class EngineFaulted(Observation):
    """The database refused with something its fault table does not know."""

    level: ClassVar[str] = "error"
    engine: str
    cause: BaseException


@dataclass(frozen=True, slots=True)
class ReloadFailed(Observation):
    """What exists in the database was to be read anew and could not be: what was known before goes on being served."""

    level: ClassVar[str] = "error"
    cause: BaseException


@dataclass(frozen=True, slots=True)
class FunctionFailed(Observation):
    """A function of the application's raised what it should not have."""

    level: ClassVar[str] = "error"
    function: str
    cause: BaseException


@dataclass(frozen=True, slots=True)
class MailFailed(Observation):
    """A mail could not be handed over."""

    level: ClassVar[str] = "error"
    kind: str
    cause: BaseException


@dataclass(frozen=True, slots=True)
class RevocationsUnread(Observation):
    """Which tokens other workers have revoked could not be read; it is tried again."""

    level: ClassVar[str] = "error"
    cause: BaseException


@dataclass(frozen=True, slots=True)
class MailLost(Observation):
    """Mails go nowhere: no server is set, and the inbox is not shown where others can connect."""

    level: ClassVar[str] = "warning"
    cure: str = "set mail.url, or mail.inbox to on"


@dataclass(frozen=True, slots=True)
class SlowQuery(Observation):
    """A statement took longer than it should. `statement` holds no values."""

    level: ClassVar[str] = "warning"
    table: str
    seconds: float
    statement: str | None = None


@dataclass(frozen=True, slots=True)
class TablesUnreachable(Observation):
    """Tables that no policy lets anybody but the service role reach."""

    level: ClassVar[str] = "warning"
    tables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class LeftOut(Observation):
    """Parts of an existing database that cannot be served, each with the reason."""

    level: ClassVar[str] = "warning"
    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class KeysCreated(Observation):
    """Signing keys were made because there were none."""

    folder: str


Sink = Callable[[Observation], None]


def discard(_: Observation) -> None:
    """The sink that keeps nothing."""


class Fanout:
    """A sink that passes each fact to all of its sinks; one that raises does not rob the others."""

    __slots__ = ("_sinks",)

    def __init__(self, sinks: Sequence[Sink] = ()) -> None:
        self._sinks = list(sinks)

    def add(self, sink: Sink) -> None:
        self._sinks.append(sink)

    def __call__(self, fact: Observation) -> None:
        for sink in self._sinks:
            try:
                sink(fact)
            except Exception:
                traceback.print_exc(file=sys.stderr)


def log_sink(level: str = "info", form: str = "text", stream: TextIO | None = None) -> Sink:
    """A sink that writes a line per fact of at least `level`, as `text` or `json`; a cause with its trace."""
    least = LEVELS[level]
    line = _json_line if form == "json" else _text_line

    def write(fact: Observation) -> None:
        if LEVELS[fact.level] >= least:
            print(line(fact), file=stream or sys.stderr, flush=True)

    return write


def facts(fact: Observation) -> dict[str, Any]:
    """The fields of `fact` by name."""
    return {spec.name: getattr(fact, spec.name) for spec in fields(fact)}


def _text_line(fact: Observation) -> str:
    given = facts(fact)
    cause = given.pop("cause", None)
    told = " ".join(f"{name}={_plain(value)}" for name, value in given.items())
    line = f"{_now()} {fact.level:<7} {type(fact).__name__} {told}".rstrip()
    return line if cause is None else f"{line}\n{_trace(cause)}"


def _json_line(fact: Observation) -> str:
    given = facts(fact)
    if "cause" in given:
        given["cause"] = _trace(given["cause"])
    return json.dumps({"time": _now(), "level": fact.level, "event": type(fact).__name__} | given, default=str)


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, tuple):
        return ",".join(map(str, value))
    text = str(value)
    return text if text.isprintable() and " " not in text else json.dumps(text)


def _trace(cause: BaseException) -> str:
    return "".join(traceback.format_exception(cause)).rstrip()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
