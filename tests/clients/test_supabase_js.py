"""The unchanged @supabase/supabase-js under Node: one pytest test for each file in `js/` and each engine, and one for all that
its query builders can say (`js/builders/`) in each place the library is served."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from tests.clients.conftest import Library
from tests.support.live import LiveServer
from tests.support.node import run
from tests.support.provider import FakeProvider
from tests.support.servers import PostgresServer
from tests.support.wallets import Ethereum, text

FILES = sorted(path.name for path in (Path(__file__).parent / "js").glob("*.test.js"))


@pytest.mark.parametrize("file", FILES)
def test_supabase_js(file: str, shop: LiveServer, tokens: dict[str, str], node_modules: Path, provider: FakeProvider) -> None:
    wallet, site = Ethereum(), shop.url.removeprefix("http://")
    message = text("Ethereum", wallet.address, domain=site, uri=f"{shop.url}/")
    run(
        node_modules,
        file,
        SHOP_URL=shop.url,
        SHOP_ANON_KEY=shop.anon_key,
        SHOP_SERVICE_KEY=shop.service_key,
        SHOP_TOKENS=json.dumps(tokens),
        SHOP_PROVIDER=provider.url,
        SHOP_WALLET=json.dumps({"message": message, "signature": wallet.sign(message)}),
    )


def test_everything_the_builders_say(library: Library, node_modules: Path) -> None:
    run(
        node_modules / "builders",
        "every.test.js",
        LIBRARY_URL=library.url,
        LIBRARY_ANON_KEY=library.anon_key,
        LIBRARY_SERVICE_KEY=library.service_key,
        LIBRARY_PLACE=library.place,
    )


def test_signing_keys_rotate(tmp_path: Path, node_modules: Path) -> None:
    app, data = Path(__file__).parents[1] / "faults" / "app.py", tmp_path / "data"
    settings = {"MAINSPRING_AUTH__JWT_ALGORITHM": "ES256", "MAINSPRING_AUTH__AUTOCONFIRM": "true"}
    with LiveServer(app, data=data, env=settings) as server:
        rotate = [str(Path(sys.executable).parent / "mainspring"), "keys", "rotate", "--now", "--data", str(data)]
        variables = {"SERVER_URL": server.url, "SERVER_KEYS": json.dumps(server.keys), "ROTATE": json.dumps(rotate)}
        run(node_modules / "rotation", "claims.test.js", **variables)


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_being_a_provider(tmp_path: Path, node_modules: Path, engine: str, request: pytest.FixtureRequest) -> None:
    app, database = Path(__file__).parents[1] / "support" / "people.py", None
    if engine == "postgres":
        postgres: PostgresServer = request.getfixturevalue("postgres")
        database = postgres.database("provider")
    settings = {f"MAINSPRING_AUTH__{name}": "true" for name in ("OAUTH_SERVER", "AUTOCONFIRM")}
    settings["MAINSPRING_AUTH__JWT_ALGORITHM"] = "ES256"
    with LiveServer(app, data=tmp_path / "data", database=database, env=settings) as server:
        run(node_modules / "oauth", "consent.test.js", SERVER_URL=server.url, SERVER_KEYS=json.dumps(server.keys))


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_sessions_in_cookies(tmp_path: Path, node_modules: Path, engine: str, request: pytest.FixtureRequest) -> None:
    app, database = Path(__file__).parents[1] / "support" / "people.py", None
    if engine == "postgres":
        postgres: PostgresServer = request.getfixturevalue("postgres")
        database = postgres.database("cookies")
    settings = {"MAINSPRING_AUTH__COOKIE": "sb-127-auth-token", "MAINSPRING_AUTH__JWT_ALGORITHM": "ES256"}
    with LiveServer(app, data=tmp_path / "data", database=database, env=settings) as server:
        run(node_modules / "ssr", "ssr.test.js", SERVER_URL=server.url, SERVER_KEYS=json.dumps(server.keys))
