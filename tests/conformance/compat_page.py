"""The page of what app mode honours, asked of a live application on each engine: `python -m tests.conformance.compat_page`.

Every operator, preference and form of embedding is sent as a client would send it. What is refused stands there with its error.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx
from sqlalchemy import ARRAY, JSON, DateTime, ForeignKey, String
from sqlalchemy.dialects.postgresql import INT4RANGE
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from mainspring import Mainspring
from mainspring.settings import DatabaseSettings, RestSettings, Settings
from mainspring.testing.client import TestClient
from tests.support.servers import PostgresServer

HEAD = """<!-- Written by `python -m tests.conformance.compat_page`; a test holds it to what the engines answer. -->

# What app mode honours

Every operator, preference and form of embedding, sent to the same application on SQLite and on PostgreSQL. "yes": answered as
PostgREST answers it. Otherwise the status and the code of the refusal, which names what is refused.
"""


class Base(DeclarativeBase):
    """The base of the models."""


class Author(Base):
    __tablename__ = "authors"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Book(Base):
    __tablename__ = "books"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("authors.id"))
    title: Mapped[str]
    blurb: Mapped[str | None]
    price: Mapped[int | None]
    sold: Mapped[bool] = mapped_column(default=False)
    tags: Mapped[list[str] | None] = mapped_column(ARRAY(String))
    pages: Mapped[Any | None] = mapped_column(INT4RANGE)
    data: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    made: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


def application() -> Mainspring:
    """Two tables that everybody may use, and functions."""
    app = Mainspring(models=Base)
    for model in (Author, Book):
        app.policy(model, "all")(lambda row, me: True)

    @app.seed
    def rows() -> Mapping[Any, Sequence[Mapping[str, Any]]]:
        books = (
            {"id": 1, "author_id": 1, "title": "Sea", "blurb": "cats and dogs", "price": 5, "tags": ["a"], "data": {"n": 1}},
            {"id": 2, "author_id": None, "title": "Sky", "blurb": None, "price": None, "tags": None, "data": None},
        )
        return {Author: [{"id": 1, "name": "Ada"}], Book: books}

    @app.rpc(to="anon", read_only=True)
    def every_book() -> list[Book]:
        return [Book(id=2), Book(id=1)]

    @app.rpc(to="anon")
    def add(a: int, b: int = 1) -> int:
        return a + b

    return app


@dataclass(frozen=True, slots=True)
class Case:
    """One request. `shown` is what the page prints of it."""

    shown: str
    path: str = "/books"
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    content: bytes | None = None


def _filters(*queries: str) -> tuple[Case, ...]:
    return tuple(Case(query, f"/books?{query}") for query in queries)


def _asked(*paths: str) -> tuple[Case, ...]:
    return tuple(Case(path.removeprefix("/"), path) for path in paths)


def _selects(*selects: str) -> tuple[Case, ...]:
    return tuple(Case(f"select={select}", f"/books?select={select}") for select in selects)


def _prefers(method: str, path: str, body: Any, *preferences: str) -> tuple[Case, ...]:
    return tuple(Case(f"{method}, Prefer: {each}", path, method, {"prefer": each}, body) for each in preferences)


def _accepts(*media: str) -> tuple[Case, ...]:
    return tuple(Case(each, "/books?id=eq.1", headers={"accept": each}) for each in media)


NEW = {"title": "New"}
FORM = "application/x-www-form-urlencoded"
PLAN = {"accept": "application/vnd.pgrst.plan+json"}
SECTIONS: Mapping[str, tuple[Case, ...]] = {
    "Operators": (
        *_filters("price=eq.5", "price=neq.5", "price=gt.4", "price=gte.5", "price=lt.6", "price=lte.5", "price=in.(4,5)"),
        *_filters("price=isdistinct.5", "price=is.null", "price=is.not_null", "sold=is.true", "sold=is.unknown"),
        *_filters("price=not.eq.5", "title=like.S*", "title=ilike.s*", "title=match.^S", "title=imatch.^s"),
        *_filters("title=like(any).{S*,T*}", "title=ilike(all).{s*,*y}", "title=match(any).{^S,^T}"),
        *_filters("price=eq(any).{4,5}", "price=gt(all).{1,2}"),
        *_filters("blurb=fts.cat", "blurb=fts(english).cat", "blurb=plfts.cat dog", "blurb=phfts(simple).cats and"),
        *_filters("blurb=wfts.cat -fish", "blurb=fts(german).cat"),
        *_filters("tags=eq.{a}", "tags=gt.{a}", "tags=cs.{a}", "tags=cd.{a,b}", "tags=ov.{a,b}", "tags=in.({a})"),
        *_filters('data=cs.{"n":1}', 'data=cd.{"n":1,"m":2}', 'data=eq.{"n":1}', "data->n=cs.1", "data=cs.{n}"),
        *_filters("data->n=eq.1", "data->n=gt.0", "data->n=in.(1,2)", "data->n=eq(any).{1,2}", "data->n=isdistinct.1"),
        *_filters("data->n=is.null", "data->n=eq.x", "data->>n=eq.1", "data->>n=in.(1,2)", "data->>n=match.^1$"),
        *_filters("pages=eq.[1,2]", "pages=gt.[1,2]", 'pages=in.("[1,2]")', "pages=cs.[1,2]", "pages=cd.[1,2]", "pages=ov.[1,2]"),
        *_filters("pages=sl.[1,2]", "pages=sr.[1,2]", "pages=nxr.[1,2]", "pages=nxl.[1,2]", "pages=adj.[1,2]", "pages=cs.5"),
        *_filters("and=(price.gt.1,or(title.eq.Sea,title.eq.Sky))", "not.or=(price.eq.1,title.eq.X)"),
    ),
    "Select": (
        *_selects("*", "title,price", "name:title", "price::text", "data->n", "data->>n", "n:data->>n"),
        *_selects("count()", "price.sum()", "title,price.avg()", "price::text.max()", "price.sum()::text"),
        *_selects("authors(name)", "authors!inner(name)", "authors!left(name)", "authors!books_author_id_fkey(name)"),
        *_selects("a:authors(name)", "...authors(name)", "...authors(n:name,count())", "authors(count())"),
        *_asked("/authors?select=...books(title)", "/authors?select=name,books(price.sum())"),
        *_asked("/authors?select=books(*)&books.order=title.desc&books.limit=1", "/authors?select=*,books()&books=is.null"),
        *_asked("/books?select=*,authors(name)&authors.name=eq.Ada", "/books?select=title&distinct=true"),
        *_asked("/books?select=sold,count()&having=(count().gt.1)"),
    ),
    "Order and pages": (
        *_filters("order=title", "order=title.desc.nullslast,id", "order=data->>n", "order=data->n", "order=tags", "order=pages"),
        *_asked("/books?select=*,authors(name)&order=authors(name)", "/books?select=sold,count()&order=count().desc"),
        *_filters("limit=1&offset=1", "cursor=", "order=data->n&cursor="),
        *_asked("/books?select=sold,count()&order=count()&cursor=", "/books?select=title,authors(name)&distinct=true&cursor="),
        *_asked("/authors?select=name,books(sold,count())&cursor=", "/authors?select=name,books(sold,count())&books.cursor="),
        Case("Range: 0-0", "/books", headers={"range": "0-0"}),
        *_prefers("GET", "/books", None, "count=exact", "count=planned", "count=estimated"),
    ),
    "Writes": (
        Case("POST a row", method="POST", body=NEW),
        Case("POST rows", method="POST", body=[NEW, NEW]),
        Case("POST text/csv", method="POST", headers={"content-type": "text/csv"}, content=b"title\nNew"),
        Case("POST a form", method="POST", headers={"content-type": FORM}, content=b"title=New"),
        Case("POST columns=title", "/books?columns=title", "POST", body=NEW),
        Case("POST on_conflict=id", "/books?on_conflict=id", "POST", {"prefer": "resolution=merge-duplicates"}, {"id": 1, **NEW}),
        *_prefers("POST", "/books", {"id": 1, **NEW}, "resolution=merge-duplicates", "resolution=ignore-duplicates"),
        *_prefers("POST", "/books", NEW, "return=representation", "return=headers-only", "return=minimal", "missing=default"),
        *_prefers("POST", "/books", NEW, "tx=rollback", "tx=commit"),
        Case("PUT", "/authors?id=eq.9", "PUT", body={"id": 9, "name": "New"}),
        Case("PATCH", "/books?id=eq.1", "PATCH", body=NEW),
        *_prefers("PATCH", "/books?id=eq.1", NEW, "return=representation", "handling=strict, max-affected=1"),
        *_prefers("PATCH", "/books?id=eq.1&columns=title,sold", NEW, "missing=default"),
        Case("PATCH order and limit", "/books?order=id&limit=1", "PATCH", body=NEW),
        Case("DELETE", "/books?id=eq.1", "DELETE"),
        Case("DELETE order and limit", "/books?order=id&limit=1", "DELETE"),
        *_prefers("GET", "/books", None, "handling=strict", "timezone=America/Los_Angeles", "handling=strict, timezone=Nowhere"),
    ),
    "Media types": (
        *_accepts("application/json", "text/csv", "application/vnd.pgrst.object+json", "application/octet-stream"),
        *_accepts("application/vnd.pgrst.array+json;nulls=stripped", "application/geo+json"),
        *_accepts("application/vnd.pgrst.plan+text", "application/vnd.pgrst.plan+json"),
        *(
            Case(f"{method} {path[1:]}, {PLAN['accept']}", path, method, PLAN, body)
            for method, path, body in (
                ("POST", "/books", NEW),
                ("PUT", "/authors?id=eq.9", {"id": 9, "name": "New"}),
                ("PATCH", "/books?id=eq.1", NEW),
                ("DELETE", "/books?id=eq.1", None),
                ("GET", "/rpc/every_book", None),
                ("POST", "/rpc/add", {"a": 1}),
            )
        ),
    ),
    "Functions": (
        Case("POST rpc/add", "/rpc/add", "POST", body={"a": 1}),
        Case("GET rpc/add (it may write)", "/rpc/add?a=1"),
        Case("GET rpc/every_book", "/rpc/every_book"),
        Case("filtered, ordered, embedded", "/rpc/every_book?select=title,authors(name)&price=gt.1&order=title&limit=1"),
        Case("aggregated", "/rpc/every_book?select=count()"),
    ),
}

REASONED = ("PGRST107", "PGRST127")
"""The codes whose message says less than their details."""


async def said(client: TestClient, case: Case) -> str:
    """`yes`, or the refusal's status and code."""
    headers = dict(case.headers)
    url = httpx.URL("/rest/v1" + case.path.partition("?")[0], query=case.path.partition("?")[2].replace("+", "%2B").encode())
    more = {"content": case.content} if case.content is not None else {"json": case.body} if case.body is not None else {}
    answer = await client.as_anon().request(case.method, url, headers=headers, **more)
    if answer.status_code < 400:
        return "yes"
    told = answer.json()
    return f"{answer.status_code} {told['code']}: {(told['code'] in REASONED and told['details']) or told['message']}"


async def column(url: Callable[[], str], cases: Sequence[Case]) -> list[str]:
    """What an engine answers. `url` makes an empty database: one for all reads, one for every write."""
    settings = Settings(database=DatabaseSettings(tx_end="commit-allow-override"), rest=RestSettings(plan_enabled=True))
    found = []
    async with TestClient(application(), url(), settings=settings) as reading:
        for case in cases:
            if case.method == "GET":
                found.append(await said(reading, case))
                continue
            async with TestClient(application(), url(), settings=settings) as writing:
                found.append(await said(writing, case))
    return found


async def page(postgres: PostgresServer) -> str:
    """The whole page, as Markdown."""
    cases = [case for section in SECTIONS.values() for case in section]
    sqlite = await column(lambda: "", cases)
    server = await column(lambda: postgres.database("compat"), cases)
    answers = iter(zip(sqlite, server, strict=True))
    lines = [HEAD]
    for name, section in SECTIONS.items():
        lines += [f"## {name}", "", "| | SQLite | PostgreSQL |", "|---|---|---|"]
        lines += [_row(case, *next(answers)) for case in section] + [""]
    return "\n".join(lines)


def _row(case: Case, sqlite: str, postgres: str) -> str:
    cells = (f"`{case.shown}`", sqlite, postgres)
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def main() -> None:
    """Print the page."""
    postgres = PostgresServer()
    postgres.start()
    try:
        sys.stdout.write(asyncio.run(page(postgres)))
    finally:
        postgres.stop()


if __name__ == "__main__":
    main()
