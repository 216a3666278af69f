"""Refuses to measure wrong answers: every peer answers every case with 2xx and with the rows it should."""

from __future__ import annotations

import json

from bench.cases import Case, questions
from bench.dataset import COMMENTS_PER_POST
from bench.peers.base import Document, HttpPeer
from bench.process import fetch

ASKED = 3


class WrongAnswer(RuntimeError):
    """A peer refused a case or answered it with other rows than the dataset holds."""


def verify(peer: HttpPeer, case: Case) -> int:
    """Ask a few questions of a case; returns the size of the largest answer. Raises WrongAnswer."""
    return max(_verify_one(peer, case, number) for number in range(ASKED))


def _verify_one(peer: HttpPeer, case: Case, number: int) -> int:
    question = questions(case, ASKED)[number]
    asked = peer.request(case, question)
    assert peer.server is not None
    status, body = fetch(peer.server.port, asked.method, asked.path, asked.headers, asked.body)
    where = f"{peer.title}, {case}: {asked.method} {asked.path}"
    if not 200 <= status < 300:
        raise WrongAnswer(f"{where} answered {status}: {body[:500]!r}")
    documents = peer.documents(case, json.loads(body))
    titles, right = [document["title"] for document in documents], peer.right(case, question)
    if titles != right:
        raise WrongAnswer(f"{where} answered the rows {titles}; right is {right}")
    if case is Case.EMBED:
        _verify_embeds(where, documents)
    return len(body)


def _verify_embeds(where: str, documents: list[Document]) -> None:
    for document in documents:
        author, comments = document["author"], document["comments"]
        if not author or not author["name"].startswith("Author ") or len(comments) != COMMENTS_PER_POST:
            raise WrongAnswer(f"{where}: an author or comments are missing in {document}")
