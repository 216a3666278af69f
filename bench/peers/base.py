"""What the runner asks of everything it measures."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.cases import Case, Question, questions, right_titles
from bench.load import Request, Sample, run_wrk, write_requests
from bench.process import Server, free_port

PREPARED_REQUESTS = 2_000
Document = dict[str, Any]


class Peer(ABC):
    """One measured thing. `name` is its key on the command line, `title` its column in the table."""

    name: str
    title: str
    answers = True  # False for a limit, whose answer is not looked at
    without: frozenset[Case] = frozenset()  # cases that it is not asked

    @abstractmethod
    def prepare(self, work: Path) -> None:
        """Make its database in `work`, with all rows."""

    @abstractmethod
    def start(self) -> None:
        """Become ready to be measured."""

    @abstractmethod
    def measure(self, case: Case, seconds: int, number: int) -> Sample:
        """Round `number` of a case (0 warms up)."""

    @abstractmethod
    def stop(self) -> None:
        """Release everything; harmless when nothing runs."""


class HttpPeer(Peer):
    """A peer behind HTTP, loaded by wrk."""

    health: str
    server: Server | None = None
    work: Path

    @abstractmethod
    def command(self, port: int) -> list[str]:
        """The command that serves on `port`."""

    @abstractmethod
    def request(self, case: Case, question: Question) -> Request:
        """A question in this peer's words."""

    @abstractmethod
    def documents(self, case: Case, payload: Any) -> list[Document]:
        """The rows of a decoded answer; an embedded author under `author`, comments under `comments`."""

    def right(self, case: Case, question: Question) -> list[str]:
        """The titles that a right answer holds."""
        return right_titles(case, question)

    def environment(self) -> Mapping[str, str]:
        """Environment variables of the server."""
        return {}

    def health_headers(self) -> Mapping[str, str]:
        """Headers of the request that `health` is asked with."""
        return {}

    def start(self) -> None:
        self.timed_start()

    def timed_start(self) -> float:
        """Start the server; returns the seconds to its first answer."""
        port = free_port()
        self.server = Server(self.command(port), port, self.work / f"{self.name}.log", self.environment())
        return self.server.wait(self.health, self.health_headers())

    def measure(self, case: Case, seconds: int, number: int) -> Sample:
        assert self.server is not None
        prepared = self.work / f"{self.name}-{case}.requests"
        if not prepared.exists():
            asked = [self.request(case, question) for question in questions(case, PREPARED_REQUESTS)]
            write_requests(prepared, asked, self.server.port)
        before = self.server.cpu_seconds()
        sample = run_wrk(self.server.port, prepared, seconds, number)
        used = self.server.cpu_seconds() - before
        return replace(sample, cpu_us=used / (sample.per_second * seconds) * 1e6 if sample.per_second else 0.0)

    def stop(self) -> None:
        if self.server is not None:
            self.server.stop()
            self.server = None


def encode(document: Mapping[str, Any]) -> bytes:
    """A JSON request body."""
    return json.dumps(document, separators=(",", ":")).encode()
