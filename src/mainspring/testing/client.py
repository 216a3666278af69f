"""An application in memory, for the tests of its author: no socket, no file kept, tokens for whoever is to ask.

    from mainspring.testing.client import TestClient

    async def test_customers_see_their_own_orders() -> None:
        async with TestClient(app) as client:
            alice = client.as_user("a11ce000-0000-4000-8000-000000000001")
            answer = await alice.get("/rest/v1/orders?select=id,status")
            assert answer.json() == [{"id": 1, "status": "paid"}]

Needs httpx.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, ClassVar, Final

from mainspring.app import Mainspring
from mainspring.http.dispatch import Dispatcher
from mainspring.observe import Sink, discard
from mainspring.services.identity.keys.api_keys import ApiKeys, open_api_keys
from mainspring.services.identity.keys.keys import KeySet, open_keys
from mainspring.settings import AuthSettings, Settings

if TYPE_CHECKING:
    import httpx

ADDRESS: Final = "http://mainspring.test"
TOKEN_SECONDS: Final = 3600


class TestClient:
    """Serves `app` inside this process, on an engine of its own, seeds included; use it with `async with`.

    `url` is a database URL as in `database.url`; "memory://" keeps rows in dicts, "" is a SQLite file that ends with the client.
    `settings` are those of `mainspring serve` (their database URL gives way to `url`). The clients that the `as_` methods
    answer are `httpx.AsyncClient`s; they close with this one.
    """

    __test__: ClassVar = False  # pytest: this is no test

    def __init__(
        self, app: Mainspring, url: str = "memory://", *, settings: Settings | None = None, observe: Sink = discard
    ) -> None:
        given = settings or Settings()
        database = replace(given.database, url=url)
        self._app, self._observe = app, observe
        self._settings = replace(given, database=database)
        self._stack = AsyncExitStack()
        self._dispatcher: Dispatcher | None = None
        self._keys: KeySet | None = None
        self._api: ApiKeys | None = None

    async def __aenter__(self) -> TestClient:
        """Start the application. Raises ConfigError with every mistake in it."""
        async with AsyncExitStack() as stack:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="mainspring-test-")))
            dispatcher = self._app.build(self._settings, folder, self._observe)
            await dispatcher.start()
            stack.push_async_callback(dispatcher.stop)
            self._keys, self._api = await asyncio.to_thread(_keys, folder / "keys", self._settings.auth)
            self._dispatcher, self._stack = dispatcher, stack.pop_all()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        await self._stack.aclose()
        self._dispatcher = None

    def as_anon(self) -> httpx.AsyncClient:
        """A client with the anon key: nobody is signed in."""
        return self._client(self._opened[1].anon)

    def as_service(self) -> httpx.AsyncClient:
        """A client with the service key, which passes every policy."""
        return self._client(self._opened[1].service.reveal())

    def as_user(self, uid: str, **claims: Any) -> httpx.AsyncClient:
        """A client for the signed-in user `uid` (a UUID).

        `claims` join those of the token and win: `role="editor"`, `email=...`, `app_metadata={"roles": ["staff"]}`.
        """
        return self._client(self.token(uid, **claims))

    def token(self, uid: str, **claims: Any) -> str:
        """The token with which `as_user` asks, signed with the application's own key."""
        keys, now = self._opened[0], int(time.time())
        said = {
            "iss": keys.issuer,
            "aud": self._settings.auth.audience,
            "sub": str(uid),
            "role": "authenticated",
            "iat": now,
            "exp": now + TOKEN_SECONDS,
        }
        return keys.sign({**said, **claims})

    @property
    def _opened(self) -> tuple[KeySet, ApiKeys]:
        if self._keys is None or self._api is None or self._dispatcher is None:
            raise RuntimeError("use the client with `async with`")
        return self._keys, self._api

    def _client(self, token: str) -> httpx.AsyncClient:
        import httpx

        assert self._dispatcher is not None
        transport = httpx.ASGITransport(self._dispatcher)
        headers = {"apikey": self._opened[1].anon, "authorization": f"Bearer {token}"}
        client = httpx.AsyncClient(transport=transport, base_url=ADDRESS, headers=headers)
        self._stack.push_async_callback(client.aclose)
        return client


def _keys(folder: Path, auth: AuthSettings) -> tuple[KeySet, ApiKeys]:
    keys = open_keys(folder, auth)
    return keys, open_api_keys(folder, keys)
