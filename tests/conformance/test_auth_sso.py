"""Companies that sign in their people (SAML 2.0), on every engine; and what forged answers come to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from copy import deepcopy
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from lxml import etree

from tests.support import company
from tests.support.elsewhere import PKCE, SITE, Browser, exchange, told, user_of, with_providers
from tests.support.employees import PATH, add, back, leave, session_of, sign_in
from tests.support.people import Open, People, refused
from tests.support.provider import FakeProvider

Spoil = Callable[[Any], Any]

pytestmark = pytest.mark.usefixtures("small_company_key")


@pytest.fixture
async def people(opened: Open, provider: FakeProvider) -> AsyncIterator[People]:
    async with with_providers(opened, provider)(saml=True, custom_providers_private=True) as found:
        yield found


# ---------------------------------------------------------------- there and back


@pytest.mark.parametrize("part", ["assertion", "whole"])
async def test_somebody_of_a_company(part: str, people: People) -> None:
    made = await add(people, attribute_mapping={"keys": {"team": {"name": "group", "array": True}}})
    request = await leave(people)
    assert (request["to"], request["format"]) == (company.ADDRESS, company.PERSISTENT)
    assert request["consumer"] == f"{SITE}/auth/v1/sso/saml/acs"
    extra = "<saml:Attribute Name='group'><saml:AttributeValue>a</saml:AttributeValue></saml:Attribute>"
    email = people.address()
    answer = company.signed(company.response(request, "employee-1", email, extra=extra), part)
    found = await back(people, request["relay"], answer)
    assert found["to"] == f"{SITE}/in"
    session = await session_of(people, found)
    user = session.body["user"]
    named = f"sso:{made['id']}"
    assert (user["email"], user["app_metadata"]) == (email, {"provider": named, "providers": [named]})
    assert (user["identities"][0]["id"], user["user_metadata"]["custom_claims"]) == ("employee-1", {"team": ["a"]})
    again = await session_of(people, await sign_in(people, "employee-1", email, part))
    assert again.uid == session.uid


async def test_a_program_gets_a_code(people: People) -> None:
    made = await add(people)
    request = await leave(people, domain=None, provider_id=made["id"], **PKCE)
    answer = company.signed(company.response(request, "employee-2", people.address()))
    found = await back(people, request["relay"], answer)
    body = (await exchange(people, found["code"])).json()
    assert "provider_token" not in body
    claims = body["user"]["app_metadata"]
    assert claims["provider"] == f"sso:{made['id']}"


async def test_a_browser_is_sent_there(people: People) -> None:
    await add(people)
    answer = await people.post("/sso", {"domain": "CORP.example"})
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{company.ADDRESS}?SAMLRequest=")


@pytest.mark.parametrize("address", [company.ADDRESS, f"{company.ADDRESS}?tenant=a%20b"])
async def test_what_a_company_is_asked_is_signed(address: str, people: People) -> None:
    await add(people, metadata_xml=company.metadata(address=address))
    (key,) = company.keys_of((await people.anon.get("/auth/v1/sso/saml/metadata")).content, "signing")
    first, second = await leave(people), await leave(people)
    assert first["url"].startswith(address)
    assert company.verified(first["url"], key)
    assert not company.verified(first["url"], company.pair("attacker")[1].public_key())
    relay = f"RelayState={first['relay']}"
    for spoiled in (
        first["url"].replace(relay, f"RelayState={second['relay']}"),
        first["url"].replace(f"&{relay}", ""),
        first["url"].replace("SAMLRequest=", "SAMLRequest=A"),
        f"{second['url'].partition('&Signature=')[0]}&Signature={first['url'].partition('&Signature=')[2]}",
    ):
        assert not company.verified(spoiled, key), spoiled


async def test_our_metadata(people: People) -> None:
    answer = await people.anon.get("/auth/v1/sso/saml/metadata", params={"download": "true"})
    assert answer.headers["content-type"] == "application/samlmetadata+xml"
    root = etree.fromstring(answer.content)
    assert root.get("entityID") == f"{SITE}/auth/v1/sso/saml/metadata"
    about = company.find(root, "SPSSODescriptor")
    assert (about.get("AuthnRequestsSigned"), about.get("WantAssertionsSigned")) == ("true", "true")
    assert [etree.QName(each).localname for each in about] == ["KeyDescriptor", *["NameIDFormat"] * 2, "AssertionConsumerService"]
    assert company.find(root, "AssertionConsumerService").get("Location") == f"{SITE}/auth/v1/sso/saml/acs"
    assert (await people.anon.get("/auth/v1/settings")).json()["saml_enabled"] is True


async def test_where_an_address_may_stand(people: People) -> None:
    await add(people)
    email = people.address()
    session = await session_of(people, await sign_in(people, email, None, format=company.EMAIL_FORMAT))
    assert session.body["user"]["email"] == email
    silent = await sign_in(people, "employee-3", None)
    assert silent["error_code"] == "saml_assertion_no_email"
    transient = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient"
    passing = await sign_in(people, "employee-3", people.address(), format=transient)
    assert passing["error_code"] == "saml_assertion_no_user_id"


async def test_accounts_of_companies_are_apart(people: People, provider: FakeProvider) -> None:
    await add(people)
    member = await people.member()
    found = await sign_in(people, "employee-4", member.body["user"]["email"])
    assert found["error_code"] == "email_exists"
    assert len((await user_of(people, member.uid))["identities"]) == 1
    email = people.address()
    employee = await session_of(people, await sign_in(people, "employee-5", email))
    provider.signs_in("outsider-1", email)
    assert (await Browser(people, provider).sign_in())["error_code"] == "email_exists"
    assert len((await user_of(people, employee.uid))["identities"]) == 1


async def test_only_their_company_signs_them_in(people: People) -> None:
    await add(people)
    email = people.address()
    session = await session_of(people, await sign_in(people, "employee-10", email))
    for path in ("otp", "magiclink", "recover"):
        assert (await people.post(f"/{path}", {"email": email})).json() == {}
    await asyncio.sleep(0.1)
    assert await people.mails(email) == []
    for said in ({"email": people.address()}, {"password": "another horse 2"}):
        refused(await session.ask("PUT", "/auth/v1/user", json=said), 422, "user_sso_managed")
    assert (await session.ask("PUT", "/auth/v1/user", json={"data": {"a": 1}})).status_code == 200


# ---------------------------------------------------------------- forged answers


def evil(root: Any) -> Any:
    """A copy of the assertion that speaks of somebody else, unsigned."""
    copy = deepcopy(company.find(root, "Assertion"))
    company.find(copy, "NameID").text = "victim"
    copy.set("ID", "_evil")
    for each in copy.findall(f"{company.DS}Signature"):
        copy.remove(each)
    return copy


def beside_before(root: Any) -> Any:
    root.insert(root.index(company.find(root, "Assertion")), evil(root))
    return root


def beside_after(root: Any) -> Any:
    root.append(evil(root))
    return root


def around(root: Any) -> Any:
    """The signed assertion inside of the evil one."""
    good, bad = company.find(root, "Assertion"), evil(root)
    root.replace(good, bad)
    bad.append(good)
    return root


def in_the_signature(root: Any) -> Any:
    """The evil assertion holds the signature, and that holds the good one."""
    good, bad = company.find(root, "Assertion"), evil(root)
    signature = good.find(f"{company.DS}Signature")
    root.replace(good, bad)
    good.remove(signature)
    holder = etree.SubElement(signature, f"{company.DS}Object")
    holder.append(good)
    bad.insert(1, signature)
    return root


def in_extensions(root: Any) -> Any:
    good, bad = company.find(root, "Assertion"), evil(root)
    root.replace(good, bad)
    extensions = etree.Element("{urn:oasis:names:tc:SAML:2.0:protocol}Extensions")
    extensions.append(good)
    root.insert(1, extensions)
    return root


def same_id(root: Any) -> Any:
    good, bad = company.find(root, "Assertion"), evil(root)
    bad.set("ID", good.get("ID"))
    root.append(bad)
    return root


def renamed(root: Any) -> Any:
    company.find(root, "NameID").text = "victim"
    return root


def unsigned(root: Any) -> Any:
    good = company.find(root, "Assertion")
    good.remove(good.find(f"{company.DS}Signature"))
    return root


def no_references(root: Any) -> Any:
    signed_info = company.find(root, "SignedInfo")
    signed_info.remove(company.find(signed_info, "Reference"))
    return renamed(root)


def whole_document(root: Any) -> Any:
    company.find(root, "Reference").set("URI", "")
    return root


def own_certificate(root: Any) -> Any:
    return company.signed(unsigned(root), by="attacker")


def weak_digest(root: Any) -> Any:
    company.find(root, "DigestMethod").set("Algorithm", "http://www.w3.org/2000/09/xmldsig#sha1")
    return root


def by_secret(root: Any) -> Any:
    company.find(root, "SignatureMethod").set("Algorithm", "http://www.w3.org/2001/04/xmldsig-more#hmac-sha256")
    return root


def none(root: Any) -> Any:
    company.find(root, "SignatureMethod").set("Algorithm", "none")
    return root


def by_xslt(root: Any) -> Any:
    company.find(root, "Transform").set("Algorithm", "http://www.w3.org/TR/1999/REC-xslt-19991116")
    return root


def with_types(root: Any) -> Any:
    return b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + etree.tostring(root)


def with_bomb(root: Any) -> Any:
    lines = "".join(f'<!ENTITY a{each} "{f"&a{each - 1};" * 10}">' for each in range(1, 10))
    return f'<!DOCTYPE x [<!ENTITY a0 "x">{lines}]>'.encode() + etree.tostring(root)


def another_document(root: Any) -> Any:
    return b"<html/>"


def nothing(root: Any) -> Any:
    return b""


def noise(root: Any) -> Any:
    return b"\xff\x00<"


def too_deep(root: Any) -> Any:
    return b"<a>" * 60_000


FORGED: list[Spoil] = [
    beside_before,
    beside_after,
    around,
    in_the_signature,
    in_extensions,
    same_id,
    renamed,
    unsigned,
    no_references,
    whole_document,
    own_certificate,
    weak_digest,
    by_secret,
    none,
    by_xslt,
    with_types,
    with_bomb,
    another_document,
    nothing,
    noise,
    too_deep,
]


@pytest.mark.parametrize("spoil", FORGED, ids=lambda spoil: spoil.__name__)
async def test_forged_answers(spoil: Spoil, people: People) -> None:
    await add(people)
    request = await leave(people)
    good = company.signed(company.response(request, "attacker", people.address()))
    found = await back(people, request["relay"], spoil(good))
    assert (found["error_code"], found["to"]) == ("validation_failed", f"{SITE}/in"), found
    assert found["error_description"].startswith("SAML Assertion is not valid")
    assert (await people.service.get("/auth/v1/admin/users")).json()["users"] == []


@pytest.mark.parametrize("spoil", [beside_before, beside_after, around, renamed], ids=lambda spoil: spoil.__name__)
async def test_forged_answers_that_are_signed_as_a_whole(spoil: Spoil, people: People) -> None:
    await add(people)
    request = await leave(people)
    good = company.signed(company.response(request, "attacker", people.address()), "whole")
    assert (await back(people, request["relay"], spoil(good)))["error_code"] == "validation_failed"


async def test_comments_cut_nothing_off(people: People) -> None:
    """A comment that is no part of what is signed: `victim<!---->.attacker` must not be read as `victim`."""
    await add(people)
    request = await leave(people)
    good = company.signed(company.response(request, "victim.attacker", people.address()))
    name = company.find(good, "NameID")
    name.text = "victim"
    comment = etree.Comment("x")
    comment.tail = ".attacker"
    name.append(comment)
    session = await session_of(people, await back(people, request["relay"], good))
    assert session.body["user"]["identities"][0]["id"] == "victim.attacker"


@pytest.mark.parametrize(
    "said",
    [
        {"audience": "https://another.example"},
        {"recipient": "https://another.example/acs"},
        {"in_response_to": "_another"},
        {"in_response_to": ""},
        {"issuer": "https://another.example/entity"},
        {"ends": "2020-01-01T00:00:00Z"},
        {"begins": "2100-01-01T00:00:00Z"},
        {"ends": "soon"},
        {"ends": ""},
    ],
)
async def test_answers_that_are_for_others(said: dict[str, str], people: People) -> None:
    await add(people)
    found = await sign_in(people, "employee-6", people.address(), **said)
    assert found["error_code"] == "validation_failed"


async def test_an_answer_serves_once(people: People) -> None:
    await add(people)
    request = await leave(people)
    answer = company.signed(company.response(request, "employee-7", people.address()))
    found = await asyncio.gather(*(back(people, request["relay"], answer) for _ in range(4)))
    assert sorted("access_token" in each for each in found) == [False] * 3 + [True]
    other = await leave(people)
    assert (await back(people, other["relay"], answer))["error_code"] == "validation_failed", "it answers another request"


async def test_nobody_comes_unasked(people: People, provider: FakeProvider) -> None:
    await add(people)
    request = await leave(people)
    answer = company.signed(company.response(request, "employee-8", people.address()))
    for relay in ("", "x", "https://evil.example", "\x00"):
        found = await back(people, relay, answer)
        assert (found["error_code"], found["to"]) == ("saml_relay_state_not_found", SITE)
    provider.signs_in("mixed-2", people.address())
    state = parse_qs(urlsplit(await Browser(people, provider).leave()).query)["state"][0]
    assert (await back(people, state, answer))["error_code"] == "saml_relay_state_not_found"


async def test_who_was_sent_to_a_company_does_not_come_back_from_a_provider(people: People, provider: FakeProvider) -> None:
    await add(people)
    request = await leave(people)
    found = told(await people.anon.get("/auth/v1/callback", params={"state": request["relay"], "code": "x"}))
    assert found["error_code"] == "bad_oauth_state"


async def test_a_company_that_is_switched_off(people: People) -> None:
    made = await add(people)
    request = await leave(people)
    await people.service.put(f"{PATH}/{made['id']}", json={"disabled": True})
    refused(await people.post("/sso", {"domain": "corp.example"}), 404, "sso_provider_disabled")
    answer = company.signed(company.response(request, "employee-9", people.address()))
    assert (await back(people, request["relay"], answer))["error_code"] == "sso_provider_disabled"


# ---------------------------------------------------------------- which there are


async def test_companies_are_administered(people: People) -> None:
    made = await add(people, resource_id="corp")
    assert made["domains"] == [{"domain": "corp.example"}]
    assert made["saml"]["entity_id"] == company.ENTITY
    (listed,) = (await people.service.get(PATH)).json()["items"]
    assert "metadata_xml" not in listed["saml"]
    assert (await people.service.get(f"{PATH}/resource_corp")).json()["id"] == made["id"]
    changed = await people.service.put(f"{PATH}/{made['id']}", json={"domains": ["new.example", "corp.example"]})
    assert changed.json()["domains"] == [{"domain": "corp.example"}, {"domain": "new.example"}]
    usual = {"type": "saml", "metadata_xml": company.metadata()}
    refused(await people.service.post(PATH, json=usual), 422, "saml_idp_already_exists")
    other = {"type": "saml", "metadata_xml": company.metadata("https://b.example"), "domains": ["new.example"]}
    refused(await people.service.post(PATH, json=other), 400, "sso_domain_already_exists")
    mismatch = await people.service.put(f"{PATH}/{made['id']}", json={"metadata_xml": company.metadata("https://b.example")})
    refused(mismatch, 400, "validation_failed")
    assert (await people.service.delete(f"{PATH}/{made['id']}")).json()["id"] == made["id"]
    refused(await people.service.get(f"{PATH}/{made['id']}"), 404, "sso_provider_not_found")
    refused(await people.post("/sso", {"domain": "corp.example"}), 404, "sso_provider_not_found")


@pytest.mark.parametrize(
    "said",
    [
        {"type": "oidc"},
        {"metadata_xml": None},
        {"metadata_xml": "<x/>"},
        {"metadata_xml": "nonsense"},
        {"metadata_xml": "<!DOCTYPE x>" + company.metadata()},
        {"metadata_xml": company.metadata(address="http://plain.example")},
        {"metadata_xml": company.metadata(entity="")},
        {"metadata_xml": company.metadata().replace("MII", "AAA")},
        {"metadata_xml": None, "metadata_url": "http://169.254.169.254/"},
        {"metadata_xml": None, "metadata_url": "file:///etc/passwd"},
        {"domains": ["not a domain"]},
        {"domains": ["x"] * 500},
        {"name_id_format": "x"},
        {"resource_id": "../x"},
    ],
)
async def test_what_is_refused(said: dict[str, Any], people: People) -> None:
    usual = {"type": "saml", "metadata_xml": company.metadata()}
    refused(await people.service.post(PATH, json={**usual, **said}), 400, "validation_failed")


async def test_only_where_it_is_switched_on(opened: Open) -> None:
    async with opened() as people:
        answers: list[httpx.Response] = [
            await people.post("/sso", {"domain": "x.example"}),
            await people.anon.get("/auth/v1/sso/saml/metadata"),
            await people.anon.post("/auth/v1/sso/saml/acs", data={"RelayState": "x"}),
            await people.service.get(PATH),
        ]
        for answer in answers:
            assert refused(answer, 404, "saml_provider_disabled") == "SAML 2.0 is disabled"
        assert (await people.anon.get(PATH)).status_code == 403


async def test_what_is_no_request(people: People) -> None:
    refused(await people.post("/sso", {}), 400, "validation_failed")
    refused(await people.post("/sso", {"domain": "x", "provider_id": "y"}), 400, "validation_failed")
    refused(await people.post("/sso", {"provider_id": "y"}), 400, "validation_failed")
    refused(await people.post("/sso", {"domain": "nobody.example"}), 404, "sso_provider_not_found")
