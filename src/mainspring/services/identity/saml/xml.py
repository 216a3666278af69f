"""XML as strangers write it, read without following anything in it."""

from __future__ import annotations

from typing import Any, Final

from lxml import etree

from mainspring.errors import AssertionInvalid

MAX_BYTES: Final = 262_144
NAMES: Final = {
    "md": "urn:oasis:names:tc:SAML:2.0:metadata",
    "saml": "urn:oasis:names:tc:SAML:2.0:assertion",
    "samlp": "urn:oasis:names:tc:SAML:2.0:protocol",
    "ds": "http://www.w3.org/2000/09/xmldsig#",
    "xenc": "http://www.w3.org/2001/04/xmlenc#",
    "xenc11": "http://www.w3.org/2009/xmlenc11#",
}
REDIRECT: Final = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
POST: Final = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"


def parser() -> Any:
    """A parser that loads nothing, replaces no entity, and drops comments, so that they cannot cut texts in two."""
    return etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )


def read(text: bytes) -> Any:
    """The root of a document. Raises AssertionInvalid for what is none, is too large, or declares types."""
    if len(text) > MAX_BYTES or b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise AssertionInvalid("it is too large, or declares types")
    try:
        root = etree.fromstring(text, parser=parser())
    except (etree.XMLSyntaxError, ValueError):
        raise AssertionInvalid("it is no XML") from None
    if root is None or root.getroottree().docinfo.doctype:
        raise AssertionInvalid("it is no XML, or declares types")
    return root


def named(prefix: str, name: str) -> str:
    """A tag as the tree has it."""
    return f"{{{NAMES[prefix]}}}{name}"


def only(element: Any, path: str) -> Any:
    """The one element at a path. Raises AssertionInvalid."""
    found = element.findall(path, NAMES)
    if len(found) != 1:
        raise AssertionInvalid(f"it has {'no' if not found else 'more than one'} {path.rpartition('/')[2]}")
    return found[0]


def text(element: Any) -> str:
    """The text of an element that holds nothing else."""
    return "" if element is None or len(element) else (element.text or "").strip()


def written(root: Any) -> bytes:
    """An element as a document."""
    return bytes(etree.tostring(root, encoding="utf-8", xml_declaration=True))
