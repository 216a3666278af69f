"""Our keys towards companies: files of the key folder, and the certificates in which companies look for them.

`saml.pem` is made where there is none; it signs what we ask. Others, such as `saml.2.pem`, are there while one takes the place of
another: all of them are published and open what is encrypted. A certificate is the same each time that it is made, and by every
process, so that it need not be kept.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from mainspring.errors import ConfigError, Mistake
from mainspring.services.identity.keys.folder import publish, unreadable

FILE: Final = "saml.pem"
OTHERS: Final = "saml.?*.pem"
_BITS: Final = 3072
_LEAST_BITS: Final = 2048
_BEGINS, _ENDS = datetime(2020, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
"""RFC 5280, 4.1.2.5: the end of a certificate that has none."""


def open_keys(folder: Path) -> tuple[rsa.RSAPrivateKey, ...]:
    """The keys in `folder`, the first made where there is none. Raises ConfigError."""
    path = folder / FILE
    try:
        if not path.exists():
            made = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
            publish(path, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        others = sorted(folder.glob(OTHERS))
    except OSError as error:
        raise unreadable(path, error) from error
    return tuple(_read(each) for each in (path, *others))


def _read(path: Path) -> rsa.RSAPrivateKey:
    try:
        found = load_pem_private_key(path.read_bytes(), password=None)
    except OSError as error:
        raise unreadable(path, error) from error
    except (ValueError, TypeError, UnsupportedAlgorithm):
        found = None
    if not isinstance(found, rsa.RSAPrivateKey) or found.key_size < _LEAST_BITS:
        hint = "restore it from a backup, or remove it to have a new one made (companies then read our metadata anew)"
        raise ConfigError([Mistake(str(path), "is no RSA private key of 2048 bits or more in PEM form", hint)])
    return found


def certificate(private: rsa.RSAPrivateKey) -> bytes:
    """The key in a certificate (DER), signed by itself; companies look at nothing in it but the key."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Mainspring SAML")])
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(private.public_key())
    builder = builder.serial_number(1).not_valid_before(_BEGINS).not_valid_after(_ENDS)
    return builder.sign(private, hashes.SHA256()).public_bytes(Encoding.DER)
