"""Passkeys at `/auth/v1/passkeys` and keys as second factors, on every engine, with an authenticator in software."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import jwt
import pytest

from tests.support.authenticator import enroll, proved
from tests.support.people import Open, People, Session, refused
from tests.support.security_key import Authenticator, raw, text

PASSKEYS, FACTORS = "/auth/v1/passkeys", "/auth/v1/factors"
SITE = "https://shop.example"


@pytest.fixture
def opened(opened: Open) -> Open:
    """Opens the application of a shop whose addresses need not be confirmed."""
    return lambda *app, **said: opened(*app, **{"autoconfirm": True, "rate_factors": 0, "site_url": f"{SITE}/", **said})


@pytest.fixture
async def people(opened: Open) -> AsyncIterator[People]:
    async with opened() as found:
        yield found


async def begin(session: Session) -> dict[str, Any]:
    answer = await session.ask("POST", f"{PASSKEYS}/registration/options", json={})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def register(session: Session, key: Authenticator, **odd: Any) -> Any:
    """What registering a key is answered."""
    begun = await begin(session)
    said = {"challenge_id": begun["challenge_id"], "credential": key.create(begun["options"], **odd)}
    return await session.ask("POST", f"{PASSKEYS}/registration/verify", json=said)


async def begin_sign_in(people: People) -> dict[str, Any]:
    answer = await people.post("/passkeys/authentication/options", {})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def sign_in(people: People, key: Authenticator, **odd: Any) -> Any:
    """What signing in with a key is answered."""
    begun = await begin_sign_in(people)
    said = {"challenge_id": begun["challenge_id"], "credential": key.get(begun["options"], **odd)}
    return await people.post("/passkeys/authentication/verify", said)


async def owner(people: People, **said: Any) -> tuple[Session, Authenticator]:
    """Somebody who has a passkey."""
    session, key = await people.member(), Authenticator(SITE, **said)
    answer = await register(session, key)
    assert answer.status_code == 200, answer.text
    return session, key


def claims(body: dict[str, Any]) -> dict[str, Any]:
    return dict(jwt.decode(body["access_token"], options={"verify_signature": False}))


# ---------------------------------------------------------------- passkeys


async def test_a_passkey_from_registering_to_giving_it_up(people: People) -> None:
    assert (await people.anon.get("/auth/v1/settings")).json()["passkeys_enabled"] is True
    session = await people.member("ann@example.com", data={"name": "Ann"})
    begun, key = await begin(session), Authenticator(SITE)
    options = begun["options"]
    assert options["rp"] == {"id": "shop.example", "name": "shop.example"}
    assert options["user"] == {"id": text(session.uid.encode()), "name": "ann@example.com", "displayName": "Ann"}
    assert {"type": "public-key", "alg": -7} in options["pubKeyCredParams"]
    selection = options["authenticatorSelection"]
    assert (selection["residentKey"], selection["userVerification"], options["attestation"]) == ("required", "preferred", "none")
    assert abs(begun["expires_at"] - datetime.now(UTC).timestamp() - 300) < 5
    said = {"challenge_id": begun["challenge_id"], "credential": key.create(options)}
    made = await session.ask("POST", f"{PASSKEYS}/registration/verify", json=said)
    assert made.json().keys() == {"id", "friendly_name", "created_at"}
    assert (await begin(session))["options"]["excludeCredentials"] == [
        {"type": "public-key", "id": text(key.id), "transports": ["internal"]}
    ]

    request = (await begin_sign_in(people))["options"]
    assert (request["rpId"], request["userVerification"]) == ("shop.example", "preferred")
    assert "allowCredentials" not in request
    body = (await sign_in(people, key)).json()
    assert (body["user"]["id"], claims(body)["aal"]) == (session.uid, "aal1")
    assert [entry["method"] for entry in claims(body)["amr"]] == ["passkey"]
    assert (await people.refresh(body["refresh_token"])).status_code == 200

    path = f"{PASSKEYS}/{made.json()['id']}"
    renamed = await session.ask("PATCH", path, json={"friendly_name": "laptop"})
    (listed,) = (await session.ask("GET", PASSKEYS)).json()
    assert listed == renamed.json()
    assert (listed["friendly_name"], "last_used_at" in listed) == ("laptop", True)
    for name in ("", "x" * 121):
        refused(await session.ask("PATCH", path, json={"friendly_name": name}), 400, "validation_failed")
    assert (await session.ask("DELETE", path)).status_code == 204
    assert refused(await session.ask("DELETE", path), 404, "validation_failed") == "Passkey not found"
    assert (await session.ask("GET", PASSKEYS)).json() == []
    refused(await sign_in(people, key), 400, "webauthn_verification_failed")


async def test_passkeys_as_the_service_key_sees_them(people: People) -> None:
    session, key = await owner(people)
    path = f"/auth/v1/admin/users/{session.uid}/passkeys"
    (listed,) = (await people.service.get(path)).json()
    refused(await session.ask("GET", path), 403, "not_admin")
    refused(await people.service.delete(f"{path}/{uuid4()}"), 404, "validation_failed")
    refused(await people.service.get(f"/auth/v1/admin/users/{uuid4()}/passkeys"), 404, "user_not_found")
    assert (await people.service.delete(f"{path}/{listed['id']}")).status_code == 204
    refused(await sign_in(people, key), 400, "webauthn_verification_failed")


async def test_who_may_register(people: People) -> None:
    nobody = await people.anon.post(f"{PASSKEYS}/registration/options", json={}, headers={"authorization": ""})
    refused(nobody, 401, "no_authorization")
    listed = await people.anon.get(PASSKEYS, headers={"authorization": ""})
    assert refused(listed, 401, "no_authorization") == "This endpoint requires a valid Bearer token"
    someone = Session(people.anon, (await people.post("/signup", {})).json())
    refused(await someone.ask("POST", f"{PASSKEYS}/registration/options", json={}), 403, "no_authorization")


async def test_somebody_with_a_second_factor_proves_it_first(people: People) -> None:
    email = people.address()
    session = await people.member(email)
    factor, phone = await enroll(session)
    high = await proved(session, factor, phone.code())
    low = await people.sign_in(email)
    told = refused(await low.ask("POST", f"{PASSKEYS}/registration/options", json={}), 403, "insufficient_aal")
    assert told == "AAL2 session is required to manage passkeys when MFA is enabled"
    begun = await begin(high)
    credential = Authenticator(SITE).create(begun["options"])
    said = {"challenge_id": begun["challenge_id"], "credential": credential}
    refused(await low.ask("POST", f"{PASSKEYS}/registration/verify", json=said), 403, "insufficient_aal")
    made = (await high.ask("POST", f"{PASSKEYS}/registration/verify", json=said)).json()
    refused(await low.ask("DELETE", f"{PASSKEYS}/{made['id']}"), 403, "insufficient_aal")
    assert (await high.ask("DELETE", f"{PASSKEYS}/{made['id']}")).status_code == 204


async def test_how_many(opened: Open) -> None:
    async with opened(factors_max=2) as people:
        session = await people.member()
        begun = [await begin(session) for _ in range(4)]
        bodies = [
            {"challenge_id": each["challenge_id"], "credential": Authenticator(SITE).create(each["options"])} for each in begun
        ]
        answers = await asyncio.gather(*(session.ask("POST", f"{PASSKEYS}/registration/verify", json=body) for body in bodies))
        assert sorted(each.status_code for each in answers) == [200, 200, 422, 422]
        told = await session.ask("POST", f"{PASSKEYS}/registration/options", json={})
        assert refused(told, 422, "too_many_passkeys") == "Maximum number of passkeys reached"


async def test_a_key_that_is_registered(people: People) -> None:
    _, key = await owner(people)
    other = await people.member()
    answer = await register(other, key)
    assert refused(answer, 422, "webauthn_credential_exists") == "This credential is already registered"


async def test_switched_off_or_not_installed(opened: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    async def off(people: People) -> None:
        assert (await people.anon.get("/auth/v1/settings")).json()["passkeys_enabled"] is False
        session = await people.member()
        for method, path in (
            ("POST", "/registration/options"),
            ("POST", "/authentication/options"),
            ("GET", ""),
            ("DELETE", f"/{uuid4()}"),
        ):
            refused(await session.ask(method, PASSKEYS + path), 404, "passkey_disabled")

    async with opened(passkeys=False) as people:
        await off(people)
    monkeypatch.setattr("mainspring.services.identity.factors.relying.find_spec", lambda _: None)
    async with opened() as people:
        await off(people)
        answer = await (await people.member()).ask("POST", FACTORS, json={"factor_type": "webauthn"})
        refused(answer, 422, "mfa_webauthn_enroll_not_enabled")


async def test_banned_people_stay_out(people: People) -> None:
    session, key = await owner(people)
    await people.service.put(f"/auth/v1/admin/users/{session.uid}", json={"ban_duration": "1h"})
    refused(await sign_in(people, key), 403, "user_banned")


# ---------------------------------------------------------------- attacks


async def test_answers_that_do_not_hold(people: People) -> None:
    session = await people.member()
    stolen = text(b"x" * 32)
    for odd in (
        {"origin": "https://evil.example"},
        {"origin": "https://shop.example.evil.example"},
        {"origin": "http://shop.example"},
        {"origin": "https://shop.example:444"},
        {"rp": "evil.example"},
        {"challenge": stolen},
        {"kind": "webauthn.get"},
        {"fmt": "unheard of"},
    ):
        told = refused(await register(session, Authenticator(SITE), **odd), 400, "webauthn_verification_failed")
        assert told == "Credential verification failed"
    _, key = await owner(people)
    other = await people.member()
    for odd in (
        {"origin": "https://evil.example"},
        {"rp": "evil.example"},
        {"challenge": stolen},
        {"kind": "webauthn.create"},
        {"user": other.uid.encode()},
        {"user": b"\xff"},
    ):
        refused(await sign_in(people, key, **odd), 400, "webauthn_verification_failed")
    assert (await sign_in(people, key)).status_code == 200


async def test_a_signature_that_was_tampered_with(people: People) -> None:
    _, key = await owner(people)
    for member, change in (("signature", -1), ("authenticatorData", 33), ("clientDataJSON", -3)):
        begun = await begin_sign_in(people)
        credential = key.get(begun["options"])
        data = bytearray(raw(credential["response"][member]))
        data[change] ^= 1
        credential["response"][member] = text(bytes(data))
        said = {"challenge_id": begun["challenge_id"], "credential": credential}
        refused(await people.post("/passkeys/authentication/verify", said), 400, "webauthn_verification_failed")
    thief = Authenticator(SITE, id=key.id, user=key.user, count=100)
    refused(await sign_in(people, thief), 400, "webauthn_verification_failed")


async def test_what_was_signed_serves_once(people: People) -> None:
    session, key = await owner(people)
    begun = await begin_sign_in(people)
    said = {"challenge_id": begun["challenge_id"], "credential": key.get(begun["options"])}
    answers = await asyncio.gather(*(people.post("/passkeys/authentication/verify", said) for _ in range(6)))
    assert sorted(each.status_code for each in answers) == [200] + [400] * 5
    again = await people.post("/passkeys/authentication/verify", said)
    assert refused(again, 400, "webauthn_challenge_not_found") == "Challenge not found or already used"
    fresh = await begin_sign_in(people)
    other = {"challenge_id": fresh["challenge_id"], "credential": said["credential"]}
    refused(await people.post("/passkeys/authentication/verify", other), 400, "webauthn_verification_failed")
    right = {"challenge_id": fresh["challenge_id"], "credential": key.get(fresh["options"])}
    told = await people.post("/passkeys/authentication/verify", right)
    refused(told, 400, "webauthn_challenge_not_found")  # a failed try uses a challenge up, too
    begun = await begin(session)
    elsewhere = {"challenge_id": begun["challenge_id"], "credential": key.get({**begun["options"], "rpId": "shop.example"})}
    refused(await people.post("/passkeys/authentication/verify", elsewhere), 400, "webauthn_challenge_not_found")


async def test_what_was_asked_of_somebody_else(people: People) -> None:
    ann, ben = await people.member(), await people.member()
    begun, key = await begin(ann), Authenticator(SITE)
    said = {"challenge_id": begun["challenge_id"], "credential": key.create(begun["options"])}
    refused(await ben.ask("POST", f"{PASSKEYS}/registration/verify", json=said), 400, "webauthn_challenge_not_found")
    assert (await ann.ask("POST", f"{PASSKEYS}/registration/verify", json=said)).status_code == 200
    (anns,) = (await ann.ask("GET", PASSKEYS)).json()
    refused(await ben.ask("DELETE", f"{PASSKEYS}/{anns['id']}"), 404, "validation_failed")
    refused(await ben.ask("PATCH", f"{PASSKEYS}/{anns['id']}", json={"friendly_name": "mine"}), 404, "validation_failed")
    assert (await ben.ask("GET", PASSKEYS)).json() == []


async def test_a_challenge_that_is_too_old(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    session, key = await owner(people)
    begun, registering = await begin_sign_in(people), await begin(session)
    later = datetime.now(UTC) + timedelta(seconds=301)
    monkeypatch.setattr("mainspring.services.identity.factors.passkeys.now", lambda: later)
    said = {"challenge_id": begun["challenge_id"], "credential": key.get(begun["options"])}
    told = refused(await people.post("/passkeys/authentication/verify", said), 400, "webauthn_challenge_expired")
    assert told == "Challenge has expired"
    said = {"challenge_id": registering["challenge_id"], "credential": Authenticator(SITE).create(registering["options"])}
    refused(await session.ask("POST", f"{PASSKEYS}/registration/verify", json=said), 400, "webauthn_challenge_expired")


async def test_a_key_that_was_copied(people: People) -> None:
    _, key = await owner(people)
    copy = Authenticator(SITE, private=key.private, id=key.id, user=key.user)
    for _ in range(3):
        assert (await sign_in(people, key)).status_code == 200
    refused(await sign_in(people, copy), 400, "webauthn_verification_failed")
    _, silent = await owner(people, counts=False, backed_up=True)
    for _ in range(2):
        assert (await sign_in(people, silent)).status_code == 200, "one that does not count may stay at zero"
    silent.backed_up = False
    refused(await sign_in(people, silent), 400, "webauthn_verification_failed")


async def test_bodies_out_of_shape(people: People) -> None:
    session, key = await owner(people)
    answers: list[Any] = []
    for path, options in (
        ("/passkeys/authentication/verify", "/passkeys/authentication/options"),
        ("/passkeys/registration/verify", "/passkeys/registration/options"),
    ):
        asked = await session.ask("POST", f"/auth/v1{options}", json={})
        good = key.get({**asked.json()["options"], "rpId": "shop.example"})
        odd: list[Any] = [None, 1, "x", [], {}, {"id": 1}, {"id": "\x00"}, {**good, "id": good["id"] + "="}]
        odd += [{**good, name: value} for name in ("rawId", "type", "response") for value in (None, 1, "", "é", [], {})]
        inner = good["response"]
        odd += [
            {**good, "response": {**inner, name: value}}
            for name in (*inner, "attestationObject", "transports")
            for value in (None, 1, "", "é", "A", "oGFhoGFh", [], {}, text(b"{}"), text(b"\xa0"), text(b"\x9f" * 5000))
        ]
        for credential in odd:
            begun = await session.ask("POST", f"/auth/v1{options}", json={})
            said = {"challenge_id": begun.json()["challenge_id"], "credential": credential}
            answers.append(await session.ask("POST", f"/auth/v1{path}", json=said))
        for body in (b"", b"{", b"[]", b"null", b'{"challenge_id": 1}', b'{"challenge_id": "x", "credential": {}}'):
            answers += [await session.ask("POST", f"/auth/v1{path}", content=body)]
    assert [each.text for each in answers if not 400 <= each.status_code < 500] == []


# ---------------------------------------------------------------- keys as second factors


async def key_factor(session: Session, name: str = "key") -> str:
    answer = await session.ask("POST", FACTORS, json={"factor_type": "webauthn", "friendly_name": name})
    assert answer.status_code == 200, answer.text
    assert (answer.json()["type"], answer.json()["friendly_name"]) == ("webauthn", name)
    return str(answer.json()["id"])


async def ask_key(session: Session, factor: str) -> dict[str, Any]:
    body = {"webauthn": {"rpId": "shop.example", "rpOrigins": [SITE]}}
    answer = await session.ask("POST", f"{FACTORS}/{factor}/challenge", json=body)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def answer_key(session: Session, factor: str, asked: dict[str, Any], key: Authenticator, **odd: Any) -> Any:
    kind, options = asked["webauthn"]["type"], asked["webauthn"]["credential_options"]["publicKey"]
    response = key.create(options, **odd) if kind == "create" else key.get(options, **odd)
    said = {"challenge_id": asked["id"], "webauthn": {"type": kind, "credential_response": response}}
    return await session.ask("POST", f"{FACTORS}/{factor}/verify", json=said)


async def test_a_key_as_second_factor(people: People) -> None:
    email = people.address()
    session, key = await people.member(email), Authenticator(SITE)
    factor = await key_factor(session)
    asked = await ask_key(session, factor)
    assert (asked["type"], asked["webauthn"]["type"]) == ("webauthn", "create")
    later = await ask_key(session, factor)
    body = (await answer_key(session, factor, asked, key)).json()
    assert (claims(body)["aal"], [entry["method"] for entry in claims(body)["amr"]]) == ("aal2", ["mfa/webauthn", "password"])
    (told,) = body["user"]["factors"]
    assert (told["status"], told["factor_type"]) == ("verified", "webauthn")
    assert told["web_authn_aaguid"] == "ea9b8d66-4d01-1d21-3ce4-b6b48cb575d4"
    high = Session(people.anon, body)
    usurper = await answer_key(high, factor, later, Authenticator(SITE))
    refused(usurper, 400, "webauthn_verification_failed")  # a key cannot take the place of another

    low = await people.sign_in(email)
    asked = await ask_key(low, factor)
    assert asked["webauthn"]["type"] == "request"
    allowed = asked["webauthn"]["credential_options"]["publicKey"]["allowCredentials"]
    assert [each["id"] for each in allowed] == [text(key.id)]
    refused(await answer_key(low, factor, asked, key, origin="https://evil.example"), 400, "webauthn_verification_failed")
    refused(await answer_key(low, factor, asked, Authenticator(SITE)), 400, "webauthn_verification_failed")
    answer = await answer_key(low, factor, asked, key)
    assert claims(answer.json())["aal"] == "aal2"
    refused(await answer_key(low, factor, asked, key), 422, "mfa_factor_not_found")

    copy = Authenticator(SITE, private=key.private, id=key.id, user=key.user)
    refused(await answer_key(low, factor, await ask_key(low, factor), copy), 400, "webauthn_verification_failed")
    bare = {"challenge_id": (await ask_key(low, factor))["id"], "code": "123456"}
    refused(await low.ask("POST", f"{FACTORS}/{factor}/verify", json=bare), 400, "validation_failed")
    assert (await high.ask("DELETE", f"{FACTORS}/{factor}")).status_code == 200
    after = (await people.refresh(high.body["refresh_token"])).json()
    assert claims(after)["aal"] == "aal1"


async def test_a_key_of_somebody_else(people: People) -> None:
    async def protected() -> tuple[Session, str, Authenticator]:
        session, key = await people.member(), Authenticator(SITE)
        factor = await key_factor(session)
        answer = await answer_key(session, factor, await ask_key(session, factor), key)
        return Session(people.anon, answer.json()), factor, key

    ann, anns, _ = await protected()
    _, _, bens = await protected()
    bens.user = ann.uid.encode()
    refused(await answer_key(ann, anns, await ask_key(ann, anns), bens), 400, "webauthn_verification_failed")
    second = await key_factor(ann, "another")
    asked = await ask_key(ann, second)
    assert len(asked["webauthn"]["credential_options"]["publicKey"]["excludeCredentials"]) == 1


async def test_the_site_that_keys_belong_to(opened: Open) -> None:
    said = {"webauthn_rp_id": "example.com", "webauthn_rp_name": "Shop", "webauthn_origins": ("https://a.example.com:443",)}
    async with opened(**said) as people:
        session = await people.member()
        assert (await begin(session))["options"]["rp"] == {"id": "example.com", "name": "Shop"}
        assert (await register(session, Authenticator("https://a.example.com"))).status_code == 200
        refused(await register(session, Authenticator(SITE)), 400, "webauthn_verification_failed")
    async with opened(site_url="http://127.0.0.1:3000") as people:
        session = await people.member()
        assert (await begin(session))["options"]["rp"]["id"] == "localhost"
        assert (await register(session, Authenticator("http://localhost:3000"))).status_code == 200
