"""Text messages through gateways: what arrives there, how it is signed, and what is answered when none takes them."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from typing import Any
from urllib.parse import parse_qs

import pytest

from mainspring.backends.mail.memory import Inbox
from mainspring.backends.registry import InboxSms, NoSms, Nowhere, open_sms, open_web
from mainspring.backends.web.base import ReplyTooLarge, Unreachable
from mainspring.backends.web.signing import secrets_of, signed
from mainspring.backends.web.urls import is_safe
from mainspring.errors import ConfigError
from mainspring.observe import Observation, TextFailed, TextsLost
from mainspring.settings import Secret, SmsSettings
from mainspring.testing.client import TestClient
from tests.support.listening import Elsewhere, elsewhere, reply
from tests.support.people import PASSWORD, People, app, refused, settings

pytest.importorskip("httpx2")
SECRET = "v1,whsec_" + base64.b64encode(b"s" * 32).decode()


def twilio(gateway: Elsewhere, **more: Any) -> dict[str, Any]:
    account = {"account": "AC1", "secret": Secret("token"), "sender": "46700000000"}
    return {"provider": "twilio", "url": gateway.url, **account, **more}


async def test_a_text_through_twilio() -> None:
    async with (
        elsewhere(lambda _: reply(201, b'{"sid":"SM1","status":"queued"}')) as gateway,
        TestClient(app, settings=settings(phone=True, sms=twilio(gateway, rate_hour=2))) as client,
    ):
        people = People(client)
        assert (await people.anon.get("/auth/v1/settings")).json()["sms_provider"] == "twilio"
        assert (await people.post("/otp", {"phone": "46701234567"})).json() == {"message_id": "SM1"}
        await people.post("/otp", {"phone": "46701234567", "channel": "whatsapp"})
        told = refused(await people.post("/otp", {"phone": "46701234567"}), 429, "over_sms_send_rate_limit")
        assert told == "SMS rate limit exceeded"
    first, second = gateway.asked
    assert first.path == "/2010-04-01/Accounts/AC1/Messages.json"
    assert first.headers["authorization"] == "Basic " + base64.b64encode(b"AC1:token").decode()
    form = parse_qs(first.body.decode())
    assert (form["To"], form["From"], form["Body"][0][:13]) == (["+46701234567"], ["46700000000"], "Your code is ")
    form = parse_qs(second.body.decode())
    assert (form["To"], form["From"]) == (["whatsapp:+46701234567"], ["whatsapp:46700000000"])


async def test_a_text_to_an_address_of_ones_own_is_signed() -> None:
    async with elsewhere(lambda _: reply(200, b'{"message_id":"m-1"}')) as own:
        sms = {"provider": "webhook", "url": f"{own.url}/texts", "secret": Secret(SECRET)}
        async with TestClient(app, settings=settings(phone=True, sms=sms)) as client:
            answer = await People(client).post("/otp", {"phone": "46701234567"})
            assert answer.json() == {"message_id": "m-1"}
    (asked,) = own.asked
    body = json.loads(asked.body)
    assert (body["phone"], body["channel"], asked.path) == ("+46701234567", "sms", "/texts")
    at = asked.headers["webhook-timestamp"]
    assert abs(time.time() - int(at)) < 60
    said = f"{asked.headers['webhook-id']}.{at}.".encode() + asked.body
    right = base64.b64encode(hmac.digest(b"s" * 32, said, hashlib.sha256)).decode()
    assert asked.headers["webhook-signature"] == f"v1,{right}"


@pytest.mark.parametrize(
    "answer",
    [
        reply(400, b'{"code":21211,"message":"secret of the gateway"}'),
        reply(201, b'{"sid":"SM1","status":"failed"}'),
        reply(201, b"no json"),
        reply(302, b"", location="http://127.0.0.1:1/"),
        reply(201, b"x" * 200_000),
        b"nonsense",
    ],
)
async def test_a_gateway_that_takes_none(answer: bytes) -> None:
    told: list[Observation] = []
    async with elsewhere(lambda _: answer) as gateway:
        async with TestClient(app, settings=settings(phone=True, sms=twilio(gateway)), observe=told.append) as client:
            people = People(client)
            body = {"phone": "46701234567", "password": PASSWORD}
            for path in ("/signup", "/otp"):
                refusal = await people.post(path, body)
                assert refused(refusal, 422, "sms_send_failed").endswith("OTP to provider")
                assert "secret" not in refusal.text
        assert len(gateway.asked) == 2, "no redirect is followed"
    assert len([fact for fact in told if isinstance(fact, TextFailed)]) == 2


async def test_nothing_carries_texts() -> None:
    told: list[Observation] = []
    both = settings(phone=True, mail={"inbox": "off"})
    async with TestClient(app, settings=both, observe=told.append) as client:
        refused(await People(client).post("/otp", {"phone": "46701234567"}), 422, "sms_send_failed")
    assert [type(fact) for fact in told if isinstance(fact, TextsLost)] == [TextsLost]


async def test_what_is_asked_of_others_is_bounded() -> None:
    async def never(_: object) -> bytes:
        await asyncio.sleep(30)
        return b""

    web = open_web("sms.provider")
    async with elsewhere(lambda _: reply(200, b"x" * 5000)) as large, elsewhere(never) as slow:
        with pytest.raises(ReplyTooLarge):
            await web.post(large.url, b"", {}, 5, 4999)
        assert len((await web.post(large.url, b"", {}, 5, 5000)).body) == 5000
        with pytest.raises(Unreachable) as caught:
            await web.post(slow.url, b"", {}, 0.1, 10)
        assert caught.value.late
    with pytest.raises(Unreachable):
        await web.post("http://192.0.2.1/", b"", {}, 5, 10)
    await web.close()


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://example.com/x", True),
        ("http://127.0.0.1:9/x", True),
        ("http://localhost", True),
        ("http://[::1]:80/", True),
        ("http://example.com", False),
        ("http://127.0.0.1.example.com", False),
        ("https://user@example.com", False),
        ("https://", False),
        ("ftp://127.0.0.1", False),
        ("https://example.com:x", False),
        ("file:///etc/passwd", False),
    ],
)
def test_where_may_be_asked(url: str, safe: bool) -> None:
    assert is_safe(url) == safe


def test_signatures() -> None:
    one = secrets_of(SECRET)
    assert one == (b"s" * 32,)
    other = "v1,whsec_" + base64.b64encode(b"t" * 24).decode()
    headers = signed(secrets_of(f"{SECRET}|{other}"), "msg", 5, b"{}")
    assert headers["webhook-signature"].split(" ")[0] == signed(one, "msg", 5, b"{}")["webhook-signature"]
    assert len(headers["webhook-signature"].split(" ")) == 2
    for wrong in ("", "whsec_" + "A" * 44, "v1,whsec_short", "v1,whsec_" + "A" * 31 + "!", SECRET + "|"):
        with pytest.raises(ValueError, match="whsec"):
            secrets_of(wrong)


def test_where_texts_go() -> None:
    assert isinstance(open_sms(SmsSettings(), Inbox(), None), InboxSms)
    assert isinstance(open_sms(SmsSettings(), Nowhere(), None), NoSms)
    web = open_web("sms.provider")
    for wrong, setting in (
        (SmsSettings(provider="twilio"), "sms.account"),
        (SmsSettings(provider="webhook", url="http://example.com", secret=Secret(SECRET)), "sms.url"),
        (SmsSettings(provider="webhook", url="https://example.com", secret=Secret("x")), "sms.secret"),
    ):
        with pytest.raises(ConfigError, match=setting):
            open_sms(wrong, Inbox(), web)


async def test_codes_known_beforehand_are_numbers_and_codes() -> None:
    with pytest.raises(ConfigError, match="test_codes"):
        async with TestClient(app, settings=settings(sms={"test_codes": ("46700000001",)})):
            pass
