"""`python -m bench.people`: signing in and staying signed in, beside PocketBase; and what a crowd at the door costs others.

Both run on SQLite with their defaults, but for rate limits, which are off. Mainspring stores each refresh (synchronous=FULL) and
each sign-in; PocketBase's tokens are stateless, so its refresh writes nothing.
"""

from __future__ import annotations

import argparse
import json
import platform
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

from bench.load import Request, Sample, require_wrk, sample_of, write_requests
from bench.peers.mainspring import APP, JWT_SECRET, executable
from bench.peers.pocketbase import MIGRATIONS
from bench.process import Server, fetch, free_port, run
from bench.report import median_ratio

PEOPLE = 256
CONNECTIONS, CROWD = 32, 64
PASSWORD = "correct horse battery"
SCRIPT = Path(__file__).parent / "wrk" / "people.lua"
TEMPLATE = (
    r"POST /auth/v1/token?grant_type=refresh_token HTTP/1.1\r\nHost: x\r\n"
    r"Content-Type: application/json\r\nContent-Length: #\r\n\r\n"
)
REFRESH, RECORD, LOGIN, READ = "token refresh", "the signed-in user", "sign-in with a password", "a row by id"


@dataclass
class Side:
    """A running server, what to ask it for each measured thing, and whether its refresh tokens follow each other."""

    server: Server
    requests: Mapping[str, list[Request]]
    tokens: list[str] | None = None


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m bench.people", description=__doc__)
    parser.add_argument("--seconds", type=int, default=3, help="length of a round (default 3)")
    parser.add_argument("--rounds", type=int, default=5, help="rounds (default 5)")
    given = parser.parse_args()
    require_wrk()
    with tempfile.TemporaryDirectory(prefix="mainspring-bench-") as folder:
        sides = {"mainspring": _mainspring(Path(folder)), "pocketbase": _pocketbase(Path(folder))}
        try:
            machine = f"{platform.machine()}, Python {platform.python_version()}"
            print(f"{date.today()}, {machine}, {given.rounds} rounds of {given.seconds} s, medians\n")
            _compare(sides, Path(folder), given.seconds, given.rounds)
            _crowd(sides, Path(folder), given.seconds, given.rounds)
        finally:
            for side in sides.values():
                side.server.stop()


def _compare(sides: Mapping[str, Side], work: Path, seconds: int, rounds: int) -> None:
    print("| case | Mainspring /s | PocketBase /s | x PocketBase |\n| --- | ---: | ---: | ---: |")
    for case in (REFRESH, RECORD, LOGIN):
        found = {name: list[Sample]() for name in sides}
        for number in range(rounds + 1):
            for name, side in sides.items():
                connections = CROWD if case is LOGIN else CONNECTIONS
                length = (2 if case is LOGIN else 1) * (seconds if number else 1)
                sample = _measure(side, case, work / f"{name}-{case}-{number}", length, connections)
                if number:
                    found[name].append(sample)
        ours, theirs = (median(sample.per_second for sample in found[name]) for name in sides)
        failed = sum(sample.failures for samples in found.values() for sample in samples)
        ratio = median_ratio(*found.values())
        print(f"| {case} | {ours:,.0f} | {theirs:,.0f} | {ratio:.2f} |{f' {failed} failed' if failed else ''}", flush=True)


def _crowd(sides: Mapping[str, Side], work: Path, seconds: int, rounds: int) -> None:
    """Reads with eight connections, alone and while sixty-four sign in at once."""
    print(f"\n| reads while {CROWD} sign in | p99 alone, ms | p99 meanwhile, ms | x | sign-ins /s |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, side in sides.items():
        alone, crowded, logins = list[float](), list[float](), list[float]()
        for number in range(rounds):
            alone.append(_measure(side, READ, work / f"{name}-alone-{number}", seconds, 8).p99_ms)
            with ThreadPoolExecutor(1) as pool:
                crowd = pool.submit(_measure, side, LOGIN, work / f"{name}-crowd-{number}", seconds + 2, CROWD)
                time.sleep(1)
                crowded.append(_measure(side, READ, work / f"{name}-crowded-{number}", seconds, 8).p99_ms)
                logins.append(crowd.result().per_second)
        ratio = median(after / before for before, after in zip(alone, crowded, strict=True))
        print(f"| {name} | {median(alone):.2f} | {median(crowded):.2f} | {ratio:.2f} | {median(logins):.1f} |", flush=True)


def _measure(side: Side, case: str, file: Path, seconds: int, connections: int) -> Sample:
    port, mode = side.server.port, []
    if case is REFRESH and side.tokens is not None:
        file.write_text("\n".join([TEMPLATE, *_fresh(side)]))
        mode = ["next"]
    else:
        write_requests(file, side.requests[case], port)
    command = [require_wrk(), "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "30s", "-s", str(SCRIPT)]
    done = subprocess.run(
        [*command, f"http://127.0.0.1:{port}/", "--", str(file), *mode], capture_output=True, text=True, timeout=seconds + 60
    )
    return sample_of(done)


# ---------------------------------------------------------------- the servers


def _mainspring(work: Path) -> Side:
    port = free_port()
    limits = ("TOKEN", "VERIFY", "SEND", "ANONYMOUS", "GUESSES")
    environment = {f"MAINSPRING_AUTH__RATE_{each}": "0" for each in limits}
    environment |= {"MAINSPRING_AUTH__AUTOCONFIRM": "true", "MAINSPRING_AUTH__JWT_SECRET": JWT_SECRET}
    command = [executable(), "serve", str(APP), "--data", str(work / "ours"), "--port", str(port), "--workers", "1"]
    server = Server(command, port, work / "ours.log", environment)
    server.wait("/healthz", {})
    sessions = _each(lambda n: _asked(port, "/auth/v1/signup", {"email": _address(n), "password": PASSWORD}))
    bearers = [{"Authorization": f"Bearer {session['access_token']}"} for session in sessions]
    sign_in = "/auth/v1/token?grant_type=password"
    requests = {
        RECORD: [Request("GET", "/auth/v1/user", headers) for headers in bearers],
        LOGIN: [Request("POST", sign_in, {}, _body(email=_address(n), password=PASSWORD)) for n in range(PEOPLE)],
        READ: [Request("GET", "/rest/v1/posts?select=*&id=eq.1", headers) for headers in bearers],
    }
    return Side(server, requests, [session["refresh_token"] for session in sessions])


def _fresh(side: Side) -> list[str]:
    """Refresh tokens that have not been used, of sessions of this round."""
    sign_in = "/auth/v1/token?grant_type=password"
    people = [_body(email=_address(n), password=PASSWORD) for n in range(2 * CONNECTIONS)]
    answers = [json.loads(fetch(side.server.port, "POST", sign_in, {}, body)[1]) for body in people]
    return [str(answer["refresh_token"]) for answer in answers]


def _pocketbase(work: Path) -> Side:
    port, data = free_port(), work / "pocketbase"
    program = str(Path(executable()).parent / "pocketbase")
    flags = [f"--dir={data}", f"--migrationsDir={MIGRATIONS}", "--automigrate=0"]
    run([program, "migrate", *flags, "up"], {})
    server = Server([program, "serve", *flags, f"--http=127.0.0.1:{port}"], port, work / "pocketbase.log", {})
    server.wait("/api/health", {})
    users = "/api/collections/users"
    _each(lambda n: _asked(port, f"{users}/records", {"email": _address(n), "password": PASSWORD, "passwordConfirm": PASSWORD}))
    sessions = _each(lambda n: _asked(port, f"{users}/auth-with-password", {"identity": _address(n), "password": PASSWORD}))
    bearers = [{"Authorization": session["token"]} for session in sessions]
    own = [f"{users}/records/{session['record']['id']}" for session in sessions]
    requests = {
        REFRESH: [Request("POST", f"{users}/auth-refresh", headers, b"{}") for headers in bearers],
        RECORD: [Request("GET", path, headers) for path, headers in zip(own, bearers, strict=True)],
        LOGIN: [
            Request("POST", f"{users}/auth-with-password", {}, _body(identity=_address(n), password=PASSWORD))
            for n in range(PEOPLE)
        ],
        READ: [Request("GET", path, headers) for path, headers in zip(own, bearers, strict=True)],
    }
    return Side(server, requests)


def _each(make: Callable[[int], dict[str, Any]]) -> list[dict[str, Any]]:
    with ThreadPoolExecutor(4) as pool:
        return list(pool.map(make, range(PEOPLE)))


def _asked(port: int, path: str, body: Mapping[str, str]) -> dict[str, Any]:
    status, answer = fetch(port, "POST", path, {}, _body(**body))
    if not 200 <= status < 300:
        raise SystemExit(f"{path} answered {status}: {answer[:300]!r}")
    found: dict[str, Any] = json.loads(answer)
    return found


def _address(number: int) -> str:
    return f"person{number}@example.com"


def _body(**members: str) -> bytes:
    return json.dumps(members).encode()


if __name__ == "__main__":
    main()
