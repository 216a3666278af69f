"""A company's identity provider: metadata, and answers that are really signed, whole or spoiled."""

from __future__ import annotations

import base64
import zlib
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.signer import XMLSigner

ENTITY = "https://idp.example/entity"
ADDRESS = "https://idp.example/sso"
_SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
_SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
DS = "{http://www.w3.org/2000/09/xmldsig#}"
EMAIL_FORMAT = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"


@cache
def pair(name: str) -> tuple[rsa.RSAPrivateKey, x509.Certificate]:
    """A key and its certificate, made once."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    at = datetime.now(UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(subject).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(at - timedelta(days=1)).not_valid_after(at + timedelta(days=365))
    return key, builder.sign(key, hashes.SHA256())


def metadata(entity: str = ENTITY, address: str = ADDRESS, certificate: x509.Certificate | None = None) -> str:
    """What the company says of itself."""
    der = (certificate or pair("signing")[1]).public_bytes(serialization.Encoding.DER)
    return f"""<md:EntityDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" entityID="{entity}">
<md:IDPSSODescriptor protocolSupportEnumeration="{_SAMLP}"><md:KeyDescriptor use="signing">
<ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:X509Data><ds:X509Certificate>{base64.b64encode(der).decode()}
</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>
<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="{address}"/>
</md:IDPSSODescriptor></md:EntityDescriptor>"""


def asked(url: str) -> dict[str, str]:
    """What a request says: its id, our names, and the relay state."""
    said = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    root = etree.fromstring(zlib.decompress(base64.b64decode(said["SAMLRequest"]), wbits=-15))
    return {
        "request": root.get("ID"),
        "consumer": root.get("AssertionConsumerServiceURL"),
        "audience": root.findtext(f"{{{_SAML}}}Issuer"),
        "format": root.find(f"{{{_SAMLP}}}NameIDPolicy").get("Format"),
        "relay": said["RelayState"],
        "to": url.partition("?")[0],
    }


def _time(seconds: float) -> str:
    return (datetime.now(UTC) + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")


def response(request: dict[str, str], name: str, email: str | None = None, **said: Any) -> Any:
    """An answer that is not signed yet; `said` spoils it."""
    told = {
        "issuer": ENTITY,
        "audience": request["audience"],
        "recipient": request["consumer"],
        "in_response_to": request["request"],
        "format": PERSISTENT,
        "begins": _time(-10),
        "ends": _time(300),
        "extra": "",
        **said,
    }
    mail = ""
    if email is not None:
        mail = f'<saml:Attribute Name="email"><saml:AttributeValue>{email}</saml:AttributeValue></saml:Attribute>'
    return etree.fromstring(
        f"""<samlp:Response xmlns:samlp="{_SAMLP}" xmlns:saml="{_SAML}" ID="_response" Version="2.0" IssueInstant="{_time(0)}">
<saml:Issuer>{told["issuer"]}</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/>
</samlp:Status><saml:Assertion ID="_assertion{told["in_response_to"]}" Version="2.0" IssueInstant="{_time(0)}">
<saml:Issuer>{told["issuer"]}</saml:Issuer><saml:Subject><saml:NameID Format="{told["format"]}">{name}</saml:NameID>
<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData
 InResponseTo="{told["in_response_to"]}" NotOnOrAfter="{told["ends"]}" Recipient="{told["recipient"]}"/>
</saml:SubjectConfirmation></saml:Subject>
<saml:Conditions NotBefore="{told["begins"]}" NotOnOrAfter="{told["ends"]}"><saml:AudienceRestriction>
<saml:Audience>{told["audience"]}</saml:Audience></saml:AudienceRestriction></saml:Conditions>
<saml:AuthnStatement AuthnInstant="{_time(0)}"/><saml:AttributeStatement>{mail}{told["extra"]}</saml:AttributeStatement>
</saml:Assertion></samlp:Response>"""
    )


def signed(root: Any, part: str = "assertion", by: str = "signing", **how: Any) -> Any:
    """The answer with its assertion, or the whole of it, signed."""
    key, certificate = pair(by)
    signer = XMLSigner(c14n_algorithm="http://www.w3.org/2001/10/xml-exc-c14n#", **how)
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    if part == "whole":
        return signer.sign(root, key=key, cert=pem, reference_uri=root.get("ID"), id_attribute="ID")
    inside = root.find(f"{{{_SAML}}}Assertion")
    place = root.index(inside)
    done = signer.sign(inside, key=key, cert=pem, reference_uri=inside.get("ID"), id_attribute="ID")
    root.remove(inside)
    root.insert(place, done)
    return root


def encoded(root: Any) -> str:
    """The answer as a form holds it."""
    return base64.b64encode(root if isinstance(root, bytes) else etree.tostring(root)).decode()


def find(root: Any, name: str) -> Any:
    """The first element of this name below `root`."""
    return next(each for each in root.iter(etree.Element) if etree.QName(each).localname == name)
