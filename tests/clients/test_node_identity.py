"""What other projects have written, at the other end, under Node: a certified provider, a certified client, and a company's."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.support.company import pair
from tests.support.live import LiveServer
from tests.support.node import run
from tests.support.servers import PostgresServer, free_port

APP = Path(__file__).parents[1] / "support" / "people.py"
SECRET = "a+secret/with%2Fall: of it=="
CLIENTS = {
    "posting": {"token_endpoint_auth_method": "client_secret_post"},
    "basic": {"id_token_signed_response_alg": "ES256"},
    "edwards": {"id_token_signed_response_alg": "EdDSA"},
}
"""What we are to the provider, by the name that it has here."""


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest) -> str | None:
    if request.param == "sqlite":
        return None
    postgres: PostgresServer = request.getfixturevalue("postgres")
    return postgres.database("certified")


def provider_settings(issuer: str) -> dict[str, str]:
    """A generic OpenID Connect provider, under several names."""
    said = {"ISSUER": issuer, "CLIENT_SECRET": SECRET, "CLIENT_IDS": "mobile"}
    settings = {"MAINSPRING_AUTH__CUSTOM_PROVIDERS_PRIVATE": "true", "MAINSPRING_AUTH__JWT_ALGORITHM": "ES256"}
    for name in CLIENTS:
        each = {**said, "CLIENT_ID": name}
        settings |= {f"MAINSPRING_AUTH__PROVIDERS__{name.upper()}__{key}": value for key, value in each.items()}
    return settings


def addresses(server: LiveServer) -> dict[str, str]:
    """Where the clients of js/people.js and js/shop.js find a server."""
    keys = {"SHOP_ANON_KEY": server.anon_key, "SHOP_SERVICE_KEY": server.service_key}
    return {"SHOP_URL": server.url, **keys, "SHOP_TOKENS": "{}"}


def test_a_provider(tmp_path: Path, node_modules: Path, database: str | None) -> None:
    issuer = f"http://127.0.0.1:{free_port()}"
    with LiveServer(APP, data=tmp_path / "data", database=database, env=provider_settings(issuer)) as server:
        variables = {"ISSUER": issuer, "CLIENTS": json.dumps(CLIENTS), "SECRET": SECRET}
        run(node_modules / "providers", "oidc.test.js", **addresses(server), **variables)


def test_a_client(tmp_path: Path, node_modules: Path, database: str | None) -> None:
    switched_on = ("OAUTH_SERVER", "OAUTH_REGISTRATION", "AUTOCONFIRM")
    settings = {"MAINSPRING_AUTH__JWT_ALGORITHM": "ES256", **{f"MAINSPRING_AUTH__{name}": "true" for name in switched_on}}
    with LiveServer(APP, data=tmp_path / "data", database=database, env=settings) as server:
        run(node_modules / "oauth", "client.test.js", **addresses(server))


def test_a_company(tmp_path: Path, node_modules: Path, database: str | None) -> None:
    switched_on = ("SAML", "SAML_ENCRYPTION")
    settings = {"MAINSPRING_AUTH__JWT_ALGORITHM": "ES256", **{f"MAINSPRING_AUTH__{name}": "true" for name in switched_on}}
    key, certificate = pair("samlify")
    pem = {
        "key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        "certificate": certificate.public_bytes(Encoding.PEM).decode(),
    }
    with LiveServer(APP, data=tmp_path / "data", database=database, env=settings) as server:
        run(node_modules / "providers", "saml.test.js", **addresses(server), PAIR=json.dumps(pem))
