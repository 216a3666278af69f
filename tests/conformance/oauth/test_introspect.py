"""Programs ask whether a token is still good (RFC 7662), on every engine; and about tokens that are not theirs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import uuid4

import jwt
import pytest

from mainspring.settings import Secret
from tests.support.oauth import Program, registered
from tests.support.people import PASSWORD, Open, People, Session

AUTH = "/auth/v1"
INACTIVE = {"active": False}
End = Callable[[People, Session, Program, dict[str, Any]], Awaitable[Any]]


async def about(program: Program, token: str, **said: Any) -> dict[str, Any]:
    """What a program is told of a token."""
    answer = await program.introspect(token, **said)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store"), answer.text
    return dict(answer.json())


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
@pytest.mark.parametrize("hint", [None, "refresh_token", "access_token", "nonsense"])
async def test_what_a_token_is_good_for(hint: str | None, method: str, people: People) -> None:
    person, program = await people.member(), await registered(people, token_endpoint_auth_method=method)
    tokens = await program.tokens(person, scope="openid email")
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    usual = {"active": True, "iss": claims["iss"], "sub": person.uid, "client_id": program.id, "scope": "openid email"}
    times = {name: claims[name] for name in ("aud", "iat", "exp")}
    assert await about(program, tokens["access_token"], token_type_hint=hint) == {**usual, **times, "token_type": "bearer"}
    assert await about(program, tokens["refresh_token"], token_type_hint=hint) == usual
    assert await about(program, tokens["id_token"]) == INACTIVE, "it is no token that opens anything"


async def test_a_used_refresh_token(people: People) -> None:
    person, program = await people.member(), await registered(people)
    first = await program.tokens(person)
    second = (await program.refresh(first["refresh_token"], scope="openid")).json()
    assert await about(program, first["refresh_token"]) == INACTIVE
    assert (await about(program, second["refresh_token"]))["active"] is True
    scopes = [(await about(program, each["access_token"]))["scope"] for each in (first, second)]
    assert scopes == ["openid email", "openid"], "each says what it is good for"


async def revoked(people: People, person: Session, program: Program, tokens: dict[str, Any]) -> None:
    await program.revoke(tokens["refresh_token"])


async def withdrawn(people: People, person: Session, program: Program, tokens: dict[str, Any]) -> None:
    await person.ask("DELETE", f"{AUTH}/user/oauth/grants", params={"client_id": program.id})


async def signed_out(people: People, person: Session, program: Program, tokens: dict[str, Any]) -> None:
    await person.ask("POST", f"{AUTH}/logout", params={"scope": "global"})


async def banned(people: People, person: Session, program: Program, tokens: dict[str, Any]) -> None:
    await people.service.put(f"{AUTH}/admin/users/{person.uid}", json={"ban_duration": "1h"})


async def deleted(people: People, person: Session, program: Program, tokens: dict[str, Any]) -> None:
    await people.service.delete(f"{AUTH}/admin/users/{person.uid}")


async def another_password(people: People, person: Session, program: Program, tokens: dict[str, Any]) -> None:
    await people.service.put(f"{AUTH}/admin/users/{person.uid}", json={"password": f"{PASSWORD} new"})


@pytest.mark.parametrize("end", [revoked, withdrawn, signed_out, banned, deleted, another_password])
async def test_what_has_ended_is_told_at_once(end: End, people: People) -> None:
    person, program = await people.member(), await registered(people)
    tokens = await program.tokens(person)
    assert (await about(program, tokens["access_token"]))["active"] is True
    await end(people, person, program, tokens)
    for which in ("access_token", "refresh_token"):
        assert await about(program, tokens[which]) == INACTIVE, which


async def test_a_change_of_role_is_told_at_once(people: People) -> None:
    """The data API takes the token from before no more, so it is not good, though the session goes on."""
    person, program = await people.member(), await registered(people)
    tokens = await program.tokens(person)
    await people.service.put(f"{AUTH}/admin/users/{person.uid}", json={"app_metadata": {"roles": ["staff"]}})
    assert await about(program, tokens["access_token"]) == INACTIVE
    assert (await about(program, (await program.refresh(tokens["refresh_token"])).json()["access_token"]))["active"] is True


async def test_what_is_somebody_elses(people: People) -> None:
    """Nobody learns of a token that was not given to them, not even that it is one."""
    person, mine, other = await people.member(), await registered(people), await registered(people)
    tokens = await other.tokens(person)
    key = people.service.headers["authorization"].partition(" ")[2]
    theirs = [tokens["access_token"], tokens["refresh_token"], person.body["access_token"], person.refresh_token, key]
    for token in theirs:
        assert await about(mine, token) == INACTIVE
    assert (await about(other, tokens["access_token"]))["active"] is True


@pytest.mark.parametrize("token", ["x", "a" * 12, "a.b.c", "é", "\x00", "x" * 100_000, "sb_secret_x", "ms_x"])
async def test_what_is_no_token(token: str, people: People) -> None:
    assert await about(await registered(people), token) == INACTIVE


async def test_tokens_that_others_sign(opened: Open) -> None:
    """Who knows an HS256 secret can sign anything; it is believed where it is a session that there is."""
    secret = "s" * 40
    async with opened(jwt_secret=Secret(secret), jwt_algorithm="HS256") as people:
        person, program = await people.member(), await registered(people)
        claims = jwt.decode((await program.tokens(person))["access_token"], options={"verify_signature": False})
        for spoiled in ({"session_id": "x"}, {"session_id": 7}, {"session_id": str(uuid4())}, {"exp": 1}, {"sub": str(uuid4())}):
            assert await about(program, jwt.encode({**claims, **spoiled}, secret)) == INACTIVE, spoiled
        assert (await about(program, jwt.encode(claims, secret)))["active"] is True


async def test_who_may_not_ask(people: People) -> None:
    person, program = await people.member(), await registered(people)
    public = await registered(people, token_endpoint_auth_method="none")
    token = (await public.tokens(person))["access_token"]
    mine = (await program.tokens(person))["access_token"]
    for answer in (
        await public.introspect(token),
        await program.introspect(mine, auth=(program.id, "wrong")),
        await program.introspect(mine, auth=(str(uuid4()), program.client["client_secret"])),
    ):
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")
        assert answer.headers["www-authenticate"].startswith("Basic")
    for said in ({"token": mine}, {"token": mine, "client_id": program.id}):
        answer = await people.anon.post(f"{AUTH}/oauth/introspect", data=said)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")


async def test_mistakes(people: People) -> None:
    program = await registered(people)
    for said in ({"token": None}, {"token": ""}):
        answer = await program.token(to="introspect", **said)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    assert (await people.anon.get(f"{AUTH}/oauth/introspect")).status_code == 405


async def test_too_many_ask(opened: Open) -> None:
    async with opened(rate_token=3) as people:
        program = await registered(people)
        codes = [(await program.introspect("x")).status_code for _ in range(5)]
        assert codes == [200] * 3 + [429] * 2


async def test_it_can_be_found(people: People) -> None:
    for name in ("openid-configuration", "oauth-authorization-server"):
        found = (await people.anon.get(f"{AUTH}/.well-known/{name}")).json()
        assert found["introspection_endpoint"] == f"{found['issuer']}/oauth/introspect"
        assert found["introspection_endpoint_auth_methods_supported"] == ["client_secret_basic", "client_secret_post"]
