"""Mainspring with ten thousand, a hundred thousand and a million posts: what do indexed reads cost as a table grows?"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from bench import dataset
from bench.cases import Case, Question, right_titles
from bench.load import Request
from bench.peers.mainspring import MainspringPeer
from bench.peers.store import load_posts


class _RowsPeer(MainspringPeer):
    posts: int

    def load(self, database: Any) -> None:
        load_posts(database, dataset.MAINSPRING_FORMS, self.posts)

    def request(self, case: Case, question: Question) -> Request:
        return super().request(case, self._spread(question))

    def right(self, case: Case, question: Question) -> list[str]:
        return right_titles(case, self._spread(question), self.posts)

    def _spread(self, question: Question) -> Question:
        """The question about a post of this table: all over it, and published where that one is."""
        tables = self.posts // dataset.POSTS
        if not tables:
            return replace(question, post=question.post % self.posts or self.posts)
        return replace(question, post=question.post + dataset.POSTS * (question.post % 97 % tables))


class TenThousandPeer(_RowsPeer):
    """10^4 posts."""

    name, title, posts = "rows_10k", "10^4 posts", 10_000


class HundredThousandPeer(_RowsPeer):
    """10^5 posts."""

    name, title, posts = "rows_100k", "10^5 posts", 100_000


class MillionPeer(_RowsPeer):
    """10^6 posts."""

    name, title, posts = "rows_1m", "10^6 posts", 1_000_000
