"""What we ask a company: to sign somebody in. Each request is signed, as GoTrue does: some companies take no others."""

from __future__ import annotations

import base64
import zlib
from typing import Final
from urllib.parse import urlencode, urlsplit

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from lxml import etree

from mainspring.services.identity.accounts import stamp
from mainspring.services.identity.saml.formats import PERSISTENT
from mainspring.services.identity.saml.metadata import Company
from mainspring.services.identity.saml.xml import NAMES, POST, named

_RSA_SHA256: Final = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"


def address(
    company: Company,
    request: str,
    relay: str,
    entity_id: str,
    consumer: str,
    name_format: str | None,
    private: RSAPrivateKey,
) -> str:
    """Where somebody is sent with a request (HTTP-Redirect binding)."""
    root = etree.Element(
        named("samlp", "AuthnRequest"),
        nsmap={"samlp": NAMES["samlp"], "saml": NAMES["saml"]},
        ID=request,
        Version="2.0",
        IssueInstant=stamp()[:19] + "Z",
        Destination=company.address,
        AssertionConsumerServiceURL=consumer,
        ProtocolBinding=POST,
    )
    etree.SubElement(root, named("saml", "Issuer")).text = entity_id
    etree.SubElement(root, named("samlp", "NameIDPolicy"), Format=name_format or PERSISTENT, AllowCreate="true")
    packed = zlib.compressobj(wbits=-15)
    body = packed.compress(etree.tostring(root)) + packed.flush()
    said = _signed({"SAMLRequest": base64.b64encode(body).decode(), "RelayState": relay}, private)
    return f"{company.address}{'&' if urlsplit(company.address).query else '?'}{said}"


def _signed(said: dict[str, str], private: RSAPrivateKey) -> str:
    """The parameters and a signature of the very text that they are sent as (SAML 2.0 bindings, 3.4.4.1)."""
    text = urlencode({**said, "SigAlg": _RSA_SHA256})
    signature = base64.b64encode(private.sign(text.encode(), PKCS1v15(), SHA256())).decode()
    return f"{text}&{urlencode({'Signature': signature})}"
