"""Invitations, links made by the service key, and the audit log, on every engine; and what attackers try there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest

from tests.support.people import PASSWORD, Open, People, Session, refused, relative

OTHER = "https://app.example.com/welcome?x=1"


@pytest.fixture
async def people(opened: Open) -> AsyncIterator[People]:
    async with opened(redirect_urls=("https://app.example.com/**",)) as found:
        yield found


async def invite(people: People, email: str, **more: Any) -> httpx.Response:
    return await people.service.post("/auth/v1/invite", json={"email": email, **more})


async def link(people: People, kind: str, email: str, **more: Any) -> dict[str, Any]:
    answer = await people.service.post("/auth/v1/admin/generate_link", json={"type": kind, "email": email, **more})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def followed(people: People, url: str) -> dict[str, list[str]]:
    """What the page is told to which a link leads."""
    answer = await people.anon.get(relative(url))
    assert answer.status_code == 303, answer.text
    return parse_qs(urlsplit(answer.headers["location"]).fragment, keep_blank_values=True)


async def test_an_invitation(people: People) -> None:
    email = people.address()
    answer = await people.service.post(
        "/auth/v1/invite", params={"redirect_to": OTHER}, json={"email": email.upper(), "data": {"team": "red"}}
    )
    user = answer.json()
    assert (user["email"], user["user_metadata"]) == (email, {"team": "red"})
    assert user["invited_at"] == user["confirmation_sent_at"]
    assert "email_confirmed_at" not in user
    assert [each["provider"] for each in user["identities"]] == ["email"]
    mail = await people.mail(email, "invite")
    assert parse_qs(urlsplit(mail["link"]).query)["type"] == ["invite"]
    assert parse_qs(urlsplit(mail["link"]).query)["redirect_to"] == [OTHER]
    told = await followed(people, mail["link"])
    assert told["type"] == ["invite"]
    session = Session(people.anon, {"access_token": told["access_token"][0], "user": user})
    known = (await session.ask("GET", "/auth/v1/user")).json()
    assert (known["id"], known["user_metadata"]["team"], "email_confirmed_at" in known) == (user["id"], "red", True)
    assert (await session.ask("PUT", "/auth/v1/user", json={"password": PASSWORD})).status_code == 200
    await people.sign_in(email)
    told_again = refused(await invite(people, email), 422, "email_exists")
    assert told_again == "A user with this email address has already been registered"


async def test_an_invitation_is_taken_with_its_code_or_token(people: People) -> None:
    for by_token in (False, True):
        email = people.address()
        await invite(people, email)
        mail = await people.mail(email, "invite")
        said = {"token_hash": mail["token"]} if by_token else {"email": email, "token": mail["code"]}
        answer = await people.post("/verify", {"type": "invite", **said})
        assert answer.json()["user"]["email"] == email
        refused(await people.post("/verify", {"type": "invite", **said}), 403, "otp_expired")


async def test_an_invitation_is_repeated(people: People) -> None:
    email = people.address()
    first = (await invite(people, email, data={"n": 1})).json()
    code = (await people.mail(email, "invite"))["code"]
    second = (await invite(people, email, data={"n": 2})).json()
    assert second["id"] == first["id"]
    refused(await people.post("/verify", {"type": "invite", "email": email, "token": code}), 403, "otp_expired")
    await people.verified("invite", email, "invite")


async def test_many_invitations_of_one_person_at_once(people: People) -> None:
    email = people.address()
    answers = await asyncio.gather(*(invite(people, email) for _ in range(5)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["id"] for answer in answers}) == 1
    await people.verified("invite", email, "invite")


async def test_an_invited_person_signs_up(people: People) -> None:
    """Whoever names an invited address learns nothing of what the invitation says."""
    email = people.address()
    invited = (await invite(people, email, data={"salary": 1})).json()
    signed = await people.sign_up(email, data={"a": 1})
    assert (signed["id"], signed["user_metadata"], signed["identities"]) == (invited["id"], {}, [])
    await people.verified("signup", email)


@pytest.mark.parametrize("how", ["invite", "link"])
async def test_who_prepared_the_account_is_not_let_in(people: People, how: str) -> None:
    email = people.address()
    await people.sign_up(email, "the attacker's 1")
    if how == "invite":
        await invite(people, email)
        await people.verified("invite", email, "invite")
    else:
        await followed(people, (await link(people, "recovery", email))["action_link"])
    wrong = {"email": email, "password": "the attacker's 1"}
    refused(await people.post("/token?grant_type=password", wrong), 400, "invalid_credentials")


async def test_recovery_of_an_account_that_somebody_prepared(people: People) -> None:
    email = people.address()
    await people.sign_up(email, "the attacker's 1")
    await people.post("/recover", {"email": email})
    await people.verified("recovery", email, "recovery")
    wrong = {"email": email, "password": "the attacker's 1"}
    refused(await people.post("/token?grant_type=password", wrong), 400, "invalid_credentials")


async def test_who_is_in_by_phone_keeps_the_password(opened: Open) -> None:
    async with opened(phone=True) as people:
        for how in ("recovery", "invite"):
            phone, email = people.number(), people.address()
            body = {"phone": phone, "phone_confirm": True, "email": email, "password": PASSWORD}
            await people.service.post("/auth/v1/admin/users", json=body)
            await followed(people, (await link(people, how, email))["action_link"])
            for said in ({"phone": phone}, {"email": email}):
                assert (await people.post("/token?grant_type=password", {**said, "password": PASSWORD})).status_code == 200


# ---------------------------------------------------------------- links


@pytest.mark.parametrize("kind", ["signup", "invite", "magiclink", "recovery"])
async def test_links_that_let_in(people: People, kind: str) -> None:
    email = people.address()
    if kind == "recovery":
        await people.member(email)
    made = await link(people, kind, email, password=PASSWORD, data={"a": 1}, redirect_to=OTHER)
    verified = "signup" if kind == "magiclink" else kind
    assert (made["email"], made["verification_type"], made["redirect_to"]) == (email, verified, OTHER)
    assert ("invited_at" in made) == (kind == "invite")
    assert f"token={made['hashed_token']}&type={verified}" in made["action_link"]
    purpose = "confirmation" if kind == "recovery" else kind
    assert [each for each in await people.mails(email) if each["kind"] != purpose] == [], "nothing is mailed"
    assert (await followed(people, made["action_link"]))["type"] == [verified]
    again = await link(people, "magiclink", email)
    assert again["verification_type"] == "magiclink"
    answer = await people.post("/verify", {"type": "email", "email": email, "token": again["email_otp"]})
    assert answer.json()["user"]["id"] == made["id"]
    if kind != "recovery":
        assert answer.json()["user"]["user_metadata"]["a"] == 1
    signing_in = await people.post("/token?grant_type=password", {"email": email, "password": PASSWORD})
    assert signing_in.status_code == (200 if kind in ("signup", "recovery") else 400)


async def test_links_that_change_an_address(people: People) -> None:
    session = await people.member()
    email, new = session.body["user"]["email"], people.address()
    current = await link(people, "email_change_current", email, new_email=new)
    other = await link(people, "email_change_new", email, new_email=new)
    assert (current["new_email"], other["verification_type"]) == (new, "email_change_new")
    assert "&type=email_change&" in current["action_link"]
    assert "message" in await followed(people, current["action_link"])
    answer = await people.post("/verify", {"type": "email_change", "email": new, "token": other["email_otp"]})
    assert (answer.json()["user"]["id"], answer.json()["user"]["email"]) == (session.uid, new)


async def test_who_agreed_to_one_address_has_not_agreed_to_another(people: People) -> None:
    session = await people.member()
    email, first, second = session.body["user"]["email"], people.address(), people.address()
    agreed = await link(people, "email_change_current", email, new_email=first)
    await link(people, "email_change_new", email, new_email=second)
    assert (await followed(people, agreed["action_link"]))["error_code"] == ["otp_expired"]


async def test_links_that_cannot_be_made(people: People) -> None:
    known = (await people.member()).body["user"]["email"]

    async def asked(status: int, code: str, **said: Any) -> str:
        return refused(await people.service.post("/auth/v1/admin/generate_link", json=said), status, code)

    for kind in ("recovery", "email_change_current", "email_change_new"):
        await asked(404, "user_not_found", type=kind, email=people.address(), new_email=people.address())
    for kind in ("signup", "invite"):
        await asked(422, "email_exists", type=kind, email=known, password=PASSWORD)
    told = await asked(400, "validation_failed", type="signup", email=people.address())
    assert told == "Signup requires a valid password"
    await asked(422, "weak_password", type="signup", email=people.address(), password="1")
    for kind in ("", "sms", "phone_change", "reauthentication", "x" * 1000):
        await asked(400, "validation_failed", type=kind, email=known)
    await asked(400, "validation_failed", type="magiclink", email="nonsense")
    other = (await people.member()).body["user"]["email"]
    await asked(422, "email_exists", type="email_change_new", email=known, new_email=other)
    await asked(400, "validation_failed", type="email_change_new", email=known, new_email="")


async def test_a_change_without_the_old_mailbox(opened: Open) -> None:
    async with opened(secure_email_change=False) as people:
        email, new = (await people.member()).body["user"]["email"], people.address()
        wanted = {"type": "email_change_current", "email": email, "new_email": new}
        refused(await people.service.post("/auth/v1/admin/generate_link", json=wanted), 400, "validation_failed")
        made = await link(people, "email_change_new", email, new_email=new)
        assert (await followed(people, made["action_link"]))["type"] == ["email_change"]
        await people.sign_in(new)


# ---------------------------------------------------------------- attacks


PATHS = (("POST", "/auth/v1/invite"), ("POST", "/auth/v1/admin/generate_link"), ("GET", "/auth/v1/admin/audit"))


async def test_only_the_service_key_may(people: People) -> None:
    session = await people.member()
    body = {"type": "magiclink", "email": session.body["user"]["email"]}
    for method, path in PATHS:
        more = {"json": body} if method == "POST" else {}
        refused(await people.anon.request(method, path, **more), 403, "not_admin")
        refused(await session.ask(method, path, **more), 403, "not_admin")
        bare = await people.anon.request(method, path, headers={"authorization": ""}, **more)
        refused(bare, 401, "no_authorization")
    assert len(await people.mails(session.body["user"]["email"])) == 1


async def test_nobody_is_invited_as_more_than_a_user(people: People) -> None:
    more = {"role": "service_role", "app_metadata": {"roles": ["staff"]}, "id": "5a1d0000-0000-4000-8000-000000000009"}
    more |= {"aud": "admin", "email_confirm": True, "banned_until": None, "phone": "46701234567"}
    for made in (
        (await invite(people, people.address(), **more)).json(),
        await link(people, "magiclink", people.address(), **more),
    ):
        assert (made["role"], made["aud"], made["phone"]) == ("authenticated", "authenticated", "")
        assert made["app_metadata"] == {"provider": "email", "providers": ["email"]}
        assert made["id"] != more["id"]
        assert "email_confirmed_at" not in made


@pytest.mark.parametrize(
    "email",
    [
        "a@example.com\r\nBcc: b@example.com",
        "a@example.com\nx",
        "a@b@c.com",
        "a,b@example.com",
        '"a"@example.com',
        "a@example.com>",
    ],
)
async def test_no_header_is_smuggled_into_a_mail(people: People, email: str) -> None:
    refused(await invite(people, email), 400, "validation_failed")
    wanted = {"type": "invite", "email": email}
    refused(await people.service.post("/auth/v1/admin/generate_link", json=wanted), 400, "validation_failed")
    assert list(await people.mails(email)) == []


async def test_a_link_leads_nowhere_else(people: People) -> None:
    for elsewhere in ("https://evil.example/", "javascript:alert(1)", "https://app.example.com.evil.example/"):
        made = await link(people, "magiclink", people.address(), redirect_to=elsewhere)
        assert elsewhere not in made["action_link"]
        assert urlsplit(made["redirect_to"]).hostname == "127.0.0.1"


# ---------------------------------------------------------------- the audit log


async def test_the_audit_log(people: People) -> None:
    email = people.address()
    session = await people.member(email)
    invited = people.address()
    await invite(people, invited)
    await session.ask("POST", "/auth/v1/logout")

    async def read(**query: Any) -> tuple[list[dict[str, Any]], httpx.Response]:
        answer = await people.service.get("/auth/v1/admin/audit", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json(), answer

    entries, _ = await read()
    assert [each["payload"]["action"] for each in entries] == ["logout", "user_invited", "login", "user_signedup"]
    assert set(entries[0]) == {"id", "payload", "created_at", "ip_address"}
    assert (
        entries[0]["payload"] | {"actor_id": session.uid, "actor_username": email, "log_type": "account"} == entries[0]["payload"]
    )
    assert entries[1]["payload"]["traits"]["user_email"] == invited
    assert next(each["payload"]["action"] for each in (await read(query=f"author:{email[:12].upper()}"))[0]) == "logout"
    assert len((await read(query="action:user_"))[0]) == 2
    assert len((await read(query="type:team"))[0]) == 2
    assert (await read(query="action:%"))[0] == []
    page, answer = await read(page=2, per_page=1, query="type:team")
    assert [each["payload"]["action"] for each in page] == ["user_signedup"]
    assert answer.headers["x-total-count"] == "2"
    assert "page=2&per_page=1&query=type%3Ateam" in answer.headers["link"]
    for wrong in ("nonsense", "payload:x", ":x", "ip:1", "author"):
        refused(await people.service.get("/auth/v1/admin/audit", params={"query": wrong}), 400, "validation_failed")
    refused(await people.service.get("/auth/v1/admin/audit", params={"page": "0"}), 400, "validation_failed")
    assert jwt.decode(session.body["access_token"], options={"verify_signature": False})["sub"] == session.uid
