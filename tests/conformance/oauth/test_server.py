"""Being a provider, on every engine: programs ask, people allow, tokens are given; and everything a hostile program tries."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import jwt
import pytest

from mainspring.services.identity.oauth_server import grants
from mainspring.testing.client import TestClient
from tests.support.oauth import BACK, Program, as_program, query_of, registered
from tests.support.people import Open, People, Session, app, make, refused, settings

AUTH = "/auth/v1"


def mistaken(answer: httpx.Response, error: str, status: int = 400) -> None:
    """An error in OAuth's words."""
    assert (answer.status_code, answer.json().get("error")) == (status, error), answer.text
    assert answer.headers["cache-control"] == "no-store"


async def verified(people: People, token: str, audience: str) -> dict[str, Any]:
    """The claims of an id token, verified with the published keys."""
    jwks = jwt.PyJWKSet.from_dict((await people.anon.get(f"{AUTH}/.well-known/jwks.json")).json())
    key = jwks[jwt.get_unverified_header(token)["kid"]]
    return dict(jwt.decode(token, key, algorithms=["ES256"], audience=audience))


# ---------------------------------------------------------------- the way it goes


async def test_the_whole_way(people: People) -> None:
    person, program = await people.member(), await registered(people)
    answer = await program.authorize(nonce="n-1")
    assert answer.status_code == 302
    page = urlsplit(answer.headers["location"])
    assert page.path == "/auth/v1/oauth/consent"
    id_ = query_of(answer.headers["location"])["authorization_id"]
    seen = (await person.ask("GET", f"{AUTH}/oauth/authorizations/{id_}")).json()
    assert seen["client"] == {"id": program.id, "name": "Program"}
    assert seen["user"] == {"id": person.uid, "email": person.body["user"]["email"]}
    assert (seen["redirect_uri"], seen["scope"]) == (BACK, "openid email")
    allowed = await person.ask("POST", f"{AUTH}/oauth/authorizations/{id_}/consent", json={"action": "approve"})
    target = allowed.json()["redirect_url"]
    assert target.startswith(BACK + "?code=")
    assert query_of(target)["state"] == "s1"
    tokens = (await program.exchange(query_of(target)["code"])).json()
    assert tokens["token_type"] == "bearer"
    assert tokens.keys() == {"access_token", "token_type", "expires_in", "refresh_token", "scope", "id_token"}
    said = await verified(people, tokens["id_token"], program.id)
    issuer = (await people.anon.get(f"{AUTH}/.well-known/openid-configuration")).json()["issuer"]
    assert (said["sub"], said["nonce"], said["iss"]) == (person.uid, "n-1", issuer)
    assert said["email"] == person.body["user"]["email"]
    claims = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    assert (claims["client_id"], claims["scope"], claims["iss"]) == (program.id, "openid email", issuer)
    assert claims["amr"][0]["method"] == "oauth_provider/authorization_code"
    info = (await as_program(person, tokens).ask("GET", f"{AUTH}/oauth/userinfo")).json()
    assert info == {"sub": person.uid, "email": person.body["user"]["email"], "email_verified": True}
    again = (await program.refresh(tokens["refresh_token"])).json()
    assert again["refresh_token"] != tokens["refresh_token"]
    after = jwt.decode(again["access_token"], options={"verify_signature": False})
    assert (after["client_id"], after["scope"], after["sub"]) == (program.id, "openid email", person.uid)
    assert (await as_program(person, again).ask("GET", "/rest/v1/notes")).status_code == 200


async def test_a_program_reads_as_the_person(people: People) -> None:
    person, other, program = await people.member(), await people.member(), await registered(people)
    for each in (person, other):
        await each.ask("POST", "/rest/v1/notes", json={"body": each.uid})
    asker = as_program(person, await program.tokens(person))
    assert [note["body"] for note in (await asker.ask("GET", "/rest/v1/notes")).json()] == [person.uid]


async def test_what_was_allowed_need_not_be_allowed_again(people: People) -> None:
    person, program = await people.member(), await registered(people)
    await program.tokens(person, scope="openid email profile")
    for scope, asked in (("email", False), ("openid profile", False), ("email phone", True)):
        id_ = await program.ask(scope=scope)
        seen = (await person.ask("GET", f"{AUTH}/oauth/authorizations/{id_}")).json()
        assert ("authorization_id" in seen) is asked, scope
        if not asked:
            tokens = (await program.exchange(query_of(seen["redirect_url"])["code"])).json()
            assert tokens["scope"] == scope
            refused(await person.ask("GET", f"{AUTH}/oauth/authorizations/{id_}"), 400, "validation_failed")


async def test_denying(people: People) -> None:
    person, program = await people.member(), await registered(people)
    id_ = await program.ask()
    path = f"{AUTH}/oauth/authorizations/{id_}"
    await person.ask("GET", path)
    told = (await person.ask("POST", f"{path}/consent", json={"action": "deny"})).json()["redirect_url"]
    assert told.startswith(BACK)
    assert query_of(told) == {"error": "access_denied", "error_description": "User denied the request", "state": "s1"}
    refused(await person.ask("POST", f"{path}/consent", json={"action": "approve"}), 400, "validation_failed")


async def test_userinfo_tells_as_much_as_the_scope(people: People) -> None:
    data = {"name": "Jo", "avatar_url": "https://example.com/jo.png", "preferred_username": "jo"}
    person, program = await people.member(data=data), await registered(people)
    expected = {
        "email": {"email", "email_verified"},
        "profile": {"name", "picture", "preferred_username", "updated_at", "user_metadata"},
        "phone": {"phone_verified"},
        "openid": set(),
        "openid email profile phone": {
            *("email", "email_verified", "name", "picture", "preferred_username", "updated_at", "user_metadata"),
            "phone_verified",
        },
    }
    for scope, names in expected.items():
        asker = as_program(person, await program.tokens(person, scope=scope))
        for method in ("GET", "POST"):
            info = (await asker.ask(method, f"{AUTH}/oauth/userinfo")).json()
            assert info.keys() - {"sub"} == names, scope
    assert (await person.ask("GET", f"{AUTH}/oauth/userinfo")).json() == {"sub": person.uid}


async def test_grants_are_listed_and_withdrawn(people: People) -> None:
    person, program, other = await people.member(), await registered(people), await registered(people, client_name="Other")
    tokens, kept = await program.tokens(person), await other.tokens(person)
    listed = (await person.ask("GET", f"{AUTH}/user/oauth/grants")).json()
    assert sorted(each["client"]["name"] for each in listed) == ["Other", "Program"]
    assert [each["scopes"] for each in listed] == [["openid", "email"]] * 2
    waiting = await program.allowed(person)
    path = f"{AUTH}/user/oauth/grants?client_id={program.id}"
    assert (await person.ask("DELETE", path)).status_code == 204
    mistaken(await program.refresh(tokens["refresh_token"]), "invalid_grant")
    mistaken(await program.exchange(waiting), "invalid_grant")
    assert (await as_program(person, tokens).ask("GET", "/rest/v1/notes")).status_code == 401
    assert (await as_program(person, kept).ask("GET", "/rest/v1/notes")).status_code == 200
    assert (await person.ask("GET", "/rest/v1/notes")).status_code == 200
    refused(await person.ask("DELETE", path), 404, "oauth_consent_not_found")
    id_ = await program.ask()
    assert "authorization_id" in (await person.ask("GET", f"{AUTH}/oauth/authorizations/{id_}")).json()


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post", "none"])
async def test_every_way_to_prove_who_it_is(people: People, method: str) -> None:
    person, program = await people.member(), await registered(people, token_endpoint_auth_method=method)
    assert ("client_secret" in program.client) is (method != "none")
    assert program.client.get("client_secret_expires_at") == (None if method == "none" else 0)
    assert program.client["client_type"] == ("public" if method == "none" else "confidential")
    tokens = await program.tokens(person)
    assert (await program.refresh(tokens["refresh_token"])).status_code == 200
    as_json = {"grant_type": "authorization_code", "code": await program.allowed(person), "code_verifier": program.verifier}
    if method != "client_secret_basic":
        proof = {name: program.client[name] for name in ("client_id", "client_secret") if name in program.client}
        answer = await people.post("/oauth/token", {**as_json, **proof}, headers={"authorization": ""})
        assert answer.status_code == 200, answer.text


async def test_clients_are_administered(people: People) -> None:
    program = await registered(people)
    path = f"{AUTH}/admin/oauth/clients/{program.id}"
    listed = await people.service.get(f"{AUTH}/admin/oauth/clients")
    assert listed.headers["x-total-count"] == "1"
    shown = (await people.service.get(path)).json()
    assert listed.json() == {"clients": [shown]}
    assert "client_secret" not in shown
    assert (shown["response_types"], shown["registration_type"]) == (["code"], "manual")
    changed = await people.service.put(path, json={"client_name": "New", "redirect_uris": [BACK, BACK + "/2"]})
    assert (changed.json()["client_name"], len(changed.json()["redirect_uris"])) == ("New", 2)
    renewed = (await people.service.post(f"{path}/regenerate_secret")).json()
    old, program.client = program.client["client_secret"], renewed
    person = await people.member()
    code = await program.allowed(person)
    mistaken(await program.exchange(code, auth=(program.id, old)), "invalid_client", 401)
    tokens = (await program.exchange(code)).json()
    assert (await people.service.delete(path)).status_code == 204
    refused(await people.service.get(path), 404, "oauth_client_not_found")
    mistaken(await program.refresh(tokens["refresh_token"]), "invalid_client", 401)
    assert (await as_program(person, tokens).ask("GET", "/rest/v1/notes")).status_code == 401
    for asker in (people.anon, person.client):
        assert (await asker.get(f"{AUTH}/admin/oauth/clients")).status_code in (401, 403)


async def test_programs_register_themselves_where_they_may(opened: Open) -> None:
    body = {"redirect_uris": [BACK], "client_name": "Robot", "token_endpoint_auth_method": "none"}
    async with opened() as people:
        refused(await people.post("/oauth/clients/register", body), 403, "oauth_dynamic_client_registration_disabled")
        assert "registration_endpoint" not in (await people.anon.get(f"{AUTH}/.well-known/openid-configuration")).json()
    async with opened(oauth_registration=True) as people:
        answer = await people.post("/oauth/clients/register", body)
        assert answer.status_code == 201
        assert answer.json()["registration_type"] == "dynamic"
        assert not {"client_secret", "client_secret_expires_at"} & answer.json().keys()
        await Program(people, answer.json()).tokens(await people.member())
        codes = [(await people.post("/oauth/clients/register", body)).status_code for _ in range(12)]
        assert codes.count(429) >= 2


@pytest.mark.parametrize("name", ["openid-configuration", "oauth-authorization-server"])
async def test_the_documents_lie_at_the_root_as_well(name: str, opened: Open) -> None:
    async with opened(external_url="https://api.example/base") as people:
        found = await people.anon.get(f"{AUTH}/.well-known/{name}")
        assert found.json()["issuer"] == "https://api.example/base/auth/v1"
        moved = await people.anon.get(f"/.well-known/{name}/base/auth/v1")
        assert (moved.status_code, moved.json(), moved.headers["cache-control"]) == (200, found.json(), "public, max-age=600")
        assert (await people.anon.head(f"/.well-known/{name}/base/auth/v1")).status_code == 200
        assert (await people.anon.get(f"/.well-known/{name}/auth/v1")).status_code == 404, "another issuer's"


async def test_switched_off(opened: Open) -> None:
    async with opened(oauth_server=False) as people:
        person = await people.member()
        for method, path in (
            ("GET", "/.well-known/oauth-authorization-server"),
            ("GET", "/oauth/authorize?client_id=x&redirect_uri=y"),
            ("GET", "/oauth/authorizations/x"),
            ("POST", "/oauth/authorizations/x/consent"),
            ("POST", "/oauth/token"),
            ("POST", "/oauth/introspect"),
            ("GET", "/oauth/userinfo"),
            ("POST", "/oauth/clients/register"),
            ("GET", "/user/oauth/grants"),
            ("DELETE", "/user/oauth/grants?client_id=x"),
        ):
            refused(await person.ask(method, AUTH + path), 404, "feature_disabled")
        refused(await people.service.get(f"{AUTH}/admin/oauth/clients"), 404, "feature_disabled")
        found = (await people.anon.get(f"{AUTH}/.well-known/openid-configuration")).json()
        assert "authorization_endpoint" not in found
        assert found["jwks_uri"].endswith("/auth/v1/.well-known/jwks.json")


# ---------------------------------------------------------------- attacks on codes


async def test_a_code_serves_once_and_its_tokens_end_when_it_is_tried_again(people: People) -> None:
    person, program = await people.member(), await registered(people)
    code = await program.allowed(person)
    tokens = (await program.exchange(code)).json()
    asker = as_program(person, tokens)
    assert (await asker.ask("GET", "/rest/v1/notes")).status_code == 200
    mistaken(await program.exchange(code), "invalid_grant")
    assert (await asker.ask("GET", "/rest/v1/notes")).status_code == 401
    mistaken(await program.refresh(tokens["refresh_token"]), "invalid_grant")
    assert (await person.ask("GET", "/rest/v1/notes")).status_code == 200


async def test_many_at_once_get_tokens_for_a_code_once(people: People) -> None:
    person, program = await people.member(), await registered(people)
    code = await program.allowed(person)
    answers = await asyncio.gather(*(program.exchange(code) for _ in range(20)))
    assert sum(answer.status_code == 200 for answer in answers) <= 1
    assert {answer.status_code for answer in answers} <= {200, 400}


async def test_many_answers_at_once_make_one_code(people: People) -> None:
    person, program = await people.member(), await registered(people)
    id_ = await program.ask()
    path = f"{AUTH}/oauth/authorizations/{id_}"
    seen = await asyncio.gather(*(person.ask("GET", path) for _ in range(10)))
    assert {answer.status_code for answer in seen} == {200}
    answers = await asyncio.gather(
        *(person.ask("POST", f"{path}/consent", json={"action": "approve" if n % 2 else "deny"}) for n in range(10))
    )
    assert sorted({answer.status_code for answer in answers}) == [200, 400]
    assert sum(answer.status_code == 200 for answer in answers) == 1


async def test_a_code_is_good_for_its_program_alone(people: People) -> None:
    person, program, other = await people.member(), await registered(people), await registered(people)
    code = await program.allowed(person)
    other.verifier = program.verifier
    mistaken(await other.exchange(code), "invalid_grant")
    mistaken(await program.exchange(code, auth=(program.id, other.client["client_secret"])), "invalid_client", 401)
    mistaken(await program.exchange(code, auth=(program.id, "")), "invalid_client", 401)
    assert (await program.exchange(code)).status_code == 200


@pytest.mark.parametrize("verifier", [None, "", "x" * 43, "challenge"])
async def test_a_code_needs_its_verifier(people: People, verifier: str | None) -> None:
    person, program = await people.member(), await registered(people)
    code = await program.allowed(person)
    said = program.challenge if verifier == "challenge" else verifier
    mistaken(await program.exchange(code, code_verifier=said), "invalid_grant")
    assert (await program.exchange(code)).status_code == 200


@pytest.mark.parametrize("uri", [BACK + "/", BACK + "?x=1", "https://evil.example/", BACK.upper(), "https://program.example"])
async def test_another_address_with_a_code(people: People, uri: str) -> None:
    person, program = await people.member(), await registered(people)
    code = await program.allowed(person)
    mistaken(await program.exchange(code, redirect_uri=uri), "invalid_grant")


async def test_a_code_for_one_resource_is_not_for_another(people: People) -> None:
    person, program = await people.member(), await registered(people)
    code = await program.allowed(person, resource="https://api.example/a")
    mistaken(await program.exchange(code, resource="https://api.example/b"), "invalid_grant")
    assert (await program.exchange(code, resource="https://api.example/a")).status_code == 200


async def test_guessed_codes(people: People) -> None:
    program = await registered(people)
    for code in ("x", "' OR 1=1 --", "0" * 64, "\0", "é", "x" * 10_000):
        mistaken(await program.exchange(code), "invalid_grant")


# ---------------------------------------------------------------- attacks on redirects


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/back",
        BACK + "/",
        BACK + "/../evil",
        BACK + "?next=https://evil.example",
        BACK + "#fragment",
        "https://program.example.evil.example/back",
        "https://program.example@evil.example/back",
        "https://evil.example\\@program.example/back",
        "http://program.example/back",
        "HTTPS://program.example/back",
        "https://PROGRAM.example/back",
        "https://program.example:443/back",
        "//program.example/back",
        "javascript:alert(1)",
        BACK + "\r\nlocation: https://evil.example",
        BACK + " ",
        BACK + "%00",
    ],
)
async def test_nobody_is_sent_to_an_address_that_is_not_registered(people: People, uri: str) -> None:
    program = await registered(people)
    for more in ({}, {"response_type": "token"}, {"code_challenge": None}, {"scope": "evil"}):
        answer = await program.authorize(redirect_uri=uri, **more)
        refused(answer, 400, "validation_failed")
        assert "location" not in answer.headers


async def test_nobody_is_sent_anywhere_for_an_unknown_program(people: People) -> None:
    program = await registered(people)
    for client in ("00000000-0000-4000-8000-000000000000", "x", "' OR 1=1", "../"):
        answer = await program.authorize(client_id=client)
        assert (answer.status_code, answer.headers.get("location")) == (400, None)
        assert answer.headers["x-sb-error-code"] == "oauth_client_not_found"
    for name in ("client_id", "redirect_uri"):
        refused(await program.authorize(**{name: None}), 400, "validation_failed")


@pytest.mark.parametrize(
    "said",
    [
        {"response_type": "token"},
        {"response_type": "code token"},
        {"scope": "openid admin"},
        {"scope": "service_role"},
        {"scope": "x" * 2000},
        {"code_challenge": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "none"},
        {"code_challenge_method": "plain"},
        {"code_challenge": "short"},
        {"code_challenge": "x" * 129},
        {"code_challenge": "ü" * 50},
        {"state": "x" * 5000},
        {"nonce": "x" * 300},
        {"resource": "no-uri"},
        {"resource": "https://a.example/?x=1"},
        {"resource": "https://a.example/#x"},
    ],
)
async def test_mistakes_are_told_to_the_program(people: People, said: dict[str, Any]) -> None:
    program = await registered(people)
    answer = await program.authorize(**said)
    assert answer.status_code == 302
    target = answer.headers["location"]
    assert target.startswith(BACK + "?error=invalid_request&")
    assert "authorization_id" not in target


async def test_what_comes_along_stays_within_its_parameter(people: People) -> None:
    person, program = await people.member(), await registered(people, redirect_uris=[BACK + "?tenant=1"])
    state = "a&code=evil#\r\nset-cookie: a=b"
    id_ = await program.ask(redirect_uri=BACK + "?tenant=1", state=state)
    await person.ask("GET", f"{AUTH}/oauth/authorizations/{id_}")
    answer = await person.ask("POST", f"{AUTH}/oauth/authorizations/{id_}/consent", json={"action": "approve"})
    target = answer.json()["redirect_url"]
    told = query_of(target)
    assert (told["tenant"], told["state"]) == ("1", state)
    assert told["code"] != "evil"
    assert "\n" not in target


@pytest.mark.parametrize(
    "said",
    [
        {"redirect_uris": []},
        {"redirect_uris": [BACK] * 11},
        {"redirect_uris": ["javascript:alert(1)"]},
        {"redirect_uris": ["javascript://program.example/%0aalert(1)"]},
        {"redirect_uris": ["data://text/html,x"]},
        {"redirect_uris": ["http://program.example/back"]},
        {"redirect_uris": ["/back"]},
        {"redirect_uris": ["https://"]},
        {"redirect_uris": [BACK + "#x"]},
        {"redirect_uris": [BACK + " x"]},
        {"redirect_uris": [BACK + "\nx"]},
        {"redirect_uris": ["https://user@program.example/"]},
        {"redirect_uris": ["https://program.example\\@evil.example/"]},
        {"redirect_uris": ["https://[::1"]},
        {"redirect_uris": ["https://program.example/" + "x" * 2048]},
        {"redirect_uris": BACK},
        {"grant_types": ["password"]},
        {"grant_types": []},
        {"client_type": "admin"},
        {"client_type": "public", "token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"client_name": "x" * 1025},
        {"client_uri": "javascript:alert(1)"},
        {"logo_uri": "data:image/svg+xml,x"},
    ],
)
async def test_programs_that_cannot_be_registered(tmp_path: Path, said: dict[str, Any]) -> None:
    async with TestClient(app, settings=settings(oauth_server=True)) as client:
        answer = await client.as_service().post(f"{AUTH}/admin/oauth/clients", json={"redirect_uris": [BACK], **said})
        assert answer.status_code == 400, answer.text


@pytest.mark.parametrize("uri", ["http://localhost:1234/back", "http://127.0.0.1/back", "http://[::1]/x", "my.app://back/x"])
async def test_programs_on_a_persons_own_device(tmp_path: Path, uri: str) -> None:
    async with TestClient(app, settings=settings(oauth_server=True, autoconfirm=True)) as client:
        people = People(client)
        program = await registered(people, redirect_uris=[uri], token_endpoint_auth_method="none")
        code = await program.allowed(await people.member(), redirect_uri=uri)
        assert (await program.exchange(code, redirect_uri=uri)).status_code == 200


# ---------------------------------------------------------------- attacks on consent


async def test_nobody_answers_for_somebody_else(people: People) -> None:
    person, other, program = await people.member(), await people.member(), await registered(people)
    id_ = await program.ask()
    path = f"{AUTH}/oauth/authorizations/{id_}"
    refused(await person.ask("POST", f"{path}/consent", json={"action": "approve"}), 404, "oauth_authorization_not_found")
    await person.ask("GET", path)
    refused(await other.ask("GET", path), 404, "oauth_authorization_not_found")
    for action in ("approve", "deny"):
        answer = await other.ask("POST", f"{path}/consent", json={"action": action})
        refused(answer, 404, "oauth_authorization_not_found")
    for asker in (people.anon, people.service):
        assert (await asker.get(path)).status_code in (401, 403)
        assert (await asker.post(f"{path}/consent", json={"action": "approve"})).status_code in (401, 403)
    assert (await person.ask("POST", f"{path}/consent", json={"action": "approve"})).status_code == 200


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example", "http://mainspring.test.evil"]
)
async def test_other_sites_cannot_answer(people: People, origin: str) -> None:
    person, program = await people.member(), await registered(people)
    id_ = await program.ask()
    path, headers = f"{AUTH}/oauth/authorizations/{id_}", {"origin": origin}
    for answer in (
        await person.ask("GET", path, headers=headers),
        await person.ask("POST", f"{path}/consent", json={"action": "approve"}, headers=headers),
    ):
        assert "unauthorized request origin" in refused(answer, 400, "validation_failed")
    own = {"origin": "http://127.0.0.1:8000"}
    assert (await person.ask("GET", path, headers=own)).status_code == 200


async def test_a_program_cannot_do_what_only_the_person_may(people: People) -> None:
    person, program = await people.member(), await registered(people)
    asker = as_program(person, await program.tokens(person))
    id_ = await program.ask(scope="openid email profile phone")
    for method, path, body in (
        ("GET", f"/oauth/authorizations/{id_}", None),
        ("POST", f"/oauth/authorizations/{id_}/consent", {"action": "approve"}),
        ("GET", "/user/oauth/grants", None),
        ("DELETE", f"/user/oauth/grants?client_id={program.id}", None),
        ("PUT", "/user", {"password": "another horse 2"}),
        ("PUT", "/user", {"email": "evil@example.com"}),
        ("GET", "/reauthenticate", None),
        ("POST", "/factors", {"factor_type": "totp"}),
        ("POST", "/factors/recovery-codes", None),
        ("POST", "/passkeys/registration/options", {}),
        ("GET", "/user/identities/authorize?provider=github", None),
        ("POST", "/logout?scope=global", None),
        ("GET", "/admin/users", None),
        ("GET", "/admin/oauth/clients", None),
    ):
        answer = await asker.ask(method, AUTH + path, json=body)
        assert answer.status_code == 403, (path, answer.text)
    assert (await asker.ask("GET", f"{AUTH}/user")).status_code == 200


# ---------------------------------------------------------------- attacks on tokens


async def test_refresh_tokens_stay_with_their_program(people: People) -> None:
    person, program, other = await people.member(), await registered(people), await registered(people)
    tokens = await program.tokens(person)
    mistaken(await other.refresh(tokens["refresh_token"]), "invalid_grant")
    refused(await people.refresh(tokens["refresh_token"]), 400, "invalid_credentials")
    mistaken(await program.refresh(person.refresh_token), "invalid_grant")
    assert (await program.refresh(tokens["refresh_token"])).status_code == 200
    assert (await people.refresh(person.refresh_token)).status_code == 200


async def test_a_refresh_can_ask_for_less_but_not_for_more(people: People) -> None:
    person, program = await people.member(), await registered(people)
    tokens = await program.tokens(person, scope="openid email")
    for scope in ("openid email profile", "phone", "service_role"):
        mistaken(await program.refresh(tokens["refresh_token"], scope=scope), "invalid_scope")
    less = (await program.refresh(tokens["refresh_token"], scope="openid")).json()
    assert less["scope"] == "openid"
    info = (await as_program(person, less).ask("GET", f"{AUTH}/oauth/userinfo")).json()
    assert info == {"sub": person.uid}
    assert (await program.refresh(less["refresh_token"])).json()["scope"] == "openid email"


async def test_an_id_token_opens_nothing(people: People) -> None:
    person, program = await people.member(), await registered(people)
    tokens = await program.tokens(person)
    asker = Session(people.anon, {**person.body, "access_token": tokens["id_token"]})
    assert (await asker.ask("GET", "/rest/v1/notes")).status_code == 401
    for path in ("/user", "/oauth/userinfo"):
        refused(await asker.ask("GET", AUTH + path), 403, "bad_jwt")


async def test_a_banned_person_gets_no_tokens(people: People) -> None:
    person, program = await people.member(), await registered(people)
    tokens, code = await program.tokens(person), await program.allowed(person)
    await people.service.put(f"{AUTH}/admin/users/{person.uid}", json={"ban_duration": "1h"})
    mistaken(await program.exchange(code), "access_denied")
    mistaken(await program.refresh(tokens["refresh_token"]), "access_denied")


async def test_signing_out_everywhere_ends_programs_too(people: People) -> None:
    person, program = await people.member(), await registered(people)
    tokens = await program.tokens(person)
    await person.ask("POST", f"{AUTH}/logout?scope=global")
    mistaken(await program.refresh(tokens["refresh_token"]), "invalid_grant")
    assert (await as_program(person, tokens).ask("GET", "/rest/v1/notes")).status_code == 401


async def test_a_program_does_not_end_the_persons_session(opened: Open) -> None:
    async with opened(single_session=True) as people:
        person, program = await people.member(), await registered(people)
        await program.tokens(person)
        assert (await person.ask("GET", f"{AUTH}/user")).status_code == 200
        assert (await people.refresh(person.refresh_token)).status_code == 200


async def test_guessing_secrets_ends_soon(people: People) -> None:
    person, program = await people.member(), await registered(people)
    codes = [(await program.exchange("x", auth=(program.id, f"guess {n}"))).status_code for n in range(40)]
    assert codes[:30] == [401] * 30
    assert set(codes[30:]) == {429}
    assert "access_token" in await program.tokens(person), "the program itself is not kept out"


async def test_two_proofs_are_none(people: People) -> None:
    person, program = await people.member(), await registered(people)
    other = await registered(people, token_endpoint_auth_method="client_secret_post")
    code = await program.allowed(person)
    both = {"client_id": program.id, "client_secret": program.client["client_secret"]}
    mistaken(await program.exchange(code, **both), "invalid_request")
    mistaken(await program.exchange(code, client_id=other.id), "invalid_request")
    post = {"client_id": other.id, "client_secret": None}
    mistaken(await other.exchange(await other.allowed(person), **post), "invalid_client")
    public = await registered(people, token_endpoint_auth_method="none")
    code = await public.allowed(person)
    mistaken(await public.exchange(code, client_secret="x"), "invalid_client")


@pytest.mark.parametrize(
    "body",
    [b"", b"{", b"[]", b"grant_type=refresh_token&grant_type=password", b"\xff\xfe", b"a=" + b"b" * 70_000, b"&" * 500],
)
async def test_bodies_out_of_shape(people: People, body: bytes) -> None:
    for kind in ("application/json", "application/x-www-form-urlencoded", "text/plain", ""):
        answer = await people.anon.post(
            f"{AUTH}/oauth/token", content=body, headers={"content-type": kind, "authorization": "Basic ???"}
        )
        assert 400 <= answer.status_code < 500, answer.text


async def test_secrets_are_not_stored(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/oauth.sqlite"
    async with TestClient(app, url, settings=settings(oauth_server=True, autoconfirm=True)) as client:
        people = People(client)
        person, program = await people.member(), await registered(people)
        code = await program.allowed(person)
        tokens = (await program.exchange(code)).json()
        stored = b"".join(path.read_bytes() for path in tmp_path.glob("oauth.sqlite*"))  # noqa: ASYNC240  # small files, nothing else runs
        for secret in (
            code,
            program.client["client_secret"],
            tokens["refresh_token"],
            tokens["access_token"],
            tokens["id_token"],
        ):
            assert secret.encode() not in stored


async def test_no_hook_makes_a_programs_token_a_persons() -> None:
    seen: list[dict[str, Any]] = []

    def claims(event: dict[str, Any]) -> dict[str, Any]:
        seen.append(event["claims"])
        kept = {name: value for name, value in event["claims"].items() if name not in ("client_id", "scope")}
        return {"claims": {**kept, "plan": "pro"}}

    hooked = make()
    hooked.auth_hook("custom_access_token")(claims)
    async with TestClient(hooked, settings=settings(oauth_server=True, autoconfirm=True)) as client:
        people = People(client)
        person, program = await people.member(), await registered(people)
        tokens = await program.tokens(person)
        said = jwt.decode(tokens["access_token"], options={"verify_signature": False})
        assert (said["client_id"], said["scope"], said["plan"]) == (program.id, "openid email", "pro")
        assert seen[-1]["client_id"] == program.id
        refused(await as_program(person, tokens).ask("PUT", f"{AUTH}/user", json={"data": {}}), 403, "no_authorization")


async def test_the_page_where_people_answer() -> None:
    """Ours cannot be framed and runs nothing from elsewhere; the app's own takes its place."""
    async with TestClient(app, settings=settings(oauth_server=True)) as client:
        people = People(client)
        for end, kind in (("", "text/html"), (".js", "text/javascript"), (".css", "text/css")):
            answer = await people.anon.get(f"{AUTH}/oauth/consent{end}?authorization_id=<script>")
            assert answer.status_code == 200
            assert answer.headers.get_list("content-type") == [f"{kind}; charset=utf-8"]
            policy = answer.headers["content-security-policy"]
            assert "default-src 'none'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert answer.headers["x-frame-options"] == "DENY"
            assert "<script>" not in answer.text
        assert "set-cookie" not in answer.headers
    own = settings(oauth_server=True, oauth_path="/allow", site_url="https://app.example.com/")
    async with TestClient(app, settings=own) as client:
        people = People(client)
        refused(await people.anon.get(f"{AUTH}/oauth/consent"), 404, "feature_disabled")
        answer = await (await registered(people)).authorize()
        assert answer.headers["location"].startswith("https://app.example.com/allow?authorization_id=")
    async with TestClient(app, settings=settings()) as client:
        refused(await client.as_anon().get(f"{AUTH}/oauth/consent"), 404, "feature_disabled")


async def test_requests_and_codes_do_not_last(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    person, program = await people.member(), await registered(people)
    monkeypatch.setattr(grants, "_CODE_SECONDS", -1)
    code = await program.allowed(person)
    mistaken(await program.exchange(code), "invalid_grant")
    monkeypatch.setattr(grants, "_REQUEST_SECONDS", -1)
    id_ = await program.ask()
    refused(await person.ask("GET", f"{AUTH}/oauth/authorizations/{id_}"), 404, "oauth_authorization_not_found")
    answer = await person.ask("POST", f"{AUTH}/oauth/authorizations/{id_}/consent", json={"action": "approve"})
    refused(answer, 404, "oauth_authorization_not_found")


async def test_old_requests_are_swept_away(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    program = await registered(people)
    monkeypatch.setattr(grants, "_SWEEP_SECONDS", 0)
    monkeypatch.setattr(grants, "_KEPT", timedelta(seconds=-700))
    first = await program.ask()
    await program.ask()
    person = await people.member()
    refused(await person.ask("GET", f"{AUTH}/oauth/authorizations/{first}"), 404, "oauth_authorization_not_found")
