"""A live `mainspring serve` process for a test, and the keys and tokens with which clients talk to it.

It knows the command line contract only, nothing of the package's inside.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import IO, Any
from urllib.error import URLError
from urllib.request import ProxyHandler, build_opener

import jwt

from tests.support.needs import missing
from tests.support.orphans import end_with_parent
from tests.support.servers import free_port

JWT_SECRET = "a-secret-that-only-the-tests-of-this-project-use"
START_SECONDS = 20.0
STOP_SECONDS = 15.0
_loopback = build_opener(ProxyHandler({}))


def user_token(sub: str, roles: Sequence[str] = (), **claims: Any) -> str:
    """Sign the token of a signed-in user.

    Takes the user's id, the roles of `app_metadata.roles` and further claims (which win). Returns a JWT.
    """
    payload: dict[str, Any] = {
        "role": "authenticated",
        "aud": "authenticated",
        "sub": sub,
        "exp": datetime.now(UTC) + timedelta(hours=1),
        "app_metadata": {"roles": list(roles)},
    }
    return jwt.encode({**payload, **claims}, JWT_SECRET, algorithm="HS256")


class LiveServer:
    """One `mainspring serve` on a free port of the loopback interface; use it with `with`."""

    def __init__(
        self,
        app: Path | str | None,
        *,
        data: Path,
        database: str | None = None,
        env: Mapping[str, str] | None = None,
        args: Sequence[str] = (),
    ) -> None:
        """Takes what `serve` takes: the app (None: a database as it is), its data folder, a database (else SQLite), arguments."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._app, self._data, self._database = app, data, database
        self._args = list(args)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("MAINSPRING_")}
        self._env = {**inherited, "MAINSPRING_AUTH__JWT_SECRET": JWT_SECRET, **(env or {})}
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    def __enter__(self) -> LiveServer:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        assert self._process is not None, "the server is not running"
        return self._process.pid

    @cached_property
    def keys(self) -> dict[str, str]:
        """What `mainspring keys` prints: ANON_KEY, SERVICE_KEY and, where one is set, JWT_SECRET."""
        command = [_program(), "keys", "--data", str(self._data), "--format", "env"]
        done = subprocess.run(command, cwd=self._data, env=self._env, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"mainspring keys failed:\n{done.stdout}{done.stderr}")
        lines = (line.partition("=") for line in done.stdout.splitlines() if "=" in line)
        return {name.strip(): value.strip().strip("'\"") for name, _, value in lines}

    @property
    def anon_key(self) -> str:
        return self.keys["ANON_KEY"]

    @property
    def service_key(self) -> str:
        return self.keys["SERVICE_KEY"]

    def start(self) -> None:
        """Start the process and wait until /healthz answers 200. Raises RuntimeError with its log else."""
        self._data.mkdir(parents=True, exist_ok=True)
        served = [] if self._app is None else [str(self._app)]
        command = [_program(), "serve", *served, "--host", "127.0.0.1", "--port", str(self.port)]
        command += ["--data", str(self._data)]
        if self._database is not None:
            command += ["--database", self._database]
        self._log = self._log_file.open("ab")
        self._process = subprocess.Popen(
            [*command, *self._args],
            cwd=self._data,
            env=self._env,
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            preexec_fn=end_with_parent(signal.SIGTERM),
            start_new_session=True,
        )
        try:
            self._wait_until_healthy(self._process)
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """Stop the process with SIGTERM. Raises RuntimeError with its log when it died or does not stop."""
        if self._process is None:
            return
        died = self._process.poll()
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            raise RuntimeError(f"SIGTERM did not stop the server in {STOP_SECONDS:g} s:\n{self.log()}") from None
        finally:
            self.kill()
        if died is not None:
            raise RuntimeError(f"the server had ended with status {died} during the test:\n{self.log()}")

    def wait(self, seconds: float = STOP_SECONDS) -> int:
        """Returns the exit code once the process has ended by itself. Raises subprocess.TimeoutExpired."""
        assert self._process is not None, "the server is not running"
        return self._process.wait(timeout=seconds)

    def kill(self) -> None:
        """End the process and its workers with SIGKILL, as a power cut would. Safe to call twice."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None
        if self._log is not None:
            self._log.close()
            self._log = None

    def log(self) -> str:
        """Returns what the process has written to its standard output and error so far."""
        return self._log_file.read_text(errors="replace")

    @property
    def _log_file(self) -> Path:
        return self._data / "serve.log"

    def _wait_until_healthy(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._healthy():
            if process.poll() is not None:
                raise RuntimeError(f"mainspring serve ended with status {process.returncode}:\n{self.log()}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"/healthz did not answer 200 within {START_SECONDS:g} s:\n{self.log()}")
            time.sleep(0.03)

    def _healthy(self) -> bool:
        try:
            with _loopback.open(f"{self.url}/healthz", timeout=2) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False


def _program() -> str:
    program = Path(sys.executable).parent / "mainspring"
    if not program.exists():
        missing("the command mainspring", "install the project into this environment (make test does)")
    return str(program)
