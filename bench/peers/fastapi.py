"""The hand-written FastAPI application under uvicorn: one worker, uvloop, httptools, no access log."""

from __future__ import annotations

import sqlite3
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import create_engine

from bench import dataset
from bench.cases import LIMIT, Case, Question, updated_title
from bench.dataset import Forms
from bench.load import Request
from bench.peers import fastapi_app
from bench.peers.base import Document, HttpPeer, encode
from bench.peers.mainspring import JWT_SECRET, user_token
from bench.peers.store import finish, insert

STORED = Forms(  # as SQLAlchemy's SQLite dialect stores uuid and datetime
    author=lambda n: UUID(dataset.author_uuid(n)).hex,
    time=lambda at: at.strftime("%Y-%m-%d %H:%M:%S.000000"),
)

_ROWS = {
    "authors": dataset.author_rows,
    "posts": dataset.post_rows,
    "comments": dataset.comment_rows,
    "drafts": dataset.draft_rows,
}


class FastApiPeer(HttpPeer):
    """`uvicorn bench.peers.fastapi_app:app`."""

    name = "fastapi"
    title = "FastAPI + SQLAlchemy"
    health = "/health"
    without = frozenset({Case.SHARED, Case.COUNTED, Case.TOTALS, Case.SEARCH})

    def prepare(self, work: Path) -> None:
        self.work = work
        self._database = work / "fastapi.sqlite"
        fastapi_app.Base.metadata.create_all(create_engine(f"sqlite:///{self._database}"))
        with sqlite3.connect(self._database) as database:
            for table, rows in _ROWS.items():
                insert(database, table, rows(STORED))
            finish(database)
        database.close()

    def command(self, port: int) -> list[str]:
        return [
            sys.executable, "-m", "uvicorn", "bench.peers.fastapi_app:app",
            "--app-dir", str(Path(__file__).parents[2]), "--port", str(port),
            "--workers", "1", "--loop", "uvloop", "--http", "httptools", "--no-access-log",
        ]  # fmt: skip

    def environment(self) -> Mapping[str, str]:
        return {"BENCH_DATABASE": str(self._database), "BENCH_JWT_SECRET": JWT_SECRET}

    def request(self, case: Case, question: Question) -> Request:
        headers = {}
        if case in (Case.MINE, Case.INSERT, Case.UPDATE):
            headers["Authorization"] = f"Bearer {user_token(question.author)}"
        if case is Case.INSERT:
            post = dataset.new_post(question.post, question.author, dataset.MAINSPRING_FORMS)
            return Request("POST", "/posts", headers, encode({**post, "created_at": post["created_at"][:19]}))
        if case is Case.UPDATE:
            body = encode({"title": updated_title(question), "score": 500})
            return Request("PATCH", f"/posts/{question.post}", headers, body)
        return Request("GET", _read_path(case, question), headers)

    def documents(self, case: Case, payload: Any) -> list[Document]:
        return list(payload) if isinstance(payload, list) else [payload]


def _read_path(case: Case, question: Question) -> str:
    if case is Case.BY_ID:
        return f"/posts/{question.post}"
    if case is Case.MINE:
        return f"/drafts?limit={LIMIT}"
    path = "/posts-with-comments" if case is Case.EMBED else "/posts"
    return f"{path}?published=true&min_score={question.score}&limit={LIMIT}"
