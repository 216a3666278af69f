"""People whom a company sends who have not begun here (SAML begun by the company), on every engine; and who abuses that."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.support import company
from tests.support.elsewhere import SITE
from tests.support.employees import PATH, add, back, leave, session_of
from tests.support.people import Open, People

US = {"audience": f"{SITE}/auth/v1/sso/saml/metadata", "consumer": f"{SITE}/auth/v1/sso/saml/acs", "request": ""}
APP = "https://app.example/in?team=1"

pytestmark = pytest.mark.usefixtures("small_company_key")


@pytest.fixture
async def people(opened: Open) -> AsyncIterator[People]:
    async with opened(saml=True, saml_unasked=True, redirect_urls=("https://app.example/**",)) as found:
        yield found


def unasked(name: str, email: str | None, part: str = "assertion", **said: Any) -> Any:
    """An answer to nothing."""
    usual = {"in_response_to": None, "id": f"_unasked_{name}"}
    return company.signed(company.response(US, name, email, **{**usual, **said}), part)


@pytest.mark.parametrize("part", ["assertion", "whole"])
@pytest.mark.parametrize(
    ("relay", "to"),
    [
        ("", SITE),
        (f"{SITE}/deep/page", f"{SITE}/deep/page"),
        (APP, "https://app.example/in"),
        ("https://evil.example/in", SITE),
        ("https://app.example.evil.example/", SITE),
        ("//evil.example", SITE),
        ("/inside", SITE),
        ("javascript://app.example/%0aalert(1)", SITE),
    ],
)
async def test_somebody_comes_unasked(relay: str, to: str, part: str, people: People) -> None:
    made = await add(people)
    email = people.address()
    found = await back(people, relay, unasked("employee-1", email, part))
    assert found["to"] == to
    user = (await session_of(people, found)).body["user"]
    assert (user["email"], user["app_metadata"]["provider"]) == (email, f"sso:{made['id']}")


async def test_it_is_the_same_account(people: People) -> None:
    await add(people)
    email, request = people.address(), await leave(people)
    asked = await back(people, request["relay"], company.signed(company.response(request, "employee-2", email)))
    came = await back(people, "", unasked("employee-2", email))
    assert (await session_of(people, asked)).uid == (await session_of(people, came)).uid


async def test_it_serves_once(people: People) -> None:
    await add(people)
    answer = unasked("employee-3", people.address())
    found = await asyncio.gather(*(back(people, relay, answer) for relay in ("", "", SITE, APP)))
    assert sorted("access_token" in each for each in found) == [False] * 3 + [True]
    again = await back(people, "", answer)
    assert again["error_description"] == "SAML Assertion is not valid: it has been used already"


async def test_an_answer_to_a_request_is_none_to_nothing(people: People) -> None:
    """Whoever steals one cannot take it elsewhere; and what answers nothing ends no sign-in that was begun here."""
    await add(people)
    request = await leave(people)
    stolen = company.signed(company.response(request, "victim", people.address()))
    assert (await back(people, "", stolen))["error_code"] == "validation_failed"
    assert (await back(people, request["relay"], unasked("attacker", people.address())))["error_code"] == "validation_failed"


def _at(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize(
    "said",
    [
        {"audience": "https://another.example"},
        {"recipient": "https://another.example/acs"},
        {"in_response_to": ""},
        {"in_response_to": "_made_up"},
        {"ends": "2020-01-01T00:00:00Z"},
        {"begins": "2100-01-01T00:00:00Z"},
        {"issued": _at(-90_000), "ends": _at(900_000)},
        {"issued": _at(90_000), "ends": _at(900_000)},
        {"issued": ""},
    ],
)
async def test_answers_that_are_not_for_us_or_not_of_now(said: dict[str, Any], people: People) -> None:
    """What would hold for days would hold once it is forgotten that it was used."""
    await add(people)
    found = await back(people, "", unasked("employee-4", people.address(), **said))
    assert found["error_code"] == "validation_failed"


async def test_companies_that_are_unknown_or_switched_off(people: People) -> None:
    made = await add(people)
    stranger = await back(people, "", unasked("x", people.address(), issuer="https://stranger.example"))
    assert (stranger["error_code"], stranger["to"]) == ("saml_idp_not_found", SITE)
    await people.service.put(f"{PATH}/{made['id']}", json={"disabled": True})
    assert (await back(people, "", unasked("x", people.address())))["error_code"] == "sso_provider_disabled"


async def test_a_company_speaks_for_itself(people: People) -> None:
    """Known companies cannot say that they are another: not by the name on the outside, nor by the one that is signed."""
    await add(people)
    await add(people, metadata_xml=company.metadata("https://b.example", certificate=company.pair("b")[1]), domains=["b.example"])
    for by in ("signing", "b"):
        outside = company.response(US, "victim", people.address(), in_response_to=None)
        company.find(outside, "Issuer").text = "https://b.example"
        assert (await back(people, "", company.signed(outside, by=by)))["error_code"] == "validation_failed"


@pytest.mark.parametrize("answer", ["", "x", "!", "PGEvPg==", "PHg+"])
async def test_what_is_no_answer(answer: str, people: People) -> None:
    await add(people)
    found = await back(people, APP, answer)
    assert (found["error_code"], found["to"]) == ("validation_failed", "https://app.example/in")


async def test_an_answer_without_a_name_on_the_outside(people: People) -> None:
    await add(people)
    root = company.response(US, "employee-5", people.address(), in_response_to=None)
    root.remove(company.find(root, "Issuer"))
    assert (await back(people, "", company.signed(root)))["error_code"] == "validation_failed"


async def test_people_whom_a_company_sends_in_secret(opened: Open) -> None:
    async with opened(saml=True, saml_unasked=True, saml_encryption=True) as people:
        await add(people)
        key = company.key_for((await people.anon.get("/auth/v1/sso/saml/metadata")).content)
        answer = company.encrypted(unasked("employee-6", people.address()), company.Encryption(key))
        assert "access_token" in await back(people, "", answer)
        assert (await back(people, "", answer))["error_code"] == "validation_failed", "used already"


async def test_only_where_it_is_allowed(opened: Open) -> None:
    async with opened(saml=True) as people:
        await add(people)
        found = await back(people, "", unasked("employee-7", people.address()))
        assert found["error_code"] == "saml_relay_state_not_found"
        assert (await people.service.get("/auth/v1/admin/users")).json()["users"] == []
