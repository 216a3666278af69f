"""Programs give back what they were given (RFC 7009), on every engine; and try to with what is not theirs."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.support.oauth import Program, as_program, registered
from tests.support.people import Open, People, Session, refused

AUTH = "/auth/v1"


async def works(person: Session, program: Program, tokens: dict[str, Any]) -> bool:
    """Whether what a program was given still serves: all of it, or nothing."""
    reads = (await as_program(person, tokens).ask("GET", "/rest/v1/notes")).status_code
    refreshes = (await program.refresh(tokens["refresh_token"])).status_code
    assert (reads, refreshes) in ((200, 200), (401, 400))
    return reads == 200


@pytest.mark.parametrize("method", ["none", "client_secret_basic", "client_secret_post"])
@pytest.mark.parametrize("which", ["refresh_token", "access_token"])
@pytest.mark.parametrize("hint", [None, "refresh_token", "access_token", "nonsense"])
async def test_either_token_ends_it(hint: str | None, which: str, method: str, people: People) -> None:
    person, program = await people.member(), await registered(people, token_endpoint_auth_method=method)
    tokens, others = await program.tokens(person), await program.tokens(person)
    answer = await program.revoke(tokens[which], token_type_hint=hint)
    assert (answer.status_code, answer.content) == (200, b"")
    assert not await works(person, program, tokens)
    assert await works(person, program, others), "what it was given another time is another matter"
    assert (await person.ask("GET", "/rest/v1/notes")).status_code == 200
    assert (await program.revoke(tokens[which])).status_code == 200, "again is no mistake"


async def test_a_token_that_was_used_before(people: People) -> None:
    person, program = await people.member(), await registered(people)
    first = await program.tokens(person)
    second = (await program.refresh(first["refresh_token"])).json()
    assert (await program.revoke(first["refresh_token"])).status_code == 200
    assert not await works(person, program, second)


async def test_what_was_allowed_stays(people: People) -> None:
    person, program = await people.member(), await registered(people)
    await program.revoke((await program.tokens(person))["access_token"])
    assert len((await person.ask("GET", f"{AUTH}/user/oauth/grants")).json()) == 1


@pytest.mark.parametrize("token", ["x", "a" * 12, "a.b.c", "é", "\x00", "x" * 100_000, "sb_secret_x", "ms_x"])
async def test_what_is_no_token_is_no_mistake(token: str, people: People) -> None:
    program = await registered(people)
    assert (await program.revoke(token)).status_code == 200


async def test_keys_are_not_ended(people: People) -> None:
    """Neither the API keys nor keys for services are anybody's session."""
    person, program = await people.member(), await registered(people)
    key = people.service.headers["authorization"].partition(" ")[2]
    assert (await program.revoke(key)).status_code == 200
    assert (await people.service.get(f"{AUTH}/admin/users")).status_code == 200
    assert (await person.ask("GET", "/rest/v1/notes")).status_code == 200


async def test_what_is_somebody_elses(people: People) -> None:
    """Tokens of another program and those of people stay as they are, and whoever tries is told."""
    person, mine, other = await people.member(), await registered(people), await registered(people)
    tokens = await other.tokens(person)
    stolen = [tokens["refresh_token"], tokens["access_token"], person.refresh_token, person.body["access_token"]]
    for token in stolen:
        answer = await mine.revoke(token)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert await works(person, other, tokens)
    assert (await person.ask("GET", f"{AUTH}/user")).status_code == 200


async def test_who_does_not_prove_who_it_is(people: People) -> None:
    person, program = await people.member(), await registered(people)
    tokens = await program.tokens(person)
    wrong = await program.revoke(tokens["refresh_token"], auth=(program.id, "wrong"))
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    assert wrong.headers["www-authenticate"].startswith("Basic")
    public = {"to": "revoke", "client_id": program.id, "token": tokens["refresh_token"]}
    answer = await people.anon.post(f"{AUTH}/oauth/revoke", data=public)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")
    assert await works(person, program, tokens)


async def test_mistakes(people: People) -> None:
    program = await registered(people)
    for said in ({"token": None}, {"token": ""}):
        answer = await program.token(to="revoke", **said)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
        assert answer.headers["cache-control"] == "no-store"
    assert (await people.anon.get(f"{AUTH}/oauth/revoke")).status_code == 405


async def test_many_at_once(people: People) -> None:
    person, program = await people.member(), await registered(people)
    tokens = await program.tokens(person)
    both = [program.revoke(tokens["refresh_token"]) for _ in range(4)] + [program.refresh(tokens["refresh_token"])]
    answers = await asyncio.gather(*both)
    assert {answer.status_code for answer in answers[:4]} == {200}
    assert (await program.refresh(tokens["refresh_token"])).status_code == 400


async def test_it_is_noted(people: People) -> None:
    person, program = await people.member(), await registered(people)
    await program.revoke((await program.tokens(person))["refresh_token"])
    (found,) = (await people.service.get(f"{AUTH}/admin/audit", params={"query": "action:token_revoked"})).json()
    assert (found["payload"]["actor_id"], found["payload"]["traits"]) == (person.uid, {"client_id": program.id})


async def test_only_where_there_are_programs(opened: Open) -> None:
    async with opened(oauth_server=False) as people:
        refused(await people.anon.post(f"{AUTH}/oauth/revoke", data={"token": "x"}), 404, "feature_disabled")
        assert "revocation_endpoint" not in (await people.anon.get(f"{AUTH}/.well-known/openid-configuration")).json()


async def test_it_can_be_found(people: People) -> None:
    for name in ("openid-configuration", "oauth-authorization-server"):
        found = (await people.anon.get(f"{AUTH}/.well-known/{name}")).json()
        assert found["revocation_endpoint"] == f"{found['issuer']}/oauth/revoke"
        assert found["revocation_endpoint_auth_methods_supported"] == ["client_secret_basic", "client_secret_post", "none"]
