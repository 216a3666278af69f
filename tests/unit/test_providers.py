"""Parts of signing in through providers that need none: how what they say is read, what is asked, what is sealed."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import httpx2
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from mainspring.errors import ProviderFailed
from mainspring.services.identity.providers.configured import placed, safe
from mainspring.services.identity.providers.discovery import Kept
from mainspring.services.identity.providers.elsewhere import _named, signed_secret
from mainspring.services.identity.providers.fetch import Guard, Unsafe
from mainspring.services.identity.providers.known import KNOWN
from mainspring.services.identity.providers.outline import Account, Provider
from mainspring.services.identity.providers.reading import account, at, text
from mainspring.services.identity.seal import Seal
from mainspring.services.identity.store import OF_USERS
from mainspring.settings import Secret

GITHUB = {"id": 1, "login": "octo", "name": "Octo Cat", "email": "public@x.example", "avatar_url": "https://a.example/1"}
X = {"data": {"id": "9", "name": "N", "username": "u", "confirmed_email": "A@x.example", "profile_image_url": "https://p"}}

SLACK = {"https://slack.com/user_id": "S", "email": "s@x.example", "email_verified": True}
NOBODY = [None, [], "x", 1, {}, {"id": None}, {"id": True}, {"id": {}}, {"id": "x" * 2000}, {"id": "\x00"}]


def reading(name: str, profile: Any, emails: Any = None, *, token: bool = False, **said: Any) -> Account:
    found = account(Provider(name, placed(KNOWN[name], ""), "client", **said), profile, emails, token=token)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("name", "profile", "subject", "email", "verified", "called"),
    [
        ("bitbucket", {"uuid": "{u}", "display_name": "Bit"}, "{u}", "b@x.example", True, "Bit"),
        ("discord", {"id": "5", "username": "d", "email": "d@x.example", "verified": False}, "5", "d@x.example", False, "d"),
        ("facebook", {"id": "7", "first_name": "A", "last_name": "B", "email": "f@x.example"}, "7", "f@x.example", True, "A B"),
        ("figma", {"id": "1", "handle": "fig", "email": "g@x.example"}, "1", "g@x.example", True, "fig"),
        ("fly", {"user_id": "u", "user_name": "F", "email": "h@x.example"}, "u", "h@x.example", True, "F"),
        ("gitlab", {"id": 3, "name": "G", "email": "i@x.example", "confirmed_at": "2020"}, "3", "i@x.example", True, "G"),
        ("gitlab", {"id": 3, "name": "G", "email": "i@x.example", "confirmed_at": None}, "3", "i@x.example", False, "G"),
        (
            "kakao",
            {
                "id": 4,
                "kakao_account": {
                    "email": "k@x.example",
                    "is_email_valid": True,
                    "is_email_verified": True,
                    "profile": {"nickname": "K"},
                },
            },
            "4",
            "k@x.example",
            True,
            "K",
        ),
        (
            "kakao",
            {"id": 4, "kakao_account": {"email": "k@x.example", "is_email_valid": False, "is_email_verified": True}},
            "4",
            "k@x.example",
            False,
            None,
        ),
        (
            "notion",
            {"bot": {"owner": {"user": {"id": "n", "name": "No", "person": {"email": "n@x.example"}}}}},
            "n",
            "n@x.example",
            False,
            "No",
        ),
        (
            "slack_oidc",
            {"https://slack.com/user_id": "S", "email": "s@x.example", "email_verified": True},
            "S",
            "s@x.example",
            True,
            None,
        ),
        ("spotify", {"id": "sp", "display_name": "Sp", "email": "p@x.example"}, "sp", "p@x.example", False, "Sp"),
        ("snapchat", {"data": {"me": {"externalId": "e", "displayName": "Sn"}}}, "e", "", False, "Sn"),
        ("twitch", {"data": [{"id": "t", "login": "tw", "email": "t@x.example"}]}, "t", "t@x.example", True, "tw"),
        ("x", X, "9", "a@x.example", True, "N"),
        ("twitter", X, "9", "a@x.example", True, "N"),
        (
            "workos",
            {"profile": {"id": "w", "email": "w@x.example", "first_name": "W", "last_name": "O"}},
            "w",
            "w@x.example",
            False,
            "W O",
        ),
        ("zoom", {"id": "z", "email": "z@x.example", "verified": 1, "first_name": "Z"}, "z", "z@x.example", True, "Z"),
        ("zoom", {"id": "z", "email": "z@x.example", "verified": 0, "first_name": "Z"}, "z", "z@x.example", False, "Z"),
    ],
)
def test_profiles(name: str, profile: Any, subject: str, email: str, verified: bool, called: str | None) -> None:
    emails = {"values": [{"email": "b@x.example", "is_primary": True, "is_confirmed": True}]} if name == "bitbucket" else None
    found = reading(name, profile, emails)
    assert (found.subject, found.email, found.verified, found.claims.get("name")) == (subject, email, verified, called)


@pytest.mark.parametrize(
    ("name", "claims", "verified"),
    [
        ("google", {"email_verified": True}, True),
        ("google", {}, False),
        ("apple", {}, True),
        ("azure", {}, False),
        ("azure", {"xms_edov": False}, False),
        ("azure", {"xms_edov": "1"}, True),
        ("linkedin_oidc", {"email_verified": "true"}, True),
        ("keycloak", {"email_verified": False}, False),
    ],
)
def test_id_tokens(name: str, claims: dict[str, Any], verified: bool) -> None:
    found = reading(name, {"sub": "s", "email": "s@x.example", "name": "S", **claims}, token=True)
    assert (found.subject, found.email, found.verified, found.claims["name"]) == ("s", "s@x.example", verified, "S")


def test_which_address_counts() -> None:
    def counted(*emails: tuple[str, bool, bool]) -> tuple[str, bool]:
        listed = [{"email": email, "primary": primary, "verified": verified} for email, primary, verified in emails]
        found = reading("github", GITHUB, listed)
        return found.email, found.verified

    assert counted(("a@x.example", False, True), ("b@x.example", True, True)) == ("b@x.example", True)
    assert counted(("a@x.example", False, True), ("b@x.example", True, False)) == ("a@x.example", True)
    assert counted(("a@x.example", False, False), ("b@x.example", True, False)) == ("b@x.example", False)
    assert counted(("nonsense", True, True)) == ("", False)
    assert counted() == ("", False), "the public address of a profile is nobody's proof"


def test_an_operator_may_trust_a_provider() -> None:
    assert reading("spotify", {"id": "s", "email": "s@x.example"}, trust_email=True).verified
    assert not reading("spotify", {"id": "s"}, trust_email=True).verified


@pytest.mark.parametrize(
    "profile", [None, [], "x", 1, {}, {"id": None}, {"id": True}, {"id": {}}, {"id": "x" * 2000}, {"id": "\x00"}]
)
def test_profiles_that_name_nobody(profile: Any) -> None:
    assert account(Provider("spotify", KNOWN["spotify"], "client"), profile) is None


def test_paths() -> None:
    document = {"a": [{"b": 1}, {"b": "\ud83dx\ny"}], "c": True}
    assert (at(document, "a>0>b"), at(document, "a>9"), at(document, "a>-1"), at(document, "c>d")) == (1, None, None, None)
    assert (text(document, "a>0>b + a>1>b"), text(document, "c"), text(document, "")) == ("1 xy", "", "")


def test_claims_are_bounded() -> None:
    found = reading("fly", {"user_id": "u", "user_name": "n" * 5000, "organizations": ["x" * 5000]})
    assert found.claims == {"iss": "https://api.fly.io"}


def test_apple_s_secret_and_name() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    apple = Provider("apple", KNOWN["apple"], "com.example.app", team_id="T", key_id="K", private_key=Secret(pem))
    secret = signed_secret(apple)
    claims = jwt.decode(secret, key.public_key(), algorithms=["ES256"], audience="https://appleid.apple.com")
    assert (claims["iss"], claims["sub"], jwt.get_unverified_header(secret)["kid"]) == ("T", "com.example.app", "K")
    with pytest.raises(ProviderFailed, match="private_key"):
        signed_secret(Provider("apple", KNOWN["apple"], "x", private_key=Secret("nonsense")))
    said = Account("apple", "s", "a@x.example", True)
    assert _named(said, '{"name": {"firstName": "A", "lastName": "B"}, "email": "evil@x.example"}').claims["full_name"] == "A B"
    assert _named(said, '{"name": {"firstName": "A"}, "email": "evil@x.example"}').email == "a@x.example"
    for nonsense in ("", "{", "[]", '{"name": 1}', "x" * 100_000, "[" * 10_000):
        assert _named(said, nonsense) == said


def test_azure_tenants() -> None:
    tenant = placed(KNOWN["azure"], "https://login.microsoftonline.com/11111111-2222-4333-8444-555555555555")
    assert tenant.issuers == ("https://login.microsoftonline.com/11111111-2222-4333-8444-555555555555/v2.0",)
    assert tenant.token.endswith("555555555555/oauth2/v2.0/token")
    assert placed(KNOWN["azure"], "https://login.microsoftonline.com/organizations").issuers == KNOWN["azure"].issuers


@pytest.mark.parametrize(
    ("url", "fine"),
    [
        ("https://x.example/a?b=c", True),
        ("http://127.0.0.1:8000", True),
        ("http://[::1]:8000", True),
        ("http://localhost", True),
        ("http://x.example", False),
        ("http://localhost.evil.example", False),
        ("https://a@x.example", False),
        ("https://x.example:99999999", False),
        ("https://", False),
        ("https://x .example", False),
        ("//x.example", False),
        ("javascript:x", False),
        ("https://[::", False),
    ],
)
def test_addresses_that_may_be_asked(url: str, fine: bool) -> None:
    assert safe(url) is fine


class Recorder(httpx2.AsyncBaseTransport):
    """Notes what is asked."""

    def __init__(self) -> None:
        self.asked: list[httpx2.Request] = []

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        self.asked.append(request)
        return httpx2.Response(200, content=b"{}")


@pytest.mark.parametrize(
    ("addresses", "fine"),
    [
        (["93.184.215.14"], True),
        (["10.0.0.1"], False),
        (["93.184.215.14", "127.0.0.1"], False),
        (["169.254.169.254"], False),
        (["::1"], False),
        (["fe80::1%eth0"], False),
        (["::ffff:127.0.0.1"], False),
        (["2002:7f00:1::"], False),
        (["224.0.0.1"], False),
    ],
)
async def test_names_that_lead_into_the_network(addresses: list[str], fine: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    async def resolve(*_: Any, **__: Any) -> list[Any]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", resolve)
    recorder = Recorder()
    async with httpx2.AsyncClient(transport=Guard(recorder, frozenset())) as client:
        if fine:
            await client.get("https://provider.example/x")
            (asked,) = recorder.asked
            assert (asked.url.host, asked.headers["host"]) == (addresses[0], "provider.example")
            assert asked.extensions["sni_hostname"] == "provider.example", "the certificate is that of the name"
        else:
            with pytest.raises(Unsafe):
                await client.get("https://provider.example/x")
            assert recorder.asked == []
    async with httpx2.AsyncClient(transport=Guard(recorder, frozenset({"provider.example"}))) as client:
        assert (await client.get("https://provider.example/x")).status_code == 200


async def test_what_is_fetched_is_kept_for_a_while() -> None:
    now, fetched = [0.0], [0]
    kept: Kept[int] = Kept(lambda: now[0])

    async def fetch() -> int:
        await asyncio.sleep(0)
        fetched[0] += 1
        return fetched[0]

    assert await asyncio.gather(*(kept.get("a", fetch) for _ in range(5))) == [1] * 5
    now[0] = 3599
    assert await kept.get("a", fetch) == 1
    assert await kept.get("a", fetch, 30) == 2
    assert await kept.get("a", fetch, 30) == 2
    now[0] = 3600
    before = [asyncio.ensure_future(kept.get("a", fetch, 0)) for _ in range(5)]
    await asyncio.sleep(0)
    now[0] = 3601
    later = asyncio.ensure_future(kept.get("a", fetch, 0))
    await asyncio.gather(*before)
    assert await later == 4, "what was being fetched already may be older than what is asked for"
    assert fetched == [4], "those who ask at once share one"
    for number in range(500):
        await kept.get(f"b{number}", fetch)
    assert len(kept._found) <= 128
    assert kept._locks == {}


def test_what_is_sealed_opens_only_in_its_place() -> None:
    seal = Seal(b"s" * 32)
    closed = seal.close("hush", "a place")
    assert "hush" not in closed
    assert seal.close("hush", "a place") != closed
    assert (seal.open(closed, "a place"), seal.open(closed, "another place")) == ("hush", None)
    assert Seal(b"t" * 32).open(closed, "a place") is None
    for nonsense in ("", "x", "é", closed[:-2], closed[2:], "A" * 100):
        assert seal.open(nonsense, "a place") is None


def test_all_that_an_attacker_may_have_planted_goes() -> None:
    planted = {"identities", "sessions", "one_time_tokens", "flow_state", "oauth_authorizations", "oauth_consents"}
    assert planted <= set(OF_USERS)
    assert not {"users", "audit_log_entries", "revocations"} & set(OF_USERS)
