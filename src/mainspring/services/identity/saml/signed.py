"""What of an answer is signed by a company: everything else is thrown away before anybody looks at it.

Signature wrapping moves the signed part aside and puts another in its place. So: an answer holds one assertion and it is where it
belongs, no id occurs twice, a signature stands in the element that it signs and signs that element as a whole, and what is
read afterwards is parsed anew from the very bytes whose digest was signed. Where the whole is signed, that is verified before
anything is decrypted; what was signed by nobody is worth nothing, decrypted or not.
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
from mainspring.services.identity.saml.encrypted import Recipient, opened
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
_ENCRYPTED: Final = named("saml", "EncryptedAssertion")
_TRANSFORMS: Final = frozenset(
    {"http://www.w3.org/2000/09/xmldsig#enveloped-signature", "http://www.w3.org/2001/10/xml-exc-c14n#"}
)


def assertion(text: bytes, certificates: Sequence[Certificate], recipient: Recipient | None = None) -> Any:
    """The assertion in an answer, as it was signed; an encrypted one with a `recipient` only. Raises AssertionInvalid."""
    root = read(text)
    if root.tag != named("samlp", "Response"):
        raise AssertionInvalid("it is no answer")
    inside = _inside(root)
    whole = _signed(root, inside)
    if whole:
        inside = _inside(_verified(root, certificates))
    if inside.tag == _ENCRYPTED:
        inside = _opened(inside, recipient, vouched=whole)
    return inside if whole else _verified(inside, certificates)


def _inside(root: Any) -> Any:
    """The one assertion, encrypted or not, where it belongs."""
    everywhere = [*root.iter(named("saml", "Assertion"), _ENCRYPTED)]
    if len(everywhere) != 1:
        raise AssertionInvalid(f"it has {'no' if not everywhere else 'more than one'} Assertion")
    if everywhere[0].getparent() is not root:
        raise AssertionInvalid("its Assertion is not where it belongs")
    return everywhere[0]


def _signed(root: Any, inside: Any) -> bool:
    """Whether an answer is signed as a whole. Raises AssertionInvalid where anything else is than the whole or the assertion."""
    _check_ids(root)
    whole, part = root.findall("ds:Signature", NAMES), inside.findall("ds:Signature", NAMES)
    everywhere = root.findall(".//ds:Signature", NAMES)
    if len(whole) > 1 or len(part) > 1 or len(everywhere) != len(whole) + len(part):
        raise AssertionInvalid("it is not signed where it must be")
    return bool(whole)


def _opened(sealed: Any, recipient: Recipient | None, *, vouched: bool) -> Any:
    """What was encrypted, to be judged as if it had never been."""
    if recipient is None:
        raise AssertionInvalid("it is encrypted, which is not accepted here")
    found = opened(sealed, recipient, vouched=vouched)
    around = found.getparent()
    _inside(around)
    _signed(around, found)
    return found


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
