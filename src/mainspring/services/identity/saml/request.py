"""What we ask a company: to sign somebody in."""

from __future__ import annotations

import base64
import zlib
from urllib.parse import urlencode, urlsplit

from lxml import etree

from mainspring.services.identity.accounts import stamp
from mainspring.services.identity.saml.formats import PERSISTENT
from mainspring.services.identity.saml.metadata import Company
from mainspring.services.identity.saml.xml import NAMES, POST, named


def address(company: Company, request: str, relay: str, entity_id: str, consumer: str, name_format: str | None) -> str:
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
    said = urlencode({"SAMLRequest": base64.b64encode(body).decode(), "RelayState": relay})
    return f"{company.address}{'&' if urlsplit(company.address).query else '?'}{said}"
