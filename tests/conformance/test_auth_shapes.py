"""Bodies and parameters out of shape at the endpoints for phones, invitations, links and the audit log: none is answered 5xx."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.people import Open, People, refused

PUBLIC = ("signup", "otp", "verify", "resend", "token?grant_type=password")
NUL = "\\u0000"
BODIES = [
    b"",
    b"null",
    b"[]",
    b"{",
    b"\xff\xfe",
    b'{"phone": 46701234567}',
    b'{"phone": ["46701234567"], "email": null}',
    b'{"phone": "\\ud800"}',
    b'{"phone": "46701234567", "channel": ["sms"]}',
    b'{"phone": "46701234567", "channel": "\\u0000"}',
    f'{{"phone": "4670{NUL}1234567", "type": "sms", "token": "1"}}'.encode(),
    f'{{"phone": "46701234567", "type": "sms", "token": "{NUL}"}}'.encode(),
    f'{{"phone": "46701234567", "type": "sms", "token": "{"9" * 100_000}"}}'.encode(),
    b'{"phone": "46701234567", "type": "sms", "token": "\\ud800"}',
    b'{"phone": "46701234567", "type": "phone_change", "token": "123456", "token_hash": "x"}',
    f'{{"email": "a@example.com", "type": "invite", "data": {{"a": "{NUL}"}}}}'.encode(),
    f'{{"email": "b@example.com", "type": "signup", "password": "{NUL * 8}", "data": {{"{NUL}": 1}}}}'.encode(),
    b'{"email": "c@example.com", "type": "magiclink", "data": {"a": "\\ud800"}}',
    b'{"email": "d@example.com", "type": "email_change_new", "new_email": "\\u0000@example.com"}',
    b'{"email": "e@example.com", "type": "recovery", "redirect_to": "\\u0000"}',
    b'{"email": "f@example.com", "type": "invite", "redirect_to": ["x"], "data": [1]}',
    b'{"email": "g@example.com", "type": "invite", "data": ' + b'{"a":' * 3000 + b"1" + b"}" * 3000 + b"}",
    b'{"email": "h@example.com", "phone": "46701234567", "phone_confirm": "yes"}',
    b'{"phone": "46701234568", "user_metadata": {"a": "\\u0000"}, "phone_confirm": true}',
]


@pytest.fixture
async def people(opened: Open) -> AsyncIterator[People]:
    async with opened(phone=True) as found:
        yield found


async def test_bodies_out_of_shape(people: People) -> None:
    session = await people.member()
    for path in (
        "signup",
        "otp",
        "verify",
        "resend",
        "token?grant_type=password",
        "invite",
        "admin/generate_link",
        "admin/users",
    ):
        for body in BODIES:
            for client in (people.anon, people.service):
                answer = await client.post(f"/auth/v1/{path}", content=body)
                assert answer.status_code < 500, (path, body[:60], answer.text[:200])
    for body in BODIES:
        assert (await session.ask("PUT", "/auth/v1/user", content=body)).status_code < 500, body[:60]
        place = f"/auth/v1/admin/users/{session.uid}"
        assert (await people.service.put(place, content=body)).status_code < 500, body[:60]
    large = b'{"email": "' + b"a" * 1_100_000 + b'"}'
    for path in ("invite", "admin/generate_link"):
        refused(await people.service.post(f"/auth/v1/{path}", content=large), 413, "request_entity_too_large")


async def test_parameters_out_of_shape(people: People) -> None:
    for query in (
        "page=1e9",
        "per_page=-1",
        "page=99999999999999999999",
        "query=author:%00",
        "query=action:%FF",
        "query=type:" + "x" * 10_000,
        "query=author:%25_%5C",
        "query=author:'--",
        "query=%00:x",
    ):
        answer = await people.service.get(f"/auth/v1/admin/audit?{query}")
        assert answer.status_code < 500, (query[:60], answer.text)


async def test_metadata_is_bounded_so_that_every_token_is_read(people: People) -> None:
    """Both documents of a user are in each of their tokens, which are refused beyond a size: nobody may lock themselves out."""
    large, larger = {"x": "y" * 5_000}, {"x": "y" * 5_200}
    answer = await people.post("/signup", {"email": people.address(), "password": "correct horse 1", "data": larger})
    refused(answer, 400, "validation_failed")
    session = await people.member(data=large)
    refused(await session.ask("PUT", "/auth/v1/user", json={"data": larger}), 400, "validation_failed")
    refused(await session.ask("PUT", "/auth/v1/user", json={"data": {"z": "y" * 200}}), 400, "validation_failed")
    path = f"/auth/v1/admin/users/{session.uid}"
    assert (await people.service.put(path, json={"app_metadata": large})).status_code == 200
    again = await people.post("/token?grant_type=refresh_token", {"refresh_token": session.refresh_token})
    token = again.json()["access_token"]
    assert (await people.anon.get("/rest/v1/notes", headers={"authorization": f"Bearer {token}"})).status_code == 200
