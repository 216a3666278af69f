"""What a company's metadata says: who it is, where people are sent, with which certificates it signs. And our own."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509 import Certificate, load_der_x509_certificate
from lxml import etree

from mainspring.errors import AssertionInvalid, BodyInvalid
from mainspring.services.identity.providers.configured import safe
from mainspring.services.identity.saml.encrypted import OAEP_WAY, WHOLE
from mainspring.services.identity.saml.formats import EMAIL, PERSISTENT
from mainspring.services.identity.saml.our_keys import certificate
from mainspring.services.identity.saml.xml import NAMES, POST, REDIRECT, named, only, read, text, written

_LEAST_RSA_BITS: Final = 2048


class Company(msgspec.Struct, frozen=True):
    """Who it is, where people are sent with a request, and its certificates."""

    entity_id: str
    address: str
    certificates: tuple[Certificate, ...]


def company(xml: str) -> Company:
    """What metadata says. Raises BodyInvalid."""
    try:
        root = read(xml.encode())
        if root.tag != named("md", "EntityDescriptor"):
            raise AssertionInvalid("it describes no entity")
        provider = only(root, "md:IDPSSODescriptor")
    except AssertionInvalid as error:
        raise BodyInvalid(f"SAML Metadata cannot be used: {error.reason}") from None
    entity = root.get("entityID") or ""
    services = provider.findall("md:SingleSignOnService", NAMES)
    places = [each.get("Location") or "" for each in services if each.get("Binding") == REDIRECT]
    if not entity or len(entity) > 1024:
        raise BodyInvalid("SAML Metadata does not contain an EntityID")
    if not places or not safe(places[0]):
        raise BodyInvalid("SAML Metadata names no SingleSignOnService with the HTTP-Redirect binding and https")
    keys = [each for each in provider.findall("md:KeyDescriptor", NAMES) if each.get("use", "signing") == "signing"]
    found = [cert for each in keys for cert in each.findall("ds:KeyInfo/ds:X509Data/ds:X509Certificate", NAMES)]
    certificates = tuple(_certificate(text(each)) for each in found[:10])
    if not certificates:
        raise BodyInvalid("SAML Metadata holds no certificate for signing")
    return Company(entity, places[0], certificates)


def _certificate(written_: str) -> Certificate:
    try:
        found = load_der_x509_certificate(base64.b64decode("".join(written_.split()), validate=True))
        key = found.public_key()
    except ValueError:
        raise BodyInvalid("SAML Metadata holds what is no certificate") from None
    if isinstance(key, rsa.RSAPublicKey) and key.key_size >= _LEAST_RSA_BITS:
        return found
    if isinstance(key, ec.EllipticCurvePublicKey):
        return found
    raise BodyInvalid("SAML Metadata holds a certificate whose key is too weak")


def ours(entity_id: str, consumer: str, private: Sequence[rsa.RSAPrivateKey], *, encrypted: bool) -> bytes:
    """Our metadata: who we are, where answers are sent, with which keys we sign, and if answers may be encrypted for them."""
    root = etree.Element(named("md", "EntityDescriptor"), nsmap={None: NAMES["md"]}, entityID=entity_id)
    role = etree.SubElement(
        root,
        named("md", "SPSSODescriptor"),
        AuthnRequestsSigned="true",
        WantAssertionsSigned="true",
        protocolSupportEnumeration=NAMES["samlp"],
    )
    for each in private:
        _describe(role, each, "signing")
    for about in [_describe(role, each, "encryption") for each in private] if encrypted else ():
        for way in (*sorted(WHOLE, reverse=True), OAEP_WAY):  # the best one first
            etree.SubElement(about, named("md", "EncryptionMethod"), Algorithm=way)
    for form in (EMAIL, PERSISTENT):
        etree.SubElement(role, named("md", "NameIDFormat")).text = form
    etree.SubElement(role, named("md", "AssertionConsumerService"), Binding=POST, Location=consumer, index="1", isDefault="true")
    return written(root)


def _describe(role: Any, private: rsa.RSAPrivateKey, use: str) -> Any:
    """What is said of a key, to which more can be added."""
    about = etree.SubElement(role, named("md", "KeyDescriptor"), use=use)
    info = etree.SubElement(about, named("ds", "KeyInfo"), nsmap={"ds": NAMES["ds"]})
    place = etree.SubElement(etree.SubElement(info, named("ds", "X509Data")), named("ds", "X509Certificate"))
    place.text = base64.b64encode(certificate(private)).decode()
    return about
