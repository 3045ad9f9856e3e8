"""MDM push certificates."""

from datetime import UTC, datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import NameOID


def mdm_certificate(file, uid, authority=None):
    """An MDM push certificate with its key.

    :param authority: the folder of the push service's `Certificates`; None: it is signed by its own key.
    """
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [x509.NameAttribute(NameOID.USER_ID, uid), x509.NameAttribute(NameOID.COMMON_NAME, "APSP:1")]
    )
    now = datetime.now(UTC)
    issuer, signing = name, key
    if authority is not None:
        issuer = x509.load_pem_x509_certificate((authority / "ca.pem").read_bytes()).subject
        signing = load_pem_private_key((authority / "ca.key").read_bytes(), None)
    made = (
        x509.CertificateBuilder(issuer, name, key.public_key(), 1, now - timedelta(1), now + timedelta(9))
        .add_extension(x509.BasicConstraints(False, None), True)
        .sign(signing, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(made.public_bytes(Encoding.PEM) + secret)
