"""Everything the query builders of the installed supabase-py can say, in each place the library is served.

A flow states which methods it is about; it fails when it does not call each of them, and a method that no flow is about fails the
last test here. The async builders have the methods of the sync ones.
"""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from postgrest import AsyncPostgrestClient, CountMethod, ReturnMethod, SyncPostgrestClient
from postgrest._async import request_builder as async_builders
from postgrest._sync import request_builder as sync_builders

from tests.clients.conftest import Library
from tests.clients.supabase_py import answer, connect, ids, refusal, result, rows

# supabase-py passes arguments to its own postgrest client that the latter has deprecated.
pytestmark = pytest.mark.filterwarnings("ignore:The '(timeout|verify)' parameter is deprecated:DeprecationWarning")

ABOUT: dict[str, str] = {}  # a method and the flow that is about it
_called: set[str] = set()


@dataclass(frozen=True, slots=True)
class Reader:
    """The library through one kind of client, as `anon` and as `service`."""

    place: str
    anon: Any
    service: Any

    def books(self, *columns: str, **options: Any) -> Any:
        return self.anon.table("books").select(*(columns or ("id",)), **options)

    @property
    def shelves(self) -> Any:
        return self.service.table("shelves")


def says(methods: str) -> Callable[[Callable[[Reader], Awaitable[None]]], Callable[..., None]]:
    """Turn a flow about some methods into a test with the sync and the async client."""
    names = set(methods.split())

    def decorate(flow: Callable[[Reader], Awaitable[None]]) -> Callable[..., None]:
        ABOUT.update(dict.fromkeys(names, flow.__name__))

        @pytest.mark.parametrize("kind", ["sync", "async"])
        def test(kind: str, library: Library, recorded: None) -> None:
            asyncio.run(_run(kind, library, flow))
            assert names <= _called, f"never called: {sorted(names - _called)}"

        functools.update_wrapper(test, flow)
        del test.__wrapped__  # type: ignore[attr-defined]  # pytest would look for the flow's arguments, not the test's
        return test

    return decorate


async def _run(kind: str, library: Library, flow: Callable[[Reader], Awaitable[None]]) -> None:
    anon, service = [await connect(kind, library.url, key) for key in (library.anon_key, library.service_key)]
    try:
        await flow(Reader(library.place, anon, service))
    finally:
        for client in (anon, service):
            await result(client.postgrest.aclose())


def _classes(module: Any) -> list[type]:
    own = [found for found in vars(module).values() if isinstance(found, type) and found.__name__.endswith("RequestBuilder")]
    client = AsyncPostgrestClient if module is async_builders else SyncPostgrestClient
    return list({base: None for found in [*own, client] for base in found.__mro__ if base.__module__.startswith("postgrest.")})


def _methods(module: Any) -> set[str]:
    return {name for found in _classes(module) for name in vars(found) if not name.startswith("_") and _calls(vars(found)[name])}


def _calls(member: Any) -> bool:
    return callable(member) or isinstance(member, property)


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Notes every method of the builders that is called during a test."""
    _called.clear()
    for found in {*_classes(sync_builders), *_classes(async_builders)}:
        for name, member in list(vars(found).items()):
            if name.startswith("_") or not _calls(member):
                continue
            if isinstance(member, property):
                assert member.fget is not None
                monkeypatch.setattr(found, name, property(_noting(name, member.fget)))
            else:
                monkeypatch.setattr(found, name, _noting(name, member))


def _noting(name: str, original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def noting(*given: Any, **named: Any) -> Any:
        _called.add(name)
        return original(*given, **named)

    return noting


@says("eq neq gt gte lt lte execute select order from_")
async def test_comparisons(library: Reader) -> None:
    assert await ids(library.books().eq("title", "Sums")) == [5]
    assert await ids(library.books().eq("price", 12.5)) == [1]  # the sixth costs as much, and is not listed
    assert await ids(library.books().neq("pages", 210)) == [2, 3, 5]
    assert await ids(library.books().gt("printed", "2010-09-09")) == [4, 5]
    assert await ids(library.books().gte("printed", "2010-09-09")) == [3, 4, 5]
    assert await ids(library.books().lt("details->copies", 12)) == [1, 3, 4]
    assert await ids(library.books().lte("price", 9)) == [2, 4]


@says("like ilike like_all_of like_any_of ilike_all_of ilike_any_of")
async def test_patterns(library: Reader) -> None:
    assert await ids(library.books().like("title", "%Engine%")) == [1, 3]
    assert await ids(library.books().ilike("title", "RAIN%")) == [4]
    assert await ids(library.books().like_all_of("title", "%Quiet%,A%")) == [2]
    assert await ids(library.books().like_any_of("title", "The%,Sums")) == [1, 5]
    assert await ids(library.books().ilike_all_of("title", "%rain%,%of%")) == [3]
    assert await ids(library.books().ilike_any_of("title", "%RAIN%,sums")) == [3, 4, 5]


@says("is_ in_ not_ filter match or_")
async def test_nulls_lists_and_conditions_together(library: Reader) -> None:
    assert await ids(library.books().is_("pages", None)) == [4]
    assert await ids(library.books().is_("listed", True)) == [1, 2, 3, 4, 5]
    assert await ids(library.books().in_("title", ["Sums", "rain again", "The Hidden Engine"])) == [4, 5]
    assert await ids(library.books().not_.cs("tags", ["calm"])) == [3, 4, 5]
    assert await ids(library.books().filter("title", "imatch", "^r|engine$")) == [1, 4]
    assert await ids(library.books().match({"author_id": 1, "pages": 210})) == [1]
    assert await ids(library.books().or_("pages.lt.100,and(tags.cs.{rain},price.lt.10)")) == [4, 5]
    assert await ids(library.books().not_.or_("id.lt.3,tags.cs.{rain}")) == [5]
    authors = library.anon.table("authors").select("id, books!inner(id)")
    assert await ids(authors.or_("title.ilike.*rain*", reference_table="books")) == [2]


@says("cs cd ov contains contained_by overlaps")
async def test_arrays_documents_and_ranges_contain(library: Reader) -> None:
    assert await ids(library.books().cs("tags", ["steam"])) == [1, 3]
    assert await ids(library.books().cd("tags", ["rain", "sea", "steam"])) == [3, 4, 5]
    assert await ids(library.books().ov("tags", ["sea", "rain"])) == [2, 3, 4]
    assert await ids(library.books().contains("tags", ["steam", "sea"])) == [3]
    assert await ids(library.books().contains("details", {"copies": 3})) == [1, 4]
    assert await ids(library.books().contains("lent", "[12,13)")) == [2, 3]
    assert await ids(library.books().contained_by("tags", ["calm", "sea"])) == [2, 5]
    assert await ids(library.books().contained_by("details", {"copies": 3, "cover": None})) == [4, 5]
    assert await ids(library.books().contained_by("lent", "[1,20)")) == [1, 2, 3, 5]
    assert await ids(library.books().overlaps("lent", "[9,11)")) == [1, 2, 3]
    assert await ids(library.books().overlaps("tags", ["sea"])) == [2, 3]


@says("sl sr nxl nxr adj range_gt range_gte range_lt range_lte range_adjacent")
async def test_ranges_lie(library: Reader) -> None:
    # This client writes ranges that exclude both ends: (0,10) of whole numbers is [1,10).
    for right in ("sr", "range_gt"):
        assert await ids(getattr(library.books(), right)("lent", (0, 10))) == [2, 4]
    for not_left in ("nxl", "range_gte"):
        assert await ids(getattr(library.books(), not_left)("lent", (4, 10))) == [2, 3, 4]
    for left in ("sl", "range_lt"):
        assert await ids(getattr(library.books(), left)("lent", (14, 30))) == [1, 3]
    for not_right in ("nxr", "range_lte"):
        assert await ids(getattr(library.books(), not_right)("lent", (0, 15))) == [1, 3]
    for beside in ("adj", "range_adjacent"):
        assert await ids(getattr(library.books(), beside)("lent", (19, 30))) == [2, 4]


@says("fts plfts phfts wfts text_search")
async def test_full_text_search(library: Reader) -> None:
    assert await ids(library.books().fts("title", "quiet & engine")) == [1]
    assert await ids(library.books().plfts("title", "harbours quiet")) == [2]
    assert await ids(library.books().phfts("title", "engine quiet")) == []
    assert await ids(library.books().wfts("title", '"quiet engine" or sums')) == [1, 5]
    assert await ids(library.books().text_search("title", "engine")) == [1, 3]
    assert await ids(library.books().text_search("title", "engine", {"config": "simple"})) == [1]
    assert await ids(library.books().text_search("title", "quiet engine", {"type": "phrase"})) == [1]
    assert await ids(library.books().text_search("title", "quiet -harbour", {"type": "web_search"})) == [1]
    assert await ids(library.books().text_search("title", "hidden", {"type": "plain"})) == []


@says("limit offset range single maybe_single strip_nulls csv")
async def test_order_pages_and_forms(library: Reader) -> None:
    assert await rows(library.books("pages").order("pages", nullsfirst=True).order("id").limit(2)) == [
        {"pages": None},
        {"pages": 99},
    ]
    assert await rows(library.books().order("id", desc=True).limit(2).offset(1)) == [{"id": 4}, {"id": 3}]
    page = await answer(library.books("id", count=CountMethod.exact).order("id").range(1, 2))
    assert (page.count, page.data) == (5, [{"id": 2}, {"id": 3}])
    head = await answer(library.books("*", count=CountMethod.exact, head=True).contains("tags", ["calm"]))
    assert head.count == 2
    authors = library.anon.table("authors").select("id, books(id)").order("price", foreign_table="books")
    assert await rows(authors.limit(1, foreign_table="books").eq("id", 2)) == [{"id": 2, "books": [{"id": 4}]}]
    assert await rows(library.books("title").eq("id", 5).single()) == {"title": "Sums"}
    assert (await refusal(library.books().eq("id", 6).single())).code == "PGRST116"
    assert await answer(library.books().eq("id", 6).maybe_single()) is None
    assert await rows(library.books("id, pages").gte("id", 4).order("id").strip_nulls()) == [{"id": 4}, {"id": 5, "pages": 99}]
    assert await rows(library.books("id, title").eq("id", 5).csv()) == "id,title\n5,Sums"


@says("select")
async def test_groups_and_spreads(library: Reader) -> None:
    tally = await rows(library.books("author_id", "count()", "pages.sum()", "price.max()").order("author_id"))
    assert tally == [
        {"author_id": 1, "count": 2, "sum": 390, "max": 12.5},
        {"author_id": 2, "count": 2, "sum": 405, "max": 20},
        {"author_id": 3, "count": 1, "sum": 99, "max": 31},
    ]
    assert await rows(library.books("id", "...authors(by:name)").eq("id", 3)) == [{"id": 3, "by": "Bao Lindqvist"}]
    lists = library.anon.table("authors").select("id, ...books(titles:title)").order("title", foreign_table="books").eq("id", 1)
    assert await rows(lists) == [{"id": 1, "titles": ["A Quiet Harbour", "The Quiet Engine"]}]


@says("explain")
async def test_execution_plans(library: Reader) -> None:
    by_key = "INTEGER PRIMARY KEY" if library.place == "sqlite" else "books_pkey"
    assert by_key in await result(library.books().eq("id", 1).explain().execute())
    [told] = await rows(library.books().eq("id", 1).explain(format="json"))
    assert told["Detail"] if library.place == "sqlite" else told["Plan"]
    analyzed = library.books().eq("id", 1).explain(analyze=True, format="json")
    if library.place == "sqlite":
        assert (await refusal(analyzed)).code == "PGRST127"  # it has no such option
    else:
        assert (await rows(analyzed))[0]["Plan"]["Actual Rows"] == 1


@says("insert upsert update delete max_affected")
async def test_writes(library: Reader) -> None:
    shelves = library.shelves
    assert await rows(shelves.insert({"id": 10, "label": "attic"}, returning=ReturnMethod.minimal)) == []
    both = [{"id": 11, "label": "cellar"}, {"id": 12, "label": "loft", "room": "top"}]
    made = await answer(shelves.insert(both, count=CountMethod.exact, default_to_null=False))
    assert made.count == 2
    assert [row["room"] for row in made.data] == ["hall", "top"]
    assert (await refusal(shelves.insert({"id": 13, "label": "north"}))).code == "23505"
    merged = shelves.upsert({"id": 10, "label": "attic", "room": "roof"}, on_conflict="label")
    assert await rows(merged) == [{"id": 10, "label": "attic", "room": "roof"}]
    assert await rows(shelves.upsert({"id": 14, "label": "attic"}, on_conflict="label", ignore_duplicates=True)) == []
    assert (await refusal(shelves.update({"room": "x"}).gt("id", 2).max_affected(2))).code == "PGRST124"
    changed = await rows(shelves.update({"room": "x"}).gt("id", 10).max_affected(2))
    assert [row["room"] for row in changed] == ["x", "x"]
    assert (await answer(shelves.delete(count=CountMethod.exact).gt("id", 2))).count == 3
    assert await ids(shelves.select("id")) == [1, 2]
    assert (await refusal(library.anon.table("shelves").insert({"id": 15, "label": "mine"}))).code == "42501"


@says("rpc select single csv maybe_single")
async def test_functions(library: Reader) -> None:
    assert await rows(library.anon.rpc("add", {"a": 1})) == 11
    assert await rows(library.anon.rpc("add", {"a": 1, "b": 2}, get=True)) == 3
    assert await rows(library.anon.rpc("longest", {"words": ["a", "bcd", "ef"]})) == "bcd"
    assert (await refusal(library.anon.rpc("add", {"c": 1}))).code == "PGRST202"
    chosen = library.anon.rpc("books_of", {"author": 1}).select("id", "authors(name)").gt("price", 10)
    assert await rows(chosen) == [{"id": 1, "authors": {"name": "Ines Aalto"}}]
    last = library.anon.rpc("books_of", {"author": 2}, get=True).select("id").order("id", desc=True).limit(1)
    assert await rows(last.single()) == {"id": 4}
    assert await rows(library.anon.rpc("books_of", {"author": 1}).select("id").eq("id", 2).csv()) == "id\n2"
    assert await rows(library.anon.rpc("books_of", {"author": 1}).select("id").eq("id", 1).maybe_single()) == {"id": 1}
    counted = await answer(library.anon.rpc("books_of", {"author": 3}, count=CountMethod.exact, head=True))
    assert counted.count == 1  # one of two is not listed
    assert (await refusal(library.anon.rpc("relabel", {"shelf": 2, "label": "nadir"}))).code == "42501"
    [moved] = await rows(library.service.rpc("relabel", {"shelf": 2, "label": "nadir"}))
    assert (moved["id"], moved["label"]) == (2, "nadir")
    assert len(await rows(library.shelves.update({"label": "south"}).eq("label", "nadir"))) == 1


@says("schema from_ table retry auth aclose")
async def test_schemas_keys_and_retries(library: Reader) -> None:
    public = library.anon.postgrest.schema("public")
    assert await ids(public.from_("books").select("id").lte("id", 2)) == [1, 2]
    assert await ids(public.table("books").select("id").lte("id", 2).retry(False)) == [1, 2]
    assert (await refusal(library.anon.postgrest.schema("private").from_("books").select("id"))).code == "PGRST106"
    public.auth("no token at all")
    assert (await refusal(public.from_("books").select("id"))).code.startswith("PGRST30")
    await result(public.aclose())


@pytest.mark.parametrize("module", [sync_builders, async_builders])
def test_every_method_has_its_test(module: Any) -> None:
    found = _methods(module)
    assert len(found) > 60
    assert sorted(found - set(ABOUT) - {"from_table"}) == []  # from_table: deprecated by the client for `from_`
