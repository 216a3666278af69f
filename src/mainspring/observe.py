"""Facts about what happened, and the sinks that receive them. Knows no surface, engine or log library.

A sink is a function of one Observation. Code states facts; sinks decide what becomes of them.
"""

from __future__ import annotations

import json
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, TextIO

import msgspec

LEVELS: Final[Mapping[str, int]] = {"debug": 10, "info": 20, "warning": 30, "error": 40}


class Observation(msgspec.Struct, frozen=True):
    """Base of all facts. `level` says how much a person should care."""

    level: ClassVar[str] = "info"


class Started(Observation, frozen=True):
    """A worker serves requests."""

    url: str
    seconds: float


class Stopping(Observation, frozen=True):
    """A worker takes no new connections and finishes what it has."""

    within_seconds: float


class Stopped(Observation, frozen=True):
    """A worker has finished."""

    clean: bool = True


class StartFailed(Observation, frozen=True):
    """A step of the start raised; the process must not serve."""

    level: ClassVar[str] = "error"
    step: str
    cause: BaseException


class StopFailed(Observation, frozen=True):
    """A step of the stop raised; the others were still run."""

    level: ClassVar[str] = "error"
    step: str
    cause: BaseException


class RequestDone(Observation, frozen=True):
    """A request was answered. `target` is a path template or table, never a value a client sent."""

    level: ClassVar[str] = "debug"
    method: str
    target: str
    status: int
    seconds: float
    role: str | None
    request_id: str


class RequestFailed(Observation, frozen=True):
    """A request met an exception that nothing expected. A defect of ours."""

    level: ClassVar[str] = "error"
    method: str
    path: str
    request_id: str
    cause: BaseException


class EngineFaulted(Observation, frozen=True):
    """The database refused with something its fault table does not know."""

    level: ClassVar[str] = "error"
    engine: str
    cause: BaseException


class ReloadFailed(Observation, frozen=True):
    """What exists in the database was to be read anew and could not be: what was known before goes on being served."""

    level: ClassVar[str] = "error"
    cause: BaseException


class FunctionFailed(Observation, frozen=True):
    """A function of the application's raised what it should not have."""

    level: ClassVar[str] = "error"
    function: str
    cause: BaseException


class MailFailed(Observation, frozen=True):
    """A mail could not be handed over."""

    level: ClassVar[str] = "error"
    kind: str
    cause: BaseException


class TextFailed(Observation, frozen=True):
    """A text message could not be handed over."""

    level: ClassVar[str] = "error"
    kind: str
    cause: BaseException


class HookErrored(Observation, frozen=True):
    """A hook of the application's failed; whoever waited for it was told no more than that."""

    level: ClassVar[str] = "error"
    hook: str
    cause: BaseException


class ProviderErred(Observation, frozen=True):
    """A provider through which people sign in did not answer, or not as it should."""

    level: ClassVar[str] = "warning"
    provider: str
    reason: str


class RevocationsUnread(Observation, frozen=True):
    """Which tokens other workers have revoked could not be read; it is tried again."""

    level: ClassVar[str] = "error"
    cause: BaseException


class KeysUnread(Observation, frozen=True):
    """Which keys there are could not be read anew: those of before go on; it is tried again."""

    level: ClassVar[str] = "error"
    cause: BaseException


class CountersAway(Observation, frozen=True):
    """The counters of all machines cannot be asked: each machine counts by itself until they can."""

    level: ClassVar[str] = "error"
    cause: BaseException


class CountersBack(Observation, frozen=True):
    """The counters of all machines can be asked again."""

    level: ClassVar[str] = "info"


class MailLost(Observation, frozen=True):
    """Mails go nowhere: no server is set, and the inbox is not shown where others can connect."""

    level: ClassVar[str] = "warning"
    cure: str = "set mail.url, or mail.inbox to on"


class TextsLost(Observation, frozen=True):
    """People may sign up or prove themselves by phone, but nothing carries texts to them."""

    level: ClassVar[str] = "warning"
    cure: str = "set sms.provider, or mail.inbox to on"


class SlowQuery(Observation, frozen=True):
    """A statement took longer than it should. `statement` holds no values."""

    level: ClassVar[str] = "warning"
    table: str
    seconds: float
    statement: str | None = None


class TablesUnreachable(Observation, frozen=True):
    """Tables that no policy lets anybody but the service role reach."""

    level: ClassVar[str] = "warning"
    tables: tuple[str, ...]


class LeftOut(Observation, frozen=True):
    """Parts of an existing database that cannot be served, each with the reason."""

    level: ClassVar[str] = "warning"
    parts: tuple[str, ...]


class KeysCreated(Observation, frozen=True):
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
    return {name: getattr(fact, name) for name in fact.__struct_fields__}


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
