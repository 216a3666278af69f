"""The table: leaf of `mainspring.errors` -> (status, wire code), and the body PostgREST gives an error."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final

import msgspec

from mainspring import errors
from mainspring.errors import MainspringError
from mainspring.http.headers import JSON, Header

ErrorAnswer = tuple[int, list[Header], bytes]


@dataclass(eq=False)
class Refused(MainspringError):
    """What only this wire can refuse: an error of PostgREST's own, with its status and code."""

    code: ClassVar[str] = "MS1000"
    status: int
    wire: str
    text: str
    more: str | None = None
    cure: str | None = None

    @property
    def message(self) -> str:
        return self.text

    @property
    def details(self) -> str | None:
        return self.more

    @property
    def hint(self) -> str | None:
        return self.cure


TABLE: Final[Mapping[type[MainspringError], tuple[int, str]]] = {
    errors.SyntaxInvalid: (400, "PGRST100"),
    errors.BodyInvalid: (400, "PGRST102"),
    errors.ValueInvalid: (400, "22P02"),
    errors.ValueOutOfRange: (400, "22003"),
    errors.LimitExceeded: (400, "54000"),
    errors.NotSupported: (400, "PGRST127"),
    errors.OperatorInvalid: (400, "PGRST100"),
    errors.TableUnknown: (404, "PGRST205"),
    errors.ColumnUnknown: (400, "42703"),
    errors.RelationUnknown: (400, "PGRST200"),
    errors.RelationAmbiguous: (300, "PGRST201"),
    errors.RoutineUnknown: (404, "PGRST202"),
    errors.RoutineAmbiguous: (300, "PGRST203"),
    errors.ConflictTargetUnknown: (400, "42P10"),
    errors.ColumnGenerated: (400, "428C9"),
    errors.TokenInvalid: (401, "PGRST301"),
    errors.TokenExpired: (401, "PGRST303"),
    errors.KeyMissing: (401, "PGRST302"),
    errors.PermissionDenied: (403, "42501"),
    errors.RowCheckViolated: (403, "42501"),
    errors.UniqueViolated: (409, "23505"),
    errors.ForeignKeyViolated: (409, "23503"),
    errors.NotNullViolated: (400, "23502"),
    errors.CheckViolated: (400, "23514"),
    errors.NotSingular: (406, "PGRST116"),
    errors.RangeNotSatisfiable: (416, "PGRST103"),
    errors.TooManyAffected: (400, "PGRST124"),
    errors.EngineUnavailable: (503, "PGRST000"),
    errors.TimedOut: (500, "57014"),
    errors.Busy: (503, "53300"),
    errors.EngineFault: (500, "XX000"),
    errors.DatabaseRefused: (500, "XX000"),
}

EXPECTED_OPERATOR: Final = '"not" or operator (eq, gt, ...)'

_INTERNAL: Final = (500, "XX000")
_RETRY_AFTER: Final[Header] = (b"retry-after", b"1")


def render_error(error: MainspringError) -> ErrorAnswer:
    """The answer for an error: status, headers, body. Every family has one, a leaf not in the table 500."""
    status, code = wire_code(error)
    body = msgspec.json.encode(
        {"code": code, "details": _details(error), "hint": error.hint, "message": _message(error)}
    )
    headers = [
        JSON,
        (b"content-length", b"%d" % len(body)),
        (b"proxy-status", b"PostgREST; error=" + code.encode()),
        *_extra_headers(error, status),
    ]
    return status, headers, body


def wire_code(error: MainspringError) -> tuple[int, str]:
    """Status and code; some leaves have two of them."""
    match error:
        case Refused():
            return error.status, error.wire
        case errors.ColumnUnknown(writing=True):
            return 400, "PGRST204"
        case errors.OperatorInvalid(type=str()):
            return 404, "42883"
        case errors.ValueInvalid(type=kind) if kind.startswith(("date", "time", "interval")):
            return 400, "22007"
        case errors.ValueOutOfRange(type=kind) if kind.startswith(("text", "character")):
            return 400, "22001"
        case errors.LimitExceeded(too_large_body=True):
            return 413, "PGRST102"
        case errors.PermissionDenied(anonymous=True) | errors.RowCheckViolated(anonymous=True):
            return 401, "42501"
        case _:
            return TABLE.get(type(error), _INTERNAL)


def _message(error: MainspringError) -> str:
    if isinstance(error, errors.SyntaxInvalid) and error.position is not None:
        return f'"{error.message}" (line 1, column {error.position + 1})'
    return "Feature not implemented" if isinstance(error, errors.NotSupported) else error.message


def _details(error: MainspringError) -> Any:
    match error:
        case errors.SyntaxInvalid(position=int() as position, expected=str() as expected, text=text):
            found = f'"{text[position]}"' if position < len(text) else "end of input"
            return f"unexpected {found} expecting {expected}"
        case errors.OperatorInvalid(type=None):
            return f'unexpected "{error.operator[:1]}" expecting {EXPECTED_OPERATOR}'
        case errors.RelationAmbiguous():
            keys = ("cardinality", "embedding", "relationship")
            return [{key: asdict(candidate)[key] for key in keys} for candidate in error.candidates]
        case errors.NotSupported():
            return error.message
        case _:
            return error.details


def _extra_headers(error: MainspringError, status: int) -> list[Header]:
    match error:
        case errors.TokenInvalid() | errors.TokenExpired():
            told = "".join(letter for letter in error.message if " " <= letter <= "~" and letter not in '"\\')
            value = f'Bearer error="invalid_token", error_description="{told}"'
            return [(b"www-authenticate", value.encode())]
        case errors.EngineUnavailable() | errors.Busy():
            return [_RETRY_AFTER]
        case errors.RangeNotSatisfiable(total=int() as total):
            return [(b"content-range", b"*/%d" % total)]
        case _:
            return [(b"www-authenticate", b"Bearer")] if status == 401 else []
