"""The command line: prepares the peers, verifies them, measures interleaved rounds, prints the table."""

from __future__ import annotations

import argparse
import contextlib
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from statistics import median

from bench.cases import Case
from bench.load import LoadError, Sample, require_wrk
from bench.peers.base import HttpPeer, Peer
from bench.peers.constant import ConstantPeer
from bench.peers.mainspring import MainspringPeer
from bench.process import ServerError
from bench.report import failures, latencies, table, unsteady
from bench.suites import SUITES, Suite
from bench.verify import WrongAnswer, verify

STARTS = 5
START_TARGET_S, MEMORY_TARGET_MB = 0.8, 90
NOTES = "One wrk thread, 32 connections, on the same machine as the servers; medians of interleaved rounds."


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for."""

    suite: Suite
    cases: tuple[Case, ...]
    peers: tuple[str, ...]
    rounds: int
    seconds: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmark; returns the exit status (1 when a peer is broken or a figure does not count)."""
    options = _options(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that peers are stopped
    try:
        require_wrk()
        with tempfile.TemporaryDirectory(prefix="mainspring-bench-") as folder:
            return _run(options, Path(folder))
    except (LoadError, ServerError, WrongAnswer) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _options(arguments: Sequence[str] | None) -> Options:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of one second each")
    parser.add_argument(
        "--only", metavar="CASE", action="append", choices=[case.value for case in Case], help=", ".join(Case)
    )
    known = "; ".join(f"{name}: {', '.join(peer.name for peer in suite.peers)}" for name, suite in SUITES.items())
    parser.add_argument("--suite", choices=list(SUITES), default="sqlite", help="what is measured (default sqlite)")
    parser.add_argument("--peers", metavar="A,B", help=f"some of the suite's; {known}")
    parser.add_argument("--seconds", type=int, metavar="N", help="length of a round (default 3)")
    parser.add_argument("--rounds", type=int, metavar="N", help="rounds of each case (default 5)")
    given = parser.parse_args(arguments)
    suite = SUITES[given.suite]
    names = [peer.name for peer in suite.peers]
    peers = given.peers.split(",") if given.peers else names
    cases = tuple(Case(case) for case in given.only or suite.cases)
    if unknown := set(peers) - set(names):
        parser.error(f"unknown peer {', '.join(sorted(unknown))}; there are {', '.join(names)}")
    if strange := set(cases) - {*suite.cases, *suite.apart}:
        parser.error(f"{given.suite} has no case {', '.join(sorted(strange))}; it has {', '.join(suite.cases + suite.apart)}")
    return Options(
        suite=suite,
        cases=cases,
        peers=tuple(peers),
        rounds=given.rounds or (1 if given.quick else 5),
        seconds=given.seconds or (1 if given.quick else 3),
    )


def _run(options: Options, work: Path) -> int:
    with _running(options, work) as peers:
        _verify_all(peers, options.cases)
        start = next((_start_and_memory(p) for p in peers if type(p) is MainspringPeer), "")
        results = {case: _measure(case, peers, options) for case in options.cases}
    wrong = failures(results)
    machine = f"{platform.machine()}, {_cores()} cores, Python {platform.python_version()}"
    print(f"\n{date.today()}, {machine}, {options.rounds} rounds of {options.seconds} s\n")
    suite = options.suite
    print(table(results, peers, suite.subject, suite.targets), latencies(results, peers), sep="\n\n")
    print("", NOTES, *filter(None, [suite.notes, start]), *unsteady(results), *wrong, sep="\n")
    return 1 if wrong else 0


@contextlib.contextmanager
def _running(options: Options, work: Path) -> Iterator[list[Peer]]:
    peers = [peer() for peer in options.suite.peers if peer.name in options.peers]
    with contextlib.ExitStack() as stack:
        for peer in peers:
            _say(f"preparing {peer.title}")
            stack.callback(peer.stop)
            peer.prepare(work)
            peer.start()
        yield peers


def _verify_all(peers: list[Peer], cases: tuple[Case, ...]) -> None:
    """Verify all servers and give the constant body the requests and sizes of the first one."""
    servers = [peer for peer in peers if isinstance(peer, HttpPeer) and peer.answers]
    limit = next((peer for peer in peers if isinstance(peer, ConstantPeer)), None)
    for server in reversed(servers):
        _say(f"verifying {server.title}")
        sizes = {case: verify(server, case) for case in cases if case not in server.without}
        if limit is not None:
            limit.sizes.update(sizes)
            limit.model = server


def _measure(case: Case, peers: list[Peer], options: Options) -> dict[str, list[Sample]]:
    peers = [peer for peer in peers if case not in peer.without]
    samples: dict[str, list[Sample]] = {peer.name: [] for peer in peers}
    for peer in peers:
        peer.measure(case, 1, 0)  # warm-up
    for number in range(1, options.rounds + 1):
        _say(f"measuring {case}, round {number} of {options.rounds}")
        for peer in peers:
            samples[peer.name].append(peer.measure(case, options.seconds, number))
        _say(", ".join(f"{name} {rounds[-1].per_second:,.0f}/s" for name, rounds in samples.items()))
    return samples


def _start_and_memory(peer: MainspringPeer) -> str:
    """Restart Mainspring a few times with its data; it is left running, idle, for a memory reading."""
    starts = []
    for _ in range(STARTS):
        peer.stop()
        starts.append(peer.timed_start())
    assert peer.server is not None
    time.sleep(1)
    memory, seconds = peer.server.resident_mb(), median(starts)
    return (
        f"Mainspring: process start to first answer {seconds:.2f} s "
        f"(median of {STARTS}; target {START_TARGET_S}); "
        f"idle memory {memory:.0f} MB resident, all its processes (target {MEMORY_TARGET_MB})."
    )


def _cores() -> int:
    return len(os.sched_getaffinity(0))


def _say(what: str) -> None:
    print(f"bench: {what}", file=sys.stderr, flush=True)
