"""A company's identity provider: metadata, and answers that are really signed, whole or spoiled."""

from __future__ import annotations

import base64
import secrets
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PKCS1v15
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.x509.oid import NameOID
from lxml import etree
from signxml.signer import XMLSigner

ENTITY = "https://idp.example/entity"
ADDRESS = "https://idp.example/sso"
SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
_SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
XENC = "http://www.w3.org/2001/04/xmlenc#"
XENC11 = "http://www.w3.org/2009/xmlenc11#"
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
    """What a request says: its address, its id, our names, and the relay state."""
    said = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
    root = etree.fromstring(zlib.decompress(base64.b64decode(said["SAMLRequest"]), wbits=-15))
    return {
        "url": url,
        "request": root.get("ID"),
        "consumer": root.get("AssertionConsumerServiceURL"),
        "audience": root.findtext(f"{{{SAML}}}Issuer"),
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
        "id": f"_assertion{said.get('in_response_to', request['request'])}",
        "issued": _time(0),
        **said,
    }
    answers = "" if told["in_response_to"] is None else f'InResponseTo="{told["in_response_to"]}"'
    mail = ""
    if email is not None:
        mail = f'<saml:Attribute Name="email"><saml:AttributeValue>{email}</saml:AttributeValue></saml:Attribute>'
    return etree.fromstring(
        f"""<samlp:Response xmlns:samlp="{_SAMLP}" xmlns:saml="{SAML}" ID="_response" Version="2.0" IssueInstant="{_time(0)}">
<saml:Issuer>{told["issuer"]}</saml:Issuer><samlp:Status><samlp:StatusCode Value="urn:oasis:names:tc:SAML:2.0:status:Success"/>
</samlp:Status><saml:Assertion ID="{told["id"]}" Version="2.0" IssueInstant="{told["issued"]}">
<saml:Issuer>{told["issuer"]}</saml:Issuer><saml:Subject><saml:NameID Format="{told["format"]}">{name}</saml:NameID>
<saml:SubjectConfirmation Method="urn:oasis:names:tc:SAML:2.0:cm:bearer"><saml:SubjectConfirmationData
 {answers} NotOnOrAfter="{told["ends"]}" Recipient="{told["recipient"]}"/>
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
    inside = root.find(f"{{{SAML}}}Assertion")
    place = root.index(inside)
    done = signer.sign(inside, key=key, cert=pem, reference_uri=inside.get("ID"), id_attribute="ID")
    root.remove(inside)
    root.insert(place, done)
    return root


def keys_of(metadata_xml: bytes, use: str) -> list[Any]:
    """The keys that metadata names for a use: to encrypt answers, or to verify requests (signing)."""
    described = etree.fromstring(metadata_xml).findall(".//{*}KeyDescriptor")
    texts = [find(about, "X509Certificate").text for about in described if about.get("use") == use]
    return [x509.load_der_x509_certificate(base64.b64decode(text)).public_key() for text in texts]


def key_for(metadata_xml: bytes) -> Any:
    """The key for which answers may be encrypted, by the metadata of who gets them."""
    return keys_of(metadata_xml, "encryption")[0]


def verified(url: str, key: Any) -> bool:
    """Whether a request is signed with a key, as the binding has it: over the text of its parameters, in their order."""
    parts = dict(part.partition("=")[::2] for part in urlsplit(url).query.split("&"))
    assert unquote(parts["SigAlg"]) == "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"
    text = "&".join(f"{name}={parts[name]}" for name in ("SAMLRequest", "RelayState", "SigAlg") if name in parts)
    try:
        key.verify(base64.b64decode(unquote(parts["Signature"])), text.encode(), PKCS1v15(), hashes.SHA256())
    except InvalidSignature:
        return False
    return True


OAEP_SHA1 = OAEP(MGF1(hashes.SHA1()), hashes.SHA1(), None)


@dataclass(frozen=True)
class Encryption:
    """How an answer's assertion is encrypted, well or badly."""

    key: Any
    way: str = f"{XENC11}aes256-gcm"
    wrap: str = f"{XENC}rsa-oaep-mgf1p"
    padding: Any = field(default_factory=lambda: OAEP_SHA1)
    method: str = ""
    recipient: str = ""
    beside: bool = False
    content: Callable[[bytes], bytes] = bytes
    secret: bytes = b""

    def sealed(self, content: bytes, secret: bytes) -> bytes:
        iv = secrets.token_bytes(12 if self.way.endswith("gcm") else 16)
        if self.way.endswith("gcm"):
            return iv + AESGCM(secret).encrypt(iv, content, None)
        padded = content + bytes(15 - len(content) % 16) + bytes([16 - len(content) % 16])
        done = Cipher(AES(secret), CBC(iv)).encryptor()
        return iv + done.update(padded) + done.finalize()

    def element(self, inside: Any) -> Any:
        """The EncryptedAssertion in the place of an assertion."""
        secret = self.secret or secrets.token_bytes(int(self.way[-7:-4]) // 8)
        content = self.content(etree.tostring(inside))
        wrapped = self.key.encrypt(secret, self.padding)
        recipient = f' Recipient="{self.recipient}"' if self.recipient else ""
        key = f"""<xenc:EncryptedKey{recipient}>
<xenc:EncryptionMethod Algorithm="{self.wrap}">{self.method}</xenc:EncryptionMethod><xenc:CipherData>
<xenc:CipherValue>{base64.encodebytes(wrapped).decode()}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedKey>"""
        return etree.fromstring(
            f"""<saml:EncryptedAssertion xmlns:saml="{SAML}" xmlns:xenc="{XENC}" xmlns:xenc11="{XENC11}" xmlns:ds="{DS[1:-1]}">
<xenc:EncryptedData Type="{XENC}Element"><xenc:EncryptionMethod Algorithm="{self.way}"/>
<ds:KeyInfo>{"" if self.beside else key}</ds:KeyInfo><xenc:CipherData><xenc:CipherValue>
{base64.encodebytes(self.sealed(content, secret)).decode()}</xenc:CipherValue></xenc:CipherData></xenc:EncryptedData>
{key if self.beside else ""}</saml:EncryptedAssertion>"""
        )


def encrypted(root: Any, how: Encryption) -> Any:
    """The answer with its assertion encrypted."""
    inside = root.find(f"{{{SAML}}}Assertion")
    inside.getparent().replace(inside, how.element(inside))
    return root


def encoded(root: Any) -> str:
    """The answer as a form holds it."""
    return base64.b64encode(root if isinstance(root, bytes) else etree.tostring(root)).decode()


def find(root: Any, name: str) -> Any:
    """The first element of this name below `root`."""
    return next(each for each in root.iter(etree.Element) if etree.QName(each).localname == name)
