"""An application whose people sign in, and what a test does on their behalf: sign up, read mails, follow links."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit
from uuid import UUID

import httpx
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from mainspring import Mainspring, auth
from mainspring.settings import AuthSettings, CaptchaSettings, HookSettings, MailSettings, ServerSettings, Settings, SmsSettings
from mainspring.testing.client import TestClient

PASSWORD = "correct horse 1"
LOOPBACK = {"host": "127.0.0.1"}


class Base(DeclarativeBase):
    pass


class Note(Base):
    __tablename__ = "notes"
    id: Mapped[int] = mapped_column(primary_key=True)
    owner: Mapped[UUID] = mapped_column(ForeignKey(auth.User.id, ondelete="CASCADE"), default=auth.uid)
    body: Mapped[str]


def make() -> Mainspring:
    """The application, for who adds to it."""
    made = Mainspring(models=Base)

    @made.policy(Note, "all", to="authenticated")
    def mine_or_staff(note: Any, me: Any) -> Any:
        return (note.owner == me.uid) | me.has_role("staff")

    return made


app = make()


def settings(
    mail: dict[str, Any] | None = None,
    sms: dict[str, Any] | None = None,
    hooks: dict[str, Any] | None = None,
    captcha: dict[str, Any] | None = None,
    server: dict[str, Any] | None = None,
    **said: Any,
) -> Settings:
    """Settings for tests: hashes that cost nothing, no bound on how often one may ask. `said` is about `auth`."""
    usual: dict[str, Any] = {
        "password_memory_kib": 8,
        "password_iterations": 1,
        "even_seconds": 0.025,
        "rate_token": 0,
        "rate_verify": 0,
        "rate_send": 0,
        "rate_anonymous": 0,
        "rate_guesses": 0,
        "anonymous": True,
    }
    none: dict[str, Any] = {"interval_seconds": 0}
    return Settings(
        auth=AuthSettings(**{**usual, **said}),
        mail=MailSettings(**{**none, **(mail or {})}),
        sms=SmsSettings(**{**none, **(sms or {})}),
        hooks=HookSettings(**(hooks or {})),
        captcha=CaptchaSettings(**(captcha or {})),
        server=ServerSettings(**(server or {})),
    )


@dataclass
class Session:
    """Somebody who is signed in."""

    client: httpx.AsyncClient
    body: dict[str, Any]

    @property
    def uid(self) -> str:
        return str(self.body["user"]["id"])

    @property
    def refresh_token(self) -> str:
        return str(self.body["refresh_token"])

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.body['access_token']}"}

    async def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """A request in their name."""
        headers = {**self.headers, **more.pop("headers", {})}
        return await self.client.request(method, path, headers=headers, **more)


class People:
    """What tests do at `/auth/v1`."""

    def __init__(self, client: TestClient) -> None:
        self.test = client
        self.anon = client.as_anon()
        self.service = client.as_service()
        self._names = 0
        self._numbers = 0

    def address(self) -> str:
        """An address of nobody's yet."""
        self._names += 1
        return f"person{self._names}-{id(self):x}@example.com"

    def number(self) -> str:
        """A phone number of nobody's yet."""
        self._numbers += 1
        return f"4670{id(self) % 10**5:05}{self._numbers:03}"

    async def post(self, path: str, json: Any = None, **more: Any) -> httpx.Response:
        return await self.anon.post(f"/auth/v1{path}", json=json, **more)

    async def sign_up(self, email: str | None = None, password: str = PASSWORD, **more: Any) -> dict[str, Any]:
        """Sign up; what is answered."""
        answer = await self.post("/signup", {"email": email or self.address(), "password": password, **more})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def member(self, email: str | None = None, password: str = PASSWORD, **more: Any) -> Session:
        """Somebody who has signed up and confirmed the address."""
        email = email or self.address()
        signed = await self.sign_up(email, password, **more)
        if "access_token" in signed:
            return Session(self.anon, signed)
        return await self.verified("signup", email)

    async def verified(self, kind: str, email: str, purpose: str = "confirmation") -> Session:
        """The session to which the code in the latest mail leads."""
        code = (await self.mail(email, purpose))["code"]
        answer = await self.post("/verify", {"type": kind, "email": email, "token": code})
        assert answer.status_code == 200, answer.text
        return Session(self.anon, answer.json())

    async def sign_in(self, email: str, password: str = PASSWORD) -> Session:
        answer = await self.post("/token?grant_type=password", {"email": email, "password": password})
        assert answer.status_code == 200, answer.text
        return Session(self.anon, answer.json())

    async def refresh(self, token: str) -> httpx.Response:
        return await self.post("/token?grant_type=refresh_token", {"refresh_token": token})

    async def mails(self, email: str) -> list[dict[str, Any]]:
        """The mails to an address, the newest first."""
        answer = await self.anon.get("/_inbox/messages", params={"to": email}, headers=LOOPBACK)
        return list(answer.json())

    async def text(self, phone: str, channel: str = "sms", but: str = "") -> str:
        """The code in the newest text to a number. It may be on its way still; `but` is the one before."""
        for _ in range(200):
            found = [each for each in await self.mails(phone) if each["kind"] == channel]
            codes = re.findall(r"\d{6,}", found[0]["text"]) if found else []
            if codes and codes[0] != but:
                return str(codes[0])
            await asyncio.sleep(0.01)
        raise AssertionError(f"no text to {phone}")

    async def mail(self, email: str, kind: str) -> dict[str, str]:
        """The newest mail of a kind: its code, its link's token and the link. It may be on its way still."""
        for _ in range(200):
            found = [mail for mail in await self.mails(email) if mail["kind"] == kind]
            if found:
                return read_mail(found[0]["text"])
            await asyncio.sleep(0.01)
        raise AssertionError(f"no mail of the kind {kind} to {email}")


Open = Callable[..., AbstractAsyncContextManager[People]]


def read_mail(text: str) -> dict[str, str]:
    """The code, the link and the link's token in a mail."""
    code = re.search(r"Code: (\d+)", text)
    link = re.search(r"http\S+", text)
    token = parse_qs(urlsplit(link[0]).query)["token"][0] if link else ""
    return {"code": code[1] if code else "", "link": link[0] if link else "", "token": token}


def relative(link: str) -> str:
    """A link without the server's name."""
    parts = urlsplit(link)
    return f"{parts.path}?{parts.query}"


def refused(answer: httpx.Response, status: int, code: str) -> str:
    """The message of an error in the older shape."""
    assert (answer.status_code, answer.headers.get("x-sb-error-code")) == (status, code), answer.text
    body = answer.json()
    assert (body["code"], body["error_code"]) == (status, code)
    return str(body["msg"])
