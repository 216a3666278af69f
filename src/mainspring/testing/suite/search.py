"""Full-text search: what the four kinds of query find in texts and in JSON, with and without an index."""

from __future__ import annotations

from typing import Any

import pytest

from mainspring.errors import LimitExceeded, NotSupported, OperatorInvalid, SearchConfigUnknown, SearchInvalid
from mainspring.query.ast import And, Column, Compare, Const, Expr, Not, Or, Slot
from mainspring.testing.suite.door import Door, Suite, compare, rows_of

TEXTS = [
    "The quick brown fox jumps over the lazy dog",
    "Foxes are running; dogs ran.",
    "A well-known e-mail address is ada@example.org, see https://example.org/docs/start?x=1",
    "Version 1.20.3 costs -5 or 3.14e2 of <b>it</b> &amp; that",
    "to be or not to be",
    "Σίσυφος İstanbul café Straße 2nd 1e5abc",
    "",
    None,
]
FOUND: list[tuple[str, str | None, str, list[int]]] = [
    ("fts", None, "fox", [0, 1]),
    ("fts", None, "fox & !lazy", [1]),
    ("fts", None, "fox | version", [0, 1, 3]),
    ("fts", None, "!fox", [2, 3, 4, 5, 6]),
    ("fts", None, "quick <-> brown", [0]),
    ("fts", None, "brown <-> quick", []),
    ("fts", None, "fox <2> over", [0, 1]),
    ("fts", None, "fox <4> dog", []),
    ("fts", None, "fox <5> dog", [0]),
    ("fts", None, "'over the lazy dogs'", [0]),
    ("fts", None, "!quick <-> fox", [0, 1]),
    ("fts", None, "(quick | lazy) <-> (brown | dog)", [0]),
    ("fts", None, "ver:*", [3]),
    ("fts", None, "dog:D", [0, 1]),
    ("fts", None, "dog:A", []),
    ("fts", None, "the", []),
    ("fts", None, "", []),
    ("fts", "simple", "the", [0]),
    ("fts", "simple", "dogs", [1]),
    ("fts", "simple", "to <-> be <-> or", [4]),
    ("fts", "english", "1.20.3", [3]),
    ("fts", "english", "'-5'", [3]),
    ("fts", "english", "b", []),
    ("fts", "english", "abc", [5]),
    ("plfts", None, "The Fat Dogs", []),
    ("plfts", None, "the dogs jumping", [0]),
    ("plfts", "simple", "be to", [4]),
    ("phfts", None, "jumping over the lazy", [0]),
    ("phfts", None, "well-known e-mail", [2]),
    ("phfts", None, "known mail", []),
    ("phfts", None, "ada@example.org", [2]),
    ("plfts", None, "example.org", [2]),
    ("plfts", None, "known", [2]),
    ("wfts", None, '"brown fox" -cat', [0]),
    ("wfts", None, "cat or running", [1]),
    ("wfts", None, "cat or", []),
    ("wfts", None, '"lazy fox"', []),
    ("wfts", None, "-dog fox", []),
    ("wfts", None, "", []),
    ("plfts", None, "σίσυφοσ", []),
    ("plfts", None, "ΣΊΣΥΦΟΣ", []),
    ("plfts", None, "istanbul", [5]),
    ("plfts", None, "CAFÉ", [5]),
    ("plfts", None, "straße", [5]),
    ("plfts", None, "2ND", [5]),
]
INVALID = ["fox dog", "fox &", "& fox", "(fox", "fox)", "fox <x> dog", "fox <20000> dog", "'fox", "fox\\", ":a", "!"]


def search(column: str | Column, op: str, config: str | None, query: str) -> Expr:
    """The condition of a search."""
    return Compare(op, Column(column) if isinstance(column, str) else column, Const(query), config=config)


class SearchSuite(Suite):
    """Full-text search."""

    @pytest.mark.parametrize(("table", "column", "key"), [("samples", "a_text", "id"), ("geo.places", "name", "number")])
    async def test_queries(self, door: Door, table: str, column: str, key: str) -> None:
        more = {} if table == "samples" else {"country": "x"}
        await door.insert(table, *({key: number, column: text, **more} for number, text in enumerate(TEXTS)))
        for op, config, query, expected in FOUND:
            found = await door.rows(table, key, where=search(column, op, config, query))
            assert sorted(row[key] for row in found) == expected, (op, config, query)
            opposite = await door.rows(table, key, where=Not(search(column, op, config, query)))
            assert sorted(row[key] for row in opposite) == [n for n in range(7) if n not in expected], (op, config, query)

    async def test_json(self, door: Door) -> None:
        documents: list[Any] = [
            {"bb": "lazy dogs", "a": ["quick fox", 1, {"fox": "cat"}]}, "a fox", ["x", None], None, {"a": None},
        ]  # fmt: skip
        await door.insert("samples", *({"id": number, "doc": value} for number, value in enumerate(documents)))
        doc = Column("doc")
        for column, query, expected in (
            (doc, "dog", [0]),
            (doc, "fox", [0, 1]),
            (doc, "quick <-> fox", [0]),
            (doc, "fox <-> cat", []),
            (doc, "fox <2> cat", [0]),
            (doc, "cat <2> lazy", [0]),
            (doc, "!fox", [2, 4]),
            (Column("doc", ("a",)), "fox", [0]),
            (Column("doc", ("a", 0), True), "fox", [0]),
            (Column("doc", ("bb",), True), "dog & !fox", [0]),
            (Column("doc", ("a",)), "!fox", [4]),
        ):
            assert await door.ids("samples", search(column, "fts", None, query)) == expected, (column, query)

    async def test_an_index_follows_every_write(self, door: Door) -> None:
        await door.insert("notes", *({"id": n, "body": f"note {n} about cats", "slug": f"s{n}"} for n in range(1, 5)))
        cats = search("body", "fts", None, "cat")
        assert await door.ids("notes", cats) == [1, 2, 3, 4]
        await door.update("notes", {"body": "all about dogs"}, compare("id", "eq", 2))
        await door.delete("notes", compare("id", "eq", 3))
        await door.update("notes", {"id": 9}, compare("id", "eq", 4))
        assert await door.ids("notes", cats) == [1, 9]
        assert await door.ids("notes", search("body", "plfts", None, "dogs")) == [2]
        await door.insert("notes", {"id": 4, "body": "birds"})
        assert await door.ids("notes", Or((cats, search("body", "fts", None, "bird")))) == [1, 4, 9]
        assert await door.ids("notes", And((cats, compare("id", "gt", 1)))) == [9]
        result = await door.read("notes", "id", where=cats, count=True, page=(1, None))
        assert (len(rows_of(result)), result.total) == (1, 2)

    async def test_writes_may_search(self, door: Door) -> None:
        await door.insert("notes", {"id": 1, "body": "a cat"}, {"id": 2, "body": "a dog"})
        await door.update("notes", {"body": "a cat and a bird"}, search("body", "fts", None, "cat"))
        assert await door.ids("notes", search("body", "fts", None, "bird")) == [1]
        await door.delete("notes", search("body", "fts", None, "dog"))
        assert await door.ids("notes") == [1]

    @pytest.mark.parametrize("query", INVALID)
    async def test_a_query_that_is_none(self, door: Door, query: str) -> None:
        for condition in (search("a_text", "fts", None, query), Compare("fts", Column("a_text"), Slot(0))):
            with pytest.raises(SearchInvalid):
                await door.read("samples", where=condition, values=[query])

    async def test_bounds(self, door: Door) -> None:
        for op, query in (("fts", "!" * 40 + "a"), ("plfts", "a " * 2000), ("fts", "(" * 100 + "a" + ")" * 100)):
            with pytest.raises(LimitExceeded):
                await door.read("samples", where=Compare(op, Column("a_text"), Slot(0)), values=[query])

    async def test_what_cannot_be_searched(self, door: Door) -> None:
        with pytest.raises(OperatorInvalid):
            await door.read("samples", where=search("small", "fts", None, "x"))
        with pytest.raises((NotSupported, SearchConfigUnknown)):
            await door.read("samples", where=search("a_text", "fts", "no_such_config", "x"))
