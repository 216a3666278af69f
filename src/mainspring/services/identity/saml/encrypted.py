"""What of an answer is encrypted for us (XML Encryption 1.1), opened.

That it could be opened proves nothing, since anybody can encrypt for us: what comes out must be signed, or stand in what is. In
which ways it may be encrypted is told, for it is there for all to read; whatever depends on our key has one answer. The content
is encrypted so that no bit of it can be changed (GCM); without that (CBC), only where the company has signed what is encrypted.
"""

from __future__ import annotations

import base64
import contextlib
import secrets
from collections.abc import Sequence
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from lxml import etree

from mainspring.errors import AssertionInvalid, shorten
from mainspring.services.identity.saml.xml import NAMES, only, read, text

_OLD, _NEW, _MORE = (
    "http://www.w3.org/2001/04/xmlenc#",
    "http://www.w3.org/2009/xmlenc11#",
    "http://www.w3.org/2001/04/xmldsig-more#",
)
WHOLE: Final = frozenset({f"{_NEW}aes{bits}-gcm" for bits in (128, 192, 256)})
CHANGEABLE: Final = frozenset({f"{_OLD}aes{bits}-cbc" for bits in (128, 192, 256)})
OAEP_WAY: Final = f"{_OLD}rsa-oaep-mgf1p"
_BYTES: Final = {way: int(way[-7:-4]) // 8 for way in WHOLE | CHANGEABLE}
_MASKS: Final = {
    f"{_NEW}mgf1sha1": hashes.SHA1(),
    f"{_NEW}mgf1sha256": hashes.SHA256(),
    f"{_NEW}mgf1sha384": hashes.SHA384(),
    f"{_NEW}mgf1sha512": hashes.SHA512(),
}
_DIGESTS: Final = {
    f"{NAMES['ds']}sha1": hashes.SHA1(),
    f"{_OLD}sha256": hashes.SHA256(),
    f"{_MORE}sha384": hashes.SHA384(),
    f"{_OLD}sha512": hashes.SHA512(),
}
_BLOCK: Final = 16
_NONCE: Final = 12
_MOST_KEYS: Final = 20


class Recipient(msgspec.Struct, frozen=True):
    """Who we are to those who encrypt: by what name, and with which keys."""

    entity_id: str
    private: tuple[RSAPrivateKey, ...]


def opened(sealed: Any, recipient: Recipient, *, vouched: bool) -> Any:
    """The assertion in an EncryptedAssertion. `vouched`: the company has signed what is encrypted. Raises AssertionInvalid."""
    data = only(sealed, "xenc:EncryptedData")
    way = _way(data)
    if way not in WHOLE and not (vouched and way in CHANGEABLE):
        raise AssertionInvalid(f"it is encrypted by {shorten(way, 100)}, accepted is AES-GCM")
    wrapped = _for_us(sealed, data, recipient.entity_id)
    padding = _padding(only(wrapped, "xenc:EncryptionMethod"))
    try:
        key = _key(recipient.private, padding, _bytes(wrapped), _BYTES[way])
        return _parsed(sealed, (_whole if way in WHOLE else _changeable)(key, _bytes(data)))
    except (AssertionInvalid, InvalidTag, ValueError):
        raise AssertionInvalid("it cannot be decrypted") from None


def _way(element: Any) -> str:
    return only(element, "xenc:EncryptionMethod").get("Algorithm") or ""


def _for_us(sealed: Any, data: Any, entity_id: str) -> Any:
    """The key of the content, encrypted for us: the one without a name, or with ours."""
    found = [*data.findall("ds:KeyInfo/xenc:EncryptedKey", NAMES), *sealed.findall("xenc:EncryptedKey", NAMES)]
    ours = [each for each in found[:_MOST_KEYS] if each.get("Recipient") in (None, entity_id)]
    if len(ours) != 1:
        raise AssertionInvalid("it is encrypted for somebody else, or not with one key")
    return ours[0]


def _padding(method: Any) -> OAEP:
    """How the key is encrypted: RSA-OAEP. The padding of old (RSA 1.5) tells too much to who tries."""
    way, digest, mask = method.get("Algorithm"), method.find("ds:DigestMethod", NAMES), method.find("xenc11:MGF", NAMES)
    by = _DIGESTS.get(f"{NAMES['ds']}sha1" if digest is None else digest.get("Algorithm"))
    masked = _MASKS.get(f"{_NEW}mgf1sha1" if mask is None else mask.get("Algorithm"))
    known = way == f"{_NEW}rsa-oaep" or (way == OAEP_WAY and mask is None)
    if not known or by is None or masked is None or method.find("xenc:OAEPparams", NAMES) is not None:
        raise AssertionInvalid(f"its key is encrypted by {shorten(way or '', 100)}, accepted is RSA-OAEP")
    return OAEP(MGF1(masked), by, None)


def _bytes(element: Any) -> bytes:
    return base64.b64decode("".join(text(only(element, "xenc:CipherData/xenc:CipherValue")).split()), validate=True)


def _key(ours: Sequence[RSAPrivateKey], padding: OAEP, wrapped: bytes, size: int) -> bytes:
    """The key of the content; or one that opens nothing, so that what is not for us fails where everything fails."""
    found = secrets.token_bytes(size)
    for private in ours:
        with contextlib.suppress(ValueError):
            opened = private.decrypt(wrapped, padding)
            found = opened if len(opened) == size else found
    return found


def _whole(key: bytes, content: bytes) -> bytes:
    return AESGCM(key).decrypt(content[:_NONCE], content[_NONCE:], None)


def _changeable(key: bytes, content: bytes) -> bytes:
    begun = Cipher(AES(key), CBC(content[:_BLOCK])).decryptor()
    padded = begun.update(content[_BLOCK:]) + begun.finalize()
    if not padded or not 1 <= padded[-1] <= _BLOCK:
        raise ValueError
    return padded[: -padded[-1]]


def _parsed(sealed: Any, content: bytes) -> Any:
    """What was encrypted, read where it stood: the prefixes of its surroundings hold in it, nothing else of them does."""
    around = etree.tostring(etree.Element("around", nsmap=sealed.nsmap)).removesuffix(b"/>")
    root = read(b"%s>%s</around>" % (around, content))
    if len(root) != 1 or (root.text or "").strip() or (root[0].tail or "").strip():
        raise AssertionInvalid("it holds something else")
    return only(root, "saml:Assertion")
