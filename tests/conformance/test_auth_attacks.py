"""What attackers send to `/auth/v1`: forged tokens, guesses, redirects elsewhere, bodies out of shape. All of it is refused."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from mainspring.http.dispatch import Dispatcher
from mainspring.observe import discard
from mainspring.services.identity.keys.api_keys import open_api_keys
from mainspring.services.identity.keys.keys import open_keys
from mainspring.testing.client import TestClient
from tests.support.people import PASSWORD, People, Session, app, refused, relative, settings

UID = "5a1d0000-0000-4000-8000-000000000009"


@pytest.fixture
async def people(tmp_path: Path) -> AsyncIterator[People]:
    async with TestClient(app, f"sqlite:///{tmp_path}/people.sqlite", settings=settings()) as client:
        yield People(client)


def part(value: Any) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def hs256(header: Any, claims: Any, key: bytes) -> str:
    signed = f"{part(header)}.{part(claims)}"
    return f"{signed}.{base64.urlsafe_b64encode(hmac.digest(key, signed.encode(), 'sha256')).rstrip(b'=').decode()}"


async def test_forged_tokens(people: People) -> None:
    session = await people.member()
    head, payload, signature = session.body["access_token"].split(".")
    jwks = (await people.anon.get("/auth/v1/.well-known/jwks.json")).json()
    public, kid = json.dumps(jwks), jwks["keys"][0]["kid"]
    claims = jwt.decode(session.body["access_token"], options={"verify_signature": False})
    other = ec.generate_private_key(ec.SECP256R1())
    admin = part({**claims, "role": "service_role"})
    forged = {
        "alg none": f"{part({'alg': 'none', 'typ': 'JWT'})}.{payload}.",
        "alg none, with a signature": f"{part({'alg': 'None'})}.{payload}.{signature}",
        "another payload": f"{head}.{admin}.{signature}",
        "HS256 with the public key": hs256({"alg": "HS256", "kid": kid}, claims, public.encode()),
        "HS256 with nothing": f"{part({'alg': 'HS256'})}.{payload}.{signature}",
        "a key of one's own": jwt.encode(claims, other, algorithm="ES256", headers={"kid": kid}),
        "a kid that is a path": jwt.encode(claims, other, algorithm="ES256", headers={"kid": "../../dev/null"}),
        "a jku": jwt.encode(claims, other, algorithm="ES256", headers={"jku": "https://evil.example/jwks.json"}),
        "a jwk": jwt.encode(claims, other, algorithm="ES256", headers={"jwk": jwks["keys"][0]}),
        "no signature": f"{head}.{payload}.",
        "a refresh token": session.refresh_token,
    }
    for name, token in forged.items():
        asker = Session(people.anon, {"access_token": token, "user": {}})
        refused(await asker.ask("GET", "/auth/v1/user"), 403, "bad_jwt")
        assert (await asker.ask("GET", "/rest/v1/notes")).status_code == 401, name
        answer = await asker.ask("GET", "/auth/v1/admin/users")
        assert answer.status_code == 403, name


async def test_tokens_for_somebody_else_or_another_time(people: People) -> None:
    session, now = await people.member(), int(time.time())
    for wrong in ({"aud": "others"}, {"exp": now - 60}, {"nbf": now + 60}, {"iat": now + 60}, {"sub": "1"}, {"sub": 7}):
        token = people.test.token(session.uid, **wrong)
        asker = Session(people.anon, {"access_token": token, "user": {}})
        answer = await asker.ask("GET", "/auth/v1/user")
        assert (answer.status_code, answer.headers["x-sb-error-code"]) in ((400, "bad_jwt"), (403, "bad_jwt")), wrong
        assert (await asker.ask("GET", "/rest/v1/notes")).status_code == 401, wrong


async def test_nobody_signs_up_as_more_than_a_user(people: People) -> None:
    more = {"role": "service_role", "app_metadata": {"roles": ["staff"]}, "id": UID, "email_confirm": True}
    more |= {"is_anonymous": True, "aud": "admin", "user_metadata": {"x": 1}, "email_confirmed_at": "2020-01-01"}
    user = await people.sign_up("eve@example.com", **more)
    assert (user["role"], user["aud"], user["is_anonymous"]) == ("authenticated", "authenticated", False)
    assert user["app_metadata"] == {"provider": "email", "providers": ["email"]}
    assert user["id"] != UID
    assert "email_confirmed_at" not in user
    session = await people.verified("signup", "eve@example.com")
    claims = jwt.decode(session.body["access_token"], options={"verify_signature": False})
    assert (claims["role"], claims["app_metadata"]) == ("authenticated", user["app_metadata"])
    hidden = await session.ask("PUT", "/auth/v1/user", json={"data": {"sub": UID, "email": "boss@example.com"}})
    assert (hidden.json()["id"], hidden.json()["email"]) == (session.uid, "eve@example.com")


@pytest.mark.parametrize("first", ["attacker", "owner"])
async def test_nobody_prepares_an_account_for_its_owner(people: People, first: str) -> None:
    """Somebody signs up with another's address, and its owner confirms it: only what the owner chose signs in."""
    email = people.address()
    passwords = ["the attacker's 1", "the owner's 1"]
    for password in passwords if first == "attacker" else reversed(passwords):
        await people.sign_up(email, password)
    owner = await people.verified("signup", email)
    for password in passwords:
        answer = await people.post("/token?grant_type=password", {"email": email, "password": password})
        refused(answer, 400, "invalid_credentials")
    assert (await owner.ask("PUT", "/auth/v1/user", json={"password": "the owner's 1"})).status_code == 200
    await people.sign_in(email, "the owner's 1")


async def test_nobody_prepares_an_account_for_who_signs_in_by_mail(people: People) -> None:
    email = people.address()
    await people.sign_up(email, "the attacker's 1")
    await people.post("/otp", {"email": email})
    await people.verified("email", email)
    answer = await people.post("/token?grant_type=password", {"email": email, "password": "the attacker's 1"})
    refused(answer, 400, "invalid_credentials")


async def test_guesses_run_into_a_bound() -> None:
    async with TestClient(app, settings=settings(rate_guesses=10)) as client:
        people = People(client)
        email = people.address()
        await people.sign_up(email)
        code = (await people.mail(email, "confirmation"))["code"]
        statuses: list[int] = []
        for guess in range(200):
            body = {"type": "signup", "email": email, "token": f"{(int(code) + 1 + guess) % 10**6:06}"}
            statuses.append((await people.post("/verify", body)).status_code)
        assert statuses == [403] * 10 + [429] * 190
        token = (await people.mail(email, "confirmation"))["token"]
        link = await people.post("/verify", {"type": "signup", "token_hash": token})
        assert link.status_code == 200, "who has the mail is not kept out"

        for attempt in range(10):
            body = {"email": email, "password": f"guess {attempt}"}
            refused(await people.post("/token?grant_type=password", body), 400, "invalid_credentials")
        answer = await people.post("/token?grant_type=password", {"email": email, "password": PASSWORD})
        assert refused(answer, 429, "over_request_rate_limit") == "Request rate limit reached"
        assert 1 <= int(answer.headers["retry-after"]) <= 30
        other = await people.member()
        await people.sign_in(other.body["user"]["email"])


async def test_one_address_may_not_ask_too_often() -> None:
    async with TestClient(app, settings=settings(rate_send=3, rate_token=5)) as client:
        people = People(client)
        answers = [await people.post("/recover", {"email": f"a{number}@example.com"}) for number in range(5)]
        assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
        assert refused(answers[-1], 429, "over_request_rate_limit") == "Request rate limit reached"
        answers = [await people.refresh("abcdefghijkl") for _ in range(7)]
        assert [answer.status_code for answer in answers] == [400] * 5 + [429] * 2


async def test_a_mailbox_is_not_flooded() -> None:
    async with TestClient(app, settings=settings(mail={"interval_seconds": 60})) as client:
        people = People(client)
        known = people.address()
        await people.sign_up(known)
        for email in (known, "nobody@example.com"):
            assert (await people.post("/recover", {"email": email})).status_code == 200
            answer = await people.post("/recover", {"email": email})
            text = refused(answer, 429, "over_email_send_rate_limit")
            assert text.startswith("For security purposes, you can only request this after ")
        again = await people.post("/signup", {"email": known, "password": PASSWORD})
        refused(again, 429, "over_email_send_rate_limit")


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "javascript:alert(1)",
        "http://127.0.0.1:8000@evil.example/",
        "http://evil.example\\@127.0.0.1:8000/",
        "http://2130706433/",
        "http://192.0.2.7/",
        "https://app.example.com.evil.example/x",
        "https://app.example.com/a\r\nset-cookie: x=1",
        "http://127.0.0.1:8000/\r\nlocation: http://evil.example",
        "data:text/html,x",
    ],
)
async def test_nobody_is_sent_elsewhere(target: str) -> None:
    async with TestClient(app, settings=settings(redirect_urls=("https://app.example.com/**",))) as client:
        people = People(client)
        email = people.address()
        await people.anon.post(f"/auth/v1/signup?redirect_to={quote(target)}", json={"email": email, "password": PASSWORD})
        link = (await people.mail(email, "confirmation"))["link"]
        assert link.endswith("&redirect_to=http://127.0.0.1:8000")
        answer = await people.anon.get(relative(link).partition("&redirect_to")[0] + f"&redirect_to={quote(target)}")
        assert urlsplit(answer.headers["location"]).netloc == "127.0.0.1:8000"
        assert "set-cookie" not in answer.headers


async def test_bodies_out_of_shape(people: People) -> None:
    session = await people.member()
    deep = b'{"data":' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}"
    bodies = [b"", b"null", b"[]", b"{", b'"x"', b"\xff\xfe", deep]
    bodies += [b'{"email": {"a": 1}}', b'{"data": [1]}', b'{"email": "\\ud800"}']
    bodies += [b'{"email": "a@b.c", "password": "\\u0000\\u0000\\u0000\\u0000\\u0000\\u0000", "data": {"a": "\\u0000"}}']
    bodies += [b'{"type": "signup", "token_hash": "\\u0000", "refresh_token": "\\u0000", "auth_code": "\\u0000"}']
    posts = ("signup", "token?grant_type=password", "token?grant_type=refresh_token", "token?grant_type=pkce", "otp")
    for path in (*posts, "recover", "resend", "verify", "magiclink", "token", "admin/users", "logout?scope="):
        for body in bodies:
            answer = await session.ask("POST", f"/auth/v1/{path}", content=body)
            assert answer.status_code < 500, (path, body[:40], answer.text)
    for body in bodies:
        assert (await session.ask("PUT", "/auth/v1/user", content=body)).status_code < 500
        place = f"/auth/v1/admin/users/{session.uid}"
        assert (await people.service.put(place, content=body)).status_code < 500
    large = await people.anon.post("/auth/v1/signup", content=b'{"email": "' + b"a" * 1_100_000 + b'"}')
    refused(large, 413, "request_entity_too_large")
    for path in ("/auth/v1/nothing", "/auth/v1/admin/users/1/2", "/auth/v1"):
        assert (await people.anon.get(path)).status_code == 404
    assert (await people.anon.delete("/auth/v1/signup")).status_code == 405
    pages = ("page=1e9", "per_page=-1", "page=99999999999999999999")
    for query in (*pages, "sort=encrypted_password", "sort=email;x", "filter=%00"):
        answer = await people.service.get(f"/auth/v1/admin/users?{query}")
        assert answer.status_code < 500, query


async def test_what_is_stored_signs_nobody_in(people: People, tmp_path: Path) -> None:
    email = people.address()
    session = await people.member(email)
    await people.post("/recover", {"email": email})
    mail = await people.mail(email, "recovery")
    stored = b"".join(path.read_bytes() for path in tmp_path.glob("people.sqlite*"))  # noqa: ASYNC240  # small files, nothing else runs
    for secret in (PASSWORD, mail["token"], session.refresh_token, session.body["access_token"]):
        assert secret.encode() not in stored
    assert b"$argon2id$" in stored


@pytest.mark.alone
async def test_another_worker_refuses_within_the_bound(tmp_path: Path) -> None:
    """Two workers on one database: what one revokes, the other refuses, tokens it has verified before as well."""
    usual = settings(autoconfirm=True, revocation_seconds=0.2)
    usual = replace(usual, database=replace(usual.database, url=f"sqlite:///{tmp_path}/shared.sqlite"))
    workers: list[Dispatcher] = []
    try:
        for _ in range(2):
            workers.append(app.build(usual, tmp_path, discard))
            await workers[-1].start()
        key = open_api_keys(tmp_path / "keys", open_keys(tmp_path / "keys", usual.auth)).anon
        one, two = (
            httpx.AsyncClient(transport=httpx.ASGITransport(each), base_url="http://test", headers={"apikey": key})
            for each in workers
        )
        answer = await one.post("/auth/v1/signup", json={"email": "ann@example.com", "password": PASSWORD})
        headers = {"authorization": f"Bearer {answer.json()['access_token']}"}
        assert (await two.get("/rest/v1/notes", headers=headers)).status_code == 200
        assert (await one.post("/auth/v1/logout", headers=headers)).status_code == 204
        assert (await one.get("/rest/v1/notes", headers=headers)).status_code == 401, "the same worker at once"
        await asyncio.sleep(1.0)
        assert (await two.get("/rest/v1/notes", headers=headers)).status_code == 401
    finally:
        for worker in workers:
            await worker.stop()
