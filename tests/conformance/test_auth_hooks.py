"""Hooks: functions of the application and addresses of its operator, which have a say in what people who sign in do."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from typing import Any

import jwt
import pytest

from mainspring import Mainspring, Refusal
from mainspring.backends.web import webhook
from mainspring.errors import ConfigError
from mainspring.observe import HookErrored, Observation
from mainspring.settings import Secret
from mainspring.testing.client import TestClient
from tests.support.listening import Elsewhere, Request, elsewhere, reply
from tests.support.people import PASSWORD, Note, Open, People, Session, app, make, refused, settings

SECRETS = Secret("v1,whsec_" + base64.b64encode(b"s" * 32).decode())
Event = dict[str, Any]


def claims(session: Session) -> dict[str, Any]:
    return dict(jwt.decode(session.body["access_token"], options={"verify_signature": False}))


def hooked(name: str, function: Callable[..., Any]) -> Mainspring:
    made = make()
    made.auth_hook(name)(function)
    return made


def asking(name: str, server: Elsewhere) -> dict[str, Any]:
    """The settings that ask a server."""
    return {name: server.url, f"{name}_secrets": SECRETS}


# ---------------------------------------------------------------- new users


async def test_who_may_come_in(opened: Open) -> None:
    asked: list[Event] = []

    async def only_ours(event: Event) -> Event | None:
        asked.append(event)
        if event["user"]["email"].endswith("@evil.example"):
            return {"error": {"http_code": 403, "message": "Not from there"}}
        if event["user"]["email"].startswith("odd"):
            raise Refusal("Nobody odd", status=422)
        return None

    async with opened(hooked("before_user_created", only_ours)) as people:
        told = refused(await people.post("/signup", {"email": "a@evil.example", "password": PASSWORD}), 403, "unknown")
        assert told == "Not from there"
        refused(await people.post("/otp", {"email": "b@evil.example"}), 403, "unknown")
        refused(await people.post("/otp", {"email": "odd@example.com"}), 422, "unknown")
        refused(await people.service.post("/auth/v1/invite", json={"email": "c@evil.example"}), 403, "unknown")
        link = {"type": "magiclink", "email": "d@evil.example"}
        refused(await people.service.post("/auth/v1/admin/generate_link", json=link), 403, "unknown")
        listed = (await people.service.get("/auth/v1/admin/users")).json()["users"]
        assert listed == []
        assert await people.mails("a@evil.example") == []
        await people.member("ann@example.com")
        assert (await people.post("/signup", {})).json()["user"]["is_anonymous"]
    assert [event["user"]["email"] for event in asked[-2:]] == ["ann@example.com", ""]
    metadata = asked[0]["metadata"]
    assert (metadata["name"], set(metadata)) == ("before-user-created", {"uuid", "time", "name", "ip_address"})
    assert (asked[0]["user"]["app_metadata"]["provider"], asked[0]["user"]["role"]) == ("email", "authenticated")


async def test_who_is_new_is_told(opened: Open) -> None:
    asked: list[Event] = []
    async with opened(hooked("after_user_created", asked.append), phone=True) as people:
        email, phone = people.address(), people.number()
        await people.member(email)
        await people.sign_up(email)
        await people.post("/otp", {"phone": phone})
        await people.post("/signup", {})
        await people.service.post("/auth/v1/invite", json={"email": people.address()})
    assert [event["metadata"]["name"] for event in asked] == ["after-user-created"] * 4
    assert [event["user"]["phone"] or event["user"]["email"] for event in asked][:2] == [email, phone]


# ---------------------------------------------------------------- claims


async def test_claims_that_policies_see(opened: Open) -> None:
    asked: list[Event] = []
    made = make()

    @made.policy(Note, "select", to="authenticated")
    def of_the_team(note: Any, me: Any) -> Any:
        return note.body == me.claim("team")

    @made.auth_hook("custom_access_token")
    def team(event: Event) -> Event:
        asked.append(event)
        event["claims"]["team"] = "red"
        event["claims"]["user_metadata"] = {}
        return {"claims": event["claims"]}

    async with opened(made) as people:
        await people.member()
        session = await people.member(data={"a": 1})
        other = await people.member()
        await other.ask("POST", "/rest/v1/notes", json=[{"id": 1, "body": "red"}, {"id": 2, "body": "blue"}])
        assert [note["body"] for note in (await session.ask("GET", "/rest/v1/notes")).json()] == ["red"]
        assert claims(session)["team"] == "red"
        assert (await session.ask("GET", "/auth/v1/user")).json()["user_metadata"]["a"] == 1, "only the token says otherwise"
        again = await people.refresh(session.refresh_token)
        assert jwt.decode(again.json()["access_token"], options={"verify_signature": False})["team"] == "red"
        await people.sign_in(session.body["user"]["email"])
    methods = [event["authentication_method"] for event in asked if event["user_id"] == session.uid]
    assert methods == ["otp", "token_refresh", "password"]
    assert asked[0]["metadata"]["name"] == "customize-access-token"
    assert {"sub", "aud", "exp", "iat", "role", "aal", "amr", "session_id", "app_metadata"} <= set(asked[0]["claims"])


WRONG: dict[str, Callable[[Event], Any]] = {
    "nothing": lambda event: None,
    "no claims": lambda event: {},
    "no object": lambda event: {"claims": [1]},
    "no sub": lambda event: {"claims": {**event["claims"], "sub": None}},
    "no session": lambda event: {"claims": {name: value for name, value in event["claims"].items() if name != "session_id"}},
    "an exp that is a text": lambda event: {"claims": {**event["claims"], "exp": "9"}},
    "an exp that is a truth": lambda event: {"claims": {**event["claims"], "exp": True}},
    "roles that are no object": lambda event: {"claims": {**event["claims"], "app_metadata": ["x"]}},
    "what is no JSON": lambda event: {"claims": {**event["claims"], "x": object()}},
    "a list": lambda event: [event],
    "an error": lambda event: 1 / 0,
}


@pytest.mark.parametrize("wrong", WRONG)
async def test_a_token_that_would_be_none(wrong: str) -> None:
    told: list[Observation] = []
    hook = hooked("custom_access_token", WRONG[wrong])
    async with TestClient(hook, settings=settings(autoconfirm=True), observe=told.append) as client:
        people = People(client)
        answer = await people.post("/signup", {"email": "ann@example.com", "password": PASSWORD})
        text = refused(answer, 500, "unexpected_failure")
        assert text == "Unexpected failure, please check server logs for more information"
        assert (await people.service.get("/auth/v1/admin/users")).json()["users"] == [], "nobody is half there"
    assert [fact.hook for fact in told if isinstance(fact, HookErrored)] == ["custom_access_token"]


async def test_a_refusal_leaves_the_refresh_token_as_it_was(opened: Open) -> None:
    open_ = True

    def gate(event: Event) -> Event:
        if not open_:
            raise Refusal("Closed", status=403)
        return {"claims": event["claims"]}

    async with opened(hooked("custom_access_token", gate)) as people:
        session = await people.member()
        open_ = False
        assert refused(await people.refresh(session.refresh_token), 403, "unknown") == "Closed"
        open_ = True
        answer = await people.refresh(session.refresh_token)
        assert answer.headers["sb-auth-refresh-token-counter"] == "1"
        open_ = False
        email = session.body["user"]["email"]
        await people.post("/recover", {"email": email})
        code = (await people.mail(email, "recovery"))["code"]
        said = {"type": "recovery", "email": email, "token": code}
        refused(await people.post("/verify", said), 403, "unknown")
        open_ = True
        assert (await people.post("/verify", said)).status_code == 200, "the code has not been used up"


# ---------------------------------------------------------------- messages


async def test_mails_of_ones_own(opened: Open) -> None:
    asked: list[Event] = []
    async with opened(hooked("send_email", asked.append)) as people:
        email, new = people.address(), people.address()
        await people.sign_up(email, data={"a": 1})
        said = asked[0]["email_data"]
        assert (said["email_action_type"], asked[0]["user"]["email"], said["token_new"]) == ("signup", email, "")
        assert said["site_url"].endswith("/auth/v1")
        answer = await people.post("/verify", {"type": "email", "email": email, "token": said["token"]})
        session = Session(people.anon, answer.json())
        assert await people.mails(email) == []
        await session.ask("PUT", "/auth/v1/user", json={"email": new})
        said = asked[1]["email_data"]
        assert (said["email_action_type"], asked[1]["user"]["new_email"]) == ("email_change", new)
        for address, code in ((email, said["token"]), (new, said["token_new"])):
            answer = await people.post("/verify", {"type": "email_change", "email": address, "token": code})
            assert answer.status_code == 200, answer.text
        await people.post("/recover", {"email": new})
        await session.ask("GET", "/auth/v1/reauthenticate")
        await people.service.post("/auth/v1/invite", json={"email": people.address()})
        for _ in range(100):
            if len(asked) == 5:
                break
            await asyncio.sleep(0.01)
    kinds = sorted(event["email_data"]["email_action_type"] for event in asked[2:])
    assert kinds == ["invite", "reauthentication", "recovery"]


async def test_texts_of_ones_own(opened: Open) -> None:
    asked: list[Event] = []
    async with opened(hooked("send_sms", asked.append), phone=True) as people:
        phone = people.number()
        assert (await people.post("/otp", {"phone": phone})).json() == {}
        assert asked[0]["sms"]["phone"] == phone
        assert await people.mails(phone) == []
        answer = await people.post("/verify", {"type": "sms", "phone": phone, "token": asked[0]["sms"]["otp"]})
        assert answer.json()["user"]["id"] == asked[0]["user"]["id"]


async def test_a_text_that_is_refused(opened: Open) -> None:
    async with opened(hooked("send_sms", lambda event: {"error": {"http_code": 429, "message": "Later"}}), phone=True) as people:
        assert refused(await people.post("/otp", {"phone": people.number()}), 429, "unknown") == "Later"


# ---------------------------------------------------------------- tries


async def test_tries_of_passwords(opened: Open) -> None:
    asked: list[Event] = []

    def three(event: Event) -> Event:
        asked.append(event)
        tries = len([each for each in asked if not each["valid"]])
        if tries >= 3:
            return {"decision": "reject", "message": "Call us", "should_logout_user": True}
        return {"decision": "continue"}

    async with opened(hooked("password_verification_attempt", three)) as people:
        session = await people.member()
        email = session.body["user"]["email"]
        wrong = {"email": email, "password": "wrong one 1"}
        for message in ("Invalid login credentials", "Invalid login credentials", "Call us"):
            answer = await people.post("/token?grant_type=password", wrong)
            assert refused(answer, 400, "invalid_credentials") == message
        right = await people.post("/token?grant_type=password", {**wrong, "password": PASSWORD})
        assert refused(right, 400, "invalid_credentials") == "Call us"
        refused(await people.refresh(session.refresh_token), 400, "session_not_found")
        assert (await session.ask("GET", "/rest/v1/notes")).status_code == 401
        await people.post("/token?grant_type=password", {"email": "nobody@example.com", "password": "x"})
    assert [(event["user_id"], event["valid"]) for event in asked] == [(session.uid, valid) for valid in (False,) * 3 + (True,)]


async def test_a_rejection_without_a_word(opened: Open) -> None:
    async with opened(hooked("password_verification_attempt", lambda event: {"decision": "reject"})) as people:
        email = (await people.member()).body["user"]["email"]
        answer = await people.post("/token?grant_type=password", {"email": email, "password": PASSWORD})
        assert refused(answer, 400, "invalid_credentials") == "Further password verification attempts will be rejected."


# ---------------------------------------------------------------- functions that take long, or fail


async def test_functions_that_take_too_long() -> None:
    async def sleepy(event: Event) -> None:
        await asyncio.sleep(10)

    for slow in (sleepy, lambda event: time.sleep(1)):
        made = hooked("before_user_created", slow)
        async with TestClient(made, settings=settings(hooks={"seconds": 0.1})) as client:
            answer = await People(client).post("/signup", {"email": "ann@example.com", "password": PASSWORD})
            assert refused(answer, 422, "hook_timeout") == "Failed to reach hook within maximum time of 0.100000 seconds"


@pytest.mark.alone
async def test_slow_functions_hold_nobody_else_up() -> None:
    made = hooked("before_user_created", lambda event: time.sleep(0.3))
    async with TestClient(made, settings=settings(hooks={"threads": 1})) as client:
        people = People(client)
        bodies = [{"email": people.address(), "password": PASSWORD} for _ in range(8)]
        waiting = [asyncio.create_task(people.post("/signup", body)) for body in bodies]
        await asyncio.sleep(0.05)
        begun = time.monotonic()
        assert (await people.anon.get("/auth/v1/health")).status_code == 200
        assert time.monotonic() - begun < 0.2
        statuses = [answer.status_code for answer in await asyncio.gather(*waiting)]
        assert statuses.count(503) == 3, "five may wait or run"
        assert statuses.count(200) == 5


async def test_an_error_tells_nothing() -> None:
    told: list[Observation] = []

    def broken(event: Event) -> None:
        raise RuntimeError("the database password is hunter2")

    made = hooked("before_user_created", broken)
    async with TestClient(made, settings=settings(), observe=told.append) as client:
        answer = await People(client).post("/signup", {"email": "ann@example.com", "password": PASSWORD})
        refused(answer, 500, "unexpected_failure")
        assert "hunter2" not in answer.text
    (fact,) = [fact for fact in told if isinstance(fact, HookErrored)]
    assert (fact.hook, str(fact.cause)) == ("before_user_created", "the database password is hunter2")


def test_hooks_that_there_are_not() -> None:
    with pytest.raises(ConfigError, match="no such hook"):
        make().auth_hook("before_breakfast")
    twice = hooked("send_sms", print)
    with pytest.raises(ConfigError, match="twice"):
        twice.auth_hook("send_sms")(print)


# ---------------------------------------------------------------- addresses


async def signed_up(hooks: dict[str, Any], **more: Any) -> Any:
    async with TestClient(app, settings=settings(hooks=hooks, **more)) as client:
        people = People(client)
        return await people.post("/signup", {"email": "ann@example.com", "password": PASSWORD})


async def test_an_address_is_asked_with_a_signature(opened: Open) -> None:
    async with elsewhere() as server, opened(hooks=asking("before_user_created", server)) as people:
        await people.member()
    (asked,) = server.asked
    assert asked.line.split()[0] == "POST"
    assert asked.headers["content-type"] == "application/json"
    at, name = asked.headers["webhook-timestamp"], asked.headers["webhook-id"]
    assert abs(time.time() - int(at)) < 60
    said = f"{name}.{at}.".encode() + asked.body
    right = base64.b64encode(hmac.digest(b"s" * 32, said, hashlib.sha256)).decode()
    assert asked.headers["webhook-signature"] == f"v1,{right}"
    assert json.loads(asked.body)["user"]["app_metadata"]["provider"] == "email"


async def test_an_address_says_claims(opened: Open) -> None:
    def more(request: Request) -> bytes:
        said = json.loads(request.body)["claims"]
        return reply(200, json.dumps({"claims": {**said, "team": "red"}}).encode())

    async with elsewhere(more) as server, opened(hooks=asking("custom_access_token", server)) as people:
        assert claims(await people.member())["team"] == "red"


@pytest.mark.parametrize(
    ("answer", "status", "code"),
    [
        (reply(200, b'{"error":{"http_code":403,"message":"No"}}'), 403, "unknown"),
        (reply(200, b'{"error":{"http_code":200,"message":"No"}}'), 500, "unexpected_failure"),
        (reply(200, b'{"error":{"message":"No"}}'), 500, "unexpected_failure"),
        (reply(200, b"{}", "text/plain"), 400, "hook_payload_invalid_content_type"),
        (reply(200, b"x" * (200 * 1024 + 1)), 422, "hook_payload_over_size_limit"),
        (reply(200, b"no json"), 500, "unexpected_failure"),
        (reply(200, b"[]"), 500, "unexpected_failure"),
        (reply(400), 500, "unexpected_failure"),
        (reply(401), 500, "unexpected_failure"),
        (reply(429), 500, "unexpected_failure"),
        (reply(307, b"", location="http://127.0.0.1:1/"), 500, "unexpected_failure"),
        (reply(200, b"{}", "application/json; charset=utf-8"), 200, ""),
        (reply(204, b""), 200, ""),
        (reply(202, b"null"), 200, ""),
    ],
)
async def test_what_an_address_answers(answer: bytes, status: int, code: str) -> None:
    async with elsewhere(lambda _: answer) as server:
        told = await signed_up(asking("before_user_created", server))
    assert len(server.asked) == 1
    assert told.status_code == status, told.text
    if code:
        refused(told, status, code)


async def test_an_address_that_is_busy_is_asked_again() -> None:
    answers = iter([reply(503, b"", retry_after="1"), reply(429, b"", retry_after="true"), reply()])
    async with elsewhere(lambda _: next(answers)) as server:
        assert (await signed_up(asking("before_user_created", server))).status_code == 200
    assert len({asked.headers["webhook-id"] for asked in server.asked}) == 1
    async with elsewhere(lambda _: reply(503, b"", retry_after="1")) as server:
        refused(await signed_up(asking("before_user_created", server)), 500, "unexpected_failure")
    assert len(server.asked) == 3


async def test_an_address_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    async with elsewhere() as server:
        pass
    monkeypatch.setattr(webhook.Webhook.__init__, "__defaults__", (0.01,))
    told = refused(await signed_up(asking("before_user_created", server)), 422, "hook_timeout_after_retry")
    assert told == "Failed to reach hook after maximum retries"
    monkeypatch.setattr(webhook.Webhook.__init__, "__defaults__", (2.0,))
    hooks = {**asking("before_user_created", server), "seconds": 0.1}
    refused(await signed_up(hooks), 422, "hook_timeout")


async def test_an_address_that_takes_too_long() -> None:
    async def never(_: Request) -> bytes:
        await asyncio.sleep(1)
        return reply()

    async with elsewhere(never) as server:
        refused(await signed_up({**asking("before_user_created", server), "seconds": 0.1}), 422, "hook_timeout")


@pytest.mark.parametrize(
    ("said", "match"),
    [
        ({"send_sms": "http://example.com", "send_sms_secrets": SECRETS}, "https"),
        ({"send_sms": "https://example.com"}, "whsec"),
        ({"send_sms": "pg-functions://postgres/public/f", "send_sms_secrets": SECRETS}, "https"),
    ],
)
async def test_addresses_that_may_not_be_asked(said: dict[str, Any], match: str) -> None:
    with pytest.raises(ConfigError, match=match):
        await signed_up(said)
    function = hooked("send_sms", print)
    with pytest.raises(ConfigError, match="function"):
        async with TestClient(function, settings=settings(hooks={"send_sms": "https://x.example", "send_sms_secrets": SECRETS})):
            pass
