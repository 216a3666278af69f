"""The database's limit: the statement that returns the JSON body, in a Python loop, without HTTP.

Run as a module it is that loop, and prints runs per second:
`python -m bench.peers.bare_sql FILE CASE SECONDS ROUND`.
"""

from __future__ import annotations

import random
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pysqlite3  # type: ignore[import-untyped, unused-ignore]  # it has no types

from bench import dataset
from bench.cases import LIMIT, SEED, Case, Question, counted_authors, questions, updated_title
from bench.load import Sample
from bench.peers.base import PREPARED_REQUESTS, Peer
from bench.peers.store import load

SCHEMA = """
CREATE TABLE authors (id TEXT PRIMARY KEY, name TEXT NOT NULL);
CREATE TABLE posts (id INTEGER PRIMARY KEY, author_id TEXT NOT NULL REFERENCES authors (id),
  title TEXT NOT NULL, body TEXT NOT NULL, published BOOLEAN NOT NULL, score INTEGER NOT NULL,
  created_at TEXT NOT NULL);
CREATE INDEX posts_published_created_at ON posts (published, created_at);
CREATE INDEX posts_author_id ON posts (author_id);
CREATE TABLE comments (id INTEGER PRIMARY KEY, post_id INTEGER NOT NULL REFERENCES posts (id),
  author_id TEXT NOT NULL REFERENCES authors (id), body TEXT NOT NULL);
CREATE INDEX comments_post_id ON comments (post_id);
CREATE TABLE drafts (id INTEGER PRIMARY KEY, author_id TEXT NOT NULL REFERENCES authors (id),
  title TEXT NOT NULL, body TEXT NOT NULL, score INTEGER NOT NULL, created_at TEXT NOT NULL);
CREATE INDEX drafts_author_id_created_at ON drafts (author_id, created_at);
CREATE TABLE papers (id INTEGER PRIMARY KEY, title TEXT NOT NULL, body TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE INDEX papers_created_at ON papers (created_at);
CREATE TABLE readers (id INTEGER PRIMARY KEY, paper_id INTEGER NOT NULL REFERENCES papers (id),
  author_id TEXT NOT NULL REFERENCES authors (id));
CREATE INDEX readers_paper_id_author_id ON readers (paper_id, author_id);
CREATE INDEX readers_author_id ON readers (author_id);
CREATE TABLE notes (id INTEGER PRIMARY KEY, title TEXT NOT NULL, body TEXT NOT NULL, created_at TEXT NOT NULL);
CREATE INDEX notes_created_at ON notes (created_at);
CREATE VIRTUAL TABLE notes_words USING fts5 (body, content=notes, content_rowid=id);
"""
_NOTE = "'id', id, 'title', title, 'body', body, 'created_at', created_at"
_DRAFT = (
    "'id', id, 'author_id', author_id, 'title', title, 'body', body, 'score', score, 'created_at', created_at"
)
_POST = f"{_DRAFT}, 'published', json(iif(published, 'true', 'false'))"
_EMBEDS = (
    "'author', (SELECT json_object('id', a.id, 'name', a.name) FROM authors a WHERE a.id = p.author_id), "
    "'comments', (SELECT json_group_array(json_object('id', c.id, 'author_id', c.author_id, 'body', c.body)) "
    "FROM comments c WHERE c.post_id = p.id)"
)
_NEWEST = (
    "SELECT * FROM posts WHERE published = 1 AND score >= :score AND (published OR author_id = :me) "
    f"ORDER BY created_at DESC LIMIT {LIMIT}"
)
_NEW = ("author_id", "title", "body", "published", "score", "created_at")
STATEMENTS = {
    Case.BY_ID: f"SELECT json_group_array(json_object({_POST})) FROM posts "
    "WHERE id = :post AND (published OR author_id = :me)",
    Case.LIST: f"SELECT json_group_array(json_object({_POST})) FROM ({_NEWEST})",
    Case.EMBED: f"SELECT json_group_array(json_object({_POST}, {_EMBEDS})) FROM ({_NEWEST}) p",
    Case.MINE: f"SELECT json_group_array(json_object({_DRAFT})) FROM "
    f"(SELECT * FROM drafts WHERE author_id = :me ORDER BY created_at DESC LIMIT {LIMIT})",
    Case.SHARED: f"SELECT json_group_array(json_object({_NOTE})) "
    "FROM (SELECT * FROM papers p WHERE EXISTS (SELECT 1 FROM readers r WHERE r.paper_id = p.id AND r.author_id = :me) "
    f"ORDER BY created_at DESC LIMIT {LIMIT})",
    Case.COUNTED: f"SELECT json_group_array(json_object({_NOTE})), max(n) FROM (SELECT *, count(*) OVER () n FROM papers p "
    "WHERE EXISTS (SELECT 1 FROM readers r WHERE r.paper_id = p.id AND r.author_id = :me) "
    f"ORDER BY created_at DESC LIMIT {LIMIT})",
    Case.TOTALS: "SELECT json_group_array(json_object('author_id', author_id, 'count', n, 'sum', s)) FROM "
    "(SELECT author_id, count(*) n, sum(score) s FROM posts WHERE published = 1 AND (published OR author_id = :me) "
    f"AND author_id IN ({', '.join(f':author_{k}' for k in range(10))}) GROUP BY author_id ORDER BY author_id)",
    Case.SEARCH: f"SELECT json_group_array(json_object({_NOTE})) FROM (SELECT * FROM notes WHERE id IN "
    f"(SELECT rowid FROM notes_words WHERE notes_words MATCH :reference) ORDER BY created_at DESC LIMIT {LIMIT})",
    Case.INSERT: f"INSERT INTO posts ({', '.join(_NEW)}) VALUES ({', '.join(f':{name}' for name in _NEW)}) "
    f"RETURNING json_object({_POST})",
    Case.UPDATE: "UPDATE posts SET title = :title, score = 500 WHERE id = :post AND author_id = :me "
    f"RETURNING json_object({_POST})",
}


class BareSqlPeer(Peer):
    """Its own file in Mainspring's storage form; every write is its own transaction, synchronous=FULL."""

    name = "sql"
    title = "bare SQL loop"
    answers = False

    def prepare(self, work: Path) -> None:
        self._database = work / "bare.sqlite"
        database = pysqlite3.connect(str(self._database))
        database.execute("PRAGMA journal_mode = WAL")
        database.executescript(SCHEMA)
        load(database, dataset.MAINSPRING_FORMS)
        database.execute("INSERT INTO notes_words (notes_words) VALUES ('rebuild')")
        database.commit()
        database.close()

    def start(self) -> None:
        """Nothing runs between rounds."""

    def measure(self, case: Case, seconds: int, number: int) -> Sample:
        command = [sys.executable, "-m", __name__, str(self._database), case, str(seconds), str(number)]
        root = Path(__file__).parents[2]
        printed = subprocess.check_output(command, text=True, timeout=seconds + 30, cwd=root)
        return Sample(per_second=float(printed), failures=0)

    def stop(self) -> None:
        """Nothing runs between rounds."""


def loop(database: Any, case: Case, seconds: float, number: int) -> float:
    """Run a case's statement with its questions for a while; returns runs per second."""
    statement, values = STATEMENTS[case], [_values(case, q) for q in questions(case, PREPARED_REQUESTS)]
    pick = random.Random(SEED + number)
    for pragma in ("synchronous = FULL", "cache_size = -65536", "foreign_keys = ON"):
        database.execute(f"PRAGMA {pragma}")
    done, begun = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - begun) < seconds:
        value = pick.choice(values)
        if "title" in value:
            value["title"] = f"{value['title'][:24]} {number} {done}"
        database.execute(statement, value).fetchall()
        done += 1
    return done / elapsed


def _values(case: Case, question: Question) -> dict[str, Any]:
    if case is Case.INSERT:
        return dataset.new_post(question.post, question.author, dataset.MAINSPRING_FORMS)
    needs_user = case in (Case.MINE, Case.SHARED, Case.COUNTED, Case.UPDATE)
    return {
        **{f"author_{k}": dataset.author_uuid(n) for k, n in enumerate(counted_authors(question))},
        "me": dataset.author_uuid(question.author) if needs_user else None,
        "post": question.post,
        "score": question.score,
        "reference": dataset.reference(question.reference),
        "title": updated_title(question),
    }


if __name__ == "__main__":
    connection = pysqlite3.connect(sys.argv[1], isolation_level=None)
    print(loop(connection, Case(sys.argv[2]), float(sys.argv[3]), int(sys.argv[4])))
