"""The questions of the benchmark, their right answers, and the targets. Knows no peer and no wire format."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from bench import dataset

SEED = 20_240_101
LIMIT = 20
FRESH = "@" * 8  # becomes a new number in every request sent under load


class Case(StrEnum):
    """One measured kind of request. Reads come first: writes change the tables."""

    BY_ID = "by_id"
    LIST = "list"
    EMBED = "embed"
    MINE = "mine"
    SHARED = "shared"
    COUNTED = "counted"
    TOTALS = "totals"
    SEARCH = "search"
    INSERT = "insert"
    UPDATE = "update"


TITLES = {
    Case.BY_ID: "read by id",
    Case.LIST: "list 20, filtered and sorted",
    Case.EMBED: "list 20 with author and comments",
    Case.MINE: "list 20 under `author = me`",
    Case.SHARED: "list 20 under `exists` over 100,000 pairs",
    Case.COUNTED: "the same with the number of all",
    Case.TOTALS: "count and sum of ten authors",
    Case.SEARCH: "list 20 that hold a word",
    Case.INSERT: "insert one",
    Case.UPDATE: "update one",
}


@dataclass(frozen=True, slots=True)
class Target:
    """The ratio Mainspring is to reach against one peer."""

    peer: str
    ratio: float


TARGETS: dict[Case, tuple[Target, ...]] = {
    Case.BY_ID: (Target("pocketbase", 2), Target("constant", 0.55)),
    Case.LIST: (Target("pocketbase", 5), Target("fastapi", 8)),
    Case.EMBED: (Target("pocketbase", 5),),
    Case.MINE: (Target("pocketbase", 5), Target("fastapi", 8)),
    Case.SHARED: (Target("pocketbase", 1),),
    Case.COUNTED: (Target("pocketbase", 5),),
    Case.TOTALS: (Target("pocketbase", 1),),
    Case.SEARCH: (Target("pocketbase", 5),),
    Case.INSERT: (Target("pocketbase", 2),),
    Case.UPDATE: (),
}


@dataclass(frozen=True, slots=True)
class Question:
    """One request, before any peer puts it in its own words; unused parts are 0."""

    post: int = 0
    score: int = 0
    author: int = 0
    reference: int = 0


def questions(case: Case, count: int) -> list[Question]:
    """`count` questions of a case, the same on every run and for every peer."""
    source = random.Random(f"{SEED}-{case}")
    return [_question(case, source) for _ in range(count)]


def _question(case: Case, source: random.Random) -> Question:
    if case is Case.BY_ID:
        return Question(post=_published_post(source))
    if case in (Case.LIST, Case.EMBED):
        return Question(score=source.randrange(500))
    if case in (Case.MINE, Case.SHARED, Case.COUNTED, Case.TOTALS):
        return Question(author=source.randrange(dataset.AUTHORS))
    if case is Case.SEARCH:
        return Question(reference=source.randrange(dataset.REFERENCES))
    if case is Case.INSERT:
        number = dataset.POSTS + source.randrange(1_000_000)
        return Question(post=number, author=source.randrange(dataset.AUTHORS))
    post = source.randint(1, dataset.POSTS)
    return Question(post=post, author=dataset.author_of(post))


def _published_post(source: random.Random) -> int:
    while not dataset.is_published(post := source.randint(1, dataset.POSTS)):
        pass
    return post


def right_titles(case: Case, question: Question, posts: int = dataset.POSTS) -> list[str]:
    """The titles of the rows that a right answer holds, in order (of `posts` posts, before any write was measured)."""
    if case is Case.MINE:
        return [dataset.draft_title(n) for n in _drafts_of(question.author)[:LIMIT]]
    if case in (Case.SHARED, Case.COUNTED):
        return [dataset.paper_title(n) for n in _papers_for(question.author)[:LIMIT]]
    if case is Case.SEARCH:
        return [dataset.note_title(n) for n in _notes_with(question.reference)[:LIMIT]]
    if case is Case.TOTALS:
        return sorted(_total(author) for author in counted_authors(question))
    if case in (Case.LIST, Case.EMBED):
        matching = (n for n in _published_newest_first(posts) if dataset.score_of(n) >= question.score)
        return [dataset.title_of(n) for n, _ in zip(matching, range(LIMIT), strict=False)]
    return [updated_title(question) if case is Case.UPDATE else dataset.title_of(question.post)]


def updated_title(question: Question) -> str:
    """The title an update writes, another one each time."""
    return f"Updated {question.post} {FRESH}"


def counted_authors(question: Question) -> list[int]:
    """The authors whose posts a question of `totals` counts."""
    return [(question.author + 97 * k) % dataset.AUTHORS for k in range(10)]


def total(posts: int, score: int) -> str:
    """What stands for the title of one author's totals."""
    return f"{posts} posts, score {score}"


def _total(author: int) -> str:
    found = [n for n in range(1, dataset.POSTS + 1) if dataset.author_of(n) == author and dataset.is_published(n)]
    return total(len(found), sum(map(dataset.score_of, found)))


def _papers_for(author: int) -> list[int]:
    found = (n for n in range(1, dataset.PAPERS + 1) if author in dataset.readers_of(n))
    return sorted(found, key=dataset.created_at, reverse=True)


def _notes_with(reference: int) -> list[int]:
    found = range(reference or dataset.REFERENCES, dataset.NOTES + 1, dataset.REFERENCES)
    return sorted(found, key=dataset.created_at, reverse=True)


@cache
def _published_newest_first(posts: int) -> list[int]:
    published = filter(dataset.is_published, range(1, posts + 1))
    return sorted(published, key=lambda n: dataset.created_at(n, posts), reverse=True)


def _drafts_of(author: int) -> list[int]:
    first = author or dataset.AUTHORS
    return sorted(range(first, dataset.DRAFTS + 1, dataset.AUTHORS), key=dataset.created_at, reverse=True)
