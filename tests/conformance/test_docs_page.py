"""The page at /docs: whole, small, and of a kind that can ask no other host for anything."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import httpx
import pytest

from mainspring.settings import RestSettings, Settings
from mainspring.testing.client import TestClient
from tests.support.store import store

PARTS = ("/docs", "/docs/page.css", "/docs/page.js")
NAMES_OF_STANDARDS = {"http://www.w3.org"}


class Page(HTMLParser):
    """What a page refers to, and what in it the policy would forbid."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.references: list[str] = []
        self.inline: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.references += [value for name, value in attrs if value and (name in ("src", "href") or name.startswith("data-"))]
        self.inline += [name for name in given if name.startswith("on") or name == "style"]
        if tag == "style" or (tag == "script" and "src" not in given):
            self.inline.append(tag)


async def parts(client: httpx.AsyncClient) -> dict[str, httpx.Response]:
    answers = {path: await client.get(path, headers={"apikey": "", "authorization": ""}) for path in PARTS}
    assert all(answer.status_code == 200 for answer in answers.values())
    return answers


async def test_the_page_refers_to_nothing_elsewhere_and_may_not() -> None:
    async with TestClient(store()) as client:
        anon = client.as_anon()
        answers = await parts(anon)
        page = Page(answers["/docs"].text)
        assert page.inline == []
        local = [each for each in page.references if not each.startswith(("#", "data:"))]
        assert sorted(set(local)) == ["/docs/openapi.json", "/docs/page.css", "/docs/page.js"]
        for reference in local:
            assert (await anon.get(reference)).status_code == 200
    text = "".join(answer.text for answer in answers.values())
    assert not set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+", text)) - NAMES_OF_STANDARDS
    assert "innerHTML" not in text
    assert "eval(" not in text
    assert sum(len(answer.content) for answer in answers.values()) < 30_000
    for answer in answers.values():
        policy = dict(part.split(" ", 1) for part in answer.headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["frame-ancestors"] == "'none'"
        assert not any("unsafe" in value or "*" in value or "http" in value for value in policy.values())
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_page_can_only_be_read() -> None:
    async with TestClient(store()) as client:
        anon = client.as_anon()
        answer = await anon.post("/docs")
        assert (answer.status_code, answer.headers["allow"], answer.json()["code"]) == (405, "GET, HEAD", "MS0405")
        head = await anon.head("/docs")
        assert (head.status_code, head.content, head.headers["content-type"]) == (200, b"", "text/html; charset=utf-8")
        assert (await anon.get("/docs/nothing")).status_code == 404


@pytest.mark.parametrize("rest", [RestSettings(docs=False), RestSettings(openapi_mode="disabled"), RestSettings(prefix="")])
async def test_the_page_can_be_turned_off_and_hides_no_table(rest: RestSettings) -> None:
    async with TestClient(store(), settings=Settings(rest=rest)) as client:
        for path in PARTS:
            assert (await client.as_anon().get(path)).status_code == 404
