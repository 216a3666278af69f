"""Signing in with what a program brings along, on every engine: ID tokens, and messages that wallets have signed."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.support.elsewhere import user_of, with_providers
from tests.support.people import Open, People, Session, refused
from tests.support.provider import FakeProvider
from tests.support.wallets import Ethereum, Solana, Wallet, moment, text


@pytest.fixture
def opened(opened: Open, provider: FakeProvider) -> Open:
    """Opens the application on an engine, with the fake provider under several names."""
    return with_providers(opened, provider)


@pytest.fixture
async def people(opened: Open) -> AsyncIterator[People]:
    async with opened(web3_ethereum=True, web3_solana=True, email=False, anonymous=False) as found:
        yield found


@pytest.fixture
async def members(opened: Open) -> AsyncIterator[People]:
    async with opened() as found:
        yield found


def oauth_refused(answer: httpx.Response, error: str = "invalid request") -> str:
    """The description of an error in OAuth's form."""
    assert (answer.status_code, answer.json().get("error")) == (400, error), answer.text
    return str(answer.json()["error_description"])


# ---------------------------------------------------------------- ID tokens


async def show(people: People, token: str, headers: dict[str, str] | None = None, **said: Any) -> httpx.Response:
    said = {"provider": "fake", "id_token": token, **said}
    return await people.post("/token?grant_type=id_token", said, headers=headers or {})


async def test_an_id_token_signs_in(members: People, provider: FakeProvider) -> None:
    email = members.address()
    provider.signs_in("token-1", email, name="Ann")
    nonce = "a nonce of the program"
    token = provider.id_token(hashlib.sha256(nonce.encode()).hexdigest(), "access-1")
    answer = await show(members, token, nonce=nonce, access_token="access-1")
    assert answer.status_code == 200, answer.text
    user = answer.json()["user"]
    assert (user["email"], user["app_metadata"]["provider"], user["identities"][0]["id"]) == (email, "fake", "token-1")
    again = await members.post(
        "/token?grant_type=id_token", {"issuer": provider.url, "client_id": "x", "id_token": provider.id_token()}
    )
    assert again.json()["user"]["id"] == user["id"]


async def test_id_tokens_that_are_refused(members: People, provider: FakeProvider) -> None:
    provider.signs_in("token-2", members.address())
    hashed = hashlib.sha256(b"right").hexdigest()
    assert oauth_refused(await show(members, provider.id_token(hashed), nonce="wrong"), "invalid nonce") == "Nonces mismatch"
    for token, nonce in ((provider.id_token(hashed), None), (provider.id_token(), "right")):
        told = oauth_refused(await show(members, token, nonce=nonce))
        assert told == "Passed nonce and nonce in id_token should either both exist or not."
    assert oauth_refused(await show(members, provider.id_token(None, "one"), access_token="another")) == "Bad ID token"
    for wrong in ("audience", "issuer", "expired", "future", "no-expiry", "no-sub", "none", "hs256", "other-key", "kid"):
        provider.wrong = wrong
        oauth_refused(await show(members, provider.id_token()))
    provider.wrong = ""
    for token in ("x", "a.b.c", "." * 50, "é.é.é", "x" * 100_000, provider.id_token()[:-4] + "AAAA"):
        oauth_refused(await show(members, token))
    assert oauth_refused(await members.post("/token?grant_type=id_token", {"provider": "fake"})) == "id_token required"
    assert oauth_refused(await members.post("/token?grant_type=id_token", {"id_token": "x"})).startswith("provider or client_id")
    for body in (b"", b"[]", b'{"id_token": 1}', b"\xff"):
        answer = await members.anon.post("/auth/v1/token?grant_type=id_token", content=body)
        assert refused(answer, 400, "bad_json")


async def test_id_tokens_of_providers_that_are_not_configured(members: People, provider: FakeProvider) -> None:
    provider.signs_in("token-3", members.address())
    token = provider.id_token()
    disabled = await show(members, token, provider="google")
    assert refused(disabled, 400, "provider_disabled") == 'Provider (issuer "https://accounts.google.com") is not enabled'
    refused(await show(members, token, provider="nobody"), 400, "validation_failed")
    refused(await show(members, token, provider="github"), 400, "validation_failed")
    refused(await show(members, token, provider=None, issuer="https://x.example", client_id="x"), 400, "validation_failed")
    oauth_refused(await show(members, token, issuer="https://x.example"))


async def test_an_id_token_links(members: People, provider: FakeProvider) -> None:
    member, other = await members.member(), await members.member()
    provider.signs_in("token-4", members.address())
    answer = await show(members, provider.id_token(), member.headers, link_identity=True)
    assert answer.status_code == 200, answer.text
    assert answer.json()["user"]["id"] == member.uid
    assert (await user_of(members, member.uid))["app_metadata"]["providers"] == ["email", "fake"]
    taken = await show(members, provider.id_token(), other.headers, link_identity=True)
    assert refused(taken, 422, "identity_already_exists") == "Identity is already linked to another user"
    anonymous = await show(members, provider.id_token(), {"authorization": ""}, link_identity=True)
    assert anonymous.status_code in (400, 401)
    assert (await show(members, provider.id_token(), link_identity=True)).status_code == 403, "an apikey is nobody"


async def test_an_unverified_id_token_joins_nobody(members: People, provider: FakeProvider) -> None:
    victim = await members.member()
    provider.signs_in("token-5", victim.body["user"]["email"], False)
    answer = await show(members, provider.id_token())
    assert refused(answer, 422, "provider_email_needs_verification")
    assert len((await user_of(members, victim.uid))["identities"]) == 1


# ---------------------------------------------------------------- wallets


async def sign_in(people: People, wallet: Wallet, message: str, **said: Any) -> httpx.Response:
    said = {"chain": wallet.chain, "message": message, "signature": wallet.sign(message), **said}
    return await people.post("/token?grant_type=web3", said)


@pytest.fixture(params=[Ethereum, Solana], ids=["ethereum", "solana"])
def wallet(request: pytest.FixtureRequest) -> Wallet:
    made: Wallet = request.param()
    return made


async def test_a_wallet_signs_in(people: People, wallet: Wallet) -> None:
    answer = await sign_in(people, wallet, text(wallet.named, wallet.address))
    assert answer.status_code == 200, answer.text
    session = Session(people.anon, answer.json())
    user = session.body["user"]
    assert (user["email"], user["app_metadata"], user["is_anonymous"]) == ("", {"provider": "web3", "providers": ["web3"]}, False)
    (identity,) = user["identities"]
    assert identity["id"].lower() == f"web3:{wallet.chain}:{wallet.address}".lower()
    assert identity["identity_data"]["custom_claims"]["statement"] == "I accept the terms."
    again = await sign_in(people, wallet, text(wallet.named, wallet.address, Expiration_Time=moment(60), Not_Before=moment(-60)))
    assert again.json()["user"]["id"] == user["id"]
    assert (await session.ask("GET", "/auth/v1/user")).status_code == 200


async def test_one_address_is_one_user(people: People) -> None:
    wallet = Ethereum()
    spelled = [wallet.address, "0x" + wallet.address[2:].upper()]
    answers = await asyncio.gather(*(sign_in(people, wallet, text("Ethereum", address)) for address in spelled * 3))
    assert len({answer.json()["user"]["id"] for answer in answers}) == 1


async def test_hardware_wallets_sign_otherwise(people: People) -> None:
    wallet = Solana()
    message = text("Solana", wallet.address, Chain_ID="solana:mainnet")
    answer = await sign_in(people, wallet, message, signature=wallet.sign_off_chain(message))
    assert answer.status_code == 200, answer.text


async def test_a_message_serves_once(people: People, wallet: Wallet) -> None:
    message = text(wallet.named, wallet.address)
    answers = await asyncio.gather(*(sign_in(people, wallet, message) for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [200] + [400] * 5
    assert "used already" in oauth_refused(await sign_in(people, wallet, message), "invalid_grant")


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ({"uri": "https://evil.example/", "domain": "evil.example"}, "signed for another app"),
        ({"domain": "evil.example"}, "Domain that does not match"),
        ({"uri": "https://evil.example/"}, "signed for another app"),
        ({"uri": "http://evil.example/", "domain": "evil.example"}, "does not use HTTPS"),
        ({"uri": "http://127.0.0.1:8000@evil.example/"}, "does not use HTTPS"),
        ({"Expiration_Time": moment(-5), "Issued_At": moment(-60)}, "is expired"),
        ({"Not_Before": moment(3600)}, "becomes valid in the future"),
        ({"Issued_At": moment(-3600)}, "issued too long ago"),
        ({"Issued_At": moment(3600)}, "too far in the future"),
    ],
)
async def test_messages_that_are_not_for_here_or_now(said: dict[str, Any], reason: str, people: People, wallet: Wallet) -> None:
    answer = await sign_in(people, wallet, text(wallet.named, wallet.address, **said))
    assert reason in oauth_refused(answer, "invalid_grant")


async def test_signatures_of_others(people: People, wallet: Wallet) -> None:
    other = type(wallet)()
    message = text(wallet.named, wallet.address)
    told = oauth_refused(await sign_in(people, wallet, message, signature=other.sign(message)), "invalid_grant")
    assert told == "Signature does not match address in message"
    changed = await sign_in(people, wallet, message, signature=wallet.sign(message + " "))
    assert oauth_refused(changed, "invalid_grant") == told
    zeros = "0x" + "0" * 130 if wallet.chain == "ethereum" else "A" * 86
    assert oauth_refused(await sign_in(people, wallet, message, signature=zeros), "invalid_grant") == told
    if wallet.chain == "ethereum":
        for parity in ("02", "1d", "ff"):
            strange = wallet.sign(message)[:-2] + parity
            assert oauth_refused(await sign_in(people, wallet, message, signature=strange), "invalid_grant") == told
    assert (await sign_in(people, wallet, message)).status_code == 200, "refusals do not use a message up"


@pytest.mark.parametrize("signature", ["", "x", "0x", "é" * 88, "0x" + "g" * 130, "A" * 87, "=" * 88, "A" * 10_000])
async def test_what_is_no_signature(signature: str, people: People, wallet: Wallet) -> None:
    answer = await sign_in(people, wallet, text(wallet.named, wallet.address), signature=signature)
    assert refused(answer, 400, "validation_failed").startswith("signature must be")


def spoiled(wallet: Wallet) -> list[str]:
    """Texts that are no messages."""
    good = text(wallet.named, wallet.address)
    return [
        "",
        "x" * 30_000,
        good.replace("wants you", "want you"),
        good.replace(wallet.address, wallet.address[:-8]),
        good.replace(wallet.address, "O" * len(wallet.address)),
        good.replace("Version: 1", "Version: 2"),
        good.replace("Version: 1\n", ""),
        good.replace("URI: ", "URI: javascript:"),
        good.replace("URI: http://127", "URI: http://[::"),
        good.replace("Issued At: ", "Issued At: x"),
        good.replace("Issued At: 2", "Issued At: 9999999"),
        good + "\nVersion: 1",
        good + "\nRole: service_role",
        good + "\nChain ID: solana:evilnet" if wallet.chain == "solana" else good + "\nChain ID: -1",
        good + f"\nExpiration Time: {moment(-120)}",
        good.replace("\n", "\r\n"),
        good.replace("127.0.0.1:8000 wants", "127.0.0.1:8000\u202e wants"),
        good.replace("\n\nI accept", "\nx\nI accept"),
        "\n" * 100 + good,
    ]


async def test_what_is_no_message(people: People, wallet: Wallet) -> None:
    for message in spoiled(wallet):
        answer = await sign_in(people, wallet, message)
        assert refused(answer, 400, "validation_failed"), message[:200]
    for body in ({}, {"chain": None}, {"chain": "bitcoin"}, {"chain": "Ethereum"}):
        assert refused(await people.post("/token?grant_type=web3", body), 400, "web3_unsupported_chain")


async def test_wallets_may_be_switched_off(members: People, opened: Open, wallet: Wallet) -> None:
    message = text(wallet.named, wallet.address)
    assert refused(await sign_in(members, wallet, message), 422, "web3_provider_disabled") == "Web3 provider is disabled"
    other = "web3_solana" if wallet.chain == "ethereum" else "web3_ethereum"
    async with opened(**{other: True}) as people:
        told = refused(await sign_in(people, wallet, message), 422, "web3_provider_disabled")
        assert told == f"{wallet.named} Web3 provider is disabled"


async def test_a_banned_wallet_stays_out(people: People, wallet: Wallet) -> None:
    uid = (await sign_in(people, wallet, text(wallet.named, wallet.address))).json()["user"]["id"]
    await people.service.put(f"/auth/v1/admin/users/{uid}", json={"ban_duration": "24h"})
    assert refused(await sign_in(people, wallet, text(wallet.named, wallet.address)), 403, "user_banned")
