"""Second factors at `/auth/v1/factors`, on every engine: authenticator apps, what a session proves, recovery codes."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import UUID, uuid4

import jwt
import pytest
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from mainspring import Mainspring
from mainspring.services.identity.people import Asker
from mainspring.testing.client import TestClient
from tests.support.authenticator import App, answered, challenge, enroll, proved
from tests.support.oauth import as_program, registered
from tests.support.people import PASSWORD, Open, People, Session, app, make, refused, settings

FACTORS = "/auth/v1/factors"
CODES = f"{FACTORS}/recovery-codes"


class Clock:
    """The time that the server's authenticator apps go by; it moves only when told."""

    def __init__(self) -> None:
        self.time = 1_790_000_010.0

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(self.time, UTC)

    def next(self, app: App) -> str:
        """A code of the next step."""
        self.time += 30
        return app.code(at=self.time)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr("mainspring.services.identity.factors.totp.now", made)
    return made


@pytest.fixture
def opened(opened: Open) -> Open:
    """Opens the application of a shop whose addresses need not be confirmed."""
    return lambda *app, **said: opened(
        *app, **{"autoconfirm": True, "rate_factors": 0, "site_url": "https://shop.example:8443", **said}
    )


@pytest.fixture
async def people(opened: Open) -> AsyncIterator[People]:
    async with opened() as found:
        yield found


async def protected(people: People, clock: Clock, email: str | None = None) -> tuple[Session, str, App]:
    """Somebody with a factor that works, in a session that has proved it."""
    session = await people.member(email)
    factor, phone = await enroll(session, "phone")
    return await proved(session, factor, clock.next(phone)), factor, phone


def claims(session: Session) -> dict[str, Any]:
    return dict(jwt.decode(session.body["access_token"], options={"verify_signature": False}))


def methods(session: Session) -> list[str]:
    return [entry["method"] for entry in claims(session)["amr"]]


# ---------------------------------------------------------------- enrolling


async def test_what_enrolling_shows(people: People) -> None:
    session = await people.member("ann@example.com")
    answer = await session.ask("POST", FACTORS, json={"factor_type": "totp", "friendly_name": "My phone"})
    told = answer.json()
    assert (told["type"], told["friendly_name"], "phone" in told) == ("totp", "My phone", False)
    uri, secret = urlsplit(told["totp"]["uri"]), told["totp"]["secret"]
    assert (uri.scheme, uri.netloc, unquote(uri.path)) == ("otpauth", "totp", "/shop.example:8443:ann@example.com")
    said = {name: values[0] for name, values in parse_qs(uri.query).items()}
    assert said == {"algorithm": "SHA1", "digits": "6", "issuer": "shop.example:8443", "period": "30", "secret": secret}
    assert re.fullmatch("[A-Z2-7]{32}", secret)
    drawn = told["totp"]["qr_code"]
    assert drawn.startswith('<svg xmlns="http://www.w3.org/2000/svg"')
    assert "#" not in drawn
    other = await session.ask("POST", FACTORS, json={"factor_type": "totp", "friendly_name": "b", "issuer": "A & B"})
    assert parse_qs(urlsplit(other.json()["totp"]["uri"]).query)["issuer"] == ["A & B"]

    user = (await session.ask("GET", "/auth/v1/user")).json()
    assert [(each["id"], each["status"]) for each in user["factors"]] == [
        (told["id"], "unverified"),
        (other.json()["id"], "unverified"),
    ]
    assert user["factors"][0].keys() == {
        "id",
        "created_at",
        "updated_at",
        "status",
        "friendly_name",
        "factor_type",
        "phone",
        "last_challenged_at",
    }
    assert secret not in str(user)


async def test_the_secret_is_not_kept_readable(people: People) -> None:
    session = await people.member()
    factor, _ = await enroll(session)
    answer = await session.ask("POST", FACTORS, json={"factor_type": "totp", "friendly_name": "x"})
    secret = answer.json()["totp"]["secret"]
    for path in ("/rest/v1/mfa_factors", "/rest/v1/auth_mfa_factors", "/rest/v1/mfa_recovery_codes"):
        assert (await people.service.get(path)).status_code == 404
    listed = await people.service.get(f"/auth/v1/admin/users/{session.uid}/factors")
    assert secret not in listed.text
    assert factor in listed.text


def contents(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


async def test_the_database_tells_no_secret(tmp_path: Path, clock: Clock) -> None:
    async with TestClient(app, f"sqlite:///{tmp_path}/people.sqlite", settings=settings(autoconfirm=True)) as client:
        people = People(client)
        session = await people.member()
        answer = await session.ask("POST", FACTORS, json={"factor_type": "totp"})
        secret = answer.json()["totp"]["secret"]
        high = await proved(session, answer.json()["id"], clock.next(App(secret)))
        codes = (await high.ask("POST", CODES)).json()["codes"]
        kept = await asyncio.to_thread(contents, tmp_path)
        assert answer.json()["id"].encode() in kept or UUID(answer.json()["id"]).bytes in kept, "this is the database"
        bare = [each.replace("-", "") for each in codes]
        for told in (secret, *codes, *bare, high.refresh_token, high.body["access_token"]):
            assert told.encode() not in kept
        assert base64.b32decode(secret) not in kept


async def test_what_enrolling_is_refused_with(opened: Open, clock: Clock) -> None:
    async with opened(factors_max=3) as people:
        session, _, _ = await protected(people, clock)
        said = {"factor_type": "totp", "friendly_name": "phone"}
        taken = await session.ask("POST", FACTORS, json=said)
        assert refused(taken, 422, "mfa_factor_name_conflict").startswith('A factor with the friendly name "phone"')
        odd = await session.ask("POST", FACTORS, json={"factor_type": "carrier pigeon"})
        assert refused(odd, 400, "validation_failed") == "factor_type needs to be totp, phone, or webauthn"
        refused(await session.ask("POST", FACTORS, json={}), 400, "validation_failed")
        refused(await session.ask("POST", FACTORS, json={**said, "friendly_name": "x" * 121}), 400, "validation_failed")
        refused(
            await session.ask("POST", FACTORS, json={**said, "issuer": "x" * 65, "friendly_name": ""}), 400, "validation_failed"
        )
        nobody = await people.anon.post(FACTORS, json=said, headers={"authorization": ""})
        assert refused(nobody, 401, "no_authorization") == "This endpoint requires a valid Bearer token"
        refused(await people.post("/factors", said), 403, "bad_jwt")
        someone = Session(people.anon, (await people.post("/signup", {})).json())
        told = refused(await someone.ask("POST", FACTORS, json=said), 403, "no_authorization")
        assert told == "Anonymous user not allowed to perform these actions"

        await enroll(session, "b")
        many = [session.ask("POST", FACTORS, json={"factor_type": "totp", "friendly_name": f"c{n}"}) for n in range(6)]
        answers = await asyncio.gather(*many)
        assert sorted(each.status_code for each in answers).count(200) == 1, "no more than three, however many at once"
        for answer in answers:
            if answer.status_code not in (200, 409):
                refused(answer, 422, "too_many_enrolled_mfa_factors")


async def test_switched_off(opened: Open, clock: Clock) -> None:
    async with opened(mfa_totp="off", mfa_webauthn="off") as people:
        session = await people.member()
        for kind, name in (("totp", "TOTP"), ("phone", "Phone"), ("webauthn", "WebAuthn")):
            answer = await session.ask("POST", FACTORS, json={"factor_type": kind, "phone": "4912345678"})
            told = refused(answer, 422, f"mfa_{kind}_enroll_not_enabled")
            assert told == f"MFA enroll is disabled for {name}"


# ---------------------------------------------------------------- proving


async def test_proving_a_factor_raises_the_session(people: People, clock: Clock) -> None:
    email = people.address()
    first = await people.member(email)
    assert (claims(first)["aal"], methods(first)) == ("aal1", ["password"])
    other = await people.sign_in(email)
    factor, phone = await enroll(first, "phone")
    await enroll(first, "never used")
    session = await proved(first, factor, clock.next(phone))
    assert (claims(session)["aal"], methods(session)) == ("aal2", ["totp", "password"])
    assert claims(session)["session_id"] == claims(first)["session_id"]
    (told,) = session.body["user"]["factors"]
    assert (told["id"], told["status"]) == (factor, "verified"), "the other one of its kind is gone"
    refused(await other.ask("GET", "/auth/v1/user"), 403, "session_not_found")
    refused(await people.refresh(other.refresh_token), 400, "session_not_found")
    assert (await other.ask("GET", "/rest/v1/notes")).status_code == 401

    refreshed = Session(people.anon, (await people.refresh(session.refresh_token)).json())
    assert (claims(refreshed)["aal"], methods(refreshed)) == ("aal2", ["totp", "password"])
    assert (await first.ask("GET", "/auth/v1/user")).status_code == 200, "the token of the session itself goes on"

    again = await people.sign_in(email)
    assert claims(again)["aal"] == "aal1"
    both = await proved(again, factor, clock.next(phone))
    assert claims(both)["aal"] == "aal2"
    assert (await people.refresh(refreshed.refresh_token)).status_code == 200, "who has proved as much is let be"


@pytest.mark.alone
async def test_programs_that_act_for_a_person(opened: Open, clock: Clock) -> None:
    async with opened(oauth_server=True, session_low_aal_seconds=1) as people:
        email = people.address()
        session, program = await people.member(email), await registered(people)
        tokens = await program.tokens(session)
        factor, phone = await enroll(session, "phone")
        high = await proved(session, factor, clock.next(phone))
        acting = as_program(high, tokens)
        assert claims(acting)["aal"] == "aal1"
        for method, path in (
            ("POST", ""),
            ("POST", f"/{factor}/challenge"),
            ("DELETE", f"/{factor}"),
            ("POST", "/recovery-codes"),
        ):
            answer = await acting.ask(method, FACTORS + path, json={"factor_type": "totp"})
            assert answer.status_code == 403, (path, answer.text)
        assert (await acting.ask("GET", "/rest/v1/notes")).status_code == 200, "it goes on"
        await asyncio.sleep(1.1)
        assert (await program.refresh(tokens["refresh_token"])).status_code == 200


async def test_tokens_from_before_prove_nothing(people: People, clock: Clock) -> None:
    session = await people.member()
    first = session.refresh_token
    second = (await people.refresh(first)).json()["refresh_token"]
    factor, phone = await enroll(session)
    raised = await proved(session, factor, clock.next(phone))
    for old in (first, second):
        refused(await people.refresh(old), 400, "refresh_token_already_used")
    assert (await people.refresh(raised.refresh_token)).status_code == 200
    assert (await people.refresh(raised.refresh_token)).status_code == 200, "its own parent is still answered"


async def test_an_access_token_from_before_proves_nothing(people: People, clock: Clock) -> None:
    """Whoever has stolen one does not ride along when its owner proves the factor."""
    email = people.address()
    _, factor, phone = await protected(people, clock, email)
    low = await people.sign_in(email)
    high = await proved(low, factor, clock.next(phone))
    refused(await low.ask("DELETE", f"{FACTORS}/{factor}"), 422, "insufficient_aal")
    refused(await low.ask("PUT", "/auth/v1/user", json={"password": "another horse 2"}), 401, "insufficient_aal")
    refused(await low.ask("POST", FACTORS, json={"factor_type": "totp"}), 403, "insufficient_aal")
    refused(await low.ask("POST", CODES), 403, "insufficient_aal")
    assert (await high.ask("POST", CODES)).status_code == 200


async def test_a_stolen_token_from_before_ends_the_session(opened: Open, clock: Clock) -> None:
    async with opened(refresh_reuse_seconds=0) as people:
        session = await people.member()
        factor, phone = await enroll(session)
        raised = await proved(session, factor, clock.next(phone))
        refused(await people.refresh(session.refresh_token), 400, "refresh_token_already_used")
        refused(await people.refresh(raised.refresh_token), 400, "session_not_found")


async def test_refreshing_while_a_factor_is_proved_signs_nobody_out(people: People, clock: Clock) -> None:
    session = await people.member()
    factor, phone = await enroll(session)
    said = {"challenge_id": await challenge(session, factor), "code": clock.next(phone)}
    proof = session.ask("POST", f"{FACTORS}/{factor}/verify", json=said)
    refreshes = [people.refresh(session.refresh_token) for _ in range(20)]
    answer, *answers = await asyncio.gather(proof, *refreshes)
    assert answer.status_code == 200, answer.text
    for each in answers:
        assert each.status_code == 200 or refused(each, 400, "refresh_token_already_used")
    last = Session(people.anon, (await people.refresh(answer.json()["refresh_token"])).json())
    assert claims(last)["aal"] == "aal2"


async def test_a_code_serves_once(people: People, clock: Clock) -> None:
    session, factor, phone = await protected(people, clock)
    used = phone.code(at=clock.time)
    assert refused(await answered(session, factor, used), 422, "mfa_verification_failed") == "Invalid TOTP code entered"
    before = phone.code(-1, at=clock.time)
    refused(await answered(session, factor, before), 422, "mfa_verification_failed")
    code = clock.next(phone)
    answers = await asyncio.gather(*(answered(session, factor, code) for _ in range(6)))
    assert sorted(each.status_code for each in answers) == [200] + [422] * 5


async def test_a_challenge_serves_once(people: People, clock: Clock) -> None:
    session, factor, phone = await protected(people, clock)
    asked = await challenge(session, factor)
    wrong = {"challenge_id": asked, "code": "000000" if clock.next(phone) != "000000" else "111111"}
    refused(await session.ask("POST", f"{FACTORS}/{factor}/verify", json=wrong), 422, "mfa_verification_failed")
    right = {"challenge_id": asked, "code": clock.next(phone)}
    assert (await session.ask("POST", f"{FACTORS}/{factor}/verify", json=right)).status_code == 200
    again = {"challenge_id": asked, "code": clock.next(phone)}
    answer = await session.ask("POST", f"{FACTORS}/{factor}/verify", json=again)
    assert refused(answer, 422, "mfa_factor_not_found") == "MFA factor with the provided challenge ID not found"


async def test_clocks_that_are_a_little_off(people: People, clock: Clock) -> None:
    session = await people.member()
    factor, phone = await enroll(session)
    for ahead in (-2, 2, 3):
        refused(await answered(session, factor, phone.code(ahead, at=clock.time)), 422, "mfa_verification_failed")
    session = await proved(session, factor, phone.code(-1, at=clock.time))
    session = await proved(session, factor, phone.code(1, at=clock.time))
    refused(await answered(session, factor, phone.code(0, at=clock.time)), 422, "mfa_verification_failed")


async def test_challenges_of_others(people: People, clock: Clock) -> None:
    ann, anns, phone = await protected(people, clock)
    ben, bens, _ = await protected(people, clock)
    asked = await challenge(ann, anns)
    said = {"challenge_id": asked, "code": clock.next(phone)}
    told = refused(await ben.ask("POST", f"{FACTORS}/{anns}/verify", json=said), 404, "mfa_factor_not_found")
    assert told == "Factor not found"
    refused(await ben.ask("POST", f"{FACTORS}/{anns}/challenge", json={}), 404, "mfa_factor_not_found")
    refused(await ben.ask("POST", f"{FACTORS}/{bens}/verify", json=said), 422, "mfa_factor_not_found")
    refused(await ben.ask("DELETE", f"{FACTORS}/{anns}"), 404, "mfa_factor_not_found")
    refused(await ben.ask("DELETE", f"{FACTORS}/{uuid4()}"), 404, "mfa_factor_not_found")
    refused(await ben.ask("DELETE", f"{FACTORS}/nonsense"), 404, "validation_failed")
    for odd in ({**said, "challenge_id": "x"}, {"code": "123456"}, {**said, "challenge_id": str(uuid4())}):
        refused(await ann.ask("POST", f"{FACTORS}/{anns}/verify", json=odd), 422, "mfa_factor_not_found")
    empty = refused(await ann.ask("POST", f"{FACTORS}/{anns}/verify", json={"challenge_id": asked}), 400, "validation_failed")
    assert empty == "Code needs to be non-empty"


async def test_a_challenge_answered_from_elsewhere_or_too_late(
    people: People, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    session, factor, phone = await protected(people, clock)
    late = await challenge(session, factor)
    later = datetime.now(UTC) + timedelta(seconds=301)
    monkeypatch.setattr("mainspring.services.identity.factors.factors.now", lambda: later)
    said = {"challenge_id": late, "code": clock.next(phone)}
    told = refused(await session.ask("POST", f"{FACTORS}/{factor}/verify", json=said), 422, "mfa_challenge_expired")
    assert told == f"MFA challenge {late} has expired, verify against another challenge or create a new challenge."
    asked = await session.ask("POST", f"{FACTORS}/{factor}/challenge", json={})
    assert abs(asked.json()["expires_at"] - later.timestamp() - 300) < 2
    monkeypatch.setattr("mainspring.surfaces.auth.routes.Asker", lambda ip, agent: Asker("203.0.113.9", agent))
    said = {"challenge_id": asked.json()["id"], "code": clock.next(phone)}
    elsewhere = await session.ask("POST", f"{FACTORS}/{factor}/verify", json=said)
    assert refused(elsewhere, 422, "mfa_ip_address_mismatch") == "Challenge and verify IP addresses mismatch."


async def test_a_factor_that_is_not_verified_in_time(people: People, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    session = await people.member()
    factor, phone = await enroll(session, "phone")
    asked = await challenge(session, factor)
    later = datetime.now(UTC) + timedelta(seconds=301)
    monkeypatch.setattr("mainspring.services.identity.factors.factors.now", lambda: later)
    said = {"challenge_id": asked, "code": clock.next(phone)}
    refused(await session.ask("POST", f"{FACTORS}/{factor}/verify", json=said), 404, "mfa_factor_not_found")
    again, _ = await enroll(session, "phone")
    user = (await session.ask("GET", "/auth/v1/user")).json()
    assert [each["id"] for each in user["factors"]] == [again]


async def test_guesses_are_bounded(opened: Open, clock: Clock) -> None:
    async with opened(rate_guesses=10) as people:
        email = people.address()
        session, factor, phone = await protected(people, clock, email)
        right, tried = clock.next(phone), []
        for number in range(10_000):
            code = f"{number:06}"
            if code == right:
                continue
            answer = await answered(session, factor, code)
            tried.append(answer.status_code)
            if answer.status_code == 429:
                assert int(answer.headers["retry-after"]) > 0
                break
        assert tried == [422] * 10 + [429]
        other = await people.sign_in(email)
        refused(await answered(other, factor, right), 429, "over_request_rate_limit")


async def test_guesses_from_many_addresses(opened: Open, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = iter(range(1, 1_000))
    async with opened(rate_guesses=2) as people:
        session, factor, phone = await protected(people, clock)
        await session.ask("POST", CODES)
        used, tried = phone.code(at=clock.time), []
        for _ in range(25):
            here = f"203.0.113.{next(addresses)}"
            monkeypatch.setattr("mainspring.surfaces.auth.routes.Asker", lambda ip, agent, here=here: Asker(here, agent))
            tried.append((await answered(session, factor, used)).status_code)
        assert tried == [422] * 20 + [429] * 5
        assert (await session.ask("DELETE", f"{FACTORS}/{factor}")).status_code == 200, "nothing else is locked"


async def test_the_rate_of_challenges(opened: Open) -> None:
    async with opened(rate_factors=5) as people:
        session = await people.member()
        factor, _ = await enroll(session)
        answers = [await session.ask("POST", f"{FACTORS}/{factor}/challenge", json={}) for _ in range(6)]
        assert [each.status_code for each in answers] == [200] * 5 + [429]


# ---------------------------------------------------------------- what aal1 may not


async def test_what_needs_the_second_factor(people: People, clock: Clock) -> None:
    email = people.address()
    _, factor, phone = await protected(people, clock, email)
    low = await people.sign_in(email)
    for change in ({"password": "another horse 2"}, {"email": "new@example.com"}):
        told = refused(await low.ask("PUT", "/auth/v1/user", json=change), 401, "insufficient_aal")
        assert told == "AAL2 session is required to update email or password when MFA is enabled."
    assert (await low.ask("PUT", "/auth/v1/user", json={"data": {"a": 1}, "email": email})).status_code == 200
    body = {"factor_type": "totp", "friendly_name": "mine"}
    told = refused(await low.ask("POST", FACTORS, json=body), 403, "insufficient_aal")
    assert told == "AAL2 required to enroll a new factor"
    refused(await low.ask("DELETE", f"{FACTORS}/{factor}"), 422, "insufficient_aal")
    refused(await low.ask("POST", CODES), 403, "insufficient_aal")
    refused(await low.ask("DELETE", CODES), 403, "insufficient_aal")
    high = await proved(low, factor, clock.next(phone))
    assert (await high.ask("PUT", "/auth/v1/user", json={"password": "another horse 2"})).status_code == 200
    await people.sign_in(email, "another horse 2")


async def test_a_factor_enrolled_before_the_first_was_verified(people: People, clock: Clock) -> None:
    """Somebody who knows the password leaves a factor of theirs behind: it is worth nothing once there is a real one."""
    email = people.address()
    owner = await people.member(email)
    thief = await people.sign_in(email)
    left, _ = await enroll(thief, "left behind")
    factor, phone = await enroll(owner, "phone")
    await proved(owner, factor, clock.next(phone))
    low = await people.sign_in(email)
    asked = await low.ask("POST", f"{FACTORS}/{left}/challenge", json={})
    refused(asked, 404, "mfa_factor_not_found")


async def test_enrolling_races_with_the_first_proof(people: People, clock: Clock) -> None:
    email = people.address()
    owner = await people.member(email)
    thief = await people.sign_in(email)
    factor, phone = await enroll(owner, "phone")
    said = {"challenge_id": await challenge(owner, factor), "code": clock.next(phone)}
    proof = owner.ask("POST", f"{FACTORS}/{factor}/verify", json=said)
    tries = [thief.ask("POST", FACTORS, json={"factor_type": "totp", "friendly_name": f"t{n}"}) for n in range(4)]
    answers = await asyncio.gather(*tries, proof)
    assert answers[-1].status_code == 200, answers[-1].text
    high = Session(people.anon, answers[-1].json())
    user = (await high.ask("GET", "/auth/v1/user")).json()
    assert [each["id"] for each in user["factors"]] == [factor]


async def test_a_session_that_does_not_prove_what_it_could(opened: Open, clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    async with opened(session_low_aal_seconds=600) as people:
        email = people.address()
        session, _, _ = await protected(people, clock, email)
        low = await people.sign_in(email)
        low = Session(people.anon, (await people.refresh(low.refresh_token)).json())
        free = await people.member()
        monkeypatch.setattr("mainspring.services.identity.refreshing.now", lambda: datetime.now(UTC) + timedelta(seconds=601))
        told = refused(await people.refresh(low.refresh_token), 400, "session_expired")
        assert told == "Invalid Refresh Token: Session Expired (Low AAL: User Needs MFA Verification)"
        assert (await people.refresh(session.refresh_token)).status_code == 200
        assert (await people.refresh(free.refresh_token)).status_code == 200


class VaultBase(DeclarativeBase):
    pass


class Vault(VaultBase):
    __tablename__ = "vault"
    id: Mapped[int] = mapped_column(primary_key=True)


guarded = Mainspring(models=VaultBase)


@guarded.policy(Vault, "all", to="authenticated")
def whoever_has_proved_a_second_factor(vault: Any, me: Any) -> Any:
    return me.claim("aal") == "aal2"


async def test_policies_see_what_a_session_has_proved(tmp_path: Path, clock: Clock) -> None:
    url = f"sqlite:///{tmp_path}/vault.sqlite"
    async with TestClient(guarded, url, settings=settings(autoconfirm=True)) as client:
        people = People(client)
        assert (await people.service.post("/rest/v1/vault", json={"id": 1})).status_code == 201
        email = people.address()
        high, _, _ = await protected(people, clock, email)
        low = await people.sign_in(email)
        assert (await high.ask("GET", "/rest/v1/vault")).json() == [{"id": 1}]
        assert (await low.ask("GET", "/rest/v1/vault")).json() == []
        assert (await low.ask("POST", "/rest/v1/vault", json={"id": 2})).status_code == 403


# ---------------------------------------------------------------- giving up


async def test_giving_a_factor_up(people: People, clock: Clock) -> None:
    session, factor, _ = await protected(people, clock)
    spare, _ = await enroll(session, "spare")
    assert (await session.ask("DELETE", f"{FACTORS}/{spare}")).json() == {"id": spare}
    assert (await session.ask("POST", CODES)).status_code == 200
    answer = await session.ask("DELETE", f"{FACTORS}/{factor}")
    assert (answer.status_code, answer.json()) == (200, {"id": factor})
    assert "factors" not in (await session.ask("GET", "/auth/v1/user")).json()
    assert (await session.ask("GET", CODES)).json() == {"left": 0}, "codes stand in for factors"
    after = Session(people.anon, (await people.refresh(session.refresh_token)).json())
    assert (claims(after)["aal"], methods(after)) == ("aal1", ["password"])
    assert (await after.ask("PUT", "/auth/v1/user", json={"password": "another horse 2"})).status_code == 200


async def test_factors_as_the_service_key_sees_them(people: People, clock: Clock) -> None:
    session, factor, _ = await protected(people, clock)
    path = f"/auth/v1/admin/users/{session.uid}/factors"
    (listed,) = (await people.service.get(path)).json()
    assert (listed["id"], listed["status"], listed["phone"], listed["friendly_name"]) == (factor, "verified", None, "phone")
    assert listed["last_challenged_at"].endswith("Z")
    renamed = await people.service.put(f"{path}/{factor}", json={"friendly_name": "old phone"})
    assert renamed.json()["friendly_name"] == "old phone"
    assert (await people.service.put(f"{path}/{factor}", json={})).json()["friendly_name"] == "old phone"
    await enroll(session, "new phone")
    refused(await people.service.put(f"{path}/{factor}", json={"friendly_name": "new phone"}), 422, "mfa_factor_name_conflict")
    refused(await people.service.put(f"{path}/{uuid4()}", json={}), 404, "mfa_factor_not_found")
    refused(await people.service.get(f"/auth/v1/admin/users/{uuid4()}/factors"), 404, "user_not_found")
    refused(await session.ask("GET", path), 403, "not_admin")
    refused(await session.ask("DELETE", f"{path}/{factor}"), 403, "not_admin")
    gone = await people.service.delete(f"{path}/{factor}")
    assert (gone.status_code, gone.json()["id"]) == (200, factor)
    refused(await people.service.delete(f"{path}/{factor}"), 404, "mfa_factor_not_found")
    after = Session(people.anon, (await people.refresh(session.refresh_token)).json())
    assert claims(after)["aal"] == "aal1"


async def test_whoever_is_deleted_leaves_no_factor(people: People, clock: Clock) -> None:
    for soft in (True, False):
        session, _, _ = await protected(people, clock)
        await session.ask("POST", CODES)
        path = f"/auth/v1/admin/users/{session.uid}"
        answer = await people.service.request("DELETE", path, json={"should_soft_delete": soft})
        assert answer.status_code == 200, answer.text
        found = await people.service.get(f"{path}/factors")
        assert (found.json() == []) if soft else (found.status_code == 404)


# ---------------------------------------------------------------- recovery codes


async def test_recovery_codes(people: People, clock: Clock) -> None:
    email = people.address()
    session, factor, _ = await protected(people, clock, email)
    codes = (await session.ask("POST", CODES)).json()["codes"]
    assert len(set(codes)) == 10
    assert all(re.fullmatch(r"[2-9a-z]{5}-[2-9a-z]{5}", each) for each in codes)
    assert (await session.ask("GET", CODES)).json() == {"left": 10}
    low = await people.sign_in(email)
    answer = await low.ask("POST", f"{CODES}/verify", json={"code": f" {codes[0].upper().replace('-', ' ')} "})
    assert answer.status_code == 200, answer.text
    high = Session(people.anon, answer.json())
    assert (claims(high)["aal"], methods(high)) == ("aal2", ["mfa/recovery_code", "password"])
    again = await people.sign_in(email)
    told = refused(await again.ask("POST", f"{CODES}/verify", json={"code": codes[0]}), 422, "mfa_verification_failed")
    assert told == "Invalid recovery code entered"
    assert (await again.ask("GET", CODES)).json() == {"left": 9}
    tries = [again.ask("POST", f"{CODES}/verify", json={"code": codes[1]}) for _ in range(6)]
    answers = await asyncio.gather(*tries)
    assert sorted(each.status_code for each in answers) == [200] + [422] * 5

    fresh = (await high.ask("POST", CODES)).json()["codes"]
    assert not set(fresh) & set(codes)
    low = await people.sign_in(email)
    refused(await low.ask("POST", f"{CODES}/verify", json={"code": codes[2]}), 422, "mfa_verification_failed")
    assert (await high.ask("DELETE", CODES)).status_code == 204
    refused(await low.ask("POST", f"{CODES}/verify", json={"code": fresh[0]}), 422, "mfa_verification_failed")
    refused(await low.ask("POST", f"{CODES}/verify", json={}), 400, "validation_failed")
    assert (await high.ask("DELETE", f"{FACTORS}/{factor}")).status_code == 200, "whoever lost the phone can let it go"


async def test_codes_of_others_and_guesses(opened: Open, clock: Clock) -> None:
    async with opened(rate_guesses=5) as people:
        ann, _, _ = await protected(people, clock)
        codes = (await ann.ask("POST", CODES)).json()["codes"]
        ben, _, _ = await protected(people, clock)
        for _ in range(5):
            refused(await ben.ask("POST", f"{CODES}/verify", json={"code": codes[0]}), 422, "mfa_verification_failed")
        refused(await ben.ask("POST", f"{CODES}/verify", json={"code": codes[0]}), 429, "over_request_rate_limit")
        assert (await ann.ask("POST", f"{CODES}/verify", json={"code": codes[0]})).status_code == 200
        free = await people.member()
        refused(await free.ask("POST", CODES), 403, "insufficient_aal")


# ---------------------------------------------------------------- bodies out of shape


async def test_bodies_out_of_shape(people: People, clock: Clock) -> None:
    session, factor, _ = await protected(people, clock)
    bodies: list[bytes] = [
        b"",
        b"{",
        b"[]",
        b"null",
        b"1",
        b'{"factor_type": 1}',
        b'{"factor_type": "totp", "friendly_name": "\\u0000"}',
        b'{"factor_type": "totp", "friendly_name": "\\ud800"}',
        b'{"factor_type": "totp", "issuer": "' + "\U0001f600".encode() * 64 + b'", "friendly_name": "smiles"}',
        b'{"factor_type": "\xff"}',
        b'{"challenge_id": [], "code": "1"}',
        b'{"challenge_id": "\\u0000", "code": "\\u0000"}',
        b'{"code": 123456}',
        b'{"code": "' + b"1" * 100_000 + b'"}',
        b'{"code": "\xd9\xa1\xd9\xa2\xd9\xa3\xd9\xa4\xd9\xa5\xd9\xa6"}',
        b'{"webauthn": {"type": "create", "credential_response": {}}}',
        b'{"webauthn": 1}',
        b"[" * 100_000,
    ]
    asked = await challenge(session, factor)
    paths = (
        "/factors",
        f"/factors/{factor}/challenge",
        f"/factors/{factor}/verify",
        "/factors/recovery-codes/verify",
        "/factors/%00/challenge",
        "/factors/..%2f/verify",
    )
    for path in paths:
        for body in bodies:
            answer = await session.ask("POST", f"/auth/v1{path}", content=body)
            assert answer.status_code < 500, (path, body[:60], answer.text)
    for code in ("", "12345", "1234567", "١٢٣٤٥٦", "\x00", "000000\n", "1e5", "-00001"):
        said = {"challenge_id": asked, "code": code}
        answer = await session.ask("POST", f"{FACTORS}/{factor}/verify", json=said)
        assert answer.status_code in (400, 422), (code, answer.text)


# ---------------------------------------------------------------- passwords elsewhere


async def test_recovering_a_password_does_not_go_round_the_factor(people: People, clock: Clock) -> None:
    email = people.address()
    _, factor, phone = await protected(people, clock, email)
    await people.post("/recover", {"email": email})
    low = await people.verified("recovery", email, "recovery")
    assert claims(low)["aal"] == "aal1"
    refused(await low.ask("PUT", "/auth/v1/user", json={"password": "a thief's own"}), 401, "insufficient_aal")
    high = await proved(low, factor, clock.next(phone))
    assert (await high.ask("PUT", "/auth/v1/user", json={"password": "another horse 2"})).status_code == 200
    await people.sign_in(email, "another horse 2")
    refused(await people.post("/token?grant_type=password", {"email": email, "password": PASSWORD}), 400, "invalid_credentials")


# ---------------------------------------------------------------- hooks


async def test_the_application_is_told_of_tries(opened: Open, clock: Clock) -> None:
    told: list[dict[str, Any]] = []
    made = make()

    @made.auth_hook("mfa_verification_attempt")
    def three_tries(event: dict[str, Any]) -> dict[str, Any]:
        told.append(event)
        return {"decision": "continue" if event["valid"] or len(told) < 4 else "reject", "message": "Call us"}

    @made.auth_hook("custom_access_token")
    def claim(event: dict[str, Any]) -> dict[str, Any]:
        return {"claims": {**event["claims"], "method": event["authentication_method"]}}

    async with opened(made) as people:
        session, factor, phone = await protected(people, clock)
        assert claims(session)["method"] == "totp"
        used = phone.code(at=clock.time)
        for _ in range(2):
            refused(await answered(session, factor, used), 422, "mfa_verification_failed")
        assert refused(await answered(session, factor, used), 403, "mfa_verification_rejected") == "Call us"
        refused(await people.refresh(session.refresh_token), 400, "session_not_found")
    assert [(each["user_id"], each["factor_id"], each["factor_type"]) for each in told] == [(session.uid, factor, "totp")] * 4
    assert [each["valid"] for each in told] == [True, False, False, False]
