"""Companies that encrypt what they say of people, on every engine; and what forged and foreign secrets come to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import etree

from mainspring.errors import AssertionInvalid, ConfigError
from mainspring.services.identity.saml import metadata, our_keys, signed
from mainspring.services.identity.saml.encrypted import Recipient
from tests.support import company
from tests.support.company import XENC, XENC11, Encryption
from tests.support.employees import add, back, leave, session_of
from tests.support.people import Open, People

Spoil = Callable[[Encryption], Encryption]
SHA256 = OAEP(MGF1(hashes.SHA256()), hashes.SHA256(), None)
BY_SHA256 = f'<ds:DigestMethod Algorithm="{XENC}sha256"/><xenc11:MGF Algorithm="{XENC11}mgf1sha256"/>'
MIXED = OAEP(MGF1(hashes.SHA1()), hashes.SHA256(), None)
UNREADABLE = "SAML Assertion is not valid: it cannot be decrypted"


pytestmark = pytest.mark.usefixtures("small_company_key")


@pytest.fixture
async def people(opened: Open) -> AsyncIterator[People]:
    async with opened(saml=True, saml_encryption=True) as found:
        yield found


async def ours(people: People) -> Encryption:
    """How companies encrypt for us that do so well."""
    return Encryption(company.key_for((await people.anon.get("/auth/v1/sso/saml/metadata")).content))


async def sent(people: People, how: Encryption, part: str = "assertion", name: str = "employee-1") -> dict[str, str]:
    """What comes of an answer whose assertion is signed and then encrypted, or encrypted and then signed with the whole."""
    await add(people)
    request = await leave(people)
    answer = company.response(request, name, people.address())
    if part == "assertion":
        return await back(people, request["relay"], company.encrypted(company.signed(answer), how))
    return await back(people, request["relay"], company.signed(company.encrypted(answer, how), "whole"))


WAYS: list[dict[str, Any]] = [
    {},
    {"way": f"{XENC11}aes128-gcm"},
    {"way": f"{XENC11}aes192-gcm"},
    {"wrap": f"{XENC11}rsa-oaep", "padding": SHA256, "method": BY_SHA256},
    {"padding": MIXED, "method": f'<ds:DigestMethod Algorithm="{XENC}sha256"/>'},
    {"beside": True},
    {"recipient": "http://127.0.0.1:8000/auth/v1/sso/saml/metadata"},
]


@pytest.mark.parametrize("part", ["assertion", "whole"])
@pytest.mark.parametrize("said", WAYS)
async def test_somebody_of_whom_is_told_in_secret(said: dict[str, Any], part: str, people: People) -> None:
    found = await sent(people, replace(await ours(people), **said), part)
    session = await session_of(people, found)
    assert session.body["user"]["identities"][0]["id"] == "employee-1"


async def test_prefixes_of_the_surroundings_hold(people: People) -> None:
    """Some companies encrypt an assertion without the names that stand around it."""
    shorter = replace(await ours(people), content=lambda text: text.replace(f' xmlns:saml="{company.SAML}"'.encode(), b"", 1))
    assert "access_token" in await sent(people, shorter)


async def test_the_metadata_names_the_key_and_the_ways(people: People) -> None:
    answer = await people.anon.get("/auth/v1/sso/saml/metadata")
    signing, about = etree.fromstring(answer.content).findall(".//{*}KeyDescriptor")
    assert (signing.get("use"), about.get("use")) == ("signing", "encryption")
    ways = [each.get("Algorithm") for each in about if each.tag.endswith("EncryptionMethod")]
    assert ways[0] == f"{XENC11}aes256-gcm"
    assert not [each for each in ways if "cbc" in each or "1_5" in each]
    assert (await people.anon.get("/auth/v1/sso/saml/metadata")).content == answer.content


async def test_what_can_be_changed_must_be_signed_as_it_is(people: People) -> None:
    """CBC: whoever changes a byte could learn from the answers what was encrypted, so the company must have signed it all."""
    how = replace(await ours(people), way=f"{XENC}aes256-cbc")
    assert "access_token" in await sent(people, how, "whole")
    refused = await sent_again(people, how)
    assert refused["error_description"] == f"SAML Assertion is not valid: it is encrypted by {how.way}, accepted is AES-GCM"


async def sent_again(people: People, how: Encryption) -> dict[str, str]:
    """As `sent`, where the company is known."""
    request = await leave(people)
    answer = company.signed(company.response(request, "employee-2", people.address()))
    return await back(people, request["relay"], company.encrypted(answer, how))


# ---------------------------------------------------------------- what our key cannot open


def for_another(how: Encryption) -> Encryption:
    return replace(how, key=company.pair("attacker")[0].public_key())


def of_another_size(how: Encryption) -> Encryption:
    return replace(how, secret=bytes(16))


def no_xml(how: Encryption) -> Encryption:
    return replace(how, content=lambda text: b"\xff\x00<")


def nothing(how: Encryption) -> Encryption:
    return replace(how, content=lambda text: b"")


def with_types(how: Encryption) -> Encryption:
    return replace(how, content=lambda text: b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>' + text)


def two(how: Encryption) -> Encryption:
    return replace(how, content=lambda text: text + text)


def out_of_it(how: Encryption) -> Encryption:
    return replace(how, content=lambda text: text + b"</around><around>")


def another_element(how: Encryption) -> Encryption:
    return replace(how, content=lambda text: b"<html/>")


def other_digest(how: Encryption) -> Encryption:
    return replace(how, padding=SHA256)


UNOPENED: list[Spoil] = [for_another, of_another_size, no_xml, nothing, with_types, two, out_of_it, another_element, other_digest]


@pytest.mark.parametrize("part", ["assertion", "whole"])
@pytest.mark.parametrize("spoil", UNOPENED, ids=lambda spoil: spoil.__name__)
async def test_whatever_fails_in_secret_has_one_answer(spoil: Spoil, part: str, people: People) -> None:
    found = await sent(people, spoil(await ours(people)), part)
    assert (found["error_code"], found["error_description"]) == ("validation_failed", UNREADABLE)


CHANGES: list[Callable[[str], str]] = [
    lambda text: ("A" if text[0] != "A" else "B") + text[1:],
    lambda text: text[4:],
    lambda text: text + "AAAA",
    lambda text: "!",
    lambda text: "",
]


@pytest.mark.parametrize("change", CHANGES, ids=["changed", "shorter", "longer", "no base64", "none"])
@pytest.mark.parametrize("which", [0, 1], ids=["key", "content"])
async def test_changed_secrets_have_the_same_answer(which: int, change: Callable[[str], str], people: People) -> None:
    await add(people)
    request = await leave(people)
    signed = company.signed(company.response(request, "x", people.address()))
    root = company.encrypted(signed, await ours(people))
    value = list(root.iter(f"{{{XENC}}}CipherValue"))[which]
    value.text = change("".join(value.text.split()))
    assert (await back(people, request["relay"], root))["error_description"] == UNREADABLE


# ---------------------------------------------------------------- what is refused for all to read

REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"wrap": f"{XENC}rsa-1_5", "padding": PKCS1v15()}, f"its key is encrypted by {XENC}rsa-1_5, accepted is RSA-OAEP"),
    ({"wrap": f"{XENC}kw-aes256"}, f"its key is encrypted by {XENC}kw-aes256, accepted is RSA-OAEP"),
    ({"method": f'<ds:DigestMethod Algorithm="{XENC}md5"/>'}, "accepted is RSA-OAEP"),
    ({"method": "<xenc:OAEPparams>eA==</xenc:OAEPparams>"}, "accepted is RSA-OAEP"),
    ({"recipient": "https://another.example"}, "it is encrypted for somebody else"),
]


@pytest.mark.parametrize("part", ["assertion", "whole"])
@pytest.mark.parametrize(("said", "told"), REFUSED)
async def test_ways_that_are_refused(said: dict[str, Any], told: str, part: str, people: People) -> None:
    found = await sent(people, replace(await ours(people), **said), part)
    assert found["error_code"] == "validation_failed"
    assert told in found["error_description"]


@pytest.mark.parametrize("way", ["http://www.w3.org/2001/04/xmlenc#tripledes-cbc", "none", ""])
async def test_ciphers_that_are_refused(way: str, people: People) -> None:
    await add(people)
    request = await leave(people)
    root = company.encrypted(company.response(request, "x", people.address()), await ours(people))
    company.find(root, "EncryptionMethod").set("Algorithm", way)
    found = await back(people, request["relay"], company.signed(root, "whole"))
    assert found["error_description"].endswith("accepted is AES-GCM")


# ---------------------------------------------------------------- forged answers


def unsigned(root: Any, how: Encryption) -> Any:
    good = company.find(root, "Assertion")
    good.remove(good.find(f"{company.DS}Signature"))
    return company.encrypted(root, how)


def by_the_attacker(root: Any, how: Encryption) -> Any:
    good = company.find(root, "Assertion")
    good.remove(good.find(f"{company.DS}Signature"))
    return company.encrypted(company.signed(root, by="attacker"), how)


def renamed(root: Any, how: Encryption) -> Any:
    company.find(root, "NameID").text = "victim"
    return company.encrypted(root, how)


def wrapped(root: Any, how: Encryption) -> Any:
    """The signed assertion inside of an evil one, and both in secret."""
    good = company.find(root, "Assertion")
    bad = etree.fromstring(etree.tostring(good))
    company.find(bad, "NameID").text = "victim"
    bad.set("ID", "_evil")
    bad.remove(bad.find(f"{company.DS}Signature"))
    root.replace(good, bad)
    bad.append(good)
    return company.encrypted(root, how)


def in_the_signature(root: Any, how: Encryption) -> Any:
    good = company.find(root, "Assertion")
    bad = etree.fromstring(etree.tostring(good))
    company.find(bad, "NameID").text = "victim"
    signature = good.find(f"{company.DS}Signature")
    bad.replace(bad.find(f"{company.DS}Signature"), signature)
    bad.set("ID", "_evil")
    etree.SubElement(signature, f"{company.DS}Object").append(good)
    root.append(bad)
    return company.encrypted(root, how)


def beside_a_plain_one(root: Any, how: Encryption) -> Any:
    good = company.find(root, "Assertion")
    bad = etree.fromstring(etree.tostring(good))
    company.find(bad, "NameID").text = "victim"
    company.encrypted(root, how)
    root.append(bad)
    return root


def two_secrets(root: Any, how: Encryption) -> Any:
    root.append(how.element(company.find(root, "Assertion")))
    return company.encrypted(root, how)


def secret_in_secret(root: Any, how: Encryption) -> Any:
    root = company.encrypted(root, how)
    sealed = company.find(root, "EncryptedAssertion")
    root.replace(sealed, how.element(sealed))
    return root


def in_extensions(root: Any, how: Encryption) -> Any:
    root = company.encrypted(root, how)
    extensions = etree.SubElement(root, "{urn:oasis:names:tc:SAML:2.0:protocol}Extensions")
    extensions.append(company.find(root, "EncryptedAssertion"))
    return root


def too_large(root: Any, how: Encryption) -> Any:
    return company.encrypted(root, replace(how, content=lambda text: text + b" " * 300_000))


FORGED = [
    unsigned,
    by_the_attacker,
    renamed,
    wrapped,
    in_the_signature,
    beside_a_plain_one,
    two_secrets,
    secret_in_secret,
    in_extensions,
    too_large,
]


@pytest.mark.parametrize("spoil", FORGED, ids=lambda spoil: spoil.__name__)
async def test_forged_secrets(spoil: Callable[[Any, Encryption], Any], people: People) -> None:
    """Anybody can encrypt for us: whoever does so without the company's signature is nobody."""
    await add(people)
    request = await leave(people)
    good = company.signed(company.response(request, "attacker", people.address()))
    found = await back(people, request["relay"], spoil(good, await ours(people)))
    assert found["error_code"] == "validation_failed", found
    assert (await people.service.get("/auth/v1/admin/users")).json()["users"] == []


async def test_a_secret_is_put_into_no_other_answer(people: People) -> None:
    """The whole is signed, and verified before anything is decrypted."""
    await add(people)
    request, how = await leave(people), await ours(people)
    root = company.signed(company.encrypted(company.response(request, "employee", people.address()), how), "whole")
    sealed = company.find(root, "EncryptedAssertion")
    evil = how.element(company.find(company.response(request, "victim", people.address()), "Assertion"))
    root.replace(sealed, evil)
    found = await back(people, request["relay"], root)
    assert found["error_description"] == "SAML Assertion is not valid: its signature is not the company's"


async def test_secrets_that_nobody_allowed(opened: Open) -> None:
    async with opened(saml=True) as people:
        metadata = (await people.anon.get("/auth/v1/sso/saml/metadata")).content
        assert company.keys_of(metadata, "encryption") == []
        found = await sent(people, Encryption(company.pair("signing")[0].public_key()))
        assert found["error_description"] == "SAML Assertion is not valid: it is encrypted, which is not accepted here"


# ---------------------------------------------------------------- the key


def test_the_key_is_kept(tmp_path: Path) -> None:
    (made,) = our_keys.open_keys(tmp_path)
    assert (tmp_path / our_keys.FILE).stat().st_mode & 0o777 == 0o600
    (again,) = our_keys.open_keys(tmp_path)
    assert our_keys.certificate(again) == our_keys.certificate(made)


@pytest.mark.parametrize("name", ["saml.pem", "saml.2.pem"])
@pytest.mark.parametrize("content", [b"", b"nonsense"])
def test_a_file_that_is_no_key(content: bytes, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigError, match=rf"{name}.*is no RSA private key"):
        our_keys.open_keys(tmp_path)


def test_one_key_takes_the_place_of_another(tmp_path: Path) -> None:
    """Both are published, and open what companies encrypt that know either."""
    (other,) = our_keys.open_keys(tmp_path / "elsewhere")
    first = published(our_keys.open_keys(tmp_path))
    pem = other.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "saml.2.pem").write_bytes(pem)
    both = our_keys.open_keys(tmp_path)
    second = published(reversed(both))
    for use in ("signing", "encryption"):
        assert len(company.keys_of(metadata.ours("us", "here", both, encrypted=True), use)) == 2
    assert [opens(both, known) for known in (first, second)] == [True, True]
    (tmp_path / "saml.2.pem").rename(tmp_path / our_keys.FILE)
    assert [opens(our_keys.open_keys(tmp_path), known) for known in (first, second)] == [False, True]


def published(keys: Iterable[RSAPrivateKey]) -> Any:
    """The first key that our metadata names."""
    return company.key_for(metadata.ours("us", "here", list(keys), encrypted=True))


def opens(keys: tuple[RSAPrivateKey, ...], known: Any) -> bool:
    """Whether an answer is read that a company encrypts for a key that it knows."""
    request = {"audience": "us", "consumer": "here", "request": "_r"}
    answer = company.encrypted(company.signed(company.response(request, "employee", "a@x.example")), Encryption(known))
    try:
        signed.assertion(etree.tostring(answer), [company.pair("signing")[1]], Recipient("us", keys))
    except AssertionInvalid:
        return False
    return True
