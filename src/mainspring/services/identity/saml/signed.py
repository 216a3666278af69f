"""What of an answer is signed by a company: everything else is thrown away before anybody looks at it.

Signature wrapping moves the signed part aside and puts another in its place. So: an answer holds one assertion and it is where it
belongs, no id occurs twice, a signature stands in the element that it signs and signs that element as a whole, and what is
read afterwards is parsed anew from the very bytes whose digest was signed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from cryptography.x509 import Certificate
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.exceptions import SignXMLException
from signxml.verifier import SignatureConfiguration, XMLVerifier

from mainspring.errors import AssertionInvalid
from mainspring.services.identity.saml.xml import NAMES, named, only, parser, read

_CONFIG: Final = SignatureConfiguration(
    location="./",
    expect_references=1,
    signature_methods=frozenset(
        {
            SignatureMethod.RSA_SHA256,
            SignatureMethod.RSA_SHA384,
            SignatureMethod.RSA_SHA512,
            SignatureMethod.ECDSA_SHA256,
            SignatureMethod.ECDSA_SHA384,
            SignatureMethod.ECDSA_SHA512,
        }
    ),
    digest_algorithms=frozenset({DigestAlgorithm.SHA256, DigestAlgorithm.SHA384, DigestAlgorithm.SHA512}),
    ignore_ambiguous_key_info=True,
)
_TRANSFORMS: Final = frozenset(
    {"http://www.w3.org/2000/09/xmldsig#enveloped-signature", "http://www.w3.org/2001/10/xml-exc-c14n#"}
)


def assertion(text: bytes, certificates: Sequence[Certificate]) -> Any:
    """The assertion in an answer, as it was signed. Raises AssertionInvalid."""
    root = read(text)
    if root.tag != named("samlp", "Response"):
        raise AssertionInvalid("it is no answer")
    if root.findall(".//saml:EncryptedAssertion", NAMES):
        raise AssertionInvalid("it is encrypted, which is not supported")
    everywhere = root.findall(".//saml:Assertion", NAMES)
    inside = only(root, "saml:Assertion")
    if len(everywhere) != 1:
        raise AssertionInvalid("it has more than one Assertion")
    _check_ids(root)
    signatures = root.findall(".//ds:Signature", NAMES)
    whole, part = root.findall("ds:Signature", NAMES), inside.findall("ds:Signature", NAMES)
    if not signatures or len(whole) > 1 or len(part) > 1 or len(signatures) != len(whole) + len(part):
        raise AssertionInvalid("it is not signed where it must be")
    if whole:
        return only(_verified(root, certificates), "saml:Assertion")
    return _verified(inside, certificates)


def _check_ids(root: Any) -> None:
    seen: set[str] = set()
    for element in root.iter(etree.Element):
        found = [value for name, value in element.attrib.items() if etree.QName(name).localname.lower() == "id"]
        if len(found) > 1 or seen.intersection(found):
            raise AssertionInvalid("an id occurs twice")
        seen.update(found)


def _verified(element: Any, certificates: Sequence[Certificate]) -> Any:
    """An element that is signed as a whole, parsed from what was signed."""
    identity = element.get("ID")
    signature = only(element, "ds:Signature")
    reference = only(only(signature, "ds:SignedInfo"), "ds:Reference")
    transforms = [each.get("Algorithm") for each in reference.findall("ds:Transforms/ds:Transform", NAMES)]
    if not identity or reference.get("URI") != f"#{identity}" or not 1 <= len(transforms) <= 2:
        raise AssertionInvalid("the signature is not that of the element in which it stands")
    if not _TRANSFORMS.issuperset(transforms) or signature.findall(".//ds:Object", NAMES):
        raise AssertionInvalid("the signature is made in a way that is not accepted")
    for certificate in certificates:
        try:
            found = XMLVerifier().verify(
                element, x509_cert=certificate, id_attribute="ID", expect_config=_CONFIG, parser=parser()
            )
        except (SignXMLException, ValueError, TypeError, KeyError, AttributeError, etree.LxmlError):
            continue
        signed = found.signed_xml if not isinstance(found, list) else None
        if signed is not None and signed.tag == element.tag and signed.get("ID") == identity:
            return signed
    raise AssertionInvalid("its signature is not the company's")
