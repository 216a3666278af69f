"""The table: leaf of `mainspring.errors` -> (status, wire code), and the body PostgREST gives an error."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, ClassVar, Final

import msgspec

from mainspring import errors
from mainspring.errors import MainspringError, Worded
from mainspring.http.headers import JSON, Header

ErrorAnswer = tuple[int, list[Header], bytes]


class Refused(Worded, MainspringError):
    """What only this wire can refuse: an error of PostgREST's own, with its status and code."""

    code: ClassVar[str] = "MS1000"
    status: int
    wire: str
    text: str
    more: str | None = None
    cure: str | None = None


TABLE: Final[Mapping[type[MainspringError], tuple[int, str]]] = {
    errors.SyntaxInvalid: (400, "PGRST100"),
    errors.BodyInvalid: (400, "PGRST102"),
    errors.ValueInvalid: (400, "22P02"),
    errors.ValueOutOfRange: (400, "22003"),
    errors.LimitExceeded: (400, "54000"),
    errors.NotSupported: (400, "PGRST127"),
    errors.OperatorInvalid: (400, "PGRST100"),
    errors.SearchInvalid: (400, "42601"),
    errors.SearchConfigUnknown: (400, "42704"),
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
    errors.TokenRequired: (401, "PGRST302"),
    errors.TokenKeyMissing: (500, "PGRST300"),
    errors.PermissionDenied: (403, "42501"),
    errors.RowCheckViolated: (403, "42501"),
    errors.RoutineDenied: (403, "42501"),
    errors.RoutineWrites: (405, "25006"),
    errors.RoutineFailed: (500, "XX000"),
    errors.Refusal: (400, "P0001"),
    errors.UniqueViolated: (409, "23505"),
    errors.ForeignKeyViolated: (409, "23503"),
    errors.NotNullViolated: (400, "23502"),
    errors.CheckViolated: (400, "23514"),
    errors.NotSingular: (406, "PGRST116"),
    errors.RangeNotSatisfiable: (416, "PGRST103"),
    errors.TooManyAffected: (400, "PGRST124"),
    errors.MediaUnavailable: (406, "PGRST107"),
    errors.KeyMismatch: (400, "PGRST115"),
    errors.ResponseHeadersInvalid: (500, "PGRST111"),
    errors.ResponseStatusInvalid: (500, "PGRST112"),
    errors.RelatedOrderInvalid: (400, "PGRST118"),
    errors.MaxAffectedInvalid: (400, "PGRST128"),
    errors.NotGrouped: (400, "42803"),
    errors.EngineUnavailable: (503, "PGRST000"),
    errors.TimedOut: (500, "57014"),
    errors.Busy: (503, "53300"),
    errors.EngineFault: (500, "XX000"),
    errors.DatabaseRefused: (500, "XX000"),
}

EXPECTED_OPERATOR: Final = '"not" or operator (eq, gt, ...)'

_INTERNAL: Final = (500, "XX000")
_RETRY_AFTER: Final[Header] = (b"retry-after", b"1")


def render_error(error: MainspringError, *, minimal: bool = False) -> ErrorAnswer:
    """The answer for an error: status, headers, body. Every family has one, a leaf not in the table 500.

    `minimal` tells code and message only.
    """
    if isinstance(error, errors.DatabaseRefused) and error.sqlstate == "PGRST":
        return _raised(error, minimal)
    status, code = wire_code(error)
    told: dict[str, Any] = {"code": code, "message": _message(error)}
    if not minimal:
        told |= {"details": _details(error), "hint": error.hint}
    return _answer(status, code, told, _extra_headers(error, status))


def _answer(status: int, code: str, told: dict[str, Any], extra: list[Header]) -> ErrorAnswer:
    body = msgspec.json.encode(told, order="sorted")
    headers = [JSON, (b"content-length", b"%d" % len(body)), (b"proxy-status", b"PostgREST; error=" + code.encode())]
    return status, headers + extra, body


class _Message(msgspec.Struct):
    code: str
    message: str
    details: str | None = None
    hint: str | None = None


class _Detail(msgspec.Struct):
    status: int
    headers: dict[str, str]
    status_text: str | None = None


def _raised(error: errors.DatabaseRefused, minimal: bool) -> ErrorAnswer:
    """What a function raised for the client under SQLSTATE PGRST: it says status and headers itself."""
    try:
        said = msgspec.json.decode(error.text, type=_Message)
    except msgspec.DecodeError:
        return _unreadable(f"Invalid JSON value for MESSAGE: '{error.text}'", _MESSAGE_FORM)
    if error.more is None:
        return _unreadable("DETAIL is missing in the RAISE statement", _DETAIL_FORM)
    try:
        how = msgspec.json.decode(error.more, type=_Detail)
    except msgspec.DecodeError:
        return _unreadable(f"Invalid JSON value for DETAIL: '{error.more}'", _DETAIL_FORM)
    told: dict[str, Any] = {"code": said.code, "message": said.message}
    if not minimal:
        told |= {"details": said.details, "hint": said.hint}
    return _answer(how.status, said.code, told, [(name.lower().encode(), text.encode()) for name, text in how.headers.items()])


_MESSAGE_FORM: Final = (
    "MESSAGE must be a JSON object with obligatory keys: 'code', 'message' and optional keys: 'details', 'hint'."
)
_DETAIL_FORM: Final = "DETAIL must be a JSON object with obligatory keys: 'status', 'headers' and optional key: 'status_text'."


def _unreadable(told: str, cure: str) -> ErrorAnswer:
    return render_error(Refused(500, "PGRST121", "Could not parse JSON in the \"RAISE SQLSTATE 'PGRST'\" error", told, cure))


_STATES: Final[Mapping[str, int]] = {
    "23503": 409,
    "23505": 409,
    "25006": 405,
    "53400": 500,
    "57P01": 503,
    "P0001": 400,
    "42883": 404,
    "42P01": 404,
    "42P17": 500,
}
_CLASSES: Final[Mapping[str, int]] = {
    **dict.fromkeys(("09", "25", "2D", "38", "39", "3B", "40", "54", "55", "57", "58", "F0", "HV", "P0", "XX"), 500),
    **dict.fromkeys(("0L", "0P", "28"), 403),
    **dict.fromkeys(("08", "53"), 503),
}
"""Statuses of SQLSTATEs and of their classes, as PostgREST has them; every other is 400."""


_VIEW: Final = re.compile(r"cannot (?:insert into|update|delete from|merge into) view ")
"""The database's words for a view that takes no such write: the client's mistake, where PostgREST answers 500."""


def _status(error: errors.DatabaseRefused) -> int:
    state, text = error.sqlstate, error.text
    match state:
        case "42501":
            return 401 if error.anonymous else 403
        case "42883" if text.startswith("function xmlagg("):
            return 406
        case "21000":
            return 400 if text.endswith("requires a WHERE clause") else 500
        case "55000" if _VIEW.match(text):
            return 405
        case "22023":
            return 401 if text.startswith("role") and text.endswith("does not exist") else 400
        case _ if state.startswith("PT"):
            return int(state[2:]) if state[2:].isdigit() and 100 <= int(state[2:]) <= 599 else 500
        case _:
            return _STATES.get(state) or _CLASSES.get(state[:2], 400)


def wire_code(error: MainspringError) -> tuple[int, str]:
    """Status and code; some leaves have two of them."""
    match error:
        case Refused():
            return error.status, error.wire
        case errors.DatabaseRefused():
            return _status(error), error.sqlstate
        case errors.TokenInvalid(claims=True):
            return 401, "PGRST303"
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
        case errors.Refusal():
            return error.status, error.reason
        case (
            errors.PermissionDenied(anonymous=True)
            | errors.RowCheckViolated(anonymous=True)
            | errors.RoutineDenied(anonymous=True)
        ):
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
