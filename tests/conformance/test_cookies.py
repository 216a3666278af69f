"""The session cookie of browser apps: it signs in pages of ours, and nothing that another site makes a browser send."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from mainspring.errors import ConfigError
from mainspring.http.cookies import SessionCookie
from mainspring.settings import load
from mainspring.testing.client import TestClient
from tests.support.people import People, app, refused, settings
from tests.support.servers import PostgresServer

NAME = "sb-127-auth-token"
APP = "https://app.example.com"
OWN = "http://127.0.0.1:8000"
SAME = {"sec-fetch-site": "same-origin"}


@pytest.fixture(params=["memory", "sqlite", "postgres"])
async def people(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[People]:
    url = {"memory": "memory://", "sqlite": f"sqlite:///{tmp_path}/cookies.sqlite"}.get(request.param)
    if url is None:
        postgres: PostgresServer = request.getfixturevalue("postgres")
        url = postgres.database("cookies")
    usual = settings(autoconfirm=True, cookie=NAME, cookie_origins=(APP,), oauth_server=True)
    async with TestClient(app, url, settings=usual) as client:
        yield People(client)


def encoded(session: dict[str, Any]) -> str:
    return "base64-" + base64.urlsafe_b64encode(json.dumps(session, ensure_ascii=False).encode()).rstrip(b"=").decode()


def cookie_of(session: dict[str, Any], name: str = NAME) -> str:
    """The header as a browser sends what @supabase/ssr has written."""
    value = encoded(session)
    if len(value) <= 3180:
        return f"{name}={value}"
    return "; ".join(f"{name}.{place}={value[at : at + 3180]}" for place, at in enumerate(range(0, len(value), 3180)))


async def asked(people: People, method: str, path: str, headers: dict[str, str], **more: Any) -> httpx.Response:
    """A request without any authorization but what `headers` hold."""
    request = people.anon.build_request(method, path, headers=headers, **more)
    if "authorization" not in headers:
        del request.headers["authorization"]
    return await people.anon.send(request)


async def test_a_page_of_ours_is_signed_in(people: People) -> None:
    person = await people.member()
    cookie = {"cookie": f"theme=dark; {cookie_of(person.body)}; other=1"}
    for headers in ({**cookie, **SAME}, {**cookie, "origin": APP}, {**cookie, "origin": OWN, **SAME}):
        made = await asked(
            people, "POST", "/rest/v1/notes?select=owner", {**headers, "prefer": "return=representation"}, json={"body": "x"}
        )
        assert made.status_code == 201, made.text
        assert made.json() == [{"owner": person.uid}]
        assert (await asked(people, "GET", "/rest/v1/notes", headers)).json() != []
        assert (await asked(people, "GET", "/auth/v1/user", headers)).json()["id"] == person.uid


@pytest.mark.parametrize("size", [10, 2400, 9000])
async def test_sessions_of_any_size(people: People, size: int) -> None:
    person = await people.member(data={"bio": "é" * size} if size < 9000 else {})
    session = person.body if size < 9000 else {**person.body, "filler": "x" * size}
    headers = {"cookie": cookie_of(session), **SAME}
    answer = await asked(people, "GET", "/rest/v1/notes", headers)
    assert answer.status_code == 200, answer.text


async def test_a_session_that_is_not_encoded(people: People) -> None:
    person = await people.member()
    headers = {"cookie": f"{NAME}={quote(json.dumps({'access_token': person.body['access_token']}))}", **SAME}
    assert (await asked(people, "GET", "/auth/v1/user", headers)).status_code == 200


OTHERS = {
    "nothing says who asks": {},
    "another site": {"sec-fetch-site": "cross-site"},
    "a neighbour": {"sec-fetch-site": "same-site"},
    "somebody who typed it": {"sec-fetch-site": "none"},
    "nonsense": {"sec-fetch-site": "same-origin, cross-site"},
    "another origin": {"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
    "another origin that lies": {"origin": "https://evil.example", **SAME},
    "a sandboxed frame": {"origin": "null", **SAME},
    "an origin that begins alike": {"origin": APP + ".evil.example"},
    "an origin that ends alike": {"origin": "https://evil-app.example.com"},
    "in the clear": {"origin": APP.replace("https", "http")},
    "another port": {"origin": OWN.replace("8000", "8001")},
    "an empty origin": {"origin": "", **SAME},
}


@pytest.mark.parametrize("who", OTHERS)
async def test_other_sites_are_nobody(people: People, who: str) -> None:
    person = await people.member()
    await person.ask("POST", "/rest/v1/notes", json={"body": "mine"})
    headers = {"cookie": cookie_of(person.body), **OTHERS[who]}
    assert (await asked(people, "GET", "/rest/v1/notes", headers)).status_code == 401
    for method, path, body in (
        ("POST", "/rest/v1/notes", {"body": "evil"}),
        ("PATCH", "/rest/v1/notes?id=gt.0", {"body": "evil"}),
        ("DELETE", "/rest/v1/notes?id=gt.0", None),
        ("PUT", "/auth/v1/user", {"password": "evil horse 1"}),
        ("POST", "/auth/v1/logout", None),
        ("GET", "/auth/v1/user", None),
        ("GET", "/auth/v1/user/oauth/grants", None),
    ):
        answer = await asked(people, method, path, headers, json=body)
        assert answer.status_code == 401, (path, answer.text)
    form = {**headers, "content-type": "text/plain"}
    assert (await asked(people, "POST", "/rest/v1/notes", form, content=b'{"body":"evil"}')).status_code >= 400
    for method in ("POST", "DELETE"):
        refused(await asked(people, method, "/auth/v1/cookie", headers), 400, "validation_failed")
    assert [note["body"] for note in (await person.ask("GET", "/rest/v1/notes")).json()] == ["mine"]


async def test_an_authorization_header_wins(people: People) -> None:
    person, other = await people.member(), await people.member()
    headers = {"cookie": cookie_of(person.body), **SAME}
    with_token = {**headers, **other.headers}
    assert (await asked(people, "GET", "/auth/v1/user", with_token)).json()["id"] == other.uid
    for broken in ("Bearer x.y.z", "Bearer ", "Basic abc"):
        answer = await asked(people, "GET", "/auth/v1/user", {**headers, "authorization": broken})
        assert answer.status_code in (401, 403), broken


@pytest.mark.parametrize(
    "value",
    ["", "base64-", "base64-!!!", "base64-" + "A" * 3000, "x", "%", "[1]", '"text"', "base64-bnVsbA", "base64-" + "Ww" * 1500],
)
async def test_cookies_out_of_shape_are_nobodys(people: People, value: str) -> None:
    for text in (f"{NAME}={value}", f"{NAME}.0={value}", f"{NAME}.1={value}", value):
        answer = await asked(people, "GET", "/rest/v1/notes", {"cookie": text, **SAME})
        assert answer.status_code == 401
        assert "JWT" not in answer.text


async def test_two_cookies_of_a_name_are_none(people: People) -> None:
    """A neighbouring site may plant a cookie of this name: which of the two is ours cannot be told."""
    person, other = await people.member(), await people.member()
    both = f"{cookie_of(other.body)}; {cookie_of(person.body)}"
    assert (await asked(people, "GET", "/auth/v1/user", {"cookie": both, **SAME})).status_code == 401
    near = f"{cookie_of(person.body, 'x' + NAME)}; {cookie_of(person.body, NAME + 'x')}"
    assert (await asked(people, "GET", "/auth/v1/user", {"cookie": near, **SAME})).status_code == 401


async def test_a_forged_token_in_a_cookie_is_refused(people: People) -> None:
    person = await people.member()
    head, _, signature = person.body["access_token"].split(".")
    claims = base64.urlsafe_b64encode(b'{"role":"service_role"}').rstrip(b"=").decode()
    forged = {"access_token": f"{head}.{claims}.{signature}"}
    assert (await asked(people, "GET", "/rest/v1/notes", {"cookie": cookie_of(forged), **SAME})).status_code == 401
    for text in ("a\r\nx: y", "é", "a b", ""):
        answer = await asked(people, "GET", "/rest/v1/notes", {"cookie": cookie_of({"access_token": text}), **SAME})
        assert answer.status_code == 401


async def test_pages_on_the_list_may_send_cookies_and_no_others(people: People) -> None:
    for origin, may in ((APP, True), (OWN, True), ("https://evil.example", False), ("null", False)):
        answer = await asked(people, "GET", "/rest/v1/notes", {"origin": origin})
        assert (answer.headers.get("access-control-allow-credentials") == "true") is may
        assert answer.headers["access-control-allow-origin"] == (origin if may else "*")
        preflight = {"origin": origin, "access-control-request-method": "POST"}
        answer = await asked(people, "OPTIONS", "/rest/v1/notes", preflight)
        assert (answer.headers.get("access-control-allow-credentials") == "true") is may


# ---------------------------------------------------------------- out of the reach of scripts


def kept(answer: httpx.Response, before: dict[str, str] | None = None) -> dict[str, str]:
    """What a browser keeps after an answer; every cookie is out of scripts' reach."""
    found = dict(before or {})
    for text in answer.headers.get_list("set-cookie"):
        for name, morsel in SimpleCookie(text).items():
            assert (morsel["httponly"], morsel["samesite"], morsel["path"]) == (True, "Lax", "/")
            if morsel["max-age"] == "0":
                found.pop(name, None)
            else:
                found[name] = morsel.value
    return found


def sent(cookies: dict[str, str]) -> dict[str, str]:
    return {"cookie": "; ".join(f"{name}={value}" for name, value in cookies.items()), **SAME}


async def test_the_server_keeps_the_session(people: People) -> None:
    person = await people.member()
    begun = await asked(people, "POST", "/auth/v1/cookie", SAME, json={"refresh_token": person.refresh_token})
    assert begun.status_code == 200, begun.text
    assert begun.json().keys() == {"expires_at", "expires_in", "user"}
    assert begun.json()["user"]["id"] == person.uid
    browser = kept(begun)
    assert (await asked(people, "GET", "/auth/v1/user", sent(browser))).json()["id"] == person.uid
    assert (await asked(people, "POST", "/rest/v1/notes", sent(browser), json={"body": "x"})).status_code == 201
    renewed = kept(await asked(people, "POST", "/auth/v1/cookie", sent(browser)), browser)
    assert renewed != browser
    assert (await asked(people, "GET", "/auth/v1/user", sent(renewed))).status_code == 200
    ended = await asked(people, "DELETE", "/auth/v1/cookie", sent(renewed))
    assert (ended.status_code, kept(ended, renewed)) == (204, {})
    assert (await asked(people, "GET", "/auth/v1/user", sent(renewed))).status_code == 403
    assert (await asked(people, "GET", "/rest/v1/notes", sent(renewed))).status_code == 401
    refused(await asked(people, "POST", "/auth/v1/cookie", sent(renewed)), 400, "session_not_found")


async def test_nothing_to_begin_with(people: People) -> None:
    refused(await asked(people, "POST", "/auth/v1/cookie", SAME), 401, "no_authorization")
    for token in ("x", "x" * 12, "a" * 1000):
        answer = await asked(people, "POST", "/auth/v1/cookie", SAME, json={"refresh_token": token})
        assert answer.status_code == 400
        assert "set-cookie" not in answer.headers
    assert (await asked(people, "DELETE", "/auth/v1/cookie", SAME)).status_code == 204
    garbage = {"cookie": f"{NAME}={encoded({'refresh_token': 'x'})}", **SAME}
    assert (await asked(people, "DELETE", "/auth/v1/cookie", garbage)).status_code == 204


async def test_switched_off() -> None:
    async with TestClient(app, settings=settings(autoconfirm=True)) as client:
        people = People(client)
        person = await people.member()
        headers = {"cookie": cookie_of(person.body), **SAME}
        assert (await asked(people, "GET", "/auth/v1/user", headers)).status_code == 401
        refused(await asked(people, "POST", "/auth/v1/cookie", headers), 404, "feature_disabled")
        answer = await asked(people, "GET", "/rest/v1/notes", {"origin": APP})
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize("size", [1, 2000, 2400, 10_000, 15_000])
def test_what_is_written_is_read(size: int) -> None:
    for secure in (True, False):
        cookie = SessionCookie(NAME, frozenset(), secure)
        session = {"access_token": "a.b.c", "filler": "x" * size}
        headers = cookie.written(session)
        assert all((b"; Secure" in text) is secure for _, text in headers)
        assert all(len(text) < 4096 for _, text in headers)
        values = [text.split(b";")[0] for _, text in headers if b"Max-Age=0" not in text]
        assert cookie.session([(b"cookie", b"; ".join(values))]) == session
        assert cookie.session([(b"cookie", value) for value in values]) == session


@pytest.mark.parametrize("name", ["a b", "a;b", "a=b", "ä", "x" * 101, "a\n"])
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(ConfigError, match="is no name of a cookie"):
        load({"--auth-cookie": name}, {})
