"""Drives wrk: writes prepared requests to a file, runs it, reads back the counts."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from bench.cases import SEED

CONNECTIONS = 32
THREADS = 1
_SCRIPT = Path(__file__).parent / "wrk" / "replay.lua"


class LoadError(RuntimeError):
    """The load generator is missing or failed."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request as a peer words it."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def raw(self, port: int) -> bytes:
        """The bytes on the wire, keep-alive."""
        headers = {"Host": f"127.0.0.1:{port}", **self.headers}
        if self.body:
            headers |= {"Content-Type": "application/json", "Content-Length": str(len(self.body))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        return f"{self.method} {self.path} HTTP/1.1\r\n{lines}\r\n".encode() + self.body


@dataclass(frozen=True, slots=True)
class Sample:
    """What one round measured; `failures` counts refused (4xx, 5xx) and broken requests."""

    per_second: float
    failures: int
    cpu_us: float = 0.0  # the server's processor time for each request, where it is known
    p50_ms: float = 0.0
    p99_ms: float = 0.0


def require_wrk() -> str:
    """The path of wrk. Raises LoadError naming the Debian package when it is missing."""
    found = shutil.which("wrk")
    if found is None:
        raise LoadError("wrk is not installed: it is the Debian package `wrk` (apt-get install wrk)")
    return found


def write_requests(path: Path, requests: list[Request], port: int) -> None:
    """Store requests in the form that replay.lua reads."""
    path.write_bytes(b"\0".join(request.raw(port) for request in requests))


def run_wrk(port: int, requests: Path, seconds: int, number: int) -> Sample:
    """Load the server on `port` for `seconds` with the stored requests; `number` is that of the round."""
    command = [
        require_wrk(), f"-t{THREADS}", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s",
        "-s", str(_SCRIPT), f"http://127.0.0.1:{port}/", "--", str(requests), str(SEED),
        str(number),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=seconds + 30)
    return sample_of(done)


def sample_of(done: subprocess.CompletedProcess[str]) -> Sample:
    """What a finished wrk counted. Raises LoadError when it failed."""
    line = next((ln for ln in done.stdout.splitlines() if ln.startswith("RESULT ")), None)
    if line is None:
        raise LoadError(f"wrk failed: {done.stderr or done.stdout}")
    counts = json.loads(line.removeprefix("RESULT "))
    return Sample(
        per_second=counts["requests"] / (counts["microseconds"] / 1e6),
        failures=counts["refused"] + counts["broken"],
        p50_ms=counts["p50_us"] / 1e3,
        p99_ms=counts["p99_us"] / 1e3,
    )
