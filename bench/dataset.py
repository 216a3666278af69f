"""The rows every peer serves: pure arithmetic on a row's number, so that all peers hold the same rows.

Knows nothing of a peer; a peer says how it writes an id and a time.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

AUTHORS = 1_000
POSTS = 100_000
COMMENTS_PER_POST = 2
DRAFTS = 100_000
PAPERS = 10_000
READERS_PER_PAPER = 10
NOTES = 100_000
REFERENCES = 5_000

_EPOCH = datetime(2024, 1, 1, tzinfo=UTC)
_NAMESPACE = uuid.UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
_WORDS = (
    *("record", "sleeve", "groove", "needle", "spring", "gear", "lever", "wheel", "balance", "escapement"),
    *("chime", "case", "dial", "hand", "hour", "minute", "second", "crown", "jewel", "pivot", "plate"),
    *("bridge", "train", "barrel", "click", "ratchet", "arbor", "pallet", "fork", "roller", "stud", "collet"),
)
_TEXT = " ".join(_WORDS[(i * 31 + i // 7) % len(_WORDS)] for i in range(1_500))

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Forms:
    """How one database writes what differs between peers: keys, author keys and times."""

    author: Callable[[int], str]
    time: Callable[[datetime], str]
    post: Callable[[int], int | str] = lambda n: n
    comment: Callable[[int], int | str] = lambda n: n
    draft: Callable[[int], int | str] = lambda n: n
    paper: Callable[[int], int | str] = lambda n: n
    reader: Callable[[int], int | str] = lambda n: n
    note: Callable[[int], int | str] = lambda n: n


def author_uuid(n: int) -> str:
    """The id of author `n` as lower-case hyphenated text."""
    return str(uuid.uuid5(_NAMESPACE, f"author-{n}"))


def json_time(at: datetime) -> str:
    """The JSON form of a timestamp: 2024-01-01T00:00:00+00:00."""
    return at.isoformat()


MAINSPRING_FORMS = Forms(author=author_uuid, time=json_time)


def author_of(post: int) -> int:
    """The author number of a post."""
    return (post * 7_919 + post // 1_000) % AUTHORS


def is_published(post: int) -> bool:
    """Nine posts of ten are published."""
    return post % 10 != 3


def score_of(post: int) -> int:
    """A score from 0 to 999."""
    return (post * 104_729 + 7) % 1_000


def created_at(post: int, posts: int = POSTS) -> datetime:
    """A time that no two of `posts` stored posts share, in no relation to the id."""
    return _EPOCH + timedelta(minutes=(post * 15_485_863) % posts)


def title_of(post: int) -> str:
    """A title that names its post."""
    return f"Post {post}: {_excerpt(post, 30)}"


def _excerpt(n: int, length: int) -> str:
    start = (n * 37) % (len(_TEXT) - length)
    return _TEXT[start : start + length]


def author_rows(forms: Forms) -> Iterator[Row]:
    """Every author."""
    for n in range(AUTHORS):
        yield {"id": forms.author(n), "name": f"Author {n}"}


def post_row(n: int, forms: Forms, posts: int = POSTS) -> Row:
    """Post `n` of `posts`."""
    return {"id": forms.post(n), **new_post(n, author_of(n), forms, posts)}


def new_post(n: int, author: int, forms: Forms, posts: int = POSTS) -> Row:
    """The fields a client sends to create a post with the contents of number `n`."""
    return {
        "author_id": forms.author(author),
        "title": title_of(n),
        "body": _excerpt(n, 200),
        "published": is_published(n),
        "score": score_of(n),
        "created_at": forms.time(created_at(n, posts)),
    }


def post_rows(forms: Forms, posts: int = POSTS) -> Iterator[Row]:
    """Every post, numbered from 1."""
    return (post_row(n, forms, posts) for n in range(1, posts + 1))


def comment_rows(forms: Forms) -> Iterator[Row]:
    """Every comment: two of each post."""
    for n in range(1, POSTS * COMMENTS_PER_POST + 1):
        yield {
            "id": forms.comment(n),
            "post_id": forms.post((n - 1) // COMMENTS_PER_POST + 1),
            "author_id": forms.author((n * 7) % AUTHORS),
            "body": _excerpt(n, 80),
        }


def draft_author(n: int) -> int:
    """The author number of a draft: 100 drafts each."""
    return n % AUTHORS


def draft_title(n: int) -> str:
    """A title that names its draft."""
    return f"Draft {n}: {_excerpt(n, 30)}"


def draft_rows(forms: Forms) -> Iterator[Row]:
    """Every draft; only its author may see it."""
    for n in range(1, DRAFTS + 1):
        yield {
            "id": forms.draft(n),
            "author_id": forms.author(draft_author(n)),
            "title": draft_title(n),
            "body": _excerpt(n, 200),
            "score": score_of(n),
            "created_at": forms.time(created_at(n)),
        }


def readers_of(paper: int) -> list[int]:
    """The author numbers of those who may read a paper: every author reads a hundred."""
    return [(paper * 7_919 + k * 97) % AUTHORS for k in range(READERS_PER_PAPER)]


def paper_title(n: int) -> str:
    """A title that names its paper."""
    return f"Paper {n}: {_excerpt(n, 30)}"


def paper_rows(forms: Forms) -> Iterator[Row]:
    """Every paper; only its readers may see it."""
    for n in range(1, PAPERS + 1):
        yield {
            "id": forms.paper(n),
            "title": paper_title(n),
            "body": _excerpt(n, 200),
            "created_at": forms.time(created_at(n)),
        }


def reader_rows(forms: Forms) -> Iterator[Row]:
    """Every pair of a paper and one of its readers."""
    numbers = iter(range(1, PAPERS * READERS_PER_PAPER + 1))
    for paper in range(1, PAPERS + 1):
        for author in readers_of(paper):
            yield {"id": forms.reader(next(numbers)), "paper_id": forms.paper(paper), "author_id": forms.author(author)}


def reference(number: int) -> str:
    """A word that stands in twenty of the notes, and is a part of no other word."""
    return f"ref{number:05d}"


def note_title(n: int) -> str:
    """A title that names its note."""
    return f"Note {n}: {_excerpt(n, 30)}"


def note_rows(forms: Forms) -> Iterator[Row]:
    """Every note."""
    for n in range(1, NOTES + 1):
        yield {
            "id": forms.note(n),
            "title": note_title(n),
            "body": f"{_excerpt(n, 150)} {reference(n % REFERENCES)} {_excerpt(n * 3, 50)}",
            "created_at": forms.time(created_at(n)),
        }
