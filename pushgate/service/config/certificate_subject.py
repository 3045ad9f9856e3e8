"""The subject of a certificate, in the one form in which subjects are compared."""

from typing import Final

from cryptography import x509
from cryptography.x509.oid import NameOID

SUBJECT_RULE: Final = "a subject as RFC 4514 writes it, without blanks beside , and =: CN=shop,O=Example"
_NAMES: Final = {
    "emailAddress": NameOID.EMAIL_ADDRESS,
    "serialNumber": NameOID.SERIAL_NUMBER,
    "GN": NameOID.GIVEN_NAME,
    "SN": NameOID.SURNAME,
}
"""Attributes beyond those of RFC 4514, as OpenSSL writes them."""


def subject(text: str) -> str:
    """A certificate's subject in the one form in which subjects are compared.

    :param text: as RFC 4514 writes it: ``"CN=shop,O=Example"``, without spaces after commas.
    :raises ValueError: it is not such a name.
    """
    name = x509.Name.from_rfc4514_string(text, _NAMES)
    if not name.rdns:
        raise ValueError("empty")
    return name.rfc4514_string()


def is_subject(text: str) -> bool:
    """Whether it is a subject that `subject` takes."""
    try:
        subject(text)
    except ValueError:
        return False
    return True
