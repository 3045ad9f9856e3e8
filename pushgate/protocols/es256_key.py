"""Private keys for ES256 (RFC 7518 3.4): what Apple and Web Push know their senders by."""

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key


def es256_key(data: bytes, advice: str) -> EllipticCurvePrivateKey:
    """The private key in a PEM file without a password.

    :param advice: for an operator whose file is another one: where the right one is had.
    :raises ValueError: it holds none, or one on another curve than P-256, in words for an operator.
    """
    try:
        key = load_pem_private_key(data, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError(f"holds no private key in PEM; {advice}") from None
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise ValueError(f"the key is not on the curve P-256; {advice}")
    return key
