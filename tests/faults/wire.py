"""HTTP over a bare connection: tests here must see half answers, broken connections and bytes that no client would send."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


class Broken(Exception):
    """The connection ended before the answer did."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    def json(self) -> Any:
        """The body decoded."""
        return json.loads(self.body)


class Wire:
    """One keep-alive connection to a server on the loopback interface; it opens again when it was closed."""

    def __init__(self, port: int, token: str | None = None) -> None:
        self._port = port
        self._headers = {"host": "127.0.0.1", "content-type": "application/json"}
        if token is not None:
            self._headers["authorization"] = f"Bearer {token}"
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, target: str, body: Any = None, **headers: str) -> Answer:
        """Send a request, read its answer. A body that is not bytes goes as JSON. Raises Broken, or OSError."""
        content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.ask_raw(method.encode() + b" " + target.encode(), content, given)

    async def ask_raw(self, line: bytes, content: bytes, headers: Mapping[str, str]) -> Answer:
        """As `ask`, with `line` (method and target) byte for byte."""
        fields = {**self._headers, "content-length": str(len(content)), **headers}
        head = b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in fields.items())
        reader, writer = await self._open()
        try:
            writer.write(line + b" HTTP/1.1\r\n" + head + b"\r\n" + content)
            await writer.drain()
            return await _read(reader, head=line.startswith(b"HEAD "))
        except (OSError, asyncio.IncompleteReadError) as error:
            self.close()
            raise Broken from error
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Drop the connection."""
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None

    async def _open(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is not None and self._streams[0].at_eof():
            self.close()
        if self._streams is None:
            self._streams = await asyncio.open_connection("127.0.0.1", self._port, limit=1 << 20)
        return self._streams


async def _read(reader: asyncio.StreamReader, *, head: bool) -> Answer:
    lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines[1:] if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if head:
        return Answer(int(lines[0].split()[1]), headers, b"")
    if headers.get("transfer-encoding") == "chunked":
        return Answer(int(lines[0].split()[1]), headers, await _chunks(reader))
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Answer(int(lines[0].split()[1]), headers, body)


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    parts: list[bytes] = []
    while size := int(await reader.readline(), 16):
        parts.append((await reader.readexactly(size + 2))[:-2])
    await reader.readline()
    return b"".join(parts)
