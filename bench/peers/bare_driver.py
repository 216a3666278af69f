"""PostgreSQL's limit: the statement that returns the JSON body and its number of rows, from a Python loop with psycopg.

Without HTTP; written by hand, but asking for the same as Mainspring's: the same rows in the same total order.

Run as a module it is that loop, and prints runs per second:
`python -m bench.peers.bare_driver URL CASE SECONDS ROUND PEER`. Ten connections, as Mainspring's pool has by default. Each
waits for its answer, sends sixteen statements before it reads the first answer, or sends each statement within a transaction of
the caller's role.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
import uvloop

from bench import dataset
from bench.cases import LIMIT, SEED, Case, Question, questions
from bench.load import Sample
from bench.peers.base import PREPARED_REQUESTS, Peer
from bench.peers.postgres import Database, shared

CONNECTIONS = 10
PIPELINED = 16
SWITCH = b"SELECT set_config('role', %(role)s, true), set_config('request.jwt.claims', %(claims)s, true)"
_POST = "id, author_id, title, body, published, score, created_at"
_DRAFT = "id, author_id, title, body, score, created_at"
_BODY = "SELECT coalesce(json_agg(row_to_json(r)), '[]')::text, count(*) FROM ({}) r"
STATEMENTS = {
    Case.BY_ID: f"SELECT {_POST} FROM posts WHERE id = %(post)s AND (published OR author_id = %(me)s)",
    Case.LIST: f"SELECT {_POST} FROM posts WHERE published AND score >= %(score)s AND (published OR author_id = %(me)s) "
    f"ORDER BY created_at DESC, id DESC LIMIT {LIMIT}",
    Case.MINE: f"SELECT {_DRAFT} FROM drafts WHERE author_id = %(me)s ORDER BY created_at DESC, id DESC LIMIT {LIMIT}",
}


class BareDriverPeer(Peer):
    """Each of ten connections has one statement under way."""

    name = "driver"
    title = "bare psycopg"
    answers = False
    _database: Database | None = None

    def prepare(self, work: Path) -> None:
        self._database = shared(work)
        self._url = self._database.use()

    def start(self) -> None:
        """Nothing runs between rounds."""

    def measure(self, case: Case, seconds: int, number: int) -> Sample:
        command = [sys.executable, "-m", __name__, self._url, case, str(seconds), str(number), self.name]
        root = Path(__file__).parents[2]
        printed = subprocess.check_output(command, text=True, timeout=seconds + 30, cwd=root)
        return Sample(per_second=float(printed), failures=0)

    def stop(self) -> None:
        if self._database is not None:
            self._database.leave()
            self._database = None


class PipelinePeer(BareDriverPeer):
    """Each of ten connections has sixteen statements under way."""

    name = "pipeline"
    title = "psycopg pipelines"


class RolePeer(BareDriverPeer):
    """What database mode must do: BEGIN, role and claims, the statement, COMMIT, sent together; row security decides."""

    name = "role"
    title = "psycopg, role switched"


async def loop(url: str, case: Case, seconds: float, number: int, peer: str) -> float:
    """Run a case's statement with its questions for a while; returns runs per second."""
    values = [_values(case, question) for question in questions(case, PREPARED_REQUESTS)]
    until = time.perf_counter() + seconds
    counts = await asyncio.gather(
        *(_connection(url, case, values, until, number * CONNECTIONS + k, peer) for k in range(CONNECTIONS))
    )
    return sum(counts) / (time.perf_counter() - until + seconds)


async def _connection(url: str, case: Case, values: list[dict[str, Any]], until: float, seed: int, peer: str) -> int:
    pick, done, statement = random.Random(SEED + seed), 0, _BODY.format(STATEMENTS[case]).encode()
    address = url.replace("postgres@", "front@") if peer == RolePeer.name else url
    async with await psycopg.AsyncConnection.connect(address, autocommit=True, prepare_threshold=0) as connection:
        while time.perf_counter() < until:
            if peer == PipelinePeer.name:
                async with connection.pipeline():
                    sent = [await connection.execute(statement, pick.choice(values)) for _ in range(PIPELINED)]
                    for cursor in sent:
                        await cursor.fetchall()
                done += PIPELINED
                continue
            if peer == RolePeer.name:
                await _as_the_caller(connection, statement, pick.choice(values))
            else:
                await (await connection.execute(statement, pick.choice(values))).fetchall()
            done += 1
    return done


async def _as_the_caller(connection: psycopg.AsyncConnection[Any], statement: bytes, value: dict[str, Any]) -> None:
    async with connection.pipeline():
        await connection.execute("BEGIN")
        await connection.execute(SWITCH, value)
        answer = await connection.execute(statement, value)
        await connection.execute("COMMIT")
        await answer.fetchall()


def _values(case: Case, question: Question) -> dict[str, Any]:
    me = dataset.author_uuid(question.author) if case is Case.MINE else None
    role = "authenticated" if me else "anon"
    claims = json.dumps({"role": role, "sub": me} if me else {"role": role})
    return {"me": me, "post": question.post, "score": question.score, "role": role, "claims": claims}


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        print(runner.run(loop(sys.argv[1], Case(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4]), sys.argv[5])))
