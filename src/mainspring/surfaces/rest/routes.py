"""The surface itself: an ASGI app for `/{table}` below its root path. Its hot path is a few look-ups."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Final

from mainspring.errors import LimitExceeded, MainspringError, NotSupported, SyntaxInvalid
from mainspring.http.body import read_body
from mainspring.http.dispatch import ROLE
from mainspring.http.headers import Header, Headers, Receive, Scope, Send, find
from mainspring.http.principal import Identify
from mainspring.principal import Principal
from mainspring.query.ast import Delete, Read, TableName
from mainspring.settings import CacheSettings, RestSettings
from mainspring.surfaces.rest.body import decode_rows
from mainspring.surfaces.rest.errors import Refused, render_error
from mainspring.surfaces.rest.handle import DataDoor, Queries, fit, work_in_range
from mainspring.surfaces.rest.page import Range, parse_range
from mainspring.surfaces.rest.parse import Asked, parse
from mainspring.surfaces.rest.render import Answer, render_read, render_write
from mainspring.surfaces.rest.shape import Recent, Shape, split

_SHAPING: Final = frozenset((b"accept", b"prefer", b"accept-profile", b"content-profile", b"range"))
"""The request headers that decide what is asked. Of a Range header only its form does."""

_RANGED: Final[Header] = (b"range", b"from")
_BOUNDED: Final[Header] = (b"range", b"from-to")

_METHODS: Final = ("GET", "HEAD", "POST", "PATCH", "DELETE")
_ALLOWED: Final = b"OPTIONS,GET,HEAD,POST,PATCH,DELETE"


class RestSurface:
    """Answers `{root_path}/{table}` in PostgREST's protocol.

    Takes the door to the data, who-asks, and the settings; raises nothing that it has an answer for.
    """

    def __init__(
        self,
        data: DataDoor,
        identify: Identify,
        rest: RestSettings | None = None,
        cache: CacheSettings | None = None,
    ) -> None:
        self._data = data
        self._identify = identify
        self._settings = rest or RestSettings()
        size = (cache or CacheSettings()).shapes
        self._shapes: Recent[Shape] = Recent(size)
        self._queries = Queries(size)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            principal = self._identify(scope["headers"])
            scope[ROLE] = principal.role
            status, headers, body = await self._answer(scope, receive, principal)
        except MainspringError as error:
            status, headers, body = render_error(error)
        if scope["method"] == "HEAD":
            body = b""
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    async def _answer(self, scope: Scope, receive: Receive, principal: Principal) -> Answer:
        if scope["method"] == "OPTIONS":
            return self._options(scope, principal)
        query, shape, values = self._read(scope)
        if isinstance(shape.query, Read):
            result = await self._data.execute(shape.query, values, principal)
            return render_read(shape, result, values, query)
        if isinstance(shape.query, Delete):
            return render_write(shape, await self._data.execute(shape.query, values, principal))
        body = await read_body(receive, scope["headers"], self._settings.max_body_bytes)
        rows = decode_rows(body, find(scope["headers"], b"content-type"), self._settings.max_json_depth)
        columns, written = fit(shape, rows)
        values.append(written)
        filled = self._queries.with_columns(shape, columns)
        return render_write(shape, await self._data.execute(filled, values, principal))

    def _read(self, scope: Scope) -> tuple[str, Shape, list[Any]]:
        """The query string, the shape (cached or parsed) and the values of a request."""
        query = self._query_string(scope)
        skeleton, texts = split(query) if query else ("", [])
        method = scope["method"]
        shaping = [header for header in scope["headers"] if header[0] in _SHAPING]
        asked = None
        for name, _ in shaping:
            if name == b"range":
                asked = _take_range(shaping, method)
                break
        key = (method, scope["path"], skeleton, *shaping)
        shape = self._shapes.get(key)
        if shape is None:
            shape = self._parse(scope, skeleton, shaping)
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

    def _parse(self, scope: Scope, skeleton: str, headers: list[Header]) -> Shape:
        method, table = scope["method"], self._table(scope)
        if method == "PUT":
            raise NotSupported("PUT", instead="POST with Prefer: resolution=merge-duplicates does the same.")
        if method not in _METHODS:
            raise Refused(405, "PGRST117", f"Unsupported HTTP method: {method}")
        schema, negotiated = self._schema(method, headers)
        asked = Asked(
            method,
            TableName(schema, table),
            skeleton,
            _texts(headers, b"accept"),
            _texts(headers, b"prefer"),
            ranged=_RANGED in headers or _BOUNDED in headers,
            bounded=_BOUNDED in headers,
            profile=negotiated,
        )
        return parse(asked, self._settings.max_embed_depth)

    def _table(self, scope: Scope) -> str:
        path: str = scope["path"]
        name = path.removeprefix(scope.get("root_path") or "").removeprefix("/").removesuffix("/")
        if not name:
            raise NotSupported("The API description at the root")
        if name == "rpc" or name.startswith("rpc/"):
            raise NotSupported("Calling a function (rpc)")
        if "/" in name:
            raise Refused(404, "PGRST125", "Invalid path specified in request URL")
        return name

    def _schema(self, method: str, headers: list[Header]) -> tuple[str, bool]:
        """The schema asked for, and whether to name it in the answer."""
        exposed = self._settings.schemas
        profile = find(headers, b"accept-profile" if method in ("GET", "HEAD") else b"content-profile")
        if profile is None:
            return exposed[0], len(exposed) > 1
        schema = profile.decode("utf-8", "replace")
        if schema not in exposed:
            cure = f"Only the following schemas are exposed: {', '.join(exposed)}"
            raise Refused(406, "PGRST106", f"Invalid schema: {schema[:200]}", cure=cure)
        return schema, True

    def _options(self, scope: Scope, principal: Principal) -> Answer:
        schema, _ = self._schema("GET", scope["headers"])
        self._data.require_table(TableName(schema, self._table(scope)), principal)
        return 200, [(b"allow", _ALLOWED), (b"content-length", b"0")], b""


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
