"""Mainspring itself: one worker, SQLite, its defaults."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jwt
import pysqlite3  # type: ignore[import-untyped, unused-ignore]  # it has no types

from bench import dataset
from bench.cases import LIMIT, Case, Question, counted_authors, total, updated_title
from bench.load import Request
from bench.peers.base import Document, HttpPeer, encode
from bench.peers.store import load
from bench.process import ServerError, run

APP = Path(__file__).parents[1] / "app.py"
DATABASE_FILE = "data.sqlite"  # inside --data
JWT_SECRET = "a-secret-of-the-benchmark-and-of-nothing-else"


class MainspringPeer(HttpPeer):
    """`mainspring serve bench/app.py --workers 1`."""

    name = "mainspring"
    title = "Mainspring"
    health = "/rest/v1/authors?select=id&limit=1"

    def prepare(self, work: Path) -> None:
        self.work = work
        self.data = work / self.name
        self.anon_key = self.read_keys()["ANON_KEY"]
        self.start()  # the first start makes the tables
        self.stop()
        stored = self.data / DATABASE_FILE
        if not stored.exists():
            raise ServerError(f"Mainspring made no {stored}; {sorted(p.name for p in self.data.iterdir())}")
        database = pysqlite3.connect(str(stored))
        self.load(database)
        database.close()

    def load(self, database: Any) -> None:
        """Fill the tables, which are there."""
        load(database, dataset.MAINSPRING_FORMS)

    def read_keys(self) -> dict[str, str]:
        """The API keys of the data folder."""
        command = [executable(), "keys", "--data", str(self.data), "--format", "env"]
        printed = run(command, self.environment())
        return dict(line.split("=", 1) for line in printed.splitlines() if "=" in line)

    def command(self, port: int) -> list[str]:
        data, number = str(self.data), str(port)
        return [executable(), "serve", str(APP), "--data", data, "--port", number, "--workers", "1"]

    def environment(self) -> Mapping[str, str]:
        return {"MAINSPRING_AUTH__JWT_SECRET": JWT_SECRET}

    def health_headers(self) -> Mapping[str, str]:
        return {"apikey": self.anon_key}

    def request(self, case: Case, question: Question) -> Request:
        path, body = _worded(case, question)
        headers = {"apikey": self.anon_key}
        if case in (Case.MINE, Case.SHARED, Case.COUNTED, Case.INSERT, Case.UPDATE):
            headers["Authorization"] = f"Bearer {user_token(question.author)}"
        if case is Case.COUNTED:
            headers["Prefer"] = "count=exact"
        if not body:
            return Request("GET", path, headers)
        headers["Prefer"] = "return=representation"
        return Request("POST" if case is Case.INSERT else "PATCH", path, headers, encode(body))

    def documents(self, case: Case, payload: Any) -> list[Document]:
        if case is Case.TOTALS:
            return [{"title": title} for title in sorted(total(row["count"], row["sum"]) for row in payload)]
        return list(payload)


def _worded(case: Case, question: Question) -> tuple[str, Document]:
    newest = f"order=created_at.desc&limit={LIMIT}"
    listed = f"published=eq.true&score=gte.{question.score}&{newest}"
    if case is Case.BY_ID:
        return f"/rest/v1/posts?select=*&id=eq.{question.post}", {}
    if case is Case.LIST:
        return f"/rest/v1/posts?select=*&{listed}", {}
    if case is Case.EMBED:
        embeds = "author:authors(id,name),comments(id,author_id,body)"
        return f"/rest/v1/posts?select=*,{embeds}&{listed}", {}
    if case is Case.MINE:
        return f"/rest/v1/drafts?select=*&{newest}", {}
    if case in (Case.SHARED, Case.COUNTED):
        return f"/rest/v1/papers?select=*&{newest}", {}
    if case is Case.SEARCH:
        return f"/rest/v1/notes?select=*&body=plfts.{dataset.reference(question.reference)}&{newest}", {}
    if case is Case.TOTALS:
        authors = ",".join(dataset.author_uuid(n) for n in counted_authors(question))
        return f"/rest/v1/posts?select=author_id,count(),score.sum()&published=eq.true&author_id=in.({authors})", {}
    if case is Case.INSERT:
        post = dataset.new_post(question.post, question.author, dataset.MAINSPRING_FORMS)
        return "/rest/v1/posts", post
    return f"/rest/v1/posts?id=eq.{question.post}", {"title": updated_title(question), "score": 500}


def user_token(author: int) -> str:
    """A signed user token of an author, good for a day."""
    claims = {
        "role": "authenticated",
        "sub": dataset.author_uuid(author),
        "aud": "authenticated",
        "exp": int(time.time()) + 86_400,
    }
    return jwt.encode(claims, JWT_SECRET, algorithm="HS256")


def executable() -> str:
    """The command `mainspring` of this environment."""
    return str(Path(sys.executable).parent / "mainspring")
