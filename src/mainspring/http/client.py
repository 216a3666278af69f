"""Where a request comes from, behind the proxies that are believed."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Sequence

from mainspring.errors import ConfigError, Mistake
from mainspring.http.headers import Scope, find

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Locate = Callable[[Scope], str]


def locator(proxies: Sequence[str]) -> Locate:
    """A function from a request to the address it comes from.

    X-Forwarded-For is read from its end on, and only as long as each address is one of `proxies`: what comes before was said by
    somebody who may lie. Raises ConfigError for what is no address or network.
    """
    trusted = [_network(text) for text in proxies]

    def locate(scope: Scope) -> str:
        peer = str((scope.get("client") or ("",))[0])
        if not trusted or not _within(peer, trusted):
            return peer
        said = find(scope["headers"], b"x-forwarded-for") or b""
        for hop in reversed([part.strip() for part in said.decode("latin-1").split(",") if part.strip()]):
            peer = hop
            if not _within(hop, trusted):
                break
        return peer

    return locate


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ConfigError([Mistake("server.trusted_proxies", f'"{text}" is no address or network')]) from None


def _within(address: str, networks: Sequence[Network]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in networks)
