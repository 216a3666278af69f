"""Mails through SMTP: what arrives at a server, and what is answered when none takes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest

from mainspring.observe import MailFailed, Observation
from mainspring.settings import Secret
from mainspring.testing.client import TestClient
from tests.support.people import PASSWORD, People, app, refused, settings
from tests.support.servers import free_port

pytest.importorskip("aiosmtplib")


class Server:
    """As much of an SMTP server as a client needs; with `refuses` it takes no recipient."""

    def __init__(self, refuses: bool = False) -> None:
        self.mails: list[EmailMessage] = []
        self._refuses = refuses

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(text: str) -> None:
            writer.write(f"{text}\r\n".encode())

        say("220 test")
        while line := (await reader.readline()).decode().strip():
            match line.split(":")[0].split()[0].upper():
                case "RCPT" if self._refuses:
                    say("550 no such person")
                case "DATA":
                    say("354 go on")
                    data = await reader.readuntil(b"\r\n.\r\n")
                    found = message_from_bytes(data[:-3], policy=policy.default)
                    assert isinstance(found, EmailMessage)
                    self.mails.append(found)
                    say("250 taken")
                case "QUIT":
                    say("221 bye")
                    break
                case _:
                    say("250 ok")
        writer.close()


@asynccontextmanager
async def listening(server: Server) -> AsyncIterator[str]:
    """Serve; the address."""
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    async with listener:
        yield f"smtp://127.0.0.1:{listener.sockets[0].getsockname()[1]}"


async def test_a_mail_arrives_whole() -> None:
    server = Server()
    async with listening(server) as url:
        mail = {"url": Secret(url), "sender": "The Shop <shop@example.com>", "rate_hour": 2}
        async with TestClient(app, settings=settings(mail=mail)) as client:
            people = People(client)
            assert (await people.anon.get("/_inbox")).status_code == 404, "mails are sent, not shown"
            for _ in range(2):
                await people.sign_up(people.address())
            answer = await people.post("/signup", {"email": people.address(), "password": PASSWORD})
            assert refused(answer, 429, "over_email_send_rate_limit") == "email rate limit exceeded"
    first = server.mails[0]
    assert (first["From"], first["Subject"]) == ("The Shop <shop@example.com>", "Confirm your sign-up")
    assert first["To"].endswith("@example.com")
    plain, html = (first.get_body((kind,)) for kind in ("plain", "html"))
    assert plain is not None
    assert html is not None
    assert "/auth/v1/verify?token=" in plain.get_content()
    assert "<h2>Confirm your sign-up</h2>" in html.get_content()


@pytest.mark.parametrize("refuses", [True, None])
async def test_a_mail_that_nobody_takes_is_told(refuses: bool | None) -> None:
    told: list[Observation] = []
    async with listening(Server(refuses=True)) as url:
        url = url if refuses else f"smtp://127.0.0.1:{free_port()}"
        async with TestClient(app, settings=settings(mail={"url": Secret(url)}), observe=told.append) as client:
            people = People(client)
            answer = await people.post("/signup", {"email": people.address(), "password": PASSWORD})
            assert refused(answer, 500, "unexpected_failure") == "Error sending confirmation email"
            assert (await people.post("/recover", {"email": "nobody@example.com"})).status_code == 200
    assert [type(fact) for fact in told if isinstance(fact, MailFailed)] == [MailFailed]
