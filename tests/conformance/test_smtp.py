"""Mails through SMTP: what arrives at a server, and what is answered when none takes them."""

from __future__ import annotations

import asyncio
import time
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
    """As much of an SMTP server as a client needs; with `refuses` it takes no recipient, and it thinks for `seconds`."""

    def __init__(self, refuses: bool = False, seconds: float = 0) -> None:
        self.mails: list[EmailMessage] = []
        self.refuses, self._seconds = refuses, seconds

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        def say(text: str) -> None:
            writer.write(f"{text}\r\n".encode())

        say("220 test")
        while line := (await reader.readline()).decode().strip():
            match line.split(":")[0].split()[0].upper():
                case "RCPT" if self.refuses:
                    say("550 no such person")
                case "DATA":
                    say("354 go on")
                    data = await reader.readuntil(b"\r\n.\r\n")
                    await asyncio.sleep(self._seconds)
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


async def test_neither_time_nor_errors_tell_who_is_known() -> None:
    """A mail that takes long, or that nobody takes, is acted for who is in already."""
    server = Server(seconds=0.3)
    async with (
        listening(server) as url,
        TestClient(app, settings=settings(mail={"url": Secret(url), "rate_hour": 0})) as client,
    ):
        people = People(client)
        known = await people.service.post(
            "/auth/v1/admin/users", json={"email": "ann@example.com", "password": PASSWORD, "email_confirm": True}
        )
        assert known.status_code == 200

        async def asked(path: str, email: str) -> tuple[int, bool]:
            begun = time.monotonic()
            answer = await people.post(path, {"email": email, "password": PASSWORD})
            return answer.status_code, time.monotonic() - begun > 0.29

        assert await asked("/signup", people.address()) == (200, True)
        for path in ("/signup", "/otp"):
            assert await asked(path, "ann@example.com") == (200, True), path
        server.refuses = True
        for _ in range(32):  # until nothing else is remembered
            assert (await asked("/otp", people.address()))[0] == 500
        for path in ("/signup", "/otp"):
            assert (await asked(path, "ann@example.com"))[0] == 500, path
