"""A captcha before sign-up, sign-in and whatever sends messages; and how attackers try to get past it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from mainspring.errors import ConfigError
from mainspring.settings import CaptchaSettings, Secret
from mainspring.surfaces.auth.captcha import PATHS
from mainspring.testing.client import TestClient
from tests.support.listening import Elsewhere, Request, elsewhere, reply
from tests.support.people import PASSWORD, Open, People, app, refused, settings

GOOD = {"gotrue_meta_security": {"captcha_token": "good"}}
REFUSED = reply(200, b'{"success":false,"error-codes":["invalid-input-response"]}')


def judge(request: Request) -> bytes:
    form = parse_qs(request.body.decode())
    fine = form["response"] == ["good"] and form["secret"] == ["0x1"]
    return reply(200, b'{"success":true,"hostname":"x"}') if fine else REFUSED


def set_to(verifier: Elsewhere, provider: str = "turnstile") -> dict[str, Any]:
    return {"provider": provider, "secret": Secret("0x1"), "url": verifier.url}


@asynccontextmanager
async def guarded(verifier: Elsewhere, **more: Any) -> AsyncIterator[People]:
    async with TestClient(app, settings=settings(captcha=set_to(verifier), phone=True, **more)) as client:
        yield People(client)


@pytest.mark.parametrize("provider", ["turnstile", "hcaptcha"])
async def test_a_person_passes(opened: Open, provider: str) -> None:
    async with elsewhere(judge) as verifier, opened(captcha=set_to(verifier, provider)) as people:
        email = people.address()
        body = {"email": email, "password": PASSWORD}
        told = refused(await people.post("/signup", body), 400, "captcha_failed")
        assert told == "captcha protection: request disallowed (no captcha_token found)"
        bad = {"gotrue_meta_security": {"captcha_token": "bad"}}
        told = refused(await people.post("/signup", {**body, **bad}), 400, "captcha_failed")
        assert told == "captcha protection: request disallowed (invalid-input-response)"
        assert await people.mails(email) == []
        session = await people.member(email, **GOOD)
        assert (await people.refresh(session.refresh_token)).status_code == 200
        answer = await people.post("/token?grant_type=password", {**body, **GOOD})
        assert answer.status_code == 200
        assert "gotrue_meta_security" not in answer.text
    assert verifier.asked[0].headers["content-type"] == "application/x-www-form-urlencoded"
    assert set(parse_qs(verifier.asked[0].body.decode())) == {"secret", "response", "remoteip"}


BODIES: dict[str, Any] = {
    "/signup": {"email": "a@example.com", "password": PASSWORD},
    "/recover": {"email": "a@example.com"},
    "/resend": {"type": "signup", "email": "a@example.com"},
    "/magiclink": {"email": "a@example.com"},
    "/otp": {"phone": "46701234567"},
    "/token?grant_type=password": {"email": "a@example.com", "password": PASSWORD},
    "/token": {},
    "/token?grant_type=nonsense": {},
    "/token?grant_type=web3": {"chain": "ethereum"},
    "/token?grant_type=refresh_token&grant_type=password": {"email": "a@example.com", "password": PASSWORD},
    "/signup/": {},
}


@pytest.mark.parametrize("path", BODIES)
async def test_where_a_captcha_is_asked_for(path: str) -> None:
    async with elsewhere(judge) as verifier, guarded(verifier) as people:
        refused(await people.post(path, BODIES[path]), 400, "captcha_failed")
        passed = await people.post(path, {**BODIES[path], **GOOD})
        assert passed.headers.get("x-sb-error-code") != "captcha_failed"
        with_service_key = await people.service.post(f"/auth/v1{path}", json=BODIES[path])
        assert with_service_key.headers.get("x-sb-error-code") != "captcha_failed"
    assert len(verifier.asked) == 1


async def test_where_none_is_asked_for() -> None:
    async with elsewhere(judge) as verifier, guarded(verifier) as people:
        for path in ("/token?grant_type=refresh_token", "/token?grant_type=pkce", "/verify", "/logout"):
            answer = await people.post(path, {})
            assert answer.headers["x-sb-error-code"] != "captcha_failed", path
        assert (await people.anon.get("/auth/v1/settings")).status_code == 200
    assert verifier.asked == []
    assert {path.partition("?")[0].rstrip("/") for path in BODIES} <= PATHS


@pytest.mark.parametrize(
    "security",
    [
        None,
        {},
        "good",
        ["good"],
        {"captcha_token": None},
        {"captcha_token": ""},
        {"captcha_token": "  "},
        {"captcha_token": ["good"]},
        {"captcha_token": True},
        {"captcha_token": "good" + "x" * 10_000},
        {"captcha_token": "good&response=x"},
        {"captcha_token": "x&response=good"},
        {"captcha_token": "good\u0000"},
        {"captcha_token": "\ud800"},
    ],
)
async def test_how_nobody_gets_past(security: Any) -> None:
    async with elsewhere(judge) as verifier, guarded(verifier) as people:
        raw = json.dumps({**BODIES["/signup"], "gotrue_meta_security": security})
        answer = await people.anon.post("/auth/v1/signup", content=raw.encode())
        assert answer.status_code == 400, answer.text
        assert answer.headers["x-sb-error-code"] in ("captcha_failed", "bad_json")
        listed = (await people.service.get("/auth/v1/admin/users")).json()["users"]
        assert listed == []


async def test_tokens_of_users_and_forged_ones_do_not_get_past() -> None:
    async with elsewhere(judge) as verifier, guarded(verifier, autoconfirm=True) as people:
        session = await people.member(**GOOD)
        for token in (session.body["access_token"], "nonsense", people.test.token(session.uid, role="authenticated")):
            more = {"headers": {"authorization": f"Bearer {token}"}}
            refused(await people.post("/otp", {"email": "a@example.com"}, **more), 400, "captcha_failed")


@pytest.mark.parametrize(
    "answer",
    [reply(200, b"no json"), reply(200, b"[]"), reply(200, b'{"success":"yes"}'), reply(500), b"nonsense", reply(302, b"")],
)
async def test_a_verifier_that_misbehaves(answer: bytes) -> None:
    async with elsewhere(lambda _: answer) as verifier, guarded(verifier) as people:
        refused(await people.post("/signup", {**BODIES["/signup"], **GOOD}), 500, "unexpected_failure")


async def test_the_verifier_is_not_flooded() -> None:
    async with elsewhere(lambda _: REFUSED) as verifier, guarded(verifier, rate_token=10) as people:
        answers: list[httpx.Response] = await asyncio.gather(
            *(people.post("/signup", {**BODIES["/signup"], **GOOD}) for _ in range(30))
        )
        assert sorted(answer.status_code for answer in answers) == [400] * 10 + [429] * 20
    assert len(verifier.asked) == 10


async def test_what_a_captcha_needs() -> None:
    for wrong, match in (({}, "secret"), ({"secret": Secret("x"), "url": "http://example.com"}, "https")):
        with pytest.raises(ConfigError, match=match):
            async with TestClient(app, settings=settings(captcha={"provider": "turnstile", **wrong})):
                pass
    assert CaptchaSettings().provider == ""
