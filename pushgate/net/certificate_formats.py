"""Certificates and private keys in bytes: what they are, or in a few words what is wrong with them.

Every function raises ValueError with the reason, which says nothing of a key's content.
"""

import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs12 import PKCS12KeyAndCertificates, load_pkcs12

from pushgate.model.text_file import UTF16, is_utf16, without_bom

_BEGIN: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----")
_CERTIFICATE: Final = re.compile(
    rb"-----BEGIN (?:X509 )?CERTIFICATE-----.*?(?:-----END (?:X509 )?CERTIFICATE-----|(?=-----BEGIN )|\Z)",
    re.DOTALL,
)
_PKCS12: Final = re.compile(rb"\x30(?:\x82..|\x83...|\x84....|\x80|.)\x02\x01\x03\x30", re.DOTALL)
_PRIME_FIELD: Final = bytes.fromhex("06072a8648ce3d0101")
"""The object identifier of a field's own prime: a curve that is written out, in place of its name."""
_RSA_PSS: Final = "1.2.840.113549.1.1.10"


def certificates_in(data: bytes) -> list[x509.Certificate]:
    """Return the certificates in PEM, in their order, at least one."""
    blocks = [match[0] for match in _CERTIFICATE.finditer(data)]
    if not blocks:
        raise ValueError(f"no certificate in PEM{_instead(data)}")
    found = []
    for number, block in enumerate(blocks, 1):
        try:
            found.append(x509.load_pem_x509_certificate(block))
        except ValueError:
            which = f"certificate {number} of {len(blocks)}" if len(blocks) > 1 else "the certificate"
            raise ValueError(f"{which} is damaged") from None
    return found


def private_key_in(data: bytes, password: bytes | None) -> Any:
    """Return the private key in PEM."""
    if not re.search(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----", data):
        raise ValueError(f"no private key in PEM{_instead(data)}")
    for each in _spellings(password):
        try:
            return load_pem_private_key(without_bom(data), each)
        except TypeError:
            why = "without a password" if password is not None else "with a password, and none is given"
            raise ValueError(f"a private key {why}") from None
        except (ValueError, UnsupportedAlgorithm):
            continue
    why = "the password is wrong, or it is damaged" if password is not None else "it is damaged"
    raise ValueError(f"no usable private key in PEM: {why}, or of a kind that is not known")


def bundle_in(data: bytes, password: bytes | None) -> PKCS12KeyAndCertificates:
    """Return what a PKCS #12 file holds.

    :param password: in UTF-8 or Latin-1. Programs differ in how they turn other letters than those of ASCII
        into the bytes that count.
    """
    for each in _spellings(password):
        try:
            return load_pkcs12(data, each)
        except (ValueError, TypeError, UnsupportedAlgorithm):  # TypeError: it is not UTF-8
            continue
    if _PKCS12.match(data):
        given = "the password is wrong" if password is not None else "it needs a password_file"
        raise ValueError(f"PKCS #12 that cannot be opened: {given}, or it is damaged")
    raise ValueError(f"not PKCS #12{_instead(data)}")


def _spellings(password: bytes | None) -> list[bytes | None]:
    """What a password may be: as it is, without the blanks around it, and each from Latin-1."""
    if password is None:
        return [None]
    plain = [password, password.strip()]
    return [*plain, *(each.decode("latin-1").encode() for each in plain)]


def leaf_first(certificates: Sequence[x509.Certificate], key: Any) -> list[x509.Certificate]:
    """Return the certificate of the key, then those that lead from it to its authority, then the others."""
    rest = list(certificates)
    try:
        leaf = next(each for each in rest if each.public_key() == key.public_key())
    except (StopIteration, ValueError, UnsupportedAlgorithm):
        raise ValueError("does not belong to the certificate") from None
    chain = []
    issuer: x509.Certificate | None = leaf
    while issuer is not None:
        rest.remove(issuer)
        chain.append(issuer)
        issuer = next((each for each in rest if each.subject == chain[-1].issuer), None)
    return chain + rest


def odd_kind(leaf: x509.Certificate) -> str | None:
    """Return what TLS has against this kind of key, where OpenSSL's own words do not say it."""
    if leaf.public_key_algorithm_oid.dotted_string == _RSA_PSS:
        return "an RSA-PSS key; must be a plain RSA or EC key"
    if _PRIME_FIELD in leaf.tbs_certificate_bytes:
        return "an EC key with explicit parameters; must be of a named curve"
    return None


def _instead(data: bytes) -> str:
    """Return what the bytes are instead, as the end of a sentence; "" when that is not known."""
    if not data.strip():
        return ": it is empty"
    if is_utf16(data):
        return f": {UTF16}"
    if labels := [label.decode() for label in _BEGIN.findall(data)]:
        return f": it holds {', '.join(dict.fromkeys(labels))}"
    if _PKCS12.match(data):
        return ": it is PKCS #12"
    if _loads(x509.load_der_x509_certificate, data):
        return ": it is a certificate in DER; `openssl x509 -inform der` makes PEM of it"
    if _loads(load_der_private_key, data, None):
        return ": it is a private key in DER; `openssl pkey -inform der` makes PEM of it"
    return ""


def _loads(load: Callable[..., object], *args: Any) -> bool:
    try:
        load(*args)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        return False
    return True
