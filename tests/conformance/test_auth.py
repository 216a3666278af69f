"""GoTrue's wire at `/auth/v1`, on every engine: what clients of Supabase send, and what they are answered."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

from mainspring.errors import ConfigError
from mainspring.settings import RestSettings, Settings
from mainspring.testing.client import TestClient
from tests.support.people import LOOPBACK, PASSWORD, Open, People, app, refused, relative, settings

NEW = {"x-supabase-api-version": "2024-01-01"}


@pytest.fixture
async def people(opened: Open) -> AsyncIterator[People]:
    """The application with the usual settings: addresses are confirmed by mail."""
    async with opened() as found:
        yield found


@pytest.fixture
async def open_people(opened: Open) -> AsyncIterator[People]:
    """The application where addresses need not be confirmed."""
    async with opened(autoconfirm=True) as found:
        yield found


# ---------------------------------------------------------------- signing up


async def test_sign_up_by_mail_and_code(people: People) -> None:
    user = await people.sign_up("Ann@Example.com", data={"name": "Ann"})
    assert (user["email"], user["role"], user["is_anonymous"]) == ("ann@example.com", "authenticated", False)
    assert user["app_metadata"] == {"provider": "email", "providers": ["email"]}
    assert user["user_metadata"] == {"name": "Ann"}
    assert "confirmation_sent_at" in user
    assert "email_confirmed_at" not in user
    (identity,) = user["identities"]
    assert (identity["provider"], identity["id"], identity["email"]) == ("email", user["id"], "ann@example.com")
    assert identity["identity_data"]["email_verified"] is False
    signing_in = {"email": "ann@example.com", "password": PASSWORD}
    early = await people.post("/token?grant_type=password", signing_in)
    assert refused(early, 400, "email_not_confirmed") == "Email not confirmed"

    session = await people.verified("signup", "ann@example.com")
    body = session.body
    assert (body["token_type"], body["expires_in"], body["user"]["id"]) == ("bearer", 3600, user["id"])
    assert body["user"]["user_metadata"] == {"name": "Ann", "email_verified": True}
    assert body["user"]["identities"][0]["identity_data"]["email_verified"] is True
    assert body["user"]["email_confirmed_at"] == body["user"]["confirmed_at"]
    answer = await session.ask("GET", "/auth/v1/user")
    assert answer.json()["id"] == user["id"]
    assert (await people.sign_in("ANN@example.com")).uid == user["id"]


async def test_a_code_serves_once(people: People) -> None:
    email = people.address()
    await people.sign_up(email)
    code = (await people.mail(email, "confirmation"))["code"]
    said = {"type": "email", "email": email, "token": code}
    answers = await asyncio.gather(*(people.post("/verify", said) for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [403] * 7
    assert refused(await people.post("/verify", said), 403, "otp_expired") == "Token has expired or is invalid"


async def test_a_link_signs_a_browser_in(people: People) -> None:
    email = people.address()
    await people.sign_up(email)
    link = relative((await people.mail(email, "confirmation"))["link"])
    answer = await people.anon.get(link)
    assert answer.status_code == 303
    told = parse_qs(urlsplit(answer.headers["location"]).fragment, keep_blank_values=True)
    assert list(told) == ["access_token", "expires_at", "expires_in", "refresh_token", "sb", "token_type", "type"]
    assert (told["type"], told["sb"]) == (["signup"], [""])
    user = await people.anon.get("/auth/v1/user", headers={"authorization": f"Bearer {told['access_token'][0]}"})
    assert user.json()["email"] == email
    again = await people.anon.get(link)
    said = parse_qs(urlsplit(again.headers["location"]).fragment, keep_blank_values=True)
    assert (said["error"], said["error_code"]) == (["access_denied"], ["otp_expired"])
    assert said["error_description"] == ["Email link is invalid or has expired"]


async def test_a_program_ends_what_it_began_with_a_challenge(people: People) -> None:
    verifier = "v" * 64
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    pkce = {"code_challenge": challenge, "code_challenge_method": "s256"}
    email = people.address()
    await people.sign_up(email, **pkce)
    mail = await people.mail(email, "confirmation")
    assert mail["token"].startswith("pkce_")
    sent = await people.anon.get(relative(mail["link"]))
    code = parse_qs(urlsplit(sent.headers["location"]).query)["code"][0]
    exchange = "/token?grant_type=pkce"
    wrong = await people.post(exchange, {"auth_code": code, "code_verifier": "w" * 64})
    refused(wrong, 400, "bad_code_verifier")
    answers = await asyncio.gather(*(people.post(exchange, {"auth_code": code, "code_verifier": verifier}) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 404, 404, 404, 404]
    unknown = await people.post(exchange, {"auth_code": "nothing", "code_verifier": verifier})
    assert refused(unknown, 404, "flow_state_not_found") == "invalid flow state, no valid flow state found"
    half = await people.post("/otp", {"email": email, "code_challenge": challenge})
    refused(half, 400, "validation_failed")


async def test_an_address_that_is_taken(people: People, open_people: People) -> None:
    member = await people.member()
    email = member.body["user"]["email"]
    seeming = await people.sign_up(email, "another password", data={"a": 1})
    again = await people.sign_up(email, "another password")
    assert seeming["identities"] == []
    assert (seeming["role"], seeming["user_metadata"]) == ("", {"a": 1})
    assert seeming["id"] == again["id"] != member.uid
    assert len(await people.mails(email)) == 1
    await people.sign_in(email)

    email = (await open_people.member()).body["user"]["email"]
    answer = await open_people.post("/signup", {"email": email, "password": PASSWORD})
    assert refused(answer, 422, "user_already_exists") == "User already registered"


async def test_twenty_sign_ups_at_once_make_one_user(open_people: People) -> None:
    said = {"email": open_people.address(), "password": PASSWORD}
    answers = await asyncio.gather(*(open_people.post("/signup", said) for _ in range(20)))
    assert sorted(answer.status_code for answer in answers) == [200] + [422] * 19
    listed = (await open_people.service.get("/auth/v1/admin/users")).json()["users"]
    assert [len(user["identities"]) for user in listed] == [1]


async def test_what_sign_up_refuses(people: People, opened: Open) -> None:
    email = people.address()
    cases: list[tuple[dict[str, Any], str]] = [
        ({"email": email}, "Signup requires a valid password"),
        ({"email": "ann", "password": PASSWORD}, "Unable to validate email address: invalid format"),
        ({"email": "a@b.c\r\nBcc: x@y.z", "password": PASSWORD}, "Unable to validate email address: invalid format"),
        ({"email": email, "password": "é" * 73}, "Password cannot be longer than 72 characters"),
        (
            {"email": email, "phone": "1555", "password": PASSWORD},
            "Only an email address or phone number should be provided on signup.",
        ),
    ]
    for body, text in cases:
        assert refused(await people.post("/signup", body), 400, "validation_failed") == text
    refused(await people.post("/signup", {"phone": "15550001", "password": PASSWORD}), 400, "phone_provider_disabled")
    weak = await people.post("/signup", {"email": email, "password": "12345"})
    assert refused(weak, 422, "weak_password") == "Password should be at least 8 characters."
    assert weak.json()["weak_password"] == {"reasons": ["length"]}
    assert "Could not parse request body as JSON" in refused(
        await people.anon.post("/auth/v1/signup", content=b"{"), 400, "bad_json"
    )
    async with opened(signup=False) as closed:
        answer = await closed.post("/signup", {"email": email, "password": PASSWORD})
        assert refused(answer, 422, "signup_disabled") == "Signups not allowed for this instance"
        refused(await closed.post("/otp", {"email": email}), 422, "otp_disabled")


# ---------------------------------------------------------------- signing in


async def test_known_and_unknown_people_are_refused_alike(people: People) -> None:
    email = (await people.member()).body["user"]["email"]
    bodies = [{"email": email, "password": "wrong password"}, {"email": "nobody@example.com", "password": PASSWORD}]
    bodies += [{"email": "no address", "password": PASSWORD}, {"email": email, "password": "x" * 100}]
    answers = [await people.post("/token?grant_type=password", body, headers=NEW) for body in bodies]
    assert {(answer.status_code, answer.text) for answer in answers} == {
        (400, '{"code":"invalid_credentials","message":"Invalid login credentials"}')
    }
    assert {answer.headers["x-supabase-api-version"] for answer in answers} == {"2024-01-01"}
    for path in ("/recover", "/resend"):
        told = [await people.post(path, {"email": each, "type": "signup"}) for each in (email, "nobody@example.com")]
        assert {(answer.status_code, answer.text) for answer in told} == {(200, "{}")}


async def test_the_token_says_who_one_is(open_people: People) -> None:
    session = await open_people.member(data={"colour": "blue"})
    claims = jwt.decode(session.body["access_token"], options={"verify_signature": False})
    assert claims["sub"] == session.uid
    assert claims["iss"] == "http://127.0.0.1:8000/auth/v1"
    assert (claims["aud"], claims["role"], claims["aal"]) == ("authenticated", "authenticated", "aal1")
    assert (claims["user_metadata"], claims["is_anonymous"], claims["phone"]) == ({"colour": "blue"}, False, "")
    assert [entry["method"] for entry in claims["amr"]] == ["password"]
    assert claims["exp"] == claims["iat"] + 3600 == session.body["expires_at"]
    jwks = (await open_people.anon.get("/auth/v1/.well-known/jwks.json")).json()
    key = jwt.PyJWKSet.from_dict(jwks).keys[0]
    assert jwt.decode(session.body["access_token"], key.key, ["ES256"], audience="authenticated")["sub"] == session.uid


async def test_anonymous_people_become_members(people: People) -> None:
    answer = await people.post("/signup", {"data": {"cart": 3}})
    body = answer.json()
    assert body["user"]["is_anonymous"] is True
    assert (body["user"]["identities"], body["user"]["app_metadata"]) == ([], {})
    headers = {"authorization": f"Bearer {body['access_token']}"}
    bare = await people.anon.put("/auth/v1/user", json={"password": PASSWORD}, headers=headers)
    refused(bare, 400, "validation_failed")
    email = people.address()
    asked = await people.anon.put("/auth/v1/user", json={"email": email}, headers=headers)
    assert (asked.json()["new_email"], asked.json()["email"], asked.json()["is_anonymous"]) == (email, "", True)
    session = await people.verified("email_change", email, "email_change")
    user = session.body["user"]
    assert (user["id"], user["email"], user["is_anonymous"]) == (body["user"]["id"], email, False)
    assert [identity["provider"] for identity in user["identities"]] == ["email"]
    assert user["app_metadata"]["providers"] == ["email"]


async def test_magic_links(people: People) -> None:
    email = people.address()
    refused(await people.post("/otp", {"email": email, "create_user": False}), 422, "otp_disabled")
    assert (await people.post("/otp", {"email": email, "data": {"a": 1}})).text == "{}"
    first = await people.verified("email", email, "confirmation")
    assert first.body["user"]["user_metadata"] == {"a": 1, "email_verified": True}
    assert (await people.post("/magiclink", {"email": email})).text == "{}"
    token = (await people.mail(email, "magic_link"))["token"]
    wrong = await people.post("/verify", {"type": "magiclink", "token_hash": token, "email": email})
    assert refused(wrong, 400, "validation_failed") == "Only the token_hash and type should be provided"
    answer = await people.post("/verify", {"type": "magiclink", "token_hash": token})
    assert answer.json()["user"]["id"] == first.uid
    again = await people.post("/verify", {"type": "magiclink", "token_hash": token})
    assert refused(again, 403, "otp_expired") == "Email link is invalid or has expired"


# ---------------------------------------------------------------- refreshing


async def test_refresh_tokens_rotate(open_people: People) -> None:
    session = await open_people.member()
    first = session.refresh_token
    second = (await open_people.refresh(first)).json()["refresh_token"]
    assert second != first
    lost = await open_people.refresh(first)
    assert lost.json()["refresh_token"] == second, "the parent of the active token answers the active one"
    third = await open_people.refresh(second)
    assert third.headers["sb-auth-user-id"] == session.uid
    assert third.headers["sb-auth-refresh-token-counter"] == "2"
    within = await open_people.refresh(first)
    assert within.status_code == 200, "it was used a moment ago"


async def test_a_refresh_token_used_long_ago_ends_the_session(opened: Open) -> None:
    async with opened(autoconfirm=True, refresh_reuse_seconds=0) as people:
        session = await people.member()
        other = await people.sign_in(session.body["user"]["email"])
        tokens = [session.refresh_token]
        for _ in range(2):
            tokens.append((await people.refresh(tokens[-1])).json()["refresh_token"])
        stolen = await people.refresh(tokens[0])
        assert refused(stolen, 400, "refresh_token_already_used") == "Invalid Refresh Token: Already Used"
        refused(await people.refresh(tokens[-1]), 400, "session_not_found")
        refused(await session.ask("GET", "/auth/v1/user"), 403, "session_not_found")
        assert (await session.ask("GET", "/rest/v1/notes")).status_code == 401
        assert (await other.ask("GET", "/rest/v1/notes")).status_code == 200


async def test_fifty_refreshes_at_once_sign_nobody_out(open_people: People) -> None:
    session = await open_people.member()
    answers = await asyncio.gather(*(open_people.refresh(session.refresh_token) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    again = await open_people.refresh(answers[0].json()["refresh_token"])
    assert again.headers["sb-auth-refresh-token-counter"] == "2"


async def test_what_is_no_refresh_token(open_people: People) -> None:
    session = await open_people.member()
    good = session.refresh_token
    other = good[:20] + ("B" if good[20] == "A" else "A") + good[21:]
    for text in ("short", good[:-1], other, good + "AAAA", "é" * 20, session.body["access_token"]):
        refused(await open_people.refresh(text), 400, "validation_failed")
    unknown = await open_people.refresh("abcdefghijkl")
    assert refused(unknown, 400, "refresh_token_not_found") == "Invalid Refresh Token: Refresh Token Not Found"
    async with TestClient(app, settings=settings(autoconfirm=True)) as other:
        elsewhere = await People(other).member()
        refused(await open_people.refresh(elsewhere.refresh_token), 400, "refresh_token_not_found")


@pytest.mark.alone
async def test_sessions_end_by_themselves(opened: Open) -> None:
    async with opened(autoconfirm=True, session_seconds=1) as people:
        session = await people.member()
        assert (await people.refresh(session.refresh_token)).status_code == 200
        await asyncio.sleep(1.1)
        text = refused(await people.refresh(session.refresh_token), 400, "session_expired")
        assert text == "Invalid Refresh Token: Session Expired"


async def test_one_session_at_a_time(opened: Open) -> None:
    async with opened(autoconfirm=True, single_session=True) as people:
        first = await people.member()
        second = await people.sign_in(first.body["user"]["email"])
        text = refused(await people.refresh(first.refresh_token), 400, "session_expired")
        assert text == "Invalid Refresh Token: Session Expired (Revoked by Newer Login)"
        assert (await first.ask("GET", "/rest/v1/notes")).status_code == 401
        refused(await first.ask("GET", "/auth/v1/user"), 403, "session_not_found")
        assert (await second.ask("GET", "/rest/v1/notes")).status_code == 200
        assert (await people.refresh(second.refresh_token)).status_code == 200
        await people.sign_in(first.body["user"]["email"])
        refused(await people.refresh(first.refresh_token), 400, "session_not_found")
        refused(await people.refresh(second.refresh_token), 400, "session_expired")


async def test_many_sign_ins_at_once_leave_one_session(opened: Open) -> None:
    async with opened(autoconfirm=True, single_session=True) as people:
        email = (await people.member()).body["user"]["email"]
        tries = [people.post("/token?grant_type=password", {"email": email, "password": PASSWORD}) for _ in range(8)]
        answers = await asyncio.gather(*tries)
        signed = [answer.json() for answer in answers if answer.status_code == 200]
        assert {answer.status_code for answer in answers} <= {200, 409}
        refreshed = [(await people.refresh(each["refresh_token"])).status_code for each in signed]
        assert refreshed.count(200) == 1


async def test_what_headers_tell_of_a_session(open_people: People) -> None:
    people = open_people
    email = (await people.member()).body["user"]["email"]
    answer = await people.post("/token?grant_type=password", {"email": email, "password": PASSWORD})
    body, told = answer.json(), answer.headers
    session = jwt.decode(body["access_token"], options={"verify_signature": False})["session_id"]
    assert (told["sb-auth-user-id"], told["sb-auth-session-id"]) == (body["user"]["id"], session)
    assert told["sb-auth-refresh-token-counter"] == "0"
    assert "sb-auth-refresh-token-reuse" not in told
    first = await people.refresh(body["refresh_token"])
    assert (first.headers["sb-auth-refresh-token-counter"], first.headers["sb-auth-refresh-token-reuse"]) == ("1", "false")
    again = await people.refresh(body["refresh_token"])
    assert (again.headers["sb-auth-refresh-token-counter"], again.headers["sb-auth-refresh-token-reuse"]) == ("1", "true")
    assert again.headers["sb-auth-refresh-token-reuse-cause"] == "concurrent-refresh,fail-to-save"


# ---------------------------------------------------------------- one's own account


async def test_change_of_password(people: People) -> None:
    here = await people.member()
    email = here.body["user"]["email"]
    there = await people.sign_in(email)
    same = await here.ask("PUT", "/auth/v1/user", json={"password": PASSWORD})
    refused(same, 422, "same_password")
    refused(await here.ask("PUT", "/auth/v1/user", json={"password": "x"}), 422, "weak_password")
    assert (await here.ask("PUT", "/auth/v1/user", json={"password": "a new password"})).status_code == 200
    assert (await here.ask("GET", "/rest/v1/notes")).status_code == 200
    assert (await people.refresh(here.refresh_token)).status_code == 200
    assert (await there.ask("GET", "/rest/v1/notes")).status_code == 401
    refused(await people.refresh(there.refresh_token), 400, "session_not_found")
    old = await people.post("/token?grant_type=password", {"email": email, "password": PASSWORD})
    refused(old, 400, "invalid_credentials")
    await people.sign_in(email, "a new password")


async def test_recovery(people: People) -> None:
    email = (await people.member()).body["user"]["email"]
    await people.post("/recover", {"email": email})
    session = await people.verified("recovery", email, "recovery")
    assert (await session.ask("PUT", "/auth/v1/user", json={"password": "chosen anew"})).status_code == 200
    await people.sign_in(email, "chosen anew")


async def test_metadata_is_merged_and_only_ones_own(people: People) -> None:
    session = await people.member(data={"a": 1, "b": 2})
    answer = await session.ask("PUT", "/auth/v1/user", json={"data": {"b": None, "c": {"d": 3}}})
    assert answer.json()["user_metadata"] == {"a": 1, "c": {"d": 3}, "email_verified": True}
    refused(await session.ask("PUT", "/auth/v1/user", json={"app_metadata": {"roles": ["staff"]}}), 403, "not_admin")
    for body in ({"role": "service_role"}, {"is_anonymous": True, "email_confirmed_at": None, "id": "x"}):
        changed = (await session.ask("PUT", "/auth/v1/user", json=body)).json()
        assert (changed["role"], changed["is_anonymous"], changed["id"]) == ("authenticated", False, session.uid)
    answers = await asyncio.gather(
        *(session.ask("PUT", "/auth/v1/user", json={"data": {f"k{number}": number}}) for number in range(3))
    )
    assert {answer.status_code for answer in answers} == {200}
    whole = (await session.ask("GET", "/auth/v1/user")).json()["user_metadata"]
    assert {f"k{number}" for number in range(3)} <= set(whole), "changes at the same time do not lose one another"


async def test_change_of_address_is_confirmed_at_both(people: People) -> None:
    session = await people.member()
    old, new = session.body["user"]["email"], people.address()
    taken = (await people.member()).body["user"]["email"]
    answer = await session.ask("PUT", "/auth/v1/user", json={"email": taken})
    assert refused(answer, 422, "email_exists") == "A user with this email address has already been registered"
    assert (await session.ask("PUT", "/auth/v1/user", json={"email": new})).json()["new_email"] == new
    code = (await people.mail(old, "email_change"))["code"]
    half = await people.post("/verify", {"type": "email_change", "email": old, "token": code})
    assert half.json() == {
        "msg": "Confirmation link accepted. Please proceed to confirm link sent to the other email",
        "code": "200",
    }
    user = (await people.verified("email_change", new, "email_change")).body["user"]
    assert (user["email"], user["id"]) == (new, session.uid)
    assert user["identities"][0]["email"] == new
    await people.sign_in(new)


async def test_a_code_by_mail_proves_who_changes_the_password(opened: Open) -> None:
    async with opened(password_current=True) as people:
        session = await people.sign_in((await people.member()).body["user"]["email"])
        body = {"password": "a new password"}
        refused(await session.ask("PUT", "/auth/v1/user", json=body), 400, "current_password_required")
        wrong = await session.ask("PUT", "/auth/v1/user", json={**body, "current_password": "wrong"})
        refused(wrong, 400, "current_password_invalid")
        right = await session.ask("PUT", "/auth/v1/user", json={**body, "current_password": PASSWORD})
        assert right.status_code == 200
        assert (await session.ask("GET", "/auth/v1/reauthenticate")).text == "{}"
        email = session.body["user"]["email"]
        assert len((await people.mail(email, "reauthentication"))["code"]) == 6


@pytest.mark.parametrize(("scope", "ends"), [("local", (0,)), ("others", (1,)), ("global", (0, 1)), (None, (0, 1))])
async def test_signing_out(open_people: People, scope: str | None, ends: tuple[int, ...]) -> None:
    here = await open_people.member()
    there = await open_people.sign_in(here.body["user"]["email"])
    answer = await here.ask("POST", "/auth/v1/logout" + (f"?scope={scope}" if scope else ""))
    assert (answer.status_code, answer.content) == (204, b"")
    for number, session in enumerate((here, there)):
        gone = number in ends
        assert (await session.ask("GET", "/rest/v1/notes")).status_code == (401 if gone else 200)
        assert (await open_people.refresh(session.refresh_token)).status_code == (400 if gone else 200)
    back = await open_people.sign_in(here.body["user"]["email"])
    assert (await back.ask("GET", "/rest/v1/notes")).status_code == 200, "who signs in again at once is let in"
    refused(await back.ask("POST", "/auth/v1/logout?scope=everything"), 400, "validation_failed")


async def test_who_asks(open_people: People) -> None:
    async def get(token: str | None) -> Any:
        headers = {"authorization": token} if token is not None else {}
        request = open_people.anon.build_request("GET", "/auth/v1/user", headers=headers)
        if token is None:
            del request.headers["authorization"]
        return await open_people.anon.send(request)

    assert refused(await get(None), 401, "no_authorization") == "This endpoint requires a valid Bearer token"
    refused(await get("Basic abc"), 401, "no_authorization")
    text = refused(await get("Bearer nonsense"), 403, "bad_jwt")
    assert text.startswith("invalid JWT: unable to parse or verify signature, ")
    anon = await open_people.anon.get("/auth/v1/user")
    assert refused(anon, 403, "bad_jwt") == "invalid claim: missing sub claim"
    stranger = open_people.test.token("5a1d0000-0000-4000-8000-000000000009")
    assert refused(await get(f"Bearer {stranger}"), 403, "user_not_found") == "User from sub claim in JWT does not exist"
    session = await open_people.member()
    refused(await get(f"Bearer {session.refresh_token}"), 403, "bad_jwt")


# ---------------------------------------------------------------- for the service key


async def test_administration(people: People) -> None:
    service = people.service
    bare = await service.post("/auth/v1/admin/users", json={"password": PASSWORD})
    assert refused(bare, 400, "validation_failed") == "Cannot create a user without either an email or phone"
    body = {"email": "boss@example.com", "password": PASSWORD, "email_confirm": True, "user_metadata": {"a": 1}}
    user = (await service.post("/auth/v1/admin/users", json={**body, "app_metadata": {"roles": ["staff"]}})).json()
    assert user["app_metadata"] == {"provider": "email", "providers": ["email"], "roles": ["staff"]}
    assert "email_confirmed_at" in user
    refused(await service.post("/auth/v1/admin/users", json=body), 422, "email_exists")
    session = await people.sign_in("boss@example.com")
    place = f"/auth/v1/admin/users/{user['id']}"
    assert (await service.get(place)).json()["user_metadata"] == {"a": 1}
    changed = await service.put(place, json={"email": "chief@example.com", "user_metadata": {"a": None, "b": 2}})
    assert (changed.json()["email"], changed.json()["user_metadata"]) == ("chief@example.com", {"b": 2})
    assert (await session.ask("GET", "/auth/v1/user")).status_code == 200

    banned = await service.put(place, json={"ban_duration": "24h"})
    assert "banned_until" in banned.json()
    refused(await people.refresh(session.refresh_token), 400, "user_banned")
    refused(await session.ask("GET", "/auth/v1/user"), 403, "user_banned")
    assert (await session.ask("GET", "/rest/v1/notes")).status_code == 401
    answer = await people.post("/token?grant_type=password", {"email": "chief@example.com", "password": PASSWORD})
    assert refused(answer, 400, "user_banned") == "User is banned"
    assert "banned_until" not in (await service.put(place, json={"ban_duration": "none"})).json()
    assert (await people.refresh(session.refresh_token)).status_code == 200

    refused(await service.get("/auth/v1/admin/users/5a1d0000-0000-4000-8000-000000000009"), 404, "user_not_found")
    assert refused(await service.get("/auth/v1/admin/users/1"), 404, "validation_failed") == "user_id must be an UUID"
    for method, path in (("GET", "/admin/users"), ("POST", "/admin/users"), ("DELETE", f"/admin/users/{user['id']}")):
        refused(await session.ask(method, f"/auth/v1{path}", json={}), 403, "not_admin")
    assert (await service.delete(place)).text == "{}"
    refused(await service.get(place), 404, "user_not_found")
    refused(await people.refresh(session.refresh_token), 400, "session_not_found")


async def test_pages_of_users(people: People) -> None:
    for number in range(5):
        await people.service.post("/auth/v1/admin/users", json={"email": f"user{number}@example.com"})
    first = await people.service.get("/auth/v1/admin/users?page=1&per_page=2")
    assert [user["email"] for user in first.json()["users"]] == ["user4@example.com", "user3@example.com"]
    assert first.headers["x-total-count"] == "5"
    assert first.headers["link"] == (
        '</auth/v1/admin/users?page=2&per_page=2>; rel="next", </auth/v1/admin/users?page=3&per_page=2>; rel="last"'
    )
    last = await people.service.get("/auth/v1/admin/users?page=3&per_page=2")
    assert (len(last.json()["users"]), 'rel="next"' in last.headers["link"]) == (1, False)
    found = await people.service.get("/auth/v1/admin/users?filter=USER3")
    assert [user["email"] for user in found.json()["users"]] == ["user3@example.com"]
    none = await people.service.get("/auth/v1/admin/users?filter=%25_%25")
    assert none.json()["users"] == []
    bad = await people.service.get("/auth/v1/admin/users?page=x")
    assert refused(bad, 400, "validation_failed").startswith("Bad Pagination Parameters: ")


async def test_a_user_that_is_softly_deleted(open_people: People) -> None:
    session = await open_people.member()
    email = session.body["user"]["email"]
    place = f"/auth/v1/admin/users/{session.uid}"
    assert (await open_people.service.request("DELETE", place, json={"should_soft_delete": True})).text == "{}"
    gone = (await open_people.service.get(place)).json()
    assert email not in str(gone)
    assert "deleted_at" in gone
    assert (await session.ask("GET", "/rest/v1/notes")).status_code == 401
    answer = await open_people.post("/token?grant_type=password", {"email": email, "password": PASSWORD})
    refused(answer, 400, "invalid_credentials")
    assert (await open_people.member(email)).uid != session.uid


async def test_imported_passwords(people: People) -> None:
    bcrypt = pytest.importorskip("bcrypt")
    hashed = bcrypt.hashpw(b"from elsewhere", bcrypt.gensalt(4)).decode()
    body = {"email": "old@example.com", "password_hash": hashed, "email_confirm": True}
    assert (await people.service.post("/auth/v1/admin/users", json=body)).status_code == 200
    for _ in range(2):  # the second time with the hash as hashes are made now
        await people.sign_in("old@example.com", "from elsewhere")
    answer = await people.post("/token?grant_type=password", {"email": "old@example.com", "password": "else"})
    refused(answer, 400, "invalid_credentials")
    nonsense = await people.service.post("/auth/v1/admin/users", json={**body, "password_hash": "md5:1"})
    refused(nonsense, 400, "validation_failed")


# ---------------------------------------------------------------- what data requests see


async def test_policies_see_who_signed_in(open_people: People) -> None:
    ann, bob = await open_people.member(), await open_people.member()
    for person, body in ((ann, "hers"), (bob, "his")):
        assert (await person.ask("POST", "/rest/v1/notes", json={"body": body})).status_code == 201
    assert [note["body"] for note in (await ann.ask("GET", "/rest/v1/notes")).json()] == ["hers"]
    stolen = await ann.ask("POST", "/rest/v1/notes", json={"body": "x", "owner": bob.uid})
    assert stolen.status_code == 403
    place = f"/auth/v1/admin/users/{ann.uid}"
    await open_people.service.put(place, json={"app_metadata": {"roles": ["staff"]}})
    assert (await ann.ask("GET", "/rest/v1/notes")).status_code == 401, "the token does not say what she is now"
    ann.body = (await open_people.refresh(ann.refresh_token)).json()
    assert [note["body"] for note in (await ann.ask("GET", "/rest/v1/notes?order=id")).json()] == ["hers", "his"]
    await open_people.service.delete(f"/auth/v1/admin/users/{bob.uid}")
    assert [note["body"] for note in (await ann.ask("GET", "/rest/v1/notes")).json()] == ["hers"]
    assert (await bob.ask("GET", "/rest/v1/notes")).status_code == 401


async def test_no_data_request_reaches_our_own_tables(open_people: People) -> None:
    await open_people.member()
    for path, headers in (
        ("/rest/v1/users", {}),
        ("/rest/v1/auth_users", {}),
        ("/rest/v1/users", {"accept-profile": "auth"}),
        ("/rest/v1/notes?select=*,users(*)", {}),
        ("/rest/v1/notes?select=*,owner(*)", {}),
    ):
        answer = await open_people.service.get(path, headers=headers)
        assert answer.status_code in (400, 404, 406), answer.text
        assert "encrypted_password" not in answer.text
    described = await open_people.service.get("/rest/v1/")
    assert "one_time_tokens" not in described.text


async def test_mails_can_be_read_by_this_machine_only(people: People) -> None:
    await people.sign_up()
    assert (await people.anon.get("/_inbox", headers=LOOPBACK)).status_code == 200
    for headers in (
        {"host": "evil.example"},
        {**LOOPBACK, "origin": "https://evil.example"},
        {**LOOPBACK, "sec-fetch-site": "cross-site"},
    ):
        assert (await people.anon.get("/_inbox/messages", headers=headers)).status_code == 403


async def test_our_own_schemas_cannot_be_served(tmp_path: Path) -> None:
    served = Settings(rest=RestSettings(schemas=("public", "auth")))
    with pytest.raises(ConfigError, match="Mainspring's own"):
        app.build(served, tmp_path)


async def test_it_can_be_switched_off() -> None:
    async with TestClient(app, settings=settings(enabled=False)) as client:
        people = People(client)
        assert (await people.post("/signup", {"email": "a@b.c", "password": PASSWORD})).status_code == 404
        assert (await people.anon.get("/auth/v1/.well-known/jwks.json")).status_code == 200
