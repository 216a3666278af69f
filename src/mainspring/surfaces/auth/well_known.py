"""The documents about who issues tokens, where RFC 8414 (3.1) has programs look for them: at the root, the issuer's path behind.

So do programs that speak the Model Context Protocol, for both documents.
"""

from __future__ import annotations

from typing import Final
from urllib.parse import urlsplit

from mainspring.http.headers import ASGIApp, Receive, Scope, Send

_NAMES: Final = ("openid-configuration", "oauth-authorization-server")


def well_known(surface: ASGIApp, issuer: str) -> dict[str, ASGIApp]:
    """The surface's own documents, by whole path."""
    behind = urlsplit(issuer).path
    return {f"/.well-known/{name}{behind}": _moved(surface, f"/.well-known/{name}") for name in _NAMES}


def _moved(surface: ASGIApp, path: str) -> ASGIApp:
    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        scope["path"], scope["root_path"] = path, ""
        await surface(scope, receive, send)

    return answer
