"""`mainspring serve` as a process: how it stops, and how it refuses to start."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests.support.servers import free_port

APP = """
import asyncio
from mainspring.errors import ConfigError, EngineUnavailable, Mistake
from mainspring.http.dispatch import Dispatcher, Step
from mainspring.http.headers import respond
from mainspring.observe import log_sink
from mainspring.surfaces.ops.routes import routes

async def slow(scope, receive, send):
    await asyncio.sleep(float(scope["path"].split("/")[-1]))
    await respond(send, 200, (), b"done")

class Stub:
    def __init__(self, error=None):
        self.error = error
    async def start(self):
        if self.error:
            raise self.error
    def build(self, settings, data):
        made = Dispatcher(
            {"/slow": slow, **routes(lambda: made.serving, {})},
            steps=[Step("stub", self.start)],
            observe=log_sink(),
        )
        return made

app = Stub()
mistaken = Stub(ConfigError([Mistake("database.url", "no such host")]))
unavailable = Stub(EngineUnavailable())
defective = Stub(ZeroDivisionError("a defect"))
"""


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "stub.py").write_text(APP)
    return tmp_path / "stub.py"


@contextmanager
def serving(app: Path, port: int, *flags: str) -> Iterator[subprocess.Popen[str]]:
    """A process that answers, ended at the latest with the block."""
    with command(app, port, *flags) as process:
        try:
            for _ in range(400):
                if process.poll() is not None or answers(port):
                    break
                time.sleep(0.05)
            assert process.poll() is None
            yield process
        finally:
            process.kill()


def command(app: Path | str, port: int, *flags: str) -> subprocess.Popen[str]:
    line = [sys.executable, "-m", "mainspring.cli", "serve", str(app), "--port", str(port), *flags]
    return subprocess.Popen(line, cwd=Path(str(app)).parent, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def ended(app: Path | str, port: int) -> tuple[int, str]:
    """The exit code and the errors of a command that does not serve."""
    with command(app, port) as process:
        _, errors = process.communicate(timeout=60)
        return process.returncode, errors


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/healthz", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False


def ask(port: int, path: str) -> str:
    return httpx.get(f"http://127.0.0.1:{port}{path}", trust_env=False, timeout=30).text


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_running_request_is_finished(app: Path, number: signal.Signals, workers: str) -> None:
    port = free_port()
    with serving(app, port, "--workers", workers) as process, ThreadPoolExecutor(1) as pool:
        answer = pool.submit(ask, port, "/slow/1")
        time.sleep(0.4)
        process.send_signal(number)
        assert answer.result() == "done"
        assert process.wait(30) == 0
        assert not answers(port)


def test_a_request_that_never_ends_does_not_keep_the_process(app: Path) -> None:
    port = free_port()
    with (
        serving(app, port, "--server-shutdown-seconds", "0.5") as process,
        socket.create_connection(("127.0.0.1", port)) as client,
    ):
        client.sendall(b"GET /slow/600 HTTP/1.1\r\nhost: x\r\n\r\n")
        time.sleep(0.3)
        process.terminate()
        assert process.wait(20) == 0
        assert "Stopped clean=False" in (process.stderr.read() if process.stderr else "")


def test_a_port_that_is_taken_is_a_mistake(app: Path) -> None:
    port = free_port()
    with serving(app, port):
        code, errors = ended(app, port)
        assert code == 2
        assert f"--port: 127.0.0.1:{port} cannot be listened on" in errors
        assert "Traceback" not in errors


@pytest.mark.parametrize(
    ("name", "code", "said"),
    [
        ("mistaken", 2, "database.url: no such host"),
        ("unavailable", 1, "Mainspring cannot start: The database is not available"),
        ("defective", 1, "StartFailed step=stub"),
    ],
)
def test_a_start_that_fails_ends_the_process(app: Path, name: str, code: int, said: str) -> None:
    port = free_port()
    found, errors = ended(f"{app}:{name}", port)
    assert found == code
    assert said in errors
    assert errors.count("Traceback") == (name == "defective")
    assert not answers(port)


def test_a_changed_file_restarts_the_server(app: Path) -> None:
    port = free_port()
    with serving(app, port, "--reload") as process:
        app.write_text(APP.replace('b"done"', 'b"changed"'))
        for _ in range(200):
            time.sleep(0.1)
            with suppress(httpx.TransportError):  # nobody answers between the old process and the new one
                if ask(port, "/slow/0") == "changed":
                    break
        assert ask(port, "/slow/0") == "changed"
        process.terminate()
        assert process.wait(20) == 0
        assert not answers(port)
