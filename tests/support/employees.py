"""Companies as the service key adds them, and people who come from there."""

from __future__ import annotations

from typing import Any

from tests.support import company
from tests.support.elsewhere import SITE, told
from tests.support.people import People, Session

PATH = "/auth/v1/admin/sso/providers"


async def add(people: People, **said: Any) -> dict[str, Any]:
    usual = {"type": "saml", "metadata_xml": company.metadata(), "domains": ["corp.example"]}
    answer = await people.service.post(PATH, json={**usual, **said})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def leave(people: People, **said: Any) -> dict[str, str]:
    """What the company is asked when somebody goes there."""
    usual = {"domain": "corp.example", "redirect_to": f"{SITE}/in", "skip_http_redirect": True}
    answer = await people.post("/sso", {**usual, **said})
    assert answer.status_code == 200, answer.text
    return company.asked(answer.json()["url"])


async def back(people: People, relay: str, answer: Any) -> dict[str, str]:
    form = {"RelayState": relay, "SAMLResponse": answer if isinstance(answer, str) else company.encoded(answer)}
    return told(await people.anon.post("/auth/v1/sso/saml/acs", data=form))


async def sign_in(people: People, name: str, email: str | None, part: str = "assertion", **said: Any) -> dict[str, str]:
    request = await leave(people)
    return await back(people, request["relay"], company.signed(company.response(request, name, email, **said), part))


async def session_of(people: People, found: dict[str, str]) -> Session:
    assert "access_token" in found, found
    session = Session(people.anon, {**found})
    session.body["user"] = (await session.ask("GET", "/auth/v1/user")).json()
    return session
