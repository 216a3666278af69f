"""Providers that the service key adds while the server runs, on every engine."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from tests.support.elsewhere import Browser, with_providers
from tests.support.people import Open, People, refused
from tests.support.provider import CLIENT, SECRET, FakeProvider

PATH = "/auth/v1/admin/custom-providers"


@pytest.fixture
def opened(opened: Open, provider: FakeProvider) -> Open:
    """Opens the application on an engine, with the fake provider under several names."""
    return with_providers(opened, provider)


@pytest.fixture
async def people(opened: Open) -> AsyncIterator[People]:
    async with opened(custom_providers_private=True, custom_providers=3) as found:
        yield found


def oidc(provider: FakeProvider, **said: Any) -> dict[str, Any]:
    usual = {"provider_type": "oidc", "identifier": "custom:mine", "name": "Mine", "issuer": provider.url}
    return {**usual, "client_id": CLIENT, "client_secret": SECRET, **said}


def oauth2(provider: FakeProvider, **said: Any) -> dict[str, Any]:
    addresses = {f"{name}_url": f"{provider.url}/{path}" for name, path in _PATHS.items()}
    usual = {"provider_type": "oauth2", "identifier": "custom:plain", "name": "Plain", **addresses}
    return {**usual, "client_id": CLIENT, "client_secret": SECRET, **said}


_PATHS = {"authorization": "authorize", "token": "token", "userinfo": "userinfo"}


async def add(people: People, said: dict[str, Any]) -> httpx.Response:
    return await people.service.post(PATH, json=said)


async def test_one_that_speaks_openid_connect(people: People, provider: FakeProvider) -> None:
    provider.signs_in("custom-1", people.address())
    made = await add(people, oidc(provider))
    assert made.status_code == 201, made.text
    body = made.json()
    assert (body["identifier"], body["enabled"], body["pkce_enabled"], body["issuer"]) == (
        "custom:mine",
        True,
        True,
        provider.url,
    )
    assert SECRET not in made.text
    session = await Browser(people, provider).session("custom:mine")
    assert session.body["user"]["app_metadata"] == {"provider": "custom:mine", "providers": ["custom:mine"]}
    shown = {"provider": "custom:mine", "id_token": provider.id_token()}
    assert (await people.post("/token?grant_type=id_token", shown)).json()["user"]["id"] == session.uid


async def test_one_that_speaks_oauth2(people: People, provider: FakeProvider) -> None:
    said = {"attribute_mapping": {"sub": "uid", "email": "mail", "name": "called"}, "custom_claims_allowlist": ["org"]}
    assert (await add(people, oauth2(provider, **said, authorization_params={"access": "offline"}))).status_code == 201
    email = people.address()
    provider.signs_in("unused", uid=77, mail=email, called="Ann", org={"id": 1}, email_verified=True, role="admin")
    session = await Browser(people, provider).session("custom:plain", scopes="a b")
    user = session.body["user"]
    assert (user["email"], user["identities"][0]["id"], user["user_metadata"]["name"]) == (email, "77", "Ann")
    assert user["user_metadata"]["custom_claims"] == {"org": {"id": 1}}
    assert (provider.seen[-1]["access"], provider.seen[-1]["scope"]) == ("offline", "a b")


async def test_changed_and_taken_away(people: People, provider: FakeProvider) -> None:
    provider.signs_in("custom-2", people.address())
    await add(people, oidc(provider))
    await add(people, oauth2(provider))
    listed = (await people.service.get(PATH)).json()["providers"]
    assert [each["identifier"] for each in listed] == ["custom:mine", "custom:plain"]
    assert len((await people.service.get(PATH, params={"type": "oidc"})).json()["providers"]) == 1
    assert refused(await people.service.get(PATH, params={"type": "saml"}), 400, "validation_failed")

    off = await people.service.put(f"{PATH}/custom:mine", json={"enabled": False, "name": "Other", "provider_type": "oauth2"})
    assert (off.json()["enabled"], off.json()["name"], off.json()["provider_type"]) == (False, "Other", "oidc")
    answer = await people.anon.get("/auth/v1/authorize?provider=custom:mine")
    assert refused(answer, 400, "validation_failed").startswith("Unsupported provider")
    await people.service.put(f"{PATH}/custom:mine", json={"enabled": True})
    session = await Browser(people, provider).session("custom:mine")
    await people.service.put(f"{PATH}/custom:mine", json={"client_secret": "wrong"})
    assert (await Browser(people, provider).sign_in("custom:mine"))["error"] == "server_error"

    assert (await people.service.delete(f"{PATH}/custom:mine")).status_code == 204
    assert refused(await people.service.delete(f"{PATH}/custom:mine"), 404, "custom_provider_not_found")
    assert refused(await people.service.get(f"{PATH}/custom:mine"), 404, "custom_provider_not_found")
    assert (await session.ask("GET", "/auth/v1/user")).status_code == 200


async def test_what_is_refused(people: People, provider: FakeProvider) -> None:
    spoiled: list[dict[str, Any]] = [
        {"provider_type": "saml"},
        {"identifier": "mine"},
        {"identifier": "custom:"},
        {"identifier": "custom:../../x"},
        {"identifier": "custom:" + "x" * 500},
        {"name": ""},
        {"client_id": None},
        {"client_secret": ""},
        {"issuer": None},
        {"issuer": "ftp://x.example"},
        {"issuer": "http://plain.example"},
        {"issuer": "https://user:password@x.example"},
        {"issuer": "not an address"},
        {"issuer": f"{provider.url}/nowhere"},
        {"discovery_url": f"{provider.url}/secret-that-is-not-there"},
        {"authorization_params": {"redirect_uri": "https://evil.example"}},
        {"authorization_params": {"State": "x"}},
        {"attribute_mapping": {"role": "role"}},
        {"attribute_mapping": {"email_verified": "yes"}},
        {"attribute_mapping": {"name": "a>b"}},
        {"scopes": ["x" * 5000]},
        {"scopes": ["x"] * 500},
        {"custom_claims_allowlist": [" "]},
    ]
    for said in spoiled:
        answer = await add(people, oidc(provider, **said))
        assert refused(answer, 400, "validation_failed"), said
    for broken in ({"scopes": "openid"}, {"enabled": "yes"}, {"authorization_params": {"a": 1}}):
        assert refused(await add(people, oidc(provider, **broken)), 400, "bad_json")
    assert refused(await people.service.get(f"{PATH}/mine"), 400, "validation_failed")


async def test_names_are_taken_and_numbered(people: People, provider: FakeProvider) -> None:
    await add(people, oidc(provider))
    assert refused(await add(people, oidc(provider)), 400, "conflict")
    for number in range(2):
        await add(people, oidc(provider, identifier=f"custom:mine-{number}"))
    assert refused(await add(people, oidc(provider, identifier="custom:more")), 400, "over_custom_provider_quota")


async def test_only_for_the_service_key(people: People, provider: FakeProvider) -> None:
    member = await people.member()
    for method, path in (("GET", PATH), ("POST", PATH), ("GET", f"{PATH}/custom:x"), ("DELETE", f"{PATH}/custom:x")):
        assert (await member.ask(method, path, json=oidc(provider) if method == "POST" else None)).status_code == 403


ADDRESSES = [
    "http://127.0.0.1:1234",
    "https://127.0.0.1",
    "https://localhost",
    "https://app.localhost",
    "https://10.0.0.1",
    "https://192.168.1.1",
    "https://169.254.169.254",
    "https://[::1]",
    "https://[fd00::1]",
    "https://[::ffff:10.0.0.1]",
    "https://0.0.0.0",
    "https://100.64.0.1",
]


@pytest.mark.parametrize("address", ADDRESSES)
async def test_private_addresses_are_never_asked(address: str, opened: Open, provider: FakeProvider) -> None:
    async with opened() as people:
        provider.asked.clear()
        refused(await add(people, oidc(provider, issuer=address)), 400, "validation_failed")
        refused(await add(people, oauth2(provider, token_url=f"{address}/token")), 400, "validation_failed")
        refused(await add(people, oidc(provider)), 400, "validation_failed")
        assert provider.asked == []
