"""The server's limit: Granian, run as `mainspring serve --workers 1` runs it, answers `/N` with N bytes.

Run as a module it is that server: `python -m bench.peers.constant PORT`.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from functools import cache
from pathlib import Path
from typing import Any

import uvloop
from granian.constants import Interfaces
from granian.log import LogLevels
from granian.server.embed import Server

from bench.cases import Case, Question
from bench.load import Request
from bench.peers.base import Document, HttpPeer

BACKLOG = 2048  # as in mainspring.cli.serve
Message = MutableMapping[str, Any]
# Bytes of an answer, used where no measured peer gives them.
DEFAULT_SIZES = dict.fromkeys(Case, 400) | {Case.LIST: 8_000, Case.EMBED: 16_000, Case.MINE: 7_700}


@cache
def _body(size: int) -> bytes:
    return b"[" + b" " * (size - 2) + b"]"


async def app(
    scope: Mapping[str, Any],
    receive: Callable[[], Awaitable[Message]],
    send: Callable[[Message], Awaitable[None]],
) -> None:
    """The smallest ASGI application: it reads a request body when one is sent, as any server must."""
    if scope["type"] != "http":
        return
    if scope["method"] != "GET":
        while (await receive()).get("more_body"):
            pass
    body = _body(int(scope["path"][1:]))
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class ConstantPeer(HttpPeer):
    """Asked with `model`'s requests for a body of `sizes`; both are set when the model is verified."""

    name = "constant"
    title = "constant body"
    health = "/2"
    answers = False

    def __init__(self) -> None:
        self.sizes = dict(DEFAULT_SIZES)
        self.model: HttpPeer | None = None

    def prepare(self, work: Path) -> None:
        self.work = work

    def command(self, port: int) -> list[str]:
        return [sys.executable, "-m", __name__, str(port)]

    def environment(self) -> Mapping[str, str]:
        root = str(Path(__file__).parents[2])
        return {"PYTHONPATH": os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))}

    def request(self, case: Case, question: Question) -> Request:
        path = f"/{self.sizes[case]}"
        if self.model is None:
            return Request("GET", path)
        asked = self.model.request(case, question)
        return Request(asked.method, path, asked.headers, asked.body)

    def documents(self, case: Case, payload: Any) -> list[Document]:
        return []


async def serve(port: int) -> None:
    """Serve the constant body in this process and event loop, until told to stop."""
    server = Server(
        app,
        address="127.0.0.1",
        port=port,
        interface=Interfaces.ASGINL,
        backlog=BACKLOG,
        backpressure=BACKLOG,
        log_level=LogLevels.error,
    )
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, server.stop)
    await server.serve()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1])))
