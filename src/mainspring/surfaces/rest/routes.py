"""The surface itself: an ASGI app for `/{table}` below its root path. Its hot path is a few look-ups."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final

from mainspring.catalog.model import Table
from mainspring.errors import KeyMismatch, LimitExceeded, MainspringError, MediaUnavailable, SyntaxInvalid
from mainspring.http.body import read_body
from mainspring.http.dispatch import ROLE
from mainspring.http.headers import Header, Headers, Receive, Scope, Send, find
from mainspring.http.principal import Identify
from mainspring.principal import Principal
from mainspring.query.ast import And, Call, Column, Compare, Delete, Given, Insert, Query, Read, Slot, TableName
from mainspring.services.data import Request, Result
from mainspring.settings import Settings
from mainspring.surfaces.rest.body import decode_rows
from mainspring.surfaces.rest.errors import Refused, render_error
from mainspring.surfaces.rest.handle import DataDoor, FunctionDoor, Queries, fit, work_in_range
from mainspring.surfaces.rest.media import OPENAPI, SWAGGER, accepted, content_type
from mainspring.surfaces.rest.page import Range, parse_range
from mainspring.surfaces.rest.parse import Asked, Grammar, invalid_filters, parse
from mainspring.surfaces.rest.payload import arguments, arguments_text, gathered, kind_of, rows_text
from mainspring.surfaces.rest.render import Answer, render_call, render_read, render_write
from mainspring.surfaces.rest.shape import Recent, Shape, split

_SHAPING: Final = frozenset((b"accept", b"prefer", b"accept-profile", b"content-profile", b"range"))
"""The request headers that decide what is asked. Of a Range header only its form does."""

_RANGED: Final[Header] = (b"range", b"from")
_BOUNDED: Final[Header] = (b"range", b"from-to")

_METHODS: Final = ("GET", "HEAD", "POST", "PATCH", "PUT", "DELETE")
_CALLING: Final = ("GET", "HEAD", "POST")
_RPC: Final = "rpc/"
_TIMED: Final = ("jwt", "parse", "plan", "transaction", "response")

DESCRIBING: Final = "mainspring.describing"
"""In the scope of a request for the API's description: the root is never a function then."""

Describe = Callable[[Principal, str, Request, str], Awaitable[bytes]]
"""Answers the description of the API for a caller and a schema, in a media type: SWAGGER or OPENAPI."""


@dataclass(slots=True)
class Timing:
    """How long each phase of a request took, in milliseconds."""

    begun: float
    phases: dict[str, float]

    def mark(self, phase: str) -> None:
        """`phase` ends here."""
        now = time.perf_counter()
        self.phases[phase] = self.phases.get(phase, 0.0) + (now - self.begun) * 1000
        self.begun = now

    def header(self) -> Header:
        """The Server-Timing header of the phases that were reached."""
        told = ", ".join(f"{phase};dur={self.phases[phase]:.1f}" for phase in _TIMED if phase in self.phases)
        return b"server-timing", told.encode()


class RestSurface:
    """Answers `{root_path}/{table}` and `{root_path}/rpc/{function}` in PostgREST's protocol.

    Takes the door to the data, who-asks and the settings; `functions` answers calls where the data door does not, `describe`
    the root, `no_geojson` is who cannot make GeoJSON (None: it can be made). Raises nothing that it has an answer for.
    """

    def __init__(
        self,
        data: DataDoor,
        identify: Identify,
        settings: Settings | None = None,
        *,
        functions: FunctionDoor | None = None,
        describe: Describe | None = None,
        no_geojson: str | None = "this engine",
    ) -> None:
        whole = settings or Settings()
        self._data, self._functions = data, functions
        self._identify = identify
        self._settings = whole.rest
        self._native = whole.database.auth_mode == "database"
        self._describe = describe
        self._grammar = Grammar(
            max_depth=whole.rest.max_embed_depth,
            aggregates=whole.rest.aggregates,
            target_names=whole.rest.legacy_target_names,
            explainable=whole.rest.plan_enabled,
            native=self._native,
            override=whole.database.tx_end.endswith("allow-override"),
            rollback=whole.database.tx_end.startswith("rollback"),
            no_geojson=no_geojson,
        )
        self._shapes: Recent[Shape] = Recent(whole.cache.shapes)
        self._queries = Queries(whole.cache.shapes)
        self._max_rows, self._timed_phases = whole.rest.max_rows, whole.rest.server_timing
        self._trace = whole.rest.trace_header.lower().encode()
        self._root = whole.rest.root_function.rpartition(".")[2]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        timing = Timing(time.perf_counter(), {}) if self._timed_phases else None
        try:
            principal = self._identify(scope["headers"])
            scope[ROLE] = principal.role
            if timing is not None:
                timing.mark("jwt")
            status, headers, body = await self._answer(scope, receive, principal, timing)
        except MainspringError as error:
            status, headers, body = render_error(error, minimal=self._settings.error_verbosity == "minimal")
        if timing is not None:
            timing.mark("response")
            headers.append(timing.header())
        if self._native and not any(name == b"vary" for name, _ in headers):
            headers.append((b"vary", b"Accept, Prefer, Range"))
        if self._trace:
            headers += [header for header in scope["headers"] if header[0] == self._trace]
        if scope["method"] == "HEAD":
            body = b""
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def openapi(self, scope: Scope, receive: Receive, send: Send) -> None:
        """An ASGI app of its own: the description in OpenAPI 3.1 at whatever path, for tools that send no Accept header."""
        root = (scope.get("root_path") or "") + "/"
        headers = [header for header in scope["headers"] if header[0] != b"accept"]
        asked = {"path": root, "headers": [*headers, (b"accept", OPENAPI.encode())], DESCRIBING: True}
        await self({**scope, **asked}, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, principal: Principal, timing: Timing | None) -> Answer:
        method, name = scope["method"], self._name(scope)
        if method == "OPTIONS":
            answer = self._options(scope, name, principal)
            if timing is not None:
                timing.mark("parse")
            return answer
        if not name:
            return await self._describe_root(scope, principal, timing)
        query, shape, values = self._read(scope, name)
        asked: Query = shape.query
        if isinstance(asked, Call):
            asked = await self._with_arguments(scope, receive, shape, values)
        elif not isinstance(asked, Read | Delete):
            asked = await self._with_body(scope, receive, shape, values, principal)
        if shape.otherwise is not None and not self._made(asked, principal):
            shape = shape.otherwise
            asked = self._queries.in_form(shape, asked)
        result = await self._execute(scope, asked, values, principal, timing)
        if isinstance(asked, Read):
            return render_read(shape, result, values, query, self._max_rows)
        return render_call(shape, result, values) if isinstance(asked, Call) else render_write(shape, result)

    def _made(self, query: Query, principal: Principal) -> bool:
        """Whether the answer can be made in the form that `query` asks for."""
        try:
            self._door(query).prepare(query, principal)
        except MediaUnavailable:
            return False
        return True

    def _door(self, query: Query) -> DataDoor:
        return self._functions if self._functions is not None and isinstance(query, Call) else self._data

    def _execute(
        self, scope: Scope, query: Query, values: list[Any], principal: Principal, timing: Timing | None
    ) -> Awaitable[Result]:
        request = Request(scope["method"], scope["path"], scope["headers"]) if self._native else None
        door = self._door(query)
        if timing is None:
            return door.execute(query, values, principal, request)
        return self._timed(door, query, values, principal, request, timing)

    async def _timed(
        self,
        door: DataDoor,
        query: Query,
        values: list[Any],
        principal: Principal,
        request: Request | None,
        timing: Timing,
    ) -> Result:
        timing.mark("parse")
        door.prepare(query, principal)
        timing.mark("plan")
        result = await door.execute(query, values, principal, request)
        timing.mark("transaction")
        return result

    # ------------------------------------------------------------ bodies

    async def _with_body(self, scope: Scope, receive: Receive, shape: Shape, values: list[Any], principal: Principal) -> Query:
        body = await read_body(receive, scope["headers"], self._settings.max_body_bytes)
        kind = find(scope["headers"], b"content-type")
        written: Any
        if self._native:
            columns, written = rows_text(body, kind, shape.columns)
            if shape.method == "PUT":
                self._check_key(shape, principal)
        else:
            columns, written = fit(shape, decode_rows(body, kind, self._settings.max_json_depth))
            if shape.method == "PUT":
                self._check_row(shape, written, values, principal)
        values.append(written)
        return self._queries.with_columns(shape, columns)

    def _check_key(self, shape: Shape, principal: Principal) -> Table:
        """A PUT must name its row by the whole primary key. Raises Refused."""
        assert isinstance(shape.query, Insert)
        table = self._data.require_table(shape.query.table, principal)
        named = [column for column, _ in _equalities(shape.query)]
        if not table.primary_key or set(named) != set(table.primary_key):
            raise invalid_filters()
        return table

    def _check_row(self, shape: Shape, rows: Any, values: list[Any], principal: Principal) -> None:
        """Outside database mode the row is compared here. Raises KeyMismatch."""
        self._check_key(shape, principal)
        assert isinstance(shape.query, Insert)
        if len(rows) != 1:
            raise KeyMismatch
        for column, place in _equalities(shape.query):
            if column not in rows[0] or _plain(rows[0][column]) != values[place]:
                raise KeyMismatch

    async def _with_arguments(self, scope: Scope, receive: Receive, shape: Shape, values: list[Any]) -> Query:
        if scope["method"] != "POST":
            given = gathered([(name, values[place]) for name, place in shape.arguments])
            values.append(given)
            return shape.query
        body = await read_body(receive, scope["headers"], self._settings.max_body_bytes)
        kind = find(scope["headers"], b"content-type")
        if self._functions is not None and not self._functions.reads_bodies(_called(shape)):
            names, decoded = arguments(body, kind, shape.columns)
            values.append(decoded)
            return self._queries.with_arguments(shape, names, Given.NAMED, body=kind_of(kind) == b"application/json")
        names, form, given_body = arguments_text(body, kind, shape.columns)
        values.append(given_body)
        return self._queries.with_arguments(shape, names, form, body=isinstance(given_body, bytes))

    # ------------------------------------------------------------ shapes

    def _read(self, scope: Scope, name: str) -> tuple[str, Shape, list[Any]]:
        """The query string, the shape (cached or parsed) and the values of a request."""
        query, method = self._query_string(scope), scope["method"]
        called = name.startswith(_RPC)
        extended = not (called or self._native)
        skeleton, texts = split(query, call=called and method != "POST", extended=extended) if query else ("", [])
        shaping = [header for header in scope["headers"] if header[0] in _SHAPING]
        asked = None
        for header, _ in shaping:
            if header == b"range":
                asked = _take_range(shaping, method)
                break
        key = (method, name, skeleton, *shaping)
        shape = self._shapes.get(key)
        if shape is None:
            shape = self._parse(method, name, skeleton, shaping)
            shape = replace(shape, query=self._queries.same(shape.query))
            self._shapes.put(key, shape)
        values = shape.read(texts)
        if asked is not None:
            work_in_range(shape, values, asked)
        return query, shape, values

    def _query_string(self, scope: Scope) -> str:
        raw: bytes = scope["query_string"]
        if len(raw) > self._settings.max_url_bytes:
            raise LimitExceeded(what="The query string", limit=self._settings.max_url_bytes, unit="bytes")
        try:
            return raw.decode()
        except UnicodeDecodeError:
            raise SyntaxInvalid("query string", raw.decode("latin-1"), expected="UTF-8") from None

    def _parse(self, method: str, name: str, skeleton: str, headers: list[Header]) -> Shape:
        called = name.startswith(_RPC)
        if called and method not in _CALLING:
            raise Refused(405, "PGRST101", f"Cannot use the {method} method on RPC")
        if method not in _METHODS:
            raise Refused(405, "PGRST117", f"Unsupported HTTP method: {method}")
        schema, negotiated = self._schema(method, headers)
        asked = Asked(
            method,
            TableName(schema, name.removeprefix(_RPC) if called else name),
            skeleton,
            _texts(headers, b"accept"),
            _texts(headers, b"prefer"),
            ranged=_RANGED in headers or _BOUNDED in headers,
            bounded=_BOUNDED in headers,
            profile=negotiated,
            call=called,
        )
        return parse(asked, self._grammar)

    def _name(self, scope: Scope) -> str:
        """The table, `rpc/` and a function, or nothing for the root. Raises Refused."""
        name = _name_of(scope["path"], scope.get("root_path") or "")
        if not name and self._root and self._settings.openapi_mode != "disabled" and DESCRIBING not in scope:
            return _RPC + self._root
        return name

    def _schema(self, method: str, headers: list[Header]) -> tuple[str, bool]:
        """The schema asked for, and whether to name it in the answer."""
        exposed = self._settings.schemas
        writes = method in ("POST", "PATCH", "PUT", "DELETE")
        profile = find(headers, b"content-profile" if writes else b"accept-profile")
        if profile is None:
            return exposed[0], len(exposed) > 1
        schema = profile.decode("utf-8", "replace")
        if schema not in exposed:
            cure = f"Only the following schemas are exposed: {', '.join(exposed)}"
            raise Refused(406, "PGRST106", f"Invalid schema: {schema[:200]}", cure=cure)
        return schema, True

    # ------------------------------------------------------------ about tables and functions

    async def _describe_root(self, scope: Scope, principal: Principal, timing: Timing | None) -> Answer:
        if scope["method"] not in ("GET", "HEAD"):
            raise Refused(405, "PGRST117", f"Unsupported HTTP method: {scope['method']}")
        if self._describe is None or self._settings.openapi_mode == "disabled":
            raise Refused(404, "PGRST126", "Root endpoint metadata is disabled")
        media = _described(_texts(scope["headers"], b"accept"))
        schema, negotiated = self._schema("GET", scope["headers"])
        if timing is not None:
            timing.mark("parse")
            timing.mark("plan")
        body = await self._describe(principal, schema, Request("GET", scope["path"], scope["headers"]), media)
        if timing is not None:
            timing.mark("transaction")
        headers: list[Header] = [(b"content-type", content_type(media))]
        headers += [(b"content-length", b"%d" % len(body))] if scope["method"] == "GET" else []
        headers += [(b"content-profile", schema.encode())] if negotiated else []
        return 200, headers, body

    def _options(self, scope: Scope, name: str, principal: Principal) -> Answer:
        schema, _ = self._schema("GET", scope["headers"])
        allowed = "OPTIONS,GET,HEAD"
        if name.startswith(_RPC):
            allowed = self._allowed_calls(scope, name)
        elif name:
            table = self._data.require_table(TableName(schema, name), principal)
            whole = table.insertable and table.updatable and bool(table.primary_key)
            offered = (("POST", table.insertable), ("PUT", whole), ("PATCH", table.updatable), ("DELETE", table.deletable))
            allowed = ",".join([allowed, *(method for method, offer in offered if offer)])
        return 200, [(b"allow", allowed.encode()), (b"content-length", b"0")], b""

    def _allowed_calls(self, scope: Scope, name: str) -> str:
        query = self._query_string(scope)
        skeleton, _ = split(query, call=True) if query else ("", [])
        shape = self._parse("HEAD", name, skeleton, [])
        assert isinstance(shape.query, Call)
        reads = (self._functions or self._data).require_routine(shape.query).read_only
        return "OPTIONS,GET,HEAD,POST" if reads else "OPTIONS,POST"


@lru_cache(maxsize=1024)
def _name_of(path: str, root: str) -> str:
    name = path.removeprefix(root).removeprefix("/").removesuffix("/")
    if "/" in name.removeprefix(_RPC) or name == "rpc":
        raise Refused(404, "PGRST125", "Invalid path specified in request URL")
    return name


def _called(shape: Shape) -> TableName:
    assert isinstance(shape.query, Call)
    return shape.query.routine


def _equalities(query: Insert) -> list[tuple[str, int]]:
    """The columns that a PUT's filters name, and the places of their values."""
    items = query.where.items if isinstance(query.where, And) else (query.where,)
    return [
        (item.left.name, item.right.index)
        for item in items
        if isinstance(item, Compare) and isinstance(item.left, Column) and isinstance(item.right, Slot)
    ]


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_GENERAL: Final = ("*/*", "application/*", "application/json", SWAGGER)


def _described(accept: tuple[str, ...]) -> str:
    """In which media type the API is to be described. Raises MediaUnavailable."""
    taken = accepted(accept)
    for each in taken:
        if each.media in _GENERAL:
            return SWAGGER
        if _OPENAPI.fullmatch(each.media):
            return OPENAPI
    if taken:
        raise MediaUnavailable(tuple(each.media for each in taken))
    return SWAGGER


_OPENAPI: Final = re.compile(r"application/vnd\.oai\.openapi\+json(?:\s*;\s*version=\"?3(?:\.1(?:\.\d+)?)?\"?)?", re.IGNORECASE)


def _take_range(headers: list[Header], method: str) -> Range | None:
    """What the Range header asks for; in `headers` only its form stays. Raises SyntaxInvalid."""
    given = [header for header in headers if header[0] == b"range"]
    for header in given:
        headers.remove(header)
    asked = parse_range(b",".join(value for _, value in given)) if method == "GET" else None
    if asked is not None:
        headers.append(_RANGED if asked[1] is None else _BOUNDED)
    return asked


def _texts(headers: Headers, name: bytes) -> tuple[str, ...]:
    return tuple(value.decode("latin-1") for key, value in headers if key == name)
