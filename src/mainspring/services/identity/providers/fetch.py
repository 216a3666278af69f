"""Asking a provider over HTTP, so that it can neither stall nor flood us, nor send us anywhere.

Every request has one deadline for all of it, an answer has a bound, and no redirect is followed. A name is resolved once, what it
resolves to must be public (or of a host that the settings name), and that very address is connected to; so neither a discovery
document nor a name server makes us ask what lies behind the firewall.
"""

from __future__ import annotations

import asyncio
import hmac
import ipaddress
import json
import socket
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final
from urllib.parse import quote_plus

import httpx2
from authlib.integrations.base_client import OAuthError
from authlib.integrations.httpx_client import AsyncOAuth2Client

from mainspring.errors import ProviderFailed, shorten
from mainspring.observe import ProviderErred, Sink, discard
from mainspring.services.identity.providers.configured import safe
from mainspring.services.identity.providers.outline import BASIC, Endpoints, Provider

SECONDS: Final = 10.0
MAX_BYTES: Final = 262_144
_AT_ONCE: Final = 32
_MOST_ADDRESSES: Final = 3
_MOST_PROOFS: Final = 128


class Unsafe(httpx2.TransportError):
    """What must not be asked, or an answer that is too much."""


class Bounded(httpx2.AsyncByteStream):
    """A body up to its bound."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size = 0
        async for chunk in self._inner:
            size += len(chunk)
            if size > MAX_BYTES:
                raise Unsafe("the answer is too large")
            yield chunk

    async def aclose(self) -> None:
        await self._inner.aclose()


class Guard(httpx2.AsyncBaseTransport):
    """Lets through what may be asked; `near` are hosts that may be at private addresses. Closing it closes nothing."""

    def __init__(self, inner: httpx2.AsyncBaseTransport, near: frozenset[str]) -> None:
        self._inner, self._near = inner, near

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if not safe(str(request.url)):
            raise Unsafe("its address is neither https nor on this machine")
        host = request.url.host
        addresses = await _resolve(host, request.url.port or 443, host.lower() in self._near)
        request.extensions = {**request.extensions, "sni_hostname": host}
        request.headers["accept-encoding"] = "identity"
        answer = await self._connected(request, addresses)
        if answer.headers.get("content-encoding", "identity") != "identity":
            await answer.aclose()
            raise Unsafe("the answer is compressed")
        return httpx2.Response(
            answer.status_code, headers=answer.headers, stream=Bounded(answer.stream), extensions=answer.extensions
        )

    async def _connected(self, request: httpx2.Request, addresses: list[str]) -> httpx2.Response:
        for address in addresses[:-1]:
            request.url = request.url.copy_with(host=address)
            try:
                return await self._inner.handle_async_request(request)
            except httpx2.ConnectError:
                continue
        request.url = request.url.copy_with(host=addresses[-1])
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        """The connections are shared."""


async def _resolve(host: str, port: int, near: bool) -> list[str]:
    """The addresses of a host, all of them public. Raises Unsafe."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise Unsafe("its host is not known") from error
    addresses = [str(each[4][0]) for each in found]
    if not addresses or not (near or all(_public(address) for address in addresses)):
        raise Unsafe("its host is at a private address")
    return addresses[:_MOST_ADDRESSES]


def _public(text: str) -> bool:
    address = ipaddress.ip_address(text.partition("%")[0])
    mapped = getattr(address, "ipv4_mapped", None) or getattr(address, "sixtofour", None)
    return address.is_global and not address.is_multicast and (mapped is None or mapped.is_global)


class Fetch:
    """Asks providers, a bounded number at once."""

    def __init__(self, observe: Sink = discard) -> None:
        self._observe = observe
        self._inner: httpx2.AsyncHTTPTransport | None = None
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._proofs: dict[str, str] = {}

    async def json(self, provider: Provider, url: str, headers: Mapping[str, str] | None = None) -> Any:
        """The JSON at an address of a provider's. Raises ProviderFailed."""

        async def ask() -> Any:
            async with httpx2.AsyncClient(transport=await self._guard(provider), trust_env=False) as client:
                return _body(await client.get(url, headers={"accept": "application/json", **(headers or {})}))

        return await self._within(provider, ask())

    async def text(self, provider: Provider, url: str) -> str:
        """The text at an address. Raises ProviderFailed."""

        async def ask() -> Any:
            async with httpx2.AsyncClient(transport=await self._guard(provider), trust_env=False) as client:
                return _answered(await client.get(url)).content.decode()

        return str(await self._within(provider, ask()))

    async def profile(self, provider: Provider, url: str, access_token: str) -> Any:
        """What a provider says of who gave us an access token. Raises ProviderFailed."""
        if provider.outline.proof:
            proof = hmac.new(provider.client_secret.reveal().encode(), access_token.encode(), "sha256").hexdigest()
            url = f"{url}{'&' if '?' in url else '?'}appsecret_proof={proof}"
        said = {name: value.replace("{client_id}", provider.client_id) for name, value in provider.outline.headers.items()}
        return await self.json(provider, url, {**said, "authorization": f"Bearer {access_token}"})

    async def exchange(
        self, provider: Provider, endpoints: Endpoints, code: str, verifier: str | None, redirect_uri: str, secret: str
    ) -> dict[str, Any]:
        """The tokens for a code. Raises ProviderFailed."""
        said = {"code": code, "redirect_uri": redirect_uri, **({"code_verifier": verifier} if verifier else {})}
        found = await self._within(provider, self._exchanged(provider, endpoints, secret, said))
        if not isinstance(found, dict):
            raise ProviderFailed(provider.name, "it answered no tokens")
        return dict(found)

    async def _exchanged(self, provider: Provider, endpoints: Endpoints, secret: str, said: Mapping[str, str]) -> Any:
        """The answer for a code, in the way of proving who we are that the provider takes."""
        kept = self._proofs.get(_place(provider, endpoints))
        *firsts, last = sorted(endpoints.proofs, key=lambda way: way != kept)
        for way in firsts:
            try:
                return await self._tokens(provider, endpoints, way, secret, said)
            except OAuthError as error:
                if error.error != "invalid_client":
                    raise
        return await self._tokens(provider, endpoints, last, secret, said)

    async def _tokens(self, provider: Provider, endpoints: Endpoints, way: str, secret: str, said: Mapping[str, str]) -> Any:
        """The answer for a code, asked in one way, which is the first one to be tried next time."""
        if len(self._proofs) >= _MOST_PROOFS:
            del self._proofs[next(iter(self._proofs))]
        self._proofs[_place(provider, endpoints)] = way
        async with AsyncOAuth2Client(
            *_credentials(provider.client_id, secret, way),
            token_endpoint_auth_method=way,
            transport=await self._guard(provider),
            trust_env=False,
        ) as client:
            return await client.fetch_token(endpoints.token, grant_type="authorization_code", **said)

    async def close(self) -> None:
        """Hang up."""
        if self._inner is not None:
            await self._inner.aclose()

    async def _guard(self, provider: Provider) -> Guard:
        if self._inner is None:  # reading the certificates takes a while
            limits = httpx2.Limits(max_connections=_AT_ONCE, max_keepalive_connections=8)
            self._inner = await asyncio.to_thread(httpx2.AsyncHTTPTransport, limits=limits, trust_env=False)
        return Guard(self._inner, provider.near)

    async def _within(self, provider: Provider, asking: Any) -> Any:
        """What is asked for, before the deadline."""
        try:
            async with asyncio.timeout(SECONDS), self._slots:
                return await asking
        except TimeoutError:
            reason = "it did not answer in time"
        except Unsafe as error:
            reason = str(error)
        except OAuthError as error:
            reason = shorten(_printable(str(error.error)), 100)
        except httpx2.HTTPStatusError as error:
            reason = f"it answered {error.response.status_code}"
        except httpx2.HTTPError:
            reason = "it could not be reached"
        except (ValueError, TypeError, AttributeError, KeyError, RecursionError):
            reason = "its answer cannot be read"
        finally:
            asking.close()
        self._observe(ProviderErred(provider.name, reason))
        raise ProviderFailed(provider.name, reason) from None


def _place(provider: Provider, endpoints: Endpoints) -> str:
    return f"{provider.name} {endpoints.token}"


def _credentials(client_id: str, secret: str, way: str) -> tuple[str, str]:
    """How both are written: in a header each is encoded by itself (RFC 6749, 2.3.1), in a form the form encodes them."""
    return (quote_plus(client_id), quote_plus(secret)) if way == BASIC else (client_id, secret)


def _body(answer: httpx2.Response) -> Any:
    return json.loads(_answered(answer).content)


def _answered(answer: httpx2.Response) -> httpx2.Response:
    if answer.status_code != 200:
        raise httpx2.HTTPStatusError("", request=answer.request, response=answer)
    return answer


def _printable(text: str) -> str:
    return "".join(character for character in text if " " <= character <= "~")
