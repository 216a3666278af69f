"""Full-text search: what PostgreSQL finds, every engine finds; with an index and without."""

from __future__ import annotations

from typing import Any

import pytest

from mainspring.errors import LimitExceeded, NotSupported, OperatorInvalid, SearchInvalid
from mainspring.query.ast import Aggregate, Column, Compare, Const, Expr, Not
from mainspring.testing.suite.door import ANYBODY, Door, Suite, compare
from mainspring.testing.suite.world import ALICE

TEXTS = (
    "The cat sat on the mat",
    "Cats and dogs are running",
    "A well-known e-mail address: me@example.com",
    "Happiness is a 1.5kg cat, 5kg of runs",
    "",
    None,
    "Straße nach Кошка, ÉCOLE",
    "the skies were dying",
)
FOUND: list[tuple[str, str, str | None, list[int]]] = [
    ("fts", "cat", None, [1, 2, 4]),
    ("fts", "cat", "simple", [1, 4]),
    ("fts", "cat & !dog", None, [1, 4]),
    ("fts", "cat & (mat | dogs)", None, [1, 2]),
    ("fts", "cat <-> sat", None, [1]),
    ("fts", "sat <3> mat", None, [1]),
    ("fts", "hap:*", None, [4]),
    ("fts", "!cat", None, [3, 5, 7, 8]),
    ("fts", "the", None, []),
    ("fts", "die", None, [8]),
    ("fts", "sky", None, [8]),
    ("fts", "кошка | école", "simple", [7]),
    ("fts", "strasse", None, []),
    ("plfts", "running the dogs", None, [2]),
    ("plfts", "cat & !dog", None, [2]),
    ("plfts", "kg", None, [4]),
    ("plfts", "mail", None, [3]),
    ("plfts", "me@example.com", None, [3]),
    ("plfts", "", None, []),
    ("phfts", "cats and dogs", None, [2]),
    ("phfts", "dogs cats", None, []),
    ("phfts", "well-known e-mail", None, [3]),
    ("wfts", "cat -dog", None, [1, 4]),
    ("wfts", '"cat sat" or skies', None, [1, 8]),
    ("wfts", "(((", None, []),
]


def search(column: str, operator: str, query: str, config: str | None = None, path: tuple[str, ...] = ()) -> Compare:
    """`column operator(config) query`."""
    return Compare(operator, Column(column, path), Const(query), config=config)


class SearchSuite(Suite):
    """Which rows are found. `essays` has an index where the engine makes one, `samples` none."""

    async def fill(self, door: Door, table: str, column: str) -> None:
        """The texts, numbered from 1."""
        await door.insert(table, *({"id": number, column: text} for number, text in enumerate(TEXTS, 1)))

    @pytest.mark.parametrize(("operator", "query", "config", "ids"), FOUND)
    async def test_found(self, door: Door, operator: str, query: str, config: str | None, ids: list[int]) -> None:
        await self.fill(door, "essays", "body")
        await self.fill(door, "samples", "a_text")
        assert await door.ids("samples", search("a_text", operator, query, config)) == ids
        assert await door.ids("essays", search("body", operator, query, config)) == ids

    async def test_null_is_neither_found_nor_not(self, door: Door) -> None:
        await self.fill(door, "essays", "body")
        assert await door.ids("essays", Not(search("body", "plfts", "cat"))) == [3, 5, 7, 8]

    async def test_what_is_written_is_found_and_what_is_gone_is_not(self, door: Door) -> None:
        await self.fill(door, "essays", "body")
        await door.update("essays", {"body": "a bird"}, compare("id", "eq", 1))
        await door.update("essays", {"note": "cat"}, compare("id", "eq", 3))
        await door.delete("essays", compare("id", "eq", 4))
        assert await door.ids("essays", search("body", "plfts", "cat")) == [2]
        assert await door.ids("essays", search("body", "plfts", "birds")) == [1]
        await door.update("essays", {"body": None}, compare("id", "eq", 2))
        await door.update("essays", {"body": "cats again"}, compare("id", "eq", 6))
        assert await door.ids("essays", search("body", "plfts", "cat")) == [6]

    async def test_texts_in_json(self, door: Door) -> None:
        docs: tuple[Any, ...] = ({"a": "a cat", "b": ["dogs", 1]}, "cats", {"cat": "none"}, None)
        await door.insert("samples", *({"id": number, "doc": doc} for number, doc in enumerate(docs, 1)))
        assert await door.ids("samples", search("doc", "plfts", "cat")) == [1, 2]
        assert await door.ids("samples", search("doc", "fts", "dog & cat")) == [1]
        assert await door.ids("samples", search("doc", "plfts", "dog", None, ("b",))) == [1]

    async def test_other_columns_have_no_words(self, door: Door) -> None:
        with pytest.raises(OperatorInvalid):
            await door.ids("samples", search("whole", "plfts", "1"))

    @pytest.mark.parametrize("query", ["cat &", "cat dog", "(cat", "cat <0", "'cat"])
    async def test_syntax(self, door: Door, query: str) -> None:
        with pytest.raises(SearchInvalid):
            await door.ids("essays", search("body", "fts", query))

    async def test_bounds(self, door: Door) -> None:
        with pytest.raises(LimitExceeded):
            await door.ids("essays", search("body", "plfts", "word " * 200))

    async def test_a_configuration_that_there_is_not(self, door: Door) -> None:
        await self.fill(door, "essays", "body")
        with pytest.raises(NotSupported, match="configuration"):
            await door.ids("essays", search("body", "plfts", "cat", "klingon"))

    async def test_hidden_rows_are_not_found(self, door: Door) -> None:
        await door.insert("notes", {"id": 1, "owner": ALICE, "body": "a cat"})
        await door.insert("notes", {"id": 2, "owner": ALICE, "body": "cats", "published": True})
        where: Expr = search("body", "plfts", "cat")
        assert await door.ids("notes", where, me=ANYBODY) == [2]
        assert await door.rows("notes", Aggregate("count"), where=where, me=ANYBODY) == [{"count": 1}]
