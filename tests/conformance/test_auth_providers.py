"""Signing in through providers, on every engine: what browsers and programs see, and what becomes of accounts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mainspring import Refusal
from mainspring.errors import ConfigError
from mainspring.settings import ProviderSettings, Secret
from mainspring.testing.client import TestClient
from tests.support.authenticator import enroll, proved
from tests.support.elsewhere import (
    CHALLENGE,
    PKCE,
    SITE,
    Browser,
    exchange,
    link,
    provider_settings,
    told,
    user_of,
    with_providers,
)
from tests.support.people import PASSWORD, Open, People, Session, app, make, refused, settings
from tests.support.provider import CLIENT, SECRET, FakeProvider


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


# ---------------------------------------------------------------- there and back


async def test_somebody_new_by_the_implicit_flow(people: People, browser: Browser, provider: FakeProvider) -> None:
    email = people.address()
    provider.signs_in("new-1", email.upper(), name="Ann Lee", picture="https://img.example/a.png", huge="x" * 5000)
    found = await browser.sign_in(redirect_to=f"{SITE}/welcome?a=b#old")
    assert found["to"] == f"{SITE}/welcome"
    tokens = {"access_token", "expires_at", "expires_in", "provider_refresh_token", "provider_token", "refresh_token", "sb"}
    assert set(found) == tokens | {"to", "a", "token_type"}
    assert found["provider_refresh_token"] == f"refresh-{found['provider_token']}"
    session = Session(people.anon, {**found})
    user = (await session.ask("GET", "/auth/v1/user")).json()
    assert user["email"] == email
    assert user["app_metadata"] == {"provider": "fake", "providers": ["fake"]}
    assert user["email_confirmed_at"]
    assert user["is_anonymous"] is False
    (identity,) = user["identities"]
    assert (identity["provider"], identity["id"], identity["email"]) == ("fake", "new-1", email)
    assert identity["identity_data"] == user["user_metadata"]
    assert user["user_metadata"] == {
        "sub": "new-1",
        "provider_id": "new-1",
        "iss": provider.url,
        "email": email,
        "email_verified": True,
        "phone_verified": False,
        "name": "Ann Lee",
        "full_name": "Ann Lee",
        "picture": "https://img.example/a.png",
        "avatar_url": "https://img.example/a.png",
    }
    refreshed = (await people.refresh(found["refresh_token"])).json()
    assert "provider_token" not in refreshed


async def test_a_program_gets_a_code(people: People, browser: Browser, provider: FakeProvider) -> None:
    provider.signs_in("pkce-1", people.address())
    found = await browser.sign_in(redirect_to=f"{SITE}/cb?next=1", **PKCE)
    assert set(found) == {"to", "next", "code"}
    wrong = await exchange(people, found["code"], "w" * 64)
    assert refused(wrong, 400, "bad_code_verifier")
    answers = await asyncio.gather(*(exchange(people, found["code"]) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 404, 404, 404, 404]
    body = next(answer.json() for answer in answers if answer.status_code == 200)
    assert body["provider_refresh_token"] == f"refresh-{body['provider_token']}"
    assert body["user"]["app_metadata"]["provider"] == "fake"
    assert body["user"]["identities"][0]["id"] == "pkce-1"


async def test_what_the_provider_is_asked(people: People, browser: Browser, provider: FakeProvider) -> None:
    provider.signs_in("asked-1", people.address())
    query = {
        "scopes": "calendar contacts",
        "prompt": "consent",
        "state": "mine",
        "redirect_uri": "https://evil.example",
        "uri": "x",
    }
    await browser.sign_in(**query, **PKCE)
    asked = provider.seen[-1]
    assert asked["scope"] == "openid email profile calendar contacts"
    assert asked["redirect_uri"] == f"{SITE}/auth/v1/callback"
    assert (asked["prompt"], asked["uri"], asked["client_id"]) == ("consent", "x", CLIENT)
    assert asked["state"] != "mine"
    assert asked["code_challenge_method"] == "S256"
    assert asked["code_challenge"] != CHALLENGE
    assert len({asked["state"], asked["nonce"], asked["code_challenge"]}) == 3
    assert not {"redirect_to", "provider"} & asked.keys()


async def test_who_comes_back_is_the_same(people: People, browser: Browser, provider: FakeProvider) -> None:
    email = people.address()
    provider.signs_in("again-1", email, name="Old")
    first = await browser.session()
    provider.signs_in("again-1", people.address(), name="New")
    second = await browser.session()
    assert (second.uid, second.body["user"]["email"]) == (first.uid, email)
    assert second.body["user"]["user_metadata"]["name"] == "New"
    assert len(second.body["user"]["identities"]) == 1


async def test_many_at_once_are_one_user(people: People, provider: FakeProvider) -> None:
    email = people.address()
    provider.signs_in("many-1", email)
    browsers = [Browser(people, provider) for _ in range(12)]
    urls = [provider.consent(await each.leave()) for each in browsers]
    found = await asyncio.gather(*(each.back(url) for each, url in zip(browsers, urls, strict=True)))
    assert [each.get("error_description") for each in found] == [None] * 12
    users = (await people.service.get(f"/auth/v1/admin/users?filter={email}")).json()["users"]
    assert [len(user["identities"]) for user in users] == [1]


async def test_an_address_list_as_github_has_it(people: People, browser: Browser, provider: FakeProvider) -> None:
    email = people.address()
    listed = [
        {"email": "unverified@example.com", "primary": True, "verified": False},
        {"email": "public@example.com", "primary": False, "verified": False},
        {"email": email, "primary": False, "verified": True},
    ]
    provider.signs_in("4711", emails=listed)
    session = await browser.session("github")
    user = session.body["user"]
    assert (user["email"], user["identities"][0]["id"]) == (email, "4711")
    assert user["user_metadata"]["user_name"] == "octo"


@pytest.mark.parametrize(
    ("lists", "tries"),
    [(None, 3), (["client_secret_basic"], 2), (["private_key_jwt", "client_secret_basic", "client_secret_post"], 3)],
)
async def test_a_provider_that_wants_the_secret_in_a_header(
    lists: list[str] | None, tries: int, opened: Open, provider: FakeProvider
) -> None:
    secret = "50%+1 is: a/majority é"
    async with opened(providers={"fake": provider_settings(provider, client_secret=Secret(secret))}) as people:
        browser = Browser(people, provider)
        provider.signs_in("header-1", people.address())
        provider.takes, provider.lists, provider.secrets = "client_secret_basic", lists, lambda said: said == secret
        provider.asked = []
        assert "access_token" in await browser.sign_in()
        assert "access_token" in await browser.sign_in()
        assert provider.asked.count("/token") == tries, "what it takes is found out once"
        provider.secrets = lambda said: False
        assert "invalid_client" in (await browser.sign_in())["error_description"]


async def test_a_provider_changes_its_key(people: People, browser: Browser, provider: FakeProvider) -> None:
    email = people.address()
    for kid in ("k1", "k2", "k3"):
        provider.signs_in("keys-1", email)
        provider.kid = kid
        assert "access_token" in await browser.sign_in(), "nobody waits for it to be noticed"


async def test_settings_tell_what_is_configured(people: People) -> None:
    external = (await people.anon.get("/auth/v1/settings")).json()["external"]
    assert (external["fake"], external["github"], external["google"]) == (True, True, False)


async def test_cookies_of_the_browser(people: People, browser: Browser, provider: FakeProvider) -> None:
    answer = await people.anon.get("/auth/v1/authorize?provider=fake")
    (cookie,) = answer.headers.get_list("set-cookie")
    assert cookie.startswith("mainspring-flow=")
    assert cookie.partition(";")[2] == " Path=/; Max-Age=300; HttpOnly; SameSite=Lax"
    assert answer.headers["cache-control"] == "no-store"


async def test_a_provider_that_posts(opened: Open, provider: FakeProvider) -> None:
    """Apple sends a form from its own site, and who somebody is in words that nobody has signed."""
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    said = {"client_id": CLIENT, "issuer": provider.url, "team_id": "T", "key_id": "K", "private_key": Secret(pem)}
    async with opened(providers={"apple": ProviderSettings(**said)}, external_url="https://auth.example") as people:
        email = people.address()
        provider.signs_in("apple-1", email, None, is_private_email="true")
        provider.secrets = lambda secret: jwt.get_unverified_header(secret)["kid"] == "K"
        leaving = await people.anon.get("/auth/v1/authorize?provider=apple")
        cookies = {each.partition("=")[0]: each for each in leaving.headers.get_list("set-cookie")}
        assert cookies["__Host-mainspring-flow"].endswith("; Secure; SameSite=Lax")
        posted = cookies["__Host-mainspring-flow-post"]
        assert posted.endswith("; Secure; SameSite=None")
        url = provider.consent(leaving.headers["location"])
        assert provider.seen[-1]["response_mode"] == "form_post"
        form = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        form["user"] = '{"name": {"firstName": "Ann", "lastName": "Lee"}, "email": "evil@example.com"}'
        without = await people.anon.post("/auth/v1/callback", data=form)
        assert told(without)["error_code"] == "bad_oauth_state"
        found = told(await people.anon.post("/auth/v1/callback", data=form, headers={"cookie": posted.partition(";")[0]}))
        user = (await Session(people.anon, {**found}).ask("GET", "/auth/v1/user")).json()
        assert (user["email"], user["user_metadata"]["full_name"]) == (email, "Ann Lee")
        assert user["user_metadata"]["custom_claims"] == {"is_private_email": "true"}


async def test_unknown_providers(people: People) -> None:
    for query in ("", "?provider=", "?provider=google", "?provider=custom:x", f"?provider={'x' * 500}"):
        answer = await people.anon.get(f"/auth/v1/authorize{query}")
        assert refused(answer, 400, "validation_failed").startswith("Unsupported provider: ")
    half = await people.anon.get("/auth/v1/authorize?provider=fake&code_challenge=abc")
    assert refused(half, 400, "validation_failed") == "PKCE flow requires code_challenge_method and code_challenge"


# ---------------------------------------------------------------- whose account it is


async def test_a_verified_address_joins_a_confirmed_account(people: People, browser: Browser, provider: FakeProvider) -> None:
    member = await people.member(data={"mine": 1})
    email = member.body["user"]["email"]
    provider.signs_in("join-1", email, name="Ann")
    session = await browser.session()
    assert session.uid == member.uid
    user = session.body["user"]
    assert user["app_metadata"] == {"provider": "email", "providers": ["email", "fake"]}
    assert (user["user_metadata"]["mine"], user["user_metadata"]["name"]) == (1, "Ann")
    assert (await people.sign_in(email)).uid == member.uid, "the password goes on working"
    assert (await member.ask("GET", "/auth/v1/user")).status_code == 200
    provider.signs_in("join-2", email)
    assert (await browser.session("second")).uid == member.uid


async def test_an_unverified_address_joins_nobody(people: People, browser: Browser, provider: FakeProvider) -> None:
    member = await people.member()
    email = member.body["user"]["email"]
    for said in (False, "false", 0, None, "yes", [True]):
        provider.signs_in("evil-1", email, said)
        found = await browser.sign_in()
        assert (found["error"], found["error_code"]) == ("access_denied", "provider_email_needs_verification"), said
    assert len((await user_of(people, member.uid))["identities"]) == 1


async def test_an_unverified_address_is_confirmed_by_mail(people: People, browser: Browser, provider: FakeProvider) -> None:
    email = people.address()
    provider.signs_in("unsure-1", email, False)
    found = await browser.sign_in(redirect_to=f"{SITE}/in")
    assert (found["error_code"], found["to"]) == ("provider_email_needs_verification", f"{SITE}/in")
    assert found["error_description"] == "Unverified email with fake. A confirmation email has been sent to your fake email"
    again = await browser.sign_in()
    assert again["error_code"] == "provider_email_needs_verification"
    confirmed = await people.verified("signup", email)
    assert {each["provider"] for each in confirmed.body["user"]["identities"]} == {"fake", "email"}
    assert (await browser.session()).uid == confirmed.uid


async def test_the_same_answer_whether_there_is_somebody(people: People, browser: Browser, provider: FakeProvider) -> None:
    member = await people.member()
    answers = []
    for number, email in enumerate((member.body["user"]["email"], people.address())):
        provider.signs_in(f"probe-{number}", email, False)
        answers.append(await browser.sign_in())
    assert answers[0] == answers[1]


async def test_the_same_answer_when_it_is_asked_again(opened: Open, provider: FakeProvider) -> None:
    async with opened(mail={"interval_seconds": 60}) as people:
        browser, member = Browser(people, provider), await people.member()
        email = member.body["user"]["email"]
        answers = []
        for number, address in enumerate((people.address(), people.address())):
            provider.signs_in(f"twice-{number}", address, False)
            answers.append([await browser.sign_in(), await browser.sign_in()])
        assert [found["error_code"] for found in answers[0]] == [found["error_code"] for found in answers[1]]
        assert answers[0][1]["error_code"] == "over_email_send_rate_limit"
        provider.signs_in("twice-2", email, False)
        assert (await browser.sign_in())["error_code"] in ("over_email_send_rate_limit", "provider_email_needs_verification")
        assert (await browser.sign_in())["error_code"] == "over_email_send_rate_limit"


async def test_without_an_address(people: People, browser: Browser, provider: FakeProvider) -> None:
    provider.signs_in("bare-1")
    found = await browser.sign_in()
    assert (found["error"], found["error_code"]) == ("server_error", "email_address_not_provided")
    session = await browser.session("second")
    assert (session.body["user"]["email"], session.body["user"]["is_anonymous"]) == ("", False)
    assert (await browser.session("second")).uid == session.uid


async def test_sign_up_may_be_closed(opened: Open, provider: FakeProvider) -> None:
    async with opened(signup=False) as people:
        browser = Browser(people, provider)
        provider.signs_in("closed-1", people.address())
        found = await browser.sign_in()
        assert (found["error"], found["error_code"]) == ("access_denied", "signup_disabled")
        email = people.address()
        made = await people.service.post("/auth/v1/admin/users", json={"email": email, "email_confirm": True})
        provider.signs_in("closed-2", email)
        assert (await browser.session()).uid == made.json()["id"]


async def test_the_banned_stay_out(people: People, browser: Browser, provider: FakeProvider) -> None:
    provider.signs_in("banned-1", people.address())
    session = await browser.session()
    await people.service.put(f"/auth/v1/admin/users/{session.uid}", json={"ban_duration": "24h"})
    found = await browser.sign_in()
    assert (found["error"], found["error_code"]) == ("access_denied", "user_banned")
    await people.service.request("DELETE", f"/auth/v1/admin/users/{session.uid}", json={"should_soft_delete": True})
    assert (await browser.session()).uid != session.uid, "who was deleted begins anew"


async def test_the_application_has_a_say(opened: Open, provider: FakeProvider) -> None:
    asked: list[dict[str, Any]] = []

    async def only_some(event: dict[str, Any]) -> None:
        asked.append(event["user"])
        if event["user"]["email"].startswith("odd"):
            raise Refusal("Nobody odd", status=422)

    def more(event: dict[str, Any]) -> dict[str, Any]:
        return {"claims": {**event["claims"], "how": event["authentication_method"]}}

    hooked = make()
    hooked.auth_hook("before_user_created")(only_some)
    hooked.auth_hook("custom_access_token")(more)
    async with opened(hooked) as people:
        browser = Browser(people, provider)
        provider.signs_in("hooked-1", "odd@example.com")
        found = await browser.sign_in()
        assert (found["error_description"], "access_token" in found) == ("Nobody odd", False)
        provider.signs_in("hooked-2", people.address())
        session = await browser.session()
        assert [user["identities"][0]["id"] for user in asked] == ["hooked-1", "hooked-2"]
        assert jwt.decode(session.body["access_token"], options={"verify_signature": False})["how"] == "oauth"
        await browser.session()
        assert len(asked) == 2, "who is known is not asked about"


# ---------------------------------------------------------------- one's own accounts elsewhere


async def test_linking_and_unlinking(people: People, browser: Browser, provider: FakeProvider) -> None:
    member = await people.member()
    provider.signs_in("link-1", people.address(), False)
    found = await link(member, browser)
    assert "access_token" in found, found
    user = (await member.ask("GET", "/auth/v1/user")).json()
    assert user["app_metadata"] == {"provider": "email", "providers": ["email", "fake"]}
    assert user["email"] == member.body["user"]["email"]
    assert (await browser.session()).uid == member.uid, "even an address that is not verified: the account is known"
    again = await link(member, browser)
    assert (again["error_code"], again["error_description"]) == ("identity_already_exists", "Identity is already linked")
    other = await people.member()
    taken = await link(other, browser)
    assert taken["error_description"] == "Identity is already linked to another user"

    identities = {each["provider"]: each["identity_id"] for each in user["identities"]}
    gone = await member.ask("DELETE", f"/auth/v1/user/identities/{identities['fake']}")
    assert (gone.status_code, gone.json()) == (200, {})
    last = await member.ask("DELETE", f"/auth/v1/user/identities/{identities['email']}")
    assert refused(last, 422, "single_identity_not_deletable") == "User must have at least 1 identity after unlinking"
    user = (await member.ask("GET", "/auth/v1/user")).json()
    assert user["app_metadata"] == {"provider": "email", "providers": ["email"]}


async def test_unlinking_is_of_ones_own(people: People, browser: Browser, provider: FakeProvider) -> None:
    member, other = await people.member(), await people.member()
    provider.signs_in("own-1", people.address())
    await link(member, browser)
    provider.signs_in("own-2", people.address())
    await link(other, browser)
    foreign = other.body["user"]["identities"][0]["identity_id"]
    assert refused(await member.ask("DELETE", f"/auth/v1/user/identities/{foreign}"), 422, "identity_not_found")
    assert (await member.ask("DELETE", "/auth/v1/user/identities/nonsense")).status_code in (400, 404)
    assert (await people.anon.delete(f"/auth/v1/user/identities/{foreign}")).status_code in (401, 403)


async def test_two_unlink_at_once(people: People, browser: Browser, provider: FakeProvider) -> None:
    member = await people.member()
    provider.signs_in("race-1", people.address())
    await link(member, browser)
    user = (await member.ask("GET", "/auth/v1/user")).json()
    paths = [f"/auth/v1/user/identities/{each['identity_id']}" for each in user["identities"]]
    answers = await asyncio.gather(*(member.ask("DELETE", path) for path in paths))
    assert sorted(answer.status_code for answer in answers) == [200, 422]
    assert len((await user_of(people, member.uid))["identities"]) == 1


async def test_unlinking_the_address(people: People, browser: Browser, provider: FakeProvider) -> None:
    member, elsewhere = await people.member(), people.address()
    email = member.body["user"]["email"]
    provider.signs_in("addr-1", elsewhere)
    await link(member, browser)
    mine = next(each for each in (await user_of(people, member.uid))["identities"] if each["provider"] == "email")
    assert (await member.ask("DELETE", f"/auth/v1/user/identities/{mine['identity_id']}")).status_code == 200
    assert (await user_of(people, member.uid))["email"] == elsewhere
    for address in (email, elsewhere):
        gone = await people.post("/token?grant_type=password", {"email": address, "password": PASSWORD})
        assert refused(gone, 400, "invalid_credentials")


async def test_unlinking_never_takes_anothers_address(people: People, browser: Browser, provider: FakeProvider) -> None:
    member, other = await people.member(), await people.member()
    provider.signs_in("conflict-1", other.body["user"]["email"])
    await link(member, browser)
    mine = next(each for each in (await user_of(people, member.uid))["identities"] if each["provider"] == "email")
    answer = await member.ask("DELETE", f"/auth/v1/user/identities/{mine['identity_id']}")
    assert refused(answer, 422, "email_conflict_identity_not_deletable") == "Unable to unlink identity due to email conflict"


async def test_somebody_anonymous_becomes_known(people: People, browser: Browser, provider: FakeProvider) -> None:
    anonymous = Session(people.anon, (await people.post("/signup", {})).json())
    email = people.address()
    provider.signs_in("anon-1", email, False)
    unsure = await link(anonymous, browser)
    assert unsure["error_code"] == "provider_email_needs_verification"
    provider.signs_in("anon-1", email)
    found = await link(anonymous, browser, **PKCE)
    assert len((await user_of(people, anonymous.uid))["identities"]) == 0, "linked only with the verifier"
    body = (await exchange(people, found["code"])).json()
    assert (body["user"]["id"], body["user"]["is_anonymous"], body["user"]["email"]) == (anonymous.uid, False, email)
    assert body["provider_token"]
    provider.signs_in("anon-2", email)
    other = Session(people.anon, (await people.post("/signup", {})).json())
    assert (await link(other, browser))["error_code"] == "email_exists"


async def test_linking_may_be_closed(opened: Open, provider: FakeProvider) -> None:
    async with opened(manual_linking=False) as people:
        member = await people.member()
        answer = await member.ask("GET", "/auth/v1/user/identities/authorize", params={"provider": "fake"})
        assert refused(answer, 404, "manual_linking_disabled") == "Manual linking is disabled"
        identity = member.body["user"]["identities"][0]["identity_id"]
        assert refused(await member.ask("DELETE", f"/auth/v1/user/identities/{identity}"), 404, "manual_linking_disabled")


async def test_who_has_a_second_factor_proves_it(people: People, browser: Browser, provider: FakeProvider) -> None:
    member = await people.member()
    provider.signs_in("factor-1", people.address())
    await link(member, browser)
    factor, shown = await enroll(member)
    strong = await proved(member, factor, shown.code())
    weak = await people.sign_in(member.body["user"]["email"])
    asked = {"provider": "second", "skip_http_redirect": "true"}
    refused(await weak.ask("GET", "/auth/v1/user/identities/authorize", params=asked), 403, "insufficient_aal")
    identities = (await user_of(people, member.uid))["identities"]
    path = f"/auth/v1/user/identities/{identities[1]['identity_id']}"
    refused(await weak.ask("DELETE", path), 403, "insufficient_aal")
    assert (await strong.ask("DELETE", path)).status_code == 200


async def test_linking_needs_a_session(people: People) -> None:
    answer = await people.anon.get("/auth/v1/user/identities/authorize?provider=fake", headers={"authorization": ""})
    assert refused(answer, 401, "no_authorization")


# ---------------------------------------------------------------- settings


@pytest.mark.parametrize(
    ("name", "said", "problem"),
    [
        ("gogle", {"client_id": "x", "client_secret": Secret("y")}, "did you mean google?"),
        ("google", {"client_secret": Secret("y")}, "client_id"),
        ("google", {"client_id": "x"}, "client_secret"),
        ("keycloak", {"client_id": "x", "client_secret": Secret("y")}, "url"),
        ("mine", {"client_id": "x", "client_secret": Secret("y"), "issuer": "http://mine.example"}, "https"),
        ("apple", {"client_id": "x"}, "private_key"),
    ],
)
async def test_mistakes_are_told_at_start(name: str, said: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        async with TestClient(app, "memory://", settings=settings(providers={name: ProviderSettings(**said)})):
            pass
    assert problem in str(caught.value)


async def test_every_known_provider_sends_people_somewhere(provider: FakeProvider) -> None:
    from mainspring.services.identity.providers.known import KNOWN

    said = {"client_id": CLIENT, "client_secret": Secret(SECRET)}
    named = {
        name: ProviderSettings(**said, **({"url": "https://kc.example/realms/a"} if name == "keycloak" else {})) for name in KNOWN
    }
    discovering = {name for name, outline in KNOWN.items() if outline.discovers}
    async with TestClient(app, "memory://", settings=settings(providers=named)) as client:
        people = People(client)
        external = (await people.anon.get("/auth/v1/settings")).json()["external"]
        assert {name for name in KNOWN if external[name]} == set(KNOWN)
        for name in KNOWN.keys() - discovering:
            answer = await people.anon.get(f"/auth/v1/authorize?provider={name}")
            parts = urlsplit(answer.headers["location"])
            asked = {key: values[0] for key, values in parse_qs(parts.query).items()}
            assert (parts.scheme, asked["client_id"], asked["response_type"]) == ("https", CLIENT, "code"), name
            assert "{" not in answer.headers["location"], name
