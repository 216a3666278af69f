"""Server processes of the benchmark: started in their own group, stopped by their own id, never by name."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path


class ServerError(RuntimeError):
    """A server did not come up."""


def run(command: list[str], environment: Mapping[str, str]) -> str:
    """What a command that ends by itself prints. Raises ServerError with its complaint when it fails."""
    try:
        done = subprocess.run(command, env={**os.environ, **environment}, capture_output=True, text=True)
    except OSError as error:
        raise ServerError(f"{command[0]} does not run: {error}") from error
    if done.returncode:
        raise ServerError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def free_port() -> int:
    """A loopback port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Server:
    """A running server process and its port."""

    def __init__(self, command: list[str], port: int, log: Path, environment: Mapping[str, str]) -> None:
        self.port = port
        self._log = log
        self._begun = time.perf_counter()
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
                env={**os.environ, **environment},
            )  # fmt: skip

    def wait(self, path: str, headers: Mapping[str, str], seconds: float = 30) -> float:
        """Seconds from process start to the first 2xx answer. Raises ServerError when none comes."""
        while time.perf_counter() - self._begun < seconds:
            if self._process.poll() is not None:
                break
            if self._answers(path, headers):
                return time.perf_counter() - self._begun
            time.sleep(0.005)
        raise ServerError(f"no answer from {path}; the end of its log:\n{self._tail()}")

    def _answers(self, path: str, headers: Mapping[str, str]) -> bool:
        try:
            return 200 <= fetch(self.port, "GET", path, headers)[0] < 300
        except OSError:
            return False

    def _tail(self) -> str:
        return self._log.read_text(errors="replace")[-2_000:]

    def resident_mb(self) -> float:
        """Resident memory of the process and all its descendants, in MB (10^6 bytes)."""
        return sum(_resident(pid) for pid in _tree(self._process.pid)) / 1e6

    def cpu_seconds(self) -> float:
        """Processor time that the process and all its descendants have used so far."""
        return sum(_cpu_seconds(pid) for pid in _tree(self._process.pid))

    def stop(self) -> None:
        """Ask the process to end; end its whole group when it has not within ten seconds."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(10)
        # The group is ours alone (start_new_session): this catches workers that outlived their parent.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def fetch(
    port: int, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
) -> tuple[int, bytes]:
    """One request to a local server: status and body."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        extra = {"Content-Type": "application/json"} if body else {}
        connection.request(method, path, body or None, {**headers, **extra})
        answer = connection.getresponse()
        return answer.status, answer.read()
    except http.client.HTTPException as error:
        raise ConnectionError(str(error)) from error
    finally:
        connection.close()


def _tree(root: int) -> list[int]:
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            parents[int(entry.name)] = _parent(entry)
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def _parent(entry: Path) -> int:
    try:
        return int((entry / "stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0


def _resident(pid: int) -> int:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")


def _cpu_seconds(pid: int) -> float:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
