"""Private RSA keys in the files of service accounts: what Google and Huawei know their senders by."""

from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

MIN_BITS: Final = 2048


def rsa_key(pem: str, advice: str) -> RSAPrivateKey:
    """The key in the field ``private_key`` of such a file: PEM without a password.

    :param advice: for an operator whose file is another one: where the right one is had.
    :raises ValueError: it holds none, or one that is shorter than 2048 bits, in words for an operator.
    """
    try:
        key = load_pem_private_key(pem.encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ValueError(f"private_key is no private key in PEM; {advice}") from None
    if not isinstance(key, RSAPrivateKey) or key.key_size < MIN_BITS:
        raise ValueError(f"private_key is no RSA key of {MIN_BITS} bits or more; {advice}")
    return key
