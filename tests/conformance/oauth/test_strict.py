"""What the OAuth server is strict about, on every engine: used tokens, old codes, grants, consent that nobody skips, scopes."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from mainspring.services.identity.oauth_server import grants
from mainspring.services.identity.oauth_server.scopes import SCOPES
from tests.support.oauth import BACK, Program, as_program, query_of, registered
from tests.support.people import Note, Open, Session, make

AUTH = "/auth/v1"


async def ended(person: Session, program: Program, tokens: dict[str, Any]) -> None:
    """Nothing that a program was given serves any more."""
    answer = await program.refresh(tokens["refresh_token"])
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant"), answer.text
    assert (await as_program(person, tokens).ask("GET", "/rest/v1/notes")).status_code == 401


async def seen(person: Session, id_: str) -> dict[str, Any]:
    return dict((await person.ask("GET", f"{AUTH}/oauth/authorizations/{id_}")).json())


@pytest.mark.parametrize("method", ["none", "client_secret_basic"])
@pytest.mark.parametrize("which", [0, 1], ids=["the one before", "an older one"])
async def test_a_used_refresh_token_ends_what_it_was_given_for(opened: Open, method: str, which: int) -> None:
    async with opened(refresh_reuse_seconds=0) as people:
        person, program = await people.member(), await registered(people, token_endpoint_auth_method=method)
        used = [await program.tokens(person)]
        for _ in range(which + 1):
            used.append((await program.refresh(used[-1]["refresh_token"])).json())
        await ended(person, program, used[0])
        await ended(person, program, used[-1])
        assert (await person.ask("GET", "/rest/v1/notes")).status_code == 200, "the person's own session is another"


async def test_a_lost_answer_is_given_again_for_a_moment(opened: Open) -> None:
    async with opened() as people:
        person, program = await people.member(), await registered(people)
        first = (await program.tokens(person))["refresh_token"]
        answers = await asyncio.gather(*(program.refresh(first) for _ in range(5)))
        assert {answer.json()["refresh_token"] for answer in answers} == {(await program.refresh(first)).json()["refresh_token"]}


async def test_a_code_that_is_too_old(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    assert grants._CODE_SECONDS <= 600
    async with opened() as people:
        person, program = await people.member(), await registered(people)
        monkeypatch.setattr(grants, "_CODE_SECONDS", -1)
        answer = await program.exchange(await program.allowed(person))
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.alone
async def test_a_session_of_a_program_ends_in_the_end(opened: Open) -> None:
    async with opened(session_seconds=1) as people:
        person, program = await people.member(), await registered(people)
        tokens = await program.tokens(person)
        tokens = (await program.refresh(tokens["refresh_token"])).json()
        await asyncio.sleep(1.1)
        answer = await program.refresh(tokens["refresh_token"])
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_a_program_uses_the_grants_it_is_registered_for(opened: Open) -> None:
    async with opened() as people:
        person, program = await people.member(), await registered(people, grant_types=["authorization_code"])
        tokens = await program.tokens(person)
        assert (await program.refresh(tokens["refresh_token"])).status_code == 400
        for grant in ("password", "implicit", "client_credentials", "urn:ietf:params:oauth:grant-type:device_code"):
            said = {"username": person.body["user"]["email"], "password": "correct horse 1"}
            answer = await program.token(grant_type=grant, **said)
            assert (answer.status_code, answer.json()["error"]) == (400, "unsupported_grant_type")
        found = (await people.anon.get(f"{AUTH}/.well-known/oauth-authorization-server")).json()
        assert found["response_types_supported"] == ["code"]
        assert found["grant_types_supported"] == ["authorization_code", "refresh_token"]
        assert found["code_challenge_methods_supported"] == ["S256"]


@pytest.mark.parametrize(
    ("uri", "method", "asked"),
    [
        ("http://127.0.0.1:7777/back", "none", True),
        ("my.app://back/x", "none", True),
        ("https://localhost/back", "none", True),
        (BACK, "none", False),
        ("http://127.0.0.1:7777/back", "client_secret_basic", False),
    ],
)
async def test_programs_that_others_could_pass_for_are_allowed_each_time(
    opened: Open, uri: str, method: str, asked: bool
) -> None:
    async with opened() as people:
        person = await people.member()
        program = await registered(people, redirect_uris=[uri], token_endpoint_auth_method=method)
        code = await program.allowed(person, redirect_uri=uri)
        assert (await program.exchange(code, redirect_uri=uri)).status_code == 200
        again = await seen(person, await program.ask(redirect_uri=uri))
        assert ("authorization_id" in again, "redirect_url" in again) == (asked, not asked)


async def test_people_are_told_that_a_program_has_registered_itself(opened: Open) -> None:
    async with opened(oauth_registration=True) as people:
        person, manual = await people.member(), await registered(people)
        answer = await people.post("/oauth/clients/register", {"redirect_uris": [BACK], "client_name": "Robot"})
        program = Program(people, answer.json())
        told = (await seen(person, await program.ask()))["client"]
        assert told == {"id": program.id, "name": "Robot", "registration_type": "dynamic"}
        assert "registration_type" not in (await seen(person, await manual.ask()))["client"]
        page = (await people.anon.get(f"{AUTH}/oauth/consent")).text
        assert "it has registered itself" in page
        script = (await people.anon.get(f"{AUTH}/oauth/consent.js")).text
        assert "registration_type !== 'dynamic'" in script
        for uri in ("javascript:alert(1)", "http://robot.example/back", "https://robot.example/#x"):
            answer = await people.post("/oauth/clients/register", {"redirect_uris": [uri], "client_name": "Robot"})
            assert answer.status_code == 400, uri


async def test_people_read_what_they_allow_whom_and_until_when(opened: Open) -> None:
    async with opened() as people:
        person, program = await people.member(), await registered(people, client_uri="https://program.example/about")
        told = await seen(person, await program.ask(scope="openid profile"))
        assert told["client"] == {"id": program.id, "name": "Program", "uri": "https://program.example/about"}
        assert (told["scope"], told["redirect_uri"]) == ("openid profile", BACK)
        page = (await people.anon.get(f"{AUTH}/oauth/consent")).text
        assert "until you take that back" in page
        script = (await people.anon.get(f"{AUTH}/oauth/consent.js")).text
        assert [scope for scope in SCOPES if f"  {scope}: '" not in script] == []


async def test_a_program_asks_for_the_scopes_it_is_registered_for(opened: Open) -> None:
    async with opened(oauth_registration=True) as people:
        person, program = await people.member(), await registered(people, scope="openid profile")
        assert program.client["scope"] == "openid profile"
        for scope in ("openid email", "phone"):
            answer = await program.authorize(scope=scope)
            assert query_of(answer.headers["location"])["error"] == "invalid_scope", scope
        assert (await program.tokens(person, scope=None))["scope"] == "openid profile"
        tokens = await program.tokens(person, scope="profile openid")
        path = f"{AUTH}/admin/oauth/clients/{program.id}"
        changed = (await people.service.put(path, json={"scope": "openid"})).json()
        assert (changed["scope"], changed["client_name"]) == ("openid", "Program")
        answer = await program.refresh(tokens["refresh_token"], scope="profile")
        assert answer.json()["error"] == "invalid_scope"
        less = (await program.refresh(tokens["refresh_token"])).json()
        assert less["scope"] == "openid", "what it may no longer ask for, it has no longer"
        for scope in ("", "admin", "openid admin"):
            assert (await people.service.put(path, json={"scope": scope})).status_code == 400, scope
        body = {"redirect_uris": [BACK], "scope": "openid everything"}
        answer = await people.post("/oauth/clients/register", body)
        assert (answer.status_code, "scope" in answer.json()) == (201, False), "a program does not know them all beforehand"
        assert (await Program(people, answer.json()).tokens(person, scope="openid email"))["scope"] == "openid email"


async def test_policies_decide_by_what_a_program_was_allowed(opened: Open) -> None:
    """A program asks in a person's name; a restrictive policy lets it do no more than its scope says."""
    made = make()

    @made.policy(Note, "all", to="authenticated", restrictive=True)
    def people_and_programs_with_profile(note: Any, me: Any) -> Any:
        return me.claim("client_id").is_null() | (me.claim("scope") == "openid profile")

    async with opened(made) as people:
        person, program = await people.member(), await registered(people)
        assert (await person.ask("POST", "/rest/v1/notes", json={"body": "x"})).status_code == 201
        for scope, found in (("openid profile", 1), ("openid", 0)):
            asker = as_program(person, await program.tokens(person, scope=scope))
            assert len((await asker.ask("GET", "/rest/v1/notes")).json()) == found, scope
        assert (await asker.ask("POST", "/rest/v1/notes", json={"body": "y"})).status_code == 403
        assert len((await person.ask("GET", "/rest/v1/notes")).json()) == 1


async def test_a_code_for_one_address_is_not_for_another(opened: Open) -> None:
    """A program with several addresses: a code goes to the one that was asked with, and is exchanged with that one only."""
    async with opened() as people:
        person, program = await people.member(), await registered(people, redirect_uris=[BACK, f"{BACK}/2"])
        id_ = await program.ask(redirect_uri=f"{BACK}/2")
        await seen(person, id_)
        answer = await person.ask("POST", f"{AUTH}/oauth/authorizations/{id_}/consent", json={"action": "approve"})
        target = answer.json()["redirect_url"]
        assert target.startswith(f"{BACK}/2?code=")
        refused = await program.exchange(query_of(target)["code"], redirect_uri=BACK)
        assert refused.json()["error"] == "invalid_grant"
