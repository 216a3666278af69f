"""Policies: what a caller may see, write and learn. The rules themselves are in `world.registry`."""

from __future__ import annotations

import pytest

from mainspring.errors import PermissionDenied, RowCheckViolated, UniqueViolated
from mainspring.query.ast import Column, Conflict, Order, Resolution
from mainspring.testing.suite.door import ALICE_, ALL, ANYBODY, BRUNO_, Door, Suite, compare, rows_of, selected
from mainspring.testing.suite.world import ALICE, BRUNO

MERGE = Conflict(Resolution.MERGE)
IGNORE = Conflict(Resolution.IGNORE)


async def notes(door: Door) -> None:
    """1 and 2 are Alice's, 3 and 4 Bruno's; 2 and 4 are published."""
    owners = ((1, ALICE, False), (2, ALICE, True), (3, BRUNO, False), (4, BRUNO, True))
    await door.insert(
        "notes",
        *(
            {"id": number, "owner": owner, "body": f"note {number}", "published": published, "secret": "s", "slug": f"s{number}"}
            for number, owner, published in owners
        ),
    )


class PoliciesSuite(Suite):
    """Rows and columns behind policies and grants."""

    async def test_reads_see_what_the_policy_shows(self, door: Door) -> None:
        await notes(door)
        assert await door.ids("notes", me=ANYBODY) == [2, 4]
        assert await door.ids("notes", me=ALICE_) == [1, 2, 4]
        assert await door.ids("notes", me=BRUNO_) == [2, 3, 4]
        assert await door.ids("notes") == [1, 2, 3, 4]

    async def test_counts_and_pages_are_of_what_is_seen(self, door: Door) -> None:
        await notes(door)
        result = await door.read("notes", "id", order=[Order(Column("id"))], page=(2, 1), count=True, me=ALICE_)
        assert [row["id"] for row in rows_of(result)] == [2, 4]
        assert result.total == 3

    async def test_columns_that_may_not_be_read(self, door: Door) -> None:
        await notes(door)
        assert all("secret" not in row for row in await door.rows("notes", me=ANYBODY))
        with pytest.raises(PermissionDenied):
            await door.read("notes", "secret", me=ANYBODY)
        with pytest.raises(PermissionDenied):
            await door.read("notes", "id", where=compare("secret", "eq", "s"), me=ANYBODY)
        with pytest.raises(PermissionDenied):
            await door.read("notes", "id", order=[Order(Column("secret"))], me=ANYBODY)

    async def test_tables_without_a_policy(self, door: Door) -> None:
        for me in (ANYBODY, ALICE_):
            with pytest.raises(PermissionDenied):
                await door.read("books", me=me)
            with pytest.raises(PermissionDenied):
                await door.insert("books", {"title": "x"}, me=me)

    async def test_inserts_are_checked(self, door: Door) -> None:
        result = await door.insert("notes", {"body": "mine"}, returning=ALL, me=ALICE_)
        assert rows_of(result)[0]["owner"] == ALICE
        with pytest.raises(RowCheckViolated):
            await door.insert("notes", {"body": "ok"}, {"body": "forbidden"}, me=ALICE_)
        with pytest.raises(RowCheckViolated):
            await door.insert("notes", {"body": "x", "owner": BRUNO}, me=ALICE_)
        with pytest.raises(PermissionDenied):
            await door.insert("notes", {"body": "x"}, me=ANYBODY)
        assert len(await door.ids("notes")) == 1

    async def test_updates_reach_only_what_may_be_changed(self, door: Door) -> None:
        await notes(door)
        assert (await door.update("notes", {"body": "changed"}, me=ALICE_)).count == 2
        assert await door.ids("notes", compare("body", "eq", "changed")) == [1, 2]

    async def test_updates_may_not_give_rows_away(self, door: Door) -> None:
        await notes(door)
        for changes in ({"owner": BRUNO}, {"body": "forbidden"}, {"owner": None}):
            with pytest.raises(RowCheckViolated):
                await door.update("notes", changes, compare("id", "eq", 1), me=ALICE_)
        assert await door.ids("notes", compare("owner", "eq", ALICE)) == [1, 2]

    async def test_deletes_reach_only_what_may_be_deleted(self, door: Door) -> None:
        await notes(door)
        assert (await door.delete("notes", compare("id", "eq", 4), me=ALICE_)).count == 0
        result = await door.delete("notes", returning=selected("id"), me=ALICE_)
        assert sorted(row["id"] for row in rows_of(result)) == [1, 2]
        assert await door.ids("notes") == [3, 4]

    async def test_a_condition_learns_nothing_of_hidden_rows(self, door: Door) -> None:
        await notes(door)
        assert await door.ids("notes", compare("secret", "eq", "s"), me=ALICE_) == [1, 2, 4]
        result = await door.update("notes", {"body": "x"}, compare("id", "eq", 3), returning=ALL, me=ALICE_)
        assert (result.body, result.count) == (b"[]", 0)

    async def test_a_merge_overwrites_only_what_may_be_changed(self, door: Door) -> None:
        await notes(door)
        await door.insert("notes", {"id": 1, "body": "mine"}, conflict=MERGE, me=ALICE_)
        assert await door.ids("notes", compare("body", "eq", "mine")) == [1]
        for number in (3, 4):
            with pytest.raises(RowCheckViolated):
                await door.insert("notes", {"id": number, "body": "taken over"}, conflict=MERGE, me=ALICE_)
        with pytest.raises(RowCheckViolated):
            await door.insert("notes", {"id": 1, "body": "forbidden"}, conflict=MERGE, me=ALICE_)
        assert await door.ids("notes", compare("body", "eq", "taken over")) == []

    async def test_a_merge_by_another_key_is_guarded_alike(self, door: Door) -> None:
        await notes(door)
        by_slug = Conflict(Resolution.MERGE, ("slug",))
        with pytest.raises(RowCheckViolated):
            await door.insert("notes", {"slug": "s3", "body": "mine now"}, conflict=by_slug, me=ALICE_)
        await door.insert("notes", {"slug": "s1", "body": "mine still"}, conflict=by_slug, me=ALICE_)
        assert await door.ids("notes", compare("body", "eq", "mine still")) == [1]

    async def test_ignore_shows_no_hidden_row(self, door: Door) -> None:
        await notes(door)
        result = await door.insert("notes", {"id": 3, "body": "x"}, conflict=IGNORE, returning=ALL, me=ALICE_)
        assert rows_of(result) == []
        assert await door.ids("notes", compare("body", "eq", "x")) == []

    async def test_a_taken_key_is_told_without_the_row(self, door: Door) -> None:
        await notes(door)
        with pytest.raises(UniqueViolated) as caught:
            await door.insert("notes", {"id": 3, "body": "x"}, me=ALICE_)
        assert "note 3" not in f"{caught.value.message} {caught.value.details} {caught.value.hint}"
