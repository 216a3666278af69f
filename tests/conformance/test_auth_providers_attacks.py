"""What hostile people and hostile providers try on sign-ins through providers, on every engine. All of it is refused, none of it
is answered with a 5xx status."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from mainspring.observe import Observation, ProviderErred
from mainspring.services.identity.providers import fetch
from mainspring.testing.client import TestClient
from tests.support.elsewhere import (
    PKCE,
    SITE,
    VERIFIER,
    Browser,
    exchange,
    link,
    provider_settings,
    told,
    user_of,
    with_providers,
)
from tests.support.people import PASSWORD, Open, People, Session, app, refused, relative, settings
from tests.support.provider import FakeProvider


@pytest.fixture
def opened(opened: Open, provider: FakeProvider) -> Open:
    """Opens the application on an engine, with the fake provider under several names."""
    return with_providers(opened, provider)


@pytest.fixture
async def people(opened: Open) -> AsyncIterator[People]:
    async with opened() as found:
        yield found


@pytest.fixture
def browser(people: People, provider: FakeProvider) -> Browser:
    return Browser(people, provider)


async def people_named(people: People, email: str) -> list[dict[str, Any]]:
    answer = await people.service.get("/auth/v1/admin/users", params={"filter": email})
    return list(answer.json()["users"])


def content(folder: Path) -> bytes:
    """All that the database's files hold; nothing where it is not in this folder."""
    return b"".join(path.read_bytes() for path in folder.glob("people.sqlite*"))


# ---------------------------------------------------------------- providers that misbehave

BAD_TOKENS = [
    "nonce",
    "no-nonce",
    "audience",
    "azp",
    "azp-missing",
    "issuer",
    "expired",
    "future",
    "no-expiry",
    "at_hash",
    "no-sub",
    "none",
    "hs256",
    "other-key",
    "kid",
    "no-id-token",
    "no-keys",
]
BAD_ANSWERS = ["status-500", "garbage", "list", "huge", "deep", "compressed", "redirect", "error", "empty", "numbers"]
BAD_DOCUMENTS = ["issuer-of-document", "private", "plain"]


@pytest.mark.parametrize("wrong", [*BAD_TOKENS, *BAD_ANSWERS])
async def test_a_provider_that_misbehaves(wrong: str, people: People, browser: Browser, provider: FakeProvider) -> None:
    email = people.address()
    provider.signs_in(f"wrong-{wrong}", email)
    url = provider.consent(await browser.leave(redirect_to=f"{SITE}/in"))
    provider.wrong, provider.asked = wrong, []
    found = await browser.back(url)
    assert found["to"] == f"{SITE}/in"
    assert found["error"] in ("server_error", "invalid_request"), found
    assert {"code", "access_token"}.isdisjoint(found)
    assert "/secret" not in provider.asked
    assert await people_named(people, email) == []
    provider.wrong = ""
    assert (await browser.back(url))["error_code"] == "bad_oauth_state", "a sign-in that failed is over"
    assert "access_token" in await browser.sign_in()


@pytest.mark.parametrize("wrong", BAD_DOCUMENTS)
async def test_a_document_that_leads_elsewhere(wrong: str, opened: Open, provider: FakeProvider) -> None:
    async with opened() as people:
        browser = Browser(people, provider)
        provider.signs_in(f"document-{wrong}", people.address())
        provider.wrong = wrong
        answer = await browser.get("/auth/v1/authorize?provider=fake")
        if wrong == "private":  # its address looks well, what it resolves to does not
            url = provider.consent(answer.headers["location"])
            answer = await browser.get(relative(url))
        found = told(answer)
        assert (found["error"], found["error_code"]) == ("server_error", "unexpected_failure")


async def test_an_issuer_is_compared_letter_by_letter(opened: Open, provider: FakeProvider) -> None:
    """One slash more, and it is another one: its tokens would be refused, too. Whoever has configured it is told what it is."""
    async with opened(providers={"fake": provider_settings(provider, issuer=f"{provider.url}/")}) as people:
        provider.signs_in("slash-1", people.address())
        found = told(await Browser(people, provider).get("/auth/v1/authorize?provider=fake"))
        reason = f"The provider fake could not be used: it says that its issuer is '{provider.url}'"
        assert (found["error"], found["error_description"]) == ("server_error", reason)


@pytest.mark.alone
async def test_a_slow_provider(people: People, browser: Browser, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "SECONDS", 0.3)
    provider.signs_in("slow-1", people.address())
    url = provider.consent(await browser.leave())
    provider.wrong = "slow"
    found = await asyncio.wait_for(browser.back(url), 1.5)
    assert found["error_description"] == "The provider fake could not be used: it did not answer in time"


async def test_whoever_runs_the_server_is_told(provider: FakeProvider) -> None:
    told: list[Observation] = []
    said = settings(providers={"fake": provider_settings(provider)})
    async with TestClient(app, "memory://", settings=said, observe=told.append) as client:
        browser = Browser(People(client), provider)
        provider.signs_in("told-1", "told@example.com")
        url = provider.consent(await browser.leave())
        provider.wrong = "status-500"
        await browser.back(url)
    assert [(fact.provider, fact.reason) for fact in told if isinstance(fact, ProviderErred)] == [("fake", "it answered 500")]


async def test_profiles_of_somebody_else(people: People, browser: Browser, provider: FakeProvider) -> None:
    provider.signs_in("profile-1")
    url = provider.consent(await browser.leave())
    provider.wrong = "userinfo"
    assert (await browser.back(url))["error"] == "server_error"


async def test_a_provider_that_says_no(people: People, browser: Browser) -> None:
    state = parse_qs(urlsplit(await browser.leave(redirect_to=f"{SITE}/in")).query)["state"][0]
    said = {"state": state, "error": "access_denied", "error_description": "No\r\nSet-Cookie: a=b <script>" + "x" * 5000}
    answer = await browser.get(f"/auth/v1/callback?{urlencode(said)}")
    found = told(answer)
    assert (found["to"], found["error"]) == (f"{SITE}/in", "access_denied")
    assert "\n" not in found["error_description"]
    assert len(found["error_description"]) <= 500
    assert answer.headers.get_list("set-cookie") == []


# ---------------------------------------------------------------- states


async def test_a_state_serves_once(people: People, browser: Browser, provider: FakeProvider) -> None:
    provider.signs_in("once-1", people.address())
    first, second = await browser.leave(), await browser.leave()
    url = provider.consent(first)
    found = await asyncio.gather(*(browser.back(url) for _ in range(6)))
    assert sorted("access_token" in each for each in found) == [False] * 5 + [True]
    assert {each.get("error_code") for each in found} == {None, "bad_oauth_state"}
    assert "access_token" in await browser.back(provider.consent(second)), "others that began go on"


async def test_a_state_of_another_browser(people: People, provider: FakeProvider) -> None:
    """Login CSRF: somebody is made to come back with an attacker's code, and would be signed in as the attacker."""
    attacker, victim = Browser(people, provider), Browser(people, provider)
    provider.signs_in("attacker-1", people.address())
    url = provider.consent(await attacker.leave(redirect_to=f"{SITE}/in"))
    assert (await victim.back(url))["error_code"] == "bad_oauth_state"
    await victim.leave()
    found = await victim.back(url)
    assert (found["error_code"], found["to"]) == ("bad_oauth_state", SITE)
    victim.cookies = {"mainspring-flow": "x" * 43}
    assert (await victim.back(url))["error_code"] == "bad_oauth_state"
    assert "access_token" in await attacker.back(url)


async def test_a_state_that_is_too_old(
    people: People, browser: Browser, provider: FakeProvider, monkeypatch: pytest.MonkeyPatch
) -> None:
    provider.signs_in("old-1", people.address())
    url = provider.consent(await browser.leave())
    monkeypatch.setattr("mainspring.services.identity.flows.oauth.FLOW_SECONDS", -1)
    found = await browser.back(url)
    assert (found["error_code"], found["error_description"]) == ("bad_oauth_state", "OAuth state has expired")


async def test_mix_up(people: People, browser: Browser, provider: FakeProvider) -> None:
    """A code of one provider is never handed to another."""
    provider.signs_in("mixed-1", people.address())
    for wrong in ("mix-up", "nameless"):
        url = await browser.leave()
        provider.wrong, provider.asked = wrong, []
        found = await browser.back(provider.consent(url))
        assert found["error_code"] == "bad_oauth_state"
        assert "/token" not in provider.asked
        provider.wrong = ""


async def test_a_stolen_code(people: People, browser: Browser, provider: FakeProvider) -> None:
    provider.signs_in("stolen-1", people.address())
    found = await browser.sign_in(**PKCE)
    for verifier in ("w" * 64, "", "v" * 63, VERIFIER.upper()):
        assert (await exchange(people, found["code"], verifier)).status_code == 400
    assert (await exchange(people, found["code"])).status_code == 200
    assert refused(await exchange(people, found["code"]), 404, "flow_state_not_found")


async def test_a_code_injected_into_another_sign_in(people: People, provider: FakeProvider) -> None:
    """A victim's code of the provider, in the attacker's own sign-in: it was asked for with another verifier and nonce."""
    victim, attacker = Browser(people, provider), Browser(people, provider)
    provider.signs_in("victim-1", people.address())
    stolen = parse_qs(urlsplit(provider.consent(await victim.leave())).query)["code"][0]
    provider.signs_in("attacker-2", people.address())
    parts = urlsplit(provider.consent(await attacker.leave()))
    said = {name: values[0] for name, values in parse_qs(parts.query).items()} | {"code": stolen}
    assert (await attacker.back(f"{SITE}{parts.path}?{urlencode(said)}"))["error"] == "server_error"


async def test_nothing_secret_is_stored(opened: Open, provider: FakeProvider, tmp_path: Path) -> None:
    async with opened() as people:
        browser = Browser(people, provider)
        provider.signs_in("stored-1", people.address())
        url = await browser.leave(**PKCE)
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        found = await browser.back(provider.consent(url))
        kept = content(tmp_path)
        body = (await exchange(people, found["code"])).json()
        secret = [
            asked["state"],
            asked["nonce"],
            browser.cookies["mainspring-flow"],
            found["code"],
            body["provider_token"],
            body["provider_refresh_token"],
        ]
        assert [each for each in secret if each.encode() in kept] == []


# ---------------------------------------------------------------- malformed requests


@pytest.mark.parametrize(
    "query",
    [
        "",
        "state=",
        "state=x",
        "code=x",
        "state=%00&code=%00",
        "state=%ff%fe&code=%f0%9f%98%80",
        "state=x&code=" + "y" * 10_000,
        "state[]=x",
        "error=%0d%0aLocation:%20https://evil.example",
        "&".join(f"a{number}=1" for number in range(300)),
        "state=x&state=y&code=1&code=2",
    ],
)
async def test_malformed_callbacks(query: str, people: People) -> None:
    for answer in (
        await people.anon.get(f"/auth/v1/callback?{query}"),
        await people.anon.post("/auth/v1/callback", content=query, headers={"content-type": "application/x-www-form-urlencoded"}),
        await people.anon.get(f"/auth/v1/authorize?{query}"),
        await people.anon.get(f"/auth/v1/authorize?provider=fake&{query}"),
    ):
        assert answer.status_code in (302, 400), (answer.status_code, answer.text)
        assert "evil.example" not in urlsplit(answer.headers.get("location", "")).netloc
    for cookie in ("=", "mainspring-flow", "mainspring-flow=\xff", ";;;=;", "mainspring-flow=" + "x" * 5000):
        answer = await people.anon.get("/auth/v1/callback?state=x&code=y", headers={"cookie": cookie.encode("latin-1")})
        assert told(answer)["error_code"] == "bad_oauth_state"


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "//evil.example",
        "https://127.0.0.1:8000@evil.example/",
        "javascript:alert(1)",
        "http://127.0.0.1:8000.evil.example",
        "https://2130706433/",
        "http://127.0.0.1:8000\\@evil.example",
        "data:text/html,x",
    ],
)
async def test_open_redirects(target: str, people: People, browser: Browser, provider: FakeProvider) -> None:
    provider.signs_in("redirected-1", people.address())
    found = await browser.sign_in(redirect_to=target)
    assert (found["to"], "access_token" in found) == (SITE, True)
    state = parse_qs(urlsplit(await browser.leave(redirect_to=target)).query)["state"][0]
    assert (await browser.back(f"{SITE}/auth/v1/callback?state={state}&error=x&redirect_to={quote(target)}"))["to"] == SITE


# ---------------------------------------------------------------- accounts that were made before their owner came


async def test_a_password_that_was_waiting(people: People, browser: Browser, provider: FakeProvider) -> None:
    """CVE-2024-38351: an attacker signs up with the victim's address; the victim comes by way of a provider."""
    email = people.address()
    before = await people.sign_up(email, "attackers password 1", data={"planted": "name"})
    provider.signs_in("prehijack-1", email, name="Victim")
    victim = await browser.session()
    assert victim.uid == before["id"]
    attempt = await people.post("/token?grant_type=password", {"email": email, "password": "attackers password 1"})
    assert refused(attempt, 400, "invalid_credentials")
    user = await user_of(people, victim.uid)
    assert [each["provider"] for each in user["identities"]] == ["fake"]
    assert user["app_metadata"] == {"provider": "fake", "providers": ["fake"]}
    assert "planted" not in user["user_metadata"]
    stale = await people.mail(email, "confirmation")
    link = await people.post("/verify", {"type": "signup", "token_hash": stale["token"]})
    assert refused(link, 403, "otp_expired")


async def test_another_provider_that_was_waiting(people: People, browser: Browser, provider: FakeProvider) -> None:
    """CVE-2026-44166: an attacker makes the account through a provider that verifies nothing; the victim comes by another."""
    email = people.address()
    provider.signs_in("attacker-3", email, False)
    assert (await browser.sign_in("second"))["error_code"] == "provider_email_needs_verification"
    provider.signs_in("victim-3", email)
    victim = await browser.session("fake")
    user = await user_of(people, victim.uid)
    assert [(each["provider"], each["id"]) for each in user["identities"]] == [("fake", "victim-3")]
    provider.signs_in("attacker-3", email, False)
    attacker = await Browser(people, provider).sign_in("second")
    assert attacker["error_code"] == "provider_email_needs_verification"
    assert len((await user_of(people, victim.uid))["identities"]) == 1


@pytest.mark.parametrize("how", ["signup", "otp", "recover"])
async def test_a_provider_that_was_waiting_for_a_mail(how: str, people: People, browser: Browser, provider: FakeProvider) -> None:
    """A provider that verifies nothing; the victim comes with a password, a magic link or to recover."""
    email = people.address()
    provider.signs_in(f"attacker-{how}", email, False)
    assert (await browser.sign_in())["error_code"] == "provider_email_needs_verification"
    said = {"email": email} | ({"password": PASSWORD} if how == "signup" else {})
    assert (await people.post(f"/{how}", said)).status_code == 200
    purpose = "recovery" if how == "recover" else "confirmation"
    await asyncio.sleep(0.1)
    victim = await people.verified("recovery" if how == "recover" else "signup", email, purpose)
    assert [each["provider"] for each in (await user_of(people, victim.uid))["identities"]] == ["email"]
    assert victim.body["user"]["app_metadata"]["providers"] == ["email"]
    assert (await Browser(people, provider).sign_in())["error_code"] == "provider_email_needs_verification"


async def test_a_session_and_a_password_where_addresses_are_not_confirmed(opened: Open, provider: FakeProvider) -> None:
    """The unexpired session: where nothing is confirmed, an attacker can sign up as the victim and stay signed in."""
    async with opened(autoconfirm=True) as people:
        browser, email = Browser(people, provider), people.address()
        attacker = Session(people.anon, await people.sign_up(email))
        provider.signs_in("session-1", email)
        victim = await browser.session()
        assert victim.uid == attacker.uid
        assert (await attacker.ask("GET", "/auth/v1/user")).status_code == 403
        assert (await people.refresh(attacker.refresh_token)).status_code == 400
        assert refused(
            await people.post("/token?grant_type=password", {"email": email, "password": PASSWORD}), 400, "invalid_credentials"
        )
        assert (await victim.ask("GET", "/auth/v1/user")).status_code == 200
        assert (await victim.ask("GET", "/rest/v1/notes")).status_code == 200
        assert (await attacker.ask("GET", "/rest/v1/notes")).status_code == 401
        provider.signs_in("session-2", email)
        other = await Browser(people, provider).session("second")
        assert (await victim.ask("GET", "/auth/v1/user")).status_code == 200, "a second provider finds the address proven"
        assert other.uid == victim.uid


async def test_an_unverified_address_where_addresses_are_not_confirmed(opened: Open, provider: FakeProvider) -> None:
    """The non-verifying provider: it says that an attacker has a victim's address."""
    async with opened(autoconfirm=True) as people:
        victim = Session(people.anon, await people.sign_up())
        provider.signs_in("unsure-2", victim.body["user"]["email"], False)
        found = await Browser(people, provider).sign_in()
        assert found["error_code"] == "provider_email_needs_verification"
        assert len((await user_of(people, victim.uid))["identities"]) == 1
        provider.signs_in("unsure-3", people.address(), False)
        assert "access_token" in await Browser(people, provider).sign_in(), "who is new comes in, as they would with a password"


async def test_a_change_of_address_that_was_waiting(people: People, browser: Browser, provider: FakeProvider) -> None:
    """The unexpired e-mail change: an attacker's account takes the victim's address later, or gives it away."""
    attacker = await people.member()
    email = people.address()
    assert (await attacker.ask("PUT", "/auth/v1/user", json={"email": email})).status_code == 200
    provider.signs_in("change-1", email)
    victim = await browser.session()
    assert victim.uid != attacker.uid
    code = (await people.mail(email, "email_change"))["code"]
    for address in (attacker.body["user"]["email"], email):
        await people.post("/verify", {"type": "email_change", "email": address, "token": code})
    assert (await user_of(people, victim.uid))["email"] == email
    assert (await user_of(people, attacker.uid))["email"] == attacker.body["user"]["email"]


async def test_a_trojan_identifier(people: People, browser: Browser, provider: FakeProvider) -> None:
    """An attacker's own account, to which the victim's address is added without proof, never becomes the victim's."""
    attacker, email = await people.member(), people.address()
    provider.signs_in("trojan-1", email, False)
    assert "access_token" in await link(attacker, browser)
    provider.signs_in("victim-4", email)
    victim = await Browser(people, provider).session("second")
    assert victim.uid != attacker.uid


async def test_nobody_can_make_others_add_their_account(people: People, provider: FakeProvider) -> None:
    """A victim follows an attacker's link to add an account: with a challenge nothing comes of it without its verifier."""
    attacker, victim = await people.member(), Browser(people, provider)
    provider.signs_in("victim-5", people.address())
    found = await link(attacker, victim, **PKCE)
    assert len((await user_of(people, attacker.uid))["identities"]) == 1
    assert (await exchange(people, found["code"], "w" * 64)).status_code == 400
    assert (await victim.session()).uid != attacker.uid
    late = await exchange(people, found["code"])
    assert refused(late, 422, "identity_already_exists") == "Identity is already linked to another user"


async def test_claims_decide_nothing(people: People, browser: Browser, provider: FakeProvider) -> None:
    evil = {"role": "service_role", "app_metadata": {"roles": ["staff"]}, "aud": "x", "is_sso_user": True, "provider_id": "other"}
    provider.signs_in(
        "claims-1",
        people.address(),
        name={"a": 1},
        picture=["x"],
        nickname="\x00\ud83d",
        **{k: v for k, v in evil.items() if k != "aud"},
    )
    session = await browser.session()
    user = session.body["user"]
    assert (user["role"], user["app_metadata"]) == ("authenticated", {"provider": "fake", "providers": ["fake"]})
    assert {"role", "app_metadata", "name", "picture"}.isdisjoint(user["user_metadata"])
    assert user["identities"][0]["id"] == "claims-1"
    assert (await session.ask("GET", "/auth/v1/admin/users")).status_code == 403


async def test_too_many_begin(opened: Open) -> None:
    async with opened(rate_token=3) as people:
        answers = [await people.anon.get("/auth/v1/authorize?provider=fake") for _ in range(4)]
        assert [answer.status_code for answer in answers] == [302, 302, 302, 429]
        assert json.loads(answers[-1].content)["error_code"] == "over_request_rate_limit"


async def test_a_provider_that_was_waiting_for_an_invitation(people: People, browser: Browser, provider: FakeProvider) -> None:
    """A provider that verifies nothing; the victim is invited, and follows the link."""
    email = people.address()
    provider.signs_in("attacker-6", email, False)
    assert (await browser.sign_in())["error_code"] == "provider_email_needs_verification"
    assert (await people.service.post("/auth/v1/invite", json={"email": email})).status_code == 200
    victim = await people.verified("invite", email, "invite")
    assert [each["provider"] for each in (await user_of(people, victim.uid))["identities"]] == ["email"]
    assert (await browser.sign_in())["error_code"] == "provider_email_needs_verification"
