"""`/_inbox` shows mails, `/_inbox/messages` tells them as JSON.

Mails hold what signs people in, so no page of another origin may read them, and no name but this machine's own reaches them.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Final
from urllib.parse import parse_qs, urlsplit

import msgspec

from mainspring.backends.registry import Inbox, Kept
from mainspring.http.headers import JSON, NO_STORE, ASGIApp, Header, Receive, Scope, Send, error_body, find, respond

PATH: Final = "/_inbox"
_HTML: Final[Header] = (b"content-type", b"text/html; charset=utf-8")
_CLOSED: Final[Header] = (b"content-security-policy", b"default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
_OPAQUE: Final[Header] = (b"cross-origin-resource-policy", b"same-origin")
_FORBIDDEN: Final = error_body("MS0403", "The inbox is for this machine only", "Open it at http://127.0.0.1.")
_NOTHING: Final = error_body("MS0404", "There is nothing at this path", "/_inbox or /_inbox/messages")


def inbox(mails: Inbox, hosts: Iterable[str]) -> ASGIApp:
    """The app, below its root path. `hosts` are the names under which it may be reached besides this machine's own."""
    known = frozenset({"localhost", "127.0.0.1", "::1", *hosts})

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        path, method = scope["path"][len(scope.get("root_path") or "") :].rstrip("/"), scope["method"]
        usual = (NO_STORE, _OPAQUE, _CLOSED)
        if not _local(scope, known):
            await respond(send, 403, (JSON, *usual), _FORBIDDEN)
        elif path == "/messages" and method in ("GET", "DELETE"):
            if method == "DELETE":
                mails.clear()
            wanted = parse_qs(scope.get("query_string", b"").decode("latin-1")).get("to", [None])[-1]
            told = msgspec.json.encode([_told(kept) for kept in mails.mails(wanted)])
            await respond(send, 200, (JSON, *usual), told)
        elif path == "" and method in ("GET", "HEAD"):
            await respond(send, 200, (_HTML, *usual), _page(mails.mails()).encode(), head=method == "HEAD")
        else:
            await respond(send, 404, (JSON, *usual), _NOTHING)

    return app


def _local(scope: Scope, known: frozenset[str]) -> bool:
    """Whether it is asked for under a name of its own, by nobody's page but its own (nor a page that took on our address)."""
    headers = scope["headers"]
    host = urlsplit(f"//{(find(headers, b'host') or b'').decode('latin-1')}").hostname or ""
    origin = find(headers, b"origin")
    site = find(headers, b"sec-fetch-site")
    own = origin is None or (urlsplit(origin.decode("latin-1")).hostname or "") in known
    return host in known and own and site in (None, b"same-origin", b"none")


def _told(kept: Kept) -> dict[str, object]:
    mail = kept.mail
    return {
        "id": kept.number,
        "at": kept.at.isoformat(),
        "to": mail.recipient,
        "kind": mail.kind,
        "subject": mail.subject,
        "text": mail.text,
        "html": mail.html,
    }


def _page(mails: list[Kept]) -> str:
    shown = "\n".join(
        f"<article><h2>{escape(kept.mail.subject)}</h2><p>to {escape(kept.mail.recipient)}, {kept.at:%H:%M:%S}</p>"
        f"<pre>{_linked(kept.mail.text)}</pre></article>"
        for kept in mails
    )
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Inbox</title><style>'
        "body{font-family:sans-serif;max-width:50rem;margin:2rem auto}pre{white-space:pre-wrap;word-break:break-all}"
        f"</style></head><body><h1>Inbox</h1>\n{shown or '<p>No mail yet.</p>'}\n</body></html>"
    )


def _linked(text: str) -> str:
    """Plain text with its web addresses as links."""
    return "\n".join(
        f'<a href="{escape(line)}">{escape(line)}</a>' if line.startswith(("http://", "https://")) else escape(line)
        for line in text.splitlines()
    )
